import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape, type Spec } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import {
  moments,
  mul,
  normalizeBatch,
  normalizeBy,
  normalizeGroups,
  relu,
  sum,
  transpose,
} from '../../src/ops/index.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { checkOp, expectFaithful, positive } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard, asPlainCard, limited } from '../support/otherDevice.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const EPSILON = 1e-5;
/** Where derivatives are held against difference quotients: rows of few numbers that happen to be near each other are steep. */
const SMOOTH = 0.1;

type Build = (inputs: readonly Value[]) => Value;
const momentsOf = ([x]: readonly Value[]): Value[] => Object.values(moments(x));
const batch =
  (epsilon = SMOOTH): Build =>
  ([x, gamma, beta]) =>
    normalizeBatch(x, gamma, beta, epsilon).y;
const given: Build = ([x, gamma, beta, mean, variance]) => normalizeBy(x, { mean, variance }, gamma, beta, SMOOTH);
const layer =
  (epsilon = SMOOTH, centered = true): Build =>
  ([x, gamma, beta]) => {
    const samples = sizeOf(x.spec.shape) / sizeOf(gamma.spec.shape);
    return normalizeGroups(x, gamma, beta, { samples, epsilon, centered });
  };
const rms = (epsilon = SMOOTH): Build => layer(epsilon, false);
const group =
  (groups: number, epsilon = SMOOTH): Build =>
  ([x, gamma, beta]) =>
    normalizeGroups(x, gamma, beta, { groups, epsilon });

/** A shape with what belongs to each of its channels, so many times. */
const withChannels = (shape: Shape, times = 2): Shape[] => [
  shape,
  ...Array.from({ length: times }, () => [shape.at(-1)!]),
];

/** A number far from 0 for each channel, and deviations that it dwarfs. */
const MEAN = 100;
const DEVIATION = 0.01;
const far = (at: number, { shape }: Spec) => {
  if (at > 0) return (random: Random) => random.normal();
  return (random: Random, index: number) => MEAN * ((index % shape.at(-1)!) + 1) + DEVIATION * random.normal();
};
/** Most differ by 1, and the first, from which others are taken, by a thousand times that. */
const outlier = () => (random: Random, index: number) => (index === 0 ? 1000 : random.normal());
const spread = (at: number) => (at === 4 ? positive : (random: Random) => random.normal());

/** NaN has tests of its own; of an infinity the reference has an infinite mean, and the kernel NaN. */
const finite = { special: false } as const;
const onCard = { ...finite, on: asCard, kinked: true } as const;

const shapes: readonly Shape[] = [
  [7, 3],
  [2, 1],
  [5, 4, 3, 7],
  [131, 16],
  [65, 1],
  [33, 64],
  [3, 2, 257],
];

describe('in software', () => {
  checkOp(
    'moments',
    momentsOf,
    shapes.map((shape) => [shape]),
    finite,
  );
  checkOp(
    'batch norm',
    batch(),
    shapes.map((shape) => withChannels(shape)),
    finite,
  );
  // More rows than are an item in WebAssembly.
  checkOp('moments', momentsOf, [[[3001, 7]]], { ...finite, kinked: true });
  checkOp('batch norm', batch(), [withChannels([3001, 7])], { ...finite, kinked: true });
  checkOp(
    'batch norm by given moments',
    given,
    shapes.map((shape) => withChannels(shape, 4)),
    { ...finite, make: spread },
  );
  checkOp(
    'layer norm',
    layer(),
    [
      ...shapes.map((shape) => withChannels(shape)),
      [
        [3, 5, 7],
        [5, 7],
        [5, 7],
      ],
    ],
    finite,
  );
  checkOp(
    'RMS norm',
    rms(),
    shapes.filter(({ length }) => length === 2).map((shape) => withChannels(shape)),
    finite,
  );
  checkOp(
    'group norm of one group',
    group(1),
    [
      [2, 5, 3, 7],
      [3, 1],
    ].map((shape) => withChannels(shape)),
    finite,
  );
  checkOp(
    'group norm of two groups',
    group(2),
    [
      [3, 7, 6],
      [2, 64],
    ].map((shape) => withChannels(shape)),
    finite,
  );
  checkOp('group norm of a group for each channel', group(7), [withChannels([2, 3, 5, 7])], finite);
});

