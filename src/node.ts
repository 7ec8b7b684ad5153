export { requestDevice, type DeviceOptions } from './gpu/device.ts';
export { checkpoints } from './node/checkpoints.ts';
export { folder } from './node/folder.ts';
export { kernelFiles } from './node/kernelFiles.ts';
export { waitQuietly } from './node/quietWaits.ts';
export { recordings, type RecordingsFolder, type RecordingsOptions } from './node/recordings.ts';
export { textFiles } from './node/textFiles.ts';
export type { Checkpoints, CheckpointsOptions } from './train/checkpoints/checkpointFiles.ts';
