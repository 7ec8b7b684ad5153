import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Shape, type Spec } from '../../src/core/shape.ts';
import { traitsOf } from '../../src/gpu/device.ts';
import { orderOf, type Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import {
  adam,
  createTrainer,
  dataset,
  meanSquaredError,
  randomNormal,
  type Layer,
  type TrainerOptions,
} from '../../src/index.ts';
import { add, gather, mean, mul, sum } from '../../src/ops/index.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { expand } from '../../src/transform/expand.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

type Draw = (random: Random, index: number) => number;
type Dtype = 'i32' | 'u32' | 'u8';

const normal: Draw = (random) => random.normal();

/** A table that is read by indices drawn so. */
interface Reading {
  readonly table: Shape;
  readonly indices: Shape;
  readonly draw: (rows: number) => Draw;
  readonly dtype?: Dtype;
  readonly axis?: number;
}

/** Any row alike, none of them outside. */
const uniform =
  (rows: number): Draw =>
  (random) =>
    Math.floor(random.uniform(0, rows));
/** Row r with a probability like 1 / (r + 1), as words of a language. */
const zipf =
  (rows: number): Draw =>
  (random) =>
    Math.floor((rows + 1) ** random.uniform()) - 1;
const same =
  (rows: number): Draw =>
  () =>
    rows - 1;
/** Each row once at most. */
const different =
  (rows: number): Draw =>
  (_, index) =>
    (index * 7919) % rows;
/** Half of them name no row: below, just behind, far behind. */
const outside =
  (rows: number): Draw =>
  (random) =>
    [-1, rows, 2 ** 31 - 1, -(2 ** 31)][Math.floor(random.uniform(0, 8))] ?? Math.floor(random.uniform(0, rows));

const readings: Record<string, Reading> = {
  'rows of 3, drawn alike': { table: [53, 3], indices: [100], draw: uniform },
  'a few rows': { table: [300, 5], indices: [16], draw: uniform },
  'one row of many': { table: [70_001, 4], indices: [1], draw: uniform },
  'five rows of many': { table: [70_001, 4], indices: [5], draw: uniform },
  'rows of 1': { table: [1021, 1], indices: [2049], draw: zipf },
  'rows of 64, drawn as words are': { table: [300, 64], indices: [3, 347], draw: zipf },
  'rows of 65, all the same': { table: [7, 65], indices: [1025], draw: same },
  'rows of 4, all different': { table: [70_001, 4], indices: [1500], draw: different },
  'a table of one row': { table: [1, 12], indices: [777], draw: same },
  'indices that name no row': { table: [41, 2], indices: [600], draw: outside },
  'bytes, along axis 1': { table: [3, 200, 6], indices: [301], draw: uniform, dtype: 'u8', axis: 1 },
};

for (const [place, options] of [
  ['on the device', {}],
  ['on a card', { on: asCard }],
] as [string, CheckOptions][]) {
  describe(place, () => {
    for (const [name, { table, indices, draw, dtype = 'i32', axis = 0 }] of Object.entries(readings)) {
      const specs: Spec[] = [spec(table), spec(indices, dtype)];
      const rows = draw(table[axis]);
      checkOp(`gather of ${name}`, ([x, i]) => gather(x, i, axis), [specs], {
        ...options,
        make: (at) => (at === 0 ? normal : rows),
        special: name.includes('of 3') || name.includes('the same'),
        kinked: place === 'on a card',
      });
    }
  });
}

describe('two tables read by the same indices', () => {
  const graphOf = (indices: Value) => {
    const tables = [0, 1].map((at) => input(`table ${at}`, spec([700, 8])));
    const total = add(
      ...(tables.map((table) => sum(mul(gather(table, indices), gather(table, indices)))) as [Value, Value]),
    );
    const [a, b] = differentiate(total, tables);
    return { outputs: { a: a!, b: b! }, writes: [] };
  };
  const sortsOf = async (indices: Value): Promise<number> => {
    const order = orderOf(expand(graphOf(indices), traitsOf(await sharedDevice())));
    return order.filter(({ op }) => op.name === 'digitOrder').length;
  };

  test('have them sorted once, in two passes for 700 rows', async () => {
    expect(await sortsOf(input('indices', spec([900], 'i32')))).toBe(2);
  });
  test('have them sorted while compiling if they are constant', async () => {
    const places = Int32Array.from({ length: 900 }, (_, at) => (at * 31) % 700);
    expect(await sortsOf(constant(places, spec([900], 'i32')))).toBe(0);
  });
});

test('thirty steps of Adam over a table are those of the CPU, and in parts too', async () => {
  const random = new Random(11, 'tokens');
  const draw = zipf(400);
  const tokens = Int32Array.from({ length: 64 * 32 }, (_, at) => draw(random, at));
  const data = dataset({
    x: { data: tokens, shape: [32] },
    target: Float32Array.from({ length: 64 }, () => random.normal()),
  });
  const model: Layer = {
    parameters: { w: { shape: [400, 8], initial: randomNormal() } },
    apply: (x, { w }) => mean(gather(w, x), { axes: [1, 2] }),
  };
  const lossesOf = async (more: Partial<TrainerOptions>): Promise<number[]> => {
    const options = {
      model,
      loss: meanSquaredError,
      optimizer: adam({ learningRate: 0.05 }),
      batchSize: 64,
      data,
      seed: 3,
    };
    const trainer = await createTrainer({ ...options, ...more });
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(data, { steps: 30, shuffle: false })) losses.push(loss);
    trainer.destroy();
    return losses;
  };
  const onCpu = await lossesOf({ backend: 'cpu' });
  const device = await sharedDevice();
  expect(onCpu.at(-1)).toBeLessThan(0.7 * onCpu[0]);
  for (const more of [{ device }, { device, microBatches: 4 }]) {
    const losses = await lossesOf(more);
    losses.forEach((loss, step) => expect(Math.abs(loss - onCpu[step])).toBeLessThan(1e-5 * onCpu[0]));
  }
});