describe('on a card', () => {
  checkOp(
    'moments',
    momentsOf,
    [...shapes, [1021, 5]].map((shape) => [shape]),
    onCard,
  );
  checkOp(
    'batch norm',
    batch(),
    [...shapes, [1021, 5]].map((shape) => withChannels(shape)),
    onCard,
  );
  checkOp(
    'layer norm',
    layer(),
    [...shapes, [3, 1021]].map((shape) => withChannels(shape)),
    onCard,
  );
  checkOp(
    'RMS norm',
    rms(),
    [
      [5, 251],
      [3, 33],
    ].map((shape) => withChannels(shape)),
    onCard,
  );
  checkOp(
    'group norm',
    group(2),
    [
      [3, 37, 6],
      [2, 11, 13, 4],
    ].map((shape) => withChannels(shape)),
    onCard,
  );
});

describe.each([
  ["within WebGPU's default limits", asPlainCard],
  [
    'with 64 invocations and 256 bytes to a workgroup',
    async () => limited({ maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupStorageSize: 256 }, await asCard()),
  ],
])('on a card %s', (_, on) => {
  checkOp('batch norm', batch(), [withChannels([1021, 17])], { ...onCard, on });
  checkOp('group norm', group(2), [withChannels([3, 131, 6])], { ...onCard, on });
});

describe.each([
  ['in software', finite],
  ['on a card', onCard],
] as const)('%s', (_, options) => {
  describe('a mean ten thousand times the deviation', () => {
    const own = { ...options, make: far, kinked: true };
    checkOp('moments', momentsOf, [[[3001, 3]], [[8209, 2]]], own);
    checkOp('batch norm', batch(EPSILON), [withChannels([513, 3])], own);
    checkOp('group norm of a group for each channel', group(3, EPSILON), [withChannels([2, 257, 3])], own);
  });
  describe('a number a thousand times as large as the others', () => {
    const own = { ...options, make: outlier, kinked: true };
    checkOp('moments', momentsOf, [[[513, 1]]], own);
    checkOp('layer norm', layer(EPSILON), [withChannels([1, 513])], own);
  });
  const long = { ...options, differentiable: true, kinked: true };
  checkOp(
    'batch norm of many rows',
    batch(),
    [
      [4111, 3],
      [2, 59, 73, 1],
    ].map((shape) => withChannels(shape)),
    long,
  );
  checkOp('layer norm of many rows', layer(), [withChannels([4111, 3])], long);
  checkOp('group norm of many rows', group(2), [withChannels([2, 2053, 4])], long);
});

type Batch = Readonly<Record<string, Numbers>>;

/** Runs a graph and has every launch judged. */
async function run(
  outputs: Readonly<Record<string, Value>>,
  numbers: Batch,
  { on = sharedDevice, fuse = false }: { readonly on?: () => Promise<GPUDevice>; readonly fuse?: boolean } = {},
): Promise<{ launches: readonly string[]; outputs: Readonly<Record<string, Numbers>> }> {
  const backend = new GpuBackend(await on(), { fuse });
  const program = await backend.compile(simplify({ outputs, writes: [] }));
  expectFaithful(program.order, await backend.observe(program, numbers));
  const read: Record<string, Numbers> = {};
  for (const name of Object.keys(outputs)) read[name] = await backend.readOutput(program, name);
  const { launches } = program;
  program.destroy();
  backend.destroy();
  return { launches, outputs: read };
}

const normal = (length: number, mean = 0, deviation = 1): Float32Array => {
  const random = new Random(SEED, `normal ${length}`);
  return Float32Array.from({ length }, () => random.normal(mean, deviation));
};

const inputsOf = (shape: Shape): Value[] =>
  ['x', 'gamma', 'beta'].map((name, at) => input(name, spec(at === 0 ? shape : [shape.at(-1)!])));
const batchOf = (shape: Shape): { x: Float32Array; gamma: Float32Array; beta: Float32Array } => ({
  x: normal(sizeOf(shape)),
  gamma: normal(shape.at(-1)!, 1, 0.3),
  beta: normal(shape.at(-1)!, 0.5),
});

