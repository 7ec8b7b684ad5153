import { vi } from 'vitest';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  requestDevice,
  sgd,
  take,
  type Trainer,
  type LossOptions,
} from '../../src/index.ts';
import type { BackendName } from '../../src/core/places.ts';
import { Heap } from '../../src/wasm/heap.ts';
import { compileModule, sharedMemory } from '../../src/wasm/machine.ts';
import { sharedDevice } from '../support/device.ts';
import { limited } from '../support/otherDevice.ts';
import { withGlobals, type Case } from '../support/provoke.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(64, 3);
const first4 = take(set, 0, 4);

const trainerOn = (device: GPUDevice, options: Partial<LossOptions> = {}): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: sgd(),
    batchSize: 4,
    device,
    data: set,
    ...options,
  });

/** A platform whose WebGPU offers this adapter. */
const withAdapter = (adapter: unknown, work: () => Promise<unknown>) => () =>
  withGlobals({ globals: { navigator: { gpu: { requestAdapter: async () => adapter } } } }, work);

const adapter = {
  info: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe' },
  features: new Set<string>(),
  limits: {},
  requestDevice: () => Promise.reject(new Error('out of memory')),
};

/** The package is there, but not all that it needs. */
async function withBrokenPackage(): Promise<unknown> {
  const create = (): never => {
    throw new Error('libvulkan.so.1: cannot open shared object file\nsecond line');
  };
  vi.doMock('webgpu', () => ({ create }));
  try {
    return await withGlobals({ globals: { navigator: {} } }, () => requestDevice());
  } finally {
    vi.doUnmock('webgpu');
  }
}

/** As in an engine from before 2021. */
const withoutVectors = (): Promise<unknown> =>
  withGlobals({ globals: { WebAssembly: { compile: () => Promise.reject(new Error('invalid value type')) } } }, () =>
    compileModule(),
  );

/** As where many trainers were never destroyed. */
const withoutAddresses = (): Promise<unknown> => {
  const Memory = function (): never {
    throw new RangeError('could not allocate memory');
  };
  return withGlobals({ globals: { WebAssembly: { Memory } } }, async () => sharedMemory());
};

/** As in a browser without WebGPU, where nothing can be imported either. */
function withoutPlatform(): Promise<unknown> {
  const { process } = globalThis;
  return withGlobals({ globals: { navigator: {} } }, () => {
    // Node is told from a browser by it. It is gone only until the first await.
    Reflect.deleteProperty(globalThis, 'process');
    const requested = requestDevice();
    globalThis.process = process;
    return requested;
  });
}

const KIB = 1024;

/** 512 KiB of a parameter, and 1 MiB of activations, for a device that binds less. */
const tooLarge = (binding: number) => async (): Promise<Trainer> =>
  trainerOn(await limited({ maxStorageBufferBindingSize: binding }), { model: linear(2, 64 * KIB) });

const tooManyBuffers = async (): Promise<Trainer> =>
  trainerOn(await limited({ maxStorageBuffersPerShaderStage: 4 }), { optimizer: adam() });

/** The shared device, as if an allocation failed. */
async function exhausted(): Promise<GPUDevice> {
  const device = await sharedDevice();
  return new Proxy(device, {
    get(target, name) {
      if (name === 'popErrorScope') {
        return async () => (await target.popErrorScope()) ?? new GPUOutOfMemoryErrorOfTest();
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

class GPUOutOfMemoryErrorOfTest {
  readonly message = 'out of memory';
}

const lostIn = (work: (trainer: Trainer, lose: () => void) => Promise<unknown>) => async () => {
  const device = await requestDevice();
  const trainer = await trainerOn(device);
  try {
    return await work(trainer, () => device.destroy());
  } finally {
    trainer.destroy();
  }
};

async function loseInFit(trainer: Trainer, lose: () => void): Promise<void> {
  for await (const { step } of trainer.fit(set, { steps: 1000 })) if (step === 3) lose();
}

/** Another device comes, but the set is no longer what it was. */
async function changedSince(): Promise<unknown> {
  const device = await requestDevice();
  const trainer = await trainerOn(device, { onDeviceLost: () => requestDevice() });
  const point = Float32Array.of(0, 0, 1, 1, 0, 1, 1, 0);
  const own = dataset({ point: { data: point, shape: [2] }, label: Uint8Array.of(0, 0, 1, 1) });
  try {
    await trainer.evaluate(own);
    point[0] = 2;
    device.destroy();
    return await trainer.evaluate(own);
  } catch (error) {
    throw (error as Error).cause;
  } finally {
    trainer.destroy();
  }
}

/** A trainer of a device that others use too, and that throws at any error it is told of. */
const alive = (work: (trainer: Trainer) => Promise<unknown>, backend: BackendName) => async () =>
  work(await trainerOn(await sharedDevice(), { backend }));

async function destroyInFit(trainer: Trainer): Promise<void> {
  for await (const { step } of trainer.fit(set, { steps: 1000 })) if (step === 3) trainer.destroy();
}

function destroyDuring(trainer: Trainer, work: () => Promise<unknown>): Promise<unknown> {
  const working = work();
  trainer.destroy();
  return working;
}

async function fitAfterDestroy(trainer: Trainer): Promise<unknown> {
  trainer.destroy();
  return trainer.fit(set).next();
}

const DESTROYED = '[trainer] it was destroyed';

export const device: readonly Case[] = [
  ['[memory] <what> needs', async () => trainerOn(await exhausted())],
  ['[memory] <what> needs', async () => trainerOn(await sharedDevice(), { memoryLimit: 4096 })],
  ['[memory] parameter', tooLarge(511 * KIB)],
  ['[device] no WebGPU here', withoutPlatform],
  ["[device] the package 'webgpu'", withBrokenPackage],
  ['[device] WebGPU found no adapter', withAdapter(null, () => requestDevice())],
  ['[device] the only adapter', withAdapter(adapter, () => requestDevice({ hardwareOnly: true }))],
  ['[device] <adapter> refused', withAdapter(adapter, () => requestDevice())],
  ['[device] <adapter> was lost', lostIn(loseInFit)],
  [
    '[device] <adapter> was lost',
    lostIn(async (trainer, lose) => {
      lose();
      return trainer.evaluate(set);
    }),
  ],
  ['[data] the array of "<name>" is no longer', changedSince],
  ['[wasm] WebAssembly with SIMD', withoutVectors],
  ['[wasm] the engine gives', withoutAddresses],
  [
    '[memory] WebAssembly has no room',
    () => new Heap(new WebAssembly.Memory({ initial: 1 }), 0).allocate('m', 2 ** 32),
  ],
  ...(['webgpu', 'wasm', 'cpu'] as const).flatMap((backend): Case[] => [
    [DESTROYED, alive(destroyInFit, backend)],
    [DESTROYED, alive((trainer) => destroyDuring(trainer, () => trainer.evaluate(set)), backend)],
    [DESTROYED, alive((trainer) => destroyDuring(trainer, () => trainer.verify(first4)), backend)],
    [DESTROYED, alive(fitAfterDestroy, backend)],
  ]),
  ['[memory] "<what>" needs', tooLarge(768 * KIB)],
  ['[compile]', tooManyBuffers],
];
