import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Numbers, type Shape, type Spec } from '../../src/core/shape.ts';
import { interpret, type Batch } from '../../src/cpu/interpret.ts';
import { traitsOf } from '../../src/gpu/device.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import {
  adam,
  createTrainer,
  dataset,
  meanSquaredError,
  randomNormal,
  type Layer,
  type LossOptions,
} from '../../src/index.ts';
import { add, gather, mean, mul, sum } from '../../src/ops/index.ts';
import { uploadBatch } from '../../src/scheduler/backend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { expand } from '../../src/transform/expand.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { backendOn, sharedDevice } from '../support/device.ts';
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
  readonly padding?: number;
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
  'rows of 300': { table: [40, 300], indices: [90], draw: zipf },
  'indices that name no row': { table: [41, 2], indices: [600], draw: outside },
  'a few rows, one of them padding': { table: [9, 5], indices: [4], draw: uniform, padding: 3 },
  'many rows, the commonest of them padding': { table: [300, 8], indices: [347], draw: zipf, padding: 0 },
  'bytes of which one is padding': { table: [20, 3], indices: [90], draw: uniform, dtype: 'u8', padding: 19 },
  'bytes, along axis 1': { table: [3, 200, 6], indices: [301], draw: uniform, dtype: 'u8', axis: 1 },
};

for (const [place, options] of [
  ['on the device', {}],
  ['on a card', { on: asCard }],
] as [string, CheckOptions][]) {
  describe(place, () => {
    for (const [name, { table, indices, draw, dtype = 'i32', axis = 0, padding }] of Object.entries(readings)) {
      const specs: Spec[] = [spec(table), spec(indices, dtype)];
      const rows = draw(table[axis]);
      checkOp(`gather of ${name}`, ([x, i]) => gather(x, i, axis, padding === undefined ? {} : { padding }), [specs], {
        ...options,
        make: (at) => (at === 0 ? normal : rows),
        special: name.includes('of 3') || name.includes('the same'),
        kinked: place === 'on a card',
      });
    }
  });
}

/** The gradient of a table that is read by indices, of a dY that is given. */
function tableGradient(rows: number, columns: number, chosen: number): Graph {
  const table = input('table', spec([rows, columns]));
  const y = gather(table, input('indices', spec([chosen], 'i32')));
  const [dTable] = differentiate(sum(mul(y, input('dY', y.spec))), [table]);
  return { outputs: { dTable: dTable! }, writes: [] };
}

async function gradientOn(open: () => Promise<GPUDevice>, graph: Graph, batch: Batch): Promise<Numbers> {
  const backend = await backendOn(open);
  const program = await backend.compile(graph);
  try {
    uploadBatch(program, batch);
    backend.run([program]);
    return await backend.readOutput(program, 'dTable');
  } finally {
    program.destroy();
    backend.destroy();
  }
}

function sumsOf(indices: Int32Array, dY: Float32Array, rows: number, columns: number): Float32Array {
  const sums = new Float32Array(rows * columns);
  for (let j = 0; j < indices.length; j++) {
    for (let i = 0; i < columns; i++) sums[indices[j] * columns + i] += dY[j * columns + i];
  }
  return sums;
}

/** Whole numbers, whose sums are the same in whatever order. */
const whole: Draw = (random) => Math.floor(random.uniform(-8, 9));
/** Among them some that make a sum NaN or infinite. */
const wild: Draw = (random) => [NaN, Infinity, -Infinity][Math.floor(random.uniform(0, 4000))] ?? whole(random, 0);

describe('the gradient of a table is a plain loop of sums', () => {
  const cases: [string, number, number, number, (rows: number) => Draw, Draw][] = [
    ['of a million indices of a million rows of 3', 2 ** 20, 3, 2 ** 20, zipf, whole],
    ['of 65,536 indices of as many rows of 64', 65_536, 64, 65_536, zipf, whole],
    ['of 262,144 indices of one row of 65', 1000, 65, 262_144, same, whole],
    ['where dY has NaN and infinity', 23, 300, 1000, zipf, wild],
  ];
  test.each(cases)('%s', async (_, rows, columns, chosen, draw, make) => {
    const random = new Random(Date.now(), 'sums');
    const rowOf = draw(rows);
    const indices = Int32Array.from({ length: chosen }, (__, at) => rowOf(random, at));
    const dY = Float32Array.from({ length: chosen * columns }, (__, at) => make(random, at));
    const graph = tableGradient(rows, columns, chosen);
    const expected = sumsOf(indices, dY, rows, columns);
    const found = {
      cpu: interpret(graph, { batch: { indices, dY } }).outputs['dTable'],
      device: await gradientOn(sharedDevice, graph, { indices, dY }),
      card: await gradientOn(asCard, graph, { indices, dY }),
    };
    for (const [place, sums] of Object.entries(found)) {
      // −0 counts as 0.
      const at = expected.findIndex((right, i) => !Object.is(right + 0, sums[i] + 0));
      expect({ place, at, sum: sums[at] }).toEqual({ place, at: -1, sum: undefined });
    }
  });
});

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
  const lossesOf = async (more: Partial<LossOptions>): Promise<number[]> => {
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
