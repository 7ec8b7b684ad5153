import { layoutOf } from '../../src/flower/layouts/layoutOf.ts';
import type { FlowerLayout, NamedArrays } from '../../src/flower/options.ts';
import { createTrainer, linear, mean, sgd, type Trainer, type Value } from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

const trainerOf = (): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 2),
    loss: (y: Value) => mean(y),
    optimizer: sgd(),
    batchSize: 1,
    data: { x: { shape: [2], dtype: 'f32' } },
    backend: 'cpu',
  });

/** Takes what became of a trainer's own arrays. */
const taken =
  (layout: FlowerLayout, change: (arrays: Map<string, unknown>) => unknown, names?: Readonly<Record<string, string>>) =>
  async (): Promise<void> => {
    const arrays = layoutOf({ trainer: await trainerOf(), layout, names });
    const own = new Map<string, unknown>(await arrays.give());
    change(own);
    await arrays.take(own as unknown as NamedArrays);
  };

const zeros = (...shape: readonly number[]) => ({ shape, data: new Float32Array(shape[0]) });

/** Arrays of a run that are not this trainer's. */
export const flowerLayouts: readonly Case[] = [
  ['[joinFlower] "<name>" is <spec> here but not among', taken('millrace', (own) => own.delete('bias'))],
  ['[joinFlower] "<name>" is <spec> here but came as', taken('torch', (own) => own.set('bias', zeros(3)))],
  ['[joinFlower] <names and specs> came', taken('torch', (own) => own.set('scale', zeros(1)))],
  [
    '[joinFlower] "<name>" came as integers',
    taken('millrace', (own) => own.set('bias', { shape: [2], data: Int32Array.of(0, 2 ** 24 + 1) })),
  ],
  ['[joinFlower] names are', taken('millrace', () => {}, { '': 'fc' })],
];
