/** Bytes that a device binds as one buffer at most. */
export const largestBinding = ({ limits }: GPUDevice): number =>
  Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
