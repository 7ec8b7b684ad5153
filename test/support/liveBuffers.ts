import { prototypes, withoutSnapshots } from './counting.ts';

/** Does work with the set of all GPU buffers that were made since it began, and were not destroyed yet. */
export async function withLiveBuffers<T>(
  device: GPUDevice,
  work: (live: ReadonlySet<GPUBuffer>) => Promise<T>,
): Promise<T> {
  const { GPUDevice: maker, GPUBuffer: made } = prototypes(device);
  const { createBuffer } = maker;
  const { destroy } = made;
  const live = new Set<GPUBuffer>();
  maker['createBuffer'] = function (this: unknown, ...args: unknown[]): unknown {
    const buffer = createBuffer.apply(this, args) as GPUBuffer;
    live.add(buffer);
    return buffer;
  };
  made['destroy'] = function (this: unknown, ...args: unknown[]): unknown {
    live.delete(this as GPUBuffer);
    return destroy.apply(this, args);
  };
  try {
    return await withoutSnapshots(() => work(live));
  } finally {
    maker['createBuffer'] = createBuffer;
    made['destroy'] = destroy;
  }
}
