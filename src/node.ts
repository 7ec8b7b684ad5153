export { requestDevice, type DeviceOptions } from './gpu/device.ts';
export { folder } from './node/folder.ts';
export { kernelFiles } from './node/kernelFiles.ts';
