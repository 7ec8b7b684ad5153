/** Calls of WebGPU's methods while something ran; and `bytesCopied` from buffer to buffer. */
export type Calls = Record<string, number>;

const watched: readonly (readonly [string, string])[] = [
  ['GPUDevice', 'createBuffer'],
  ['GPUDevice', 'createBindGroup'],
  ['GPUDevice', 'createComputePipeline'],
  ['GPUDevice', 'createComputePipelineAsync'],
  ['GPUDevice', 'createShaderModule'],
  ['GPUQueue', 'submit'],
  ['GPUQueue', 'writeBuffer'],
  ['GPUComputePassEncoder', 'dispatchWorkgroups'],
  ['GPUComputePassEncoder', 'dispatchWorkgroupsIndirect'],
  ['GPUCommandEncoder', 'beginComputePass'],
  ['GPUCommandEncoder', 'copyBufferToBuffer'],
  ['GPUBuffer', 'mapAsync'],
];

/** The prototype that a device's objects share, found from one of them: Node has no global classes. */
export function prototypes(device: GPUDevice): Record<string, Record<string, (...args: unknown[]) => unknown>> {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const buffer = device.createBuffer({ size: 4, usage: 0x80 });
  pass.end();
  encoder.finish();
  buffer.destroy();
  const of = (object: object) => Object.getPrototypeOf(object) as Record<string, (...args: unknown[]) => unknown>;
  return {
    GPUDevice: of(device),
    GPUQueue: of(device.queue),
    GPUCommandEncoder: of(encoder),
    GPUComputePassEncoder: of(pass),
    GPUBuffer: of(buffer),
  };
}

/** Does work while no time passes by the clock that says when a snapshot is due: it would be among what is counted. */
export async function withoutSnapshots<T>(work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => 0;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

/** Wraps WebGPU's prototypes while `work` runs, and counts. */
export async function counting(device: GPUDevice, work: () => Promise<void>): Promise<Calls> {
  const owners = prototypes(device);
  const calls: Calls = { bytesCopied: 0 };
  const restore: (() => void)[] = [];
  for (const [kind, method] of watched) {
    const owner = owners[kind];
    const original = owner[method];
    calls[method] = 0;
    owner[method] = function (this: unknown, ...args: unknown[]): unknown {
      calls[method]++;
      if (method === 'copyBufferToBuffer') calls['bytesCopied'] += args[4] as number;
      return original.apply(this, args);
    };
    restore.push(() => (owner[method] = original));
  }
  try {
    await withoutSnapshots(work);
  } finally {
    for (const undo of restore) undo();
  }
  return calls;
}