describe('variances', () => {
  test.each([
    ['in software', sharedDevice],
    ['on a card', asCard],
  ])('of numbers near 100 are right to four digits, %s', async (_, on) => {
    const [rows, channels] = [8209, 2];
    const x = normal(rows * channels, MEAN, DEVIATION);
    const { outputs } = await run({ ...moments(input('x', spec([rows, channels]))) }, { x }, { on });
    for (let c = 0; c < channels; c++) {
      const column = Array.from({ length: rows }, (_unused, r) => x[r * channels + c]);
      const mean = column.reduce((total, number) => total + number) / rows;
      const variance = column.reduce((total, number) => total + (number - mean) ** 2, 0) / rows;
      expect(Math.abs(outputs['mean'][c] - mean), `seed ${SEED}`).toBeLessThan(2 ** -23 * MEAN);
      expect(Math.abs(outputs['variance'][c] / variance - 1), `seed ${SEED}`).toBeLessThan(1e-4);
    }
  });

  test('of equal numbers are exactly 0, and the norm gives beta', async () => {
    const [x, gamma, beta] = inputsOf([777, 3]);
    const numbers = { ...batchOf([777, 3]), x: new Float32Array(777 * 3).fill(0.1) };
    const { y, variance } = normalizeBatch(x, gamma, beta, EPSILON);
    const { outputs } = await run({ y, variance }, numbers);
    expect(outputs['variance']).toEqual(new Float32Array(3));
    expect(outputs['y'].slice(-3)).toEqual(numbers.beta);
  });
});

describe.each([
  ['in software', sharedDevice],
  ['on a card', asCard],
])('rows of which the first number is far from all others, %s,', (_, on) => {
  const [rows, length] = [32, 3001];
  const x = normal(rows * length, 1000, DEVIATION);
  for (let row = 0; row < rows; row++) x[row * length] = 0;
  const exact = Array.from({ length: rows }, (_unused, row) => {
    const own = Float64Array.from(x.subarray(row * length, (row + 1) * length));
    const average = own.reduce((total, number) => total + number) / length;
    return { average, variance: own.reduce((total, number) => total + (number - average) ** 2, 0) / length };
  });
  /** Of the mean error. Blocks taken from that number, and not from one of their own, have 2e-5; these have 1.5e-6. */
  const tolerance = 6e-6;
  const meanError = (found: (row: number) => number, expected: (row: number) => number): number =>
    exact.reduce((total, _unused, row) => total + Math.abs(found(row) / expected(row) - 1), 0) / rows;

  test('have variances that are right to a few roundings', async () => {
    const columns = transpose(input('x', spec([rows, length])));
    const { outputs } = await run({ ...moments(columns) }, { x }, { on });
    const error = meanError(
      (row) => outputs['variance'][row],
      (row) => exact[row].variance,
    );
    expect(error, `seed ${SEED}`).toBeLessThan(tolerance);
  });
  test('are normalized by variances that are right to a few roundings', async () => {
    const numbers = { x, gamma: new Float32Array(length).fill(1), beta: new Float32Array(length) };
    const { outputs } = await run({ y: layer(EPSILON)(inputsOf([rows, length])) }, numbers, { on });
    // Of the inverse root of the variance it is half as much.
    const error = meanError(
      (row) => outputs['y'][row * length],
      (row) => -exact[row].average / Math.sqrt(exact[row].variance + EPSILON),
    );
    expect(error, `seed ${SEED}`).toBeLessThan(tolerance / 2);
  });
});

describe('a NaN', () => {
  const shape = [4, 33, 6];
  test.each([
    ['batch norm', batch(), (at: number) => at % 6 === 2],
    ['layer norm', layer(), (at: number) => Math.floor(at / 6) === 40],
    ['RMS norm', rms(), undefined],
    ['group norm', group(2), (at: number) => Math.floor(at / 198) === 1 && at % 6 < 3],
  ] as const)('reaches all that it is normalized with, and nothing else: %s', async (_, build, reached) => {
    const isRms = reached === undefined;
    const own = isRms ? [132, 6] : shape;
    const is = reached ?? ((at: number) => Math.floor(at / 6) === 40);
    for (const on of [sharedDevice, asCard]) {
      const numbers = batchOf(own);
      numbers.x[242] = NaN;
      const { outputs } = await run({ y: build(inputsOf(own)) }, numbers, { on });
      expect([...outputs['y'].keys()].filter((at) => Number.isNaN(outputs['y'][at]) !== is(at))).toEqual([]);
    }
  });
});

