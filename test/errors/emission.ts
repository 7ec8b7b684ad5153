import {
  batchNorm,
  createTrainer,
  dataset,
  layerNorm,
  linear,
  meanSquaredError,
  requestDevice,
  sequential,
  sgd,
  type Context,
  type Model,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import type { Case } from '../support/provoke.ts';

const numbers = (width: number) => ({ data: new Float32Array(2 * width), shape: [width] });
const points = dataset({ x: numbers(2), target: numbers(2) });
const [first, second] = [linear(2, 2), linear(2, 2)];

/** Work with a trainer of a model on the CPU. */
const trained =
  (model: Model, work: (trainer: Trainer) => unknown, options: object = {}): Case[1] =>
  async () =>
    work(
      await createTrainer({
        model,
        loss: meanSquaredError,
        optimizer: sgd(),
        batchSize: 2,
        backend: 'cpu',
        data: points,
        ...options,
      } as TrainerOptions),
    );

/** Work with a trainer that is a guest on a device, whose steps it encodes. */
const hosted =
  (work: (step: () => void, device: GPUDevice) => unknown): Case[1] =>
  async () => {
    const device = await requestDevice();
    const encodes = trained(
      first,
      async (trainer) => {
        await trainer.prepare(points, { encodeStep: true });
        await work(() => trainer.encodeStep(device.createCommandEncoder()), device);
      },
      { backend: 'webgpu', device, onDeviceLost: () => new Promise(() => {}) },
    );
    return encodes();
  };

const written = (model: Model, options: object = {}): Case[1] => trained(model, (trainer) => trainer.wgsl(), options);

const twoOutputs = (x: Value, context: Context) => ({ a: context.apply(first, x), b: context.apply(second, x) });

export const emission: readonly Case[] = [
  ['[buffers] the shapes', trained(first, (trainer) => trainer.buffers, { data: undefined })],
  ['[buffers] "<name>" is on the CPU', trained(first, (trainer) => trainer.buffers)],
  ['[<where>] no set is ready', trained(first, (trainer) => trainer.readReports())],
  [
    '[<where>] the trainer is on the CPU',
    trained(first, async (trainer) => {
      await trainer.prepare(points, { encodeStep: true });
      trainer.encodeStep((await sharedDevice()).createCommandEncoder());
    }),
  ],
  ['[<where>] budgetMs', trained(first, (trainer) => trainer.run(points, { budgetMs: -1 }))],
  [
    '[encodePredict] this set is not ready',
    trained(first, async (trainer) => {
      await trainer.prepare(points, { encodePredict: dataset({ x: numbers(2) }) });
      trainer.encodePredict((await sharedDevice()).createCommandEncoder(), points);
    }),
  ],
  [
    '[encodePredict] no set is ready',
    trained(first, async (trainer) => trainer.encodePredict((await sharedDevice()).createCommandEncoder(), points)),
  ],
  [
    '[model] exposes.activations names',
    trained(sequential(first, second), () => {}, { exposes: { activations: ['layer9'] } }),
  ],
  [
    '[createTrainer] exposes.activations are',
    trained(first, () => {}, { exposes: { activations: [''] }, microBatches: 2 }),
  ],
  ['[encodeStep] <n> steps were encoded', hosted((step) => Array.from({ length: 1025 }, step))],
  [
    '[<where>] <adapter> was lost',
    hosted(async (step, device) => {
      device.destroy();
      await device.lost;
      step();
    }),
  ],
  [
    '[wgsl] the model gives',
    written(twoOutputs as Model, {
      loss: ({ a }: { a: Value }, { target }: { target: Value }) => meanSquaredError(a, target),
    }),
  ],
  ['[wgsl] the model reads', written(sequential(first, batchNorm(2), second))],
  ['[wgsl] the model uses', written(sequential(first, layerNorm(2), second))],
];
