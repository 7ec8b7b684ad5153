import {
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  pictureBuffer,
  sgd,
  take,
  type LossOptions,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { limited } from '../support/otherDevice.ts';
import type { Case } from '../support/provoke.ts';

const [STORAGE, COPY_DST] = [0x80, 0x8];
const target = { data: new Float32Array(4), shape: [1] };

/** A set with a field in a buffer. */
const hosted =
  (work: (set: ReturnType<typeof dataset>) => unknown, made: object = {}, more: object = {}): Case[1] =>
  async () => {
    const buffer = (await sharedDevice()).createBuffer({ size: 32, usage: STORAGE | COPY_DST, ...made });
    try {
      return await work(dataset({ x: { buffer, shape: [2], ...more }, target }));
    } finally {
      buffer.destroy();
    }
  };

const trained =
  (options: () => Partial<LossOptions> | Promise<Partial<LossOptions>>) =>
  async (set: ReturnType<typeof dataset>): Promise<unknown> => {
    const own = await options();
    const trainer = await createTrainer({
      model: linear(2, 1),
      loss: meanSquaredError,
      optimizer: sgd(),
      batchSize: 2,
      data: set,
      ...own,
    });
    return trainer.fit(set, { steps: 1 });
  };

const pictured =
  (usage: number, format: GPUTextureFormat): Case[1] =>
  async () => {
    const device = await sharedDevice();
    const pictures = await pictureBuffer(device, { shape: [4, 4, 1] });
    pictures.encode(device.createCommandEncoder(), device.createTexture({ size: [4, 4], format, usage }));
  };

export const host: readonly Case[] = [
  ['[pictureBuffer] the texture has not', pictured(0x2, 'rgba8unorm')],
  ['[pictureBuffer] the texture is', pictured(0x4, 'r32float')],
  ['[dataset] the buffer of "<name>" has neither', hosted(() => {}, { usage: COPY_DST })],
  ['[data] the buffer of "<name>" is <state>', hosted(() => {}, { mappedAtCreation: true })],
  ['[dataset] byteOffset of "<name>"', hosted(() => {}, {}, { byteOffset: 3 })],
  ['[dataset] the buffer of "<name>" has <n> bytes', hosted(() => {}, {}, { byteOffset: 8, samples: 4 })],
  ['[data] "<name>" lies in a GPU buffer, and', hosted((set) => take(set, 0, 1))],
  ['[data] "<name>" lies in a GPU buffer, but', hosted(trained(() => ({ backend: 'cpu' })))],
  [
    '[data] "<name>" takes <bytes>',
    hosted(
      trained(async () => ({ device: await limited({ maxStorageBufferBindingSize: 2 ** 16 }) })),
      { size: 2 ** 18 },
      { stride: 2 ** 14, samples: 4 },
    ),
  ],
  [
    "[data] the trainer's device cannot read",
    hosted(async (set) => {
      set.fields.x.host!.buffer.destroy();
      return trained(async () => ({ device: await sharedDevice() }))(set);
    }),
  ],
];