describe('launches', () => {
  const step = (build: (inputs: readonly Value[]) => Value, shape: Shape): Record<string, Value> => {
    const inputs = inputsOf(shape);
    const y = relu(build(inputs));
    const gradients = differentiate(sum(mul(y, y)), inputs);
    const named = ['dX', 'dGamma', 'dBeta'].map((name, at) => [name, gradients[at]!] as const);
    return { y, ...Object.fromEntries(named) };
  };
  /** The ops that have launches, without those of the loss; those that are appended to one have none. */
  const own = (launches: readonly string[]): string[] =>
    launches.map((name) => name.split('+')[0]).filter((name) => !/^(mul|sum|add)$/.test(name));

  test('of a batch norm are two forward, with what follows, and two backward', async () => {
    const { launches } = await run(step(batch(), [64, 16]), batchOf([64, 16]), { fuse: true });
    expect(own(launches)).toEqual(['moments', 'batchNorm', 'channelSums', 'batchNormGrad']);
  });
  test.each([
    ['in software', sharedDevice],
    ['on a card', asCard],
  ])('of a batch norm of many rows are one more each way, %s', async (_, on) => {
    const shape = [4111, 4];
    const { launches } = await run(step(batch(), shape), batchOf(shape), { on, fuse: true });
    expect(own(launches)).toEqual([
      'moments',
      'pooledMoments',
      'batchNorm',
      'channelSums',
      'pairSums',
      'batchNormGrad',
    ]);
  });
  test.each([
    ['one backward, in software', sharedDevice, ['groupNorm', 'layerNormGrad']],
    ['two backward, on a card', asCard, ['channelSums', 'groupNorm', 'groupNormGrad']],
  ])('of a layer norm are one forward, with what follows, and %s', async (_, on, expected) => {
    const { launches } = await run(step(layer(), [64, 16]), batchOf([64, 16]), { on, fuse: true });
    expect(own(launches).toSorted()).toEqual(expected);
  });

  test.each([
    ['layer', true, [1, 5]],
    ['layer', true, [67, 3]],
    ['layer', true, [130, 131]],
    ['RMS', false, [2, 33, 70]],
  ] as const)(
    'all gradients of a %s norm in one are as in several, to the bits (centered %s, %j)',
    async (_, centered, shape) => {
      const make = (): Record<string, Value> => step(layer(EPSILON, centered), shape);
      const numbers = batchOf(shape);
      const [together, apart] = [
        await run(make(), numbers, { fuse: true }),
        await run(make(), numbers, { fuse: false }),
      ];
      expect(together.launches.join()).toContain('layerNormGrad');
      for (const name of ['dX', 'dGamma', 'dBeta']) expect(together.outputs[name]).toEqual(apart.outputs[name]);
    },
  );
});

test("a batch norm is TensorFlow's, whose moments are given to it", async () => {
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
  const shape: [number, number, number, number] = [3, 5, 4, 7];
  const numbers = batchOf(shape);
  const [x, gamma, beta] = inputsOf(shape);
  const { outputs } = await run({ ...normalizeBatch(x, gamma, beta, EPSILON) }, numbers);
  const theirs = tf.moments(tf.tensor4d(numbers.x, shape), [0, 1, 2]);
  const y = tf.batchNorm(
    tf.tensor4d(numbers.x, shape),
    theirs.mean as tf.Tensor1D,
    theirs.variance as tf.Tensor1D,
    tf.tensor1d(numbers.beta),
    tf.tensor1d(numbers.gamma),
    EPSILON,
  );
  const pairs = { y, mean: theirs.mean, variance: theirs.variance };
  for (const [name, tensor] of Object.entries(pairs)) {
    tensor.dataSync().forEach((number, at) => expect(Math.abs(outputs[name][at] - number)).toBeLessThan(1e-5));
  }
});

describe('refused are', () => {
  test('moments of nothing', () => {
    expect(() => moments(input('x', spec([0, 3])))).toThrow('[moments] f32[0, 3] has no elements to average');
  });
  test('numbers for other channels', () => {
    const [x, , beta] = inputsOf([4, 3]);
    expect(() => normalizeBatch(x, input('gamma', spec([2])), beta, EPSILON)).toThrow(
      '[batchNorm] gamma is f32[2] but x is f32[4, 3]: it must be f32[3], a number for each channel',
    );
  });
  test('groups that do not divide the channels', () => {
    expect(() => group(2)(inputsOf([4, 3]))).toThrow(
      '[normalizeGroups] x is f32[4, 3], gamma f32[3] and beta f32[3], but 4 samples of channels in 2 groups are wanted',
    );
  });
});
