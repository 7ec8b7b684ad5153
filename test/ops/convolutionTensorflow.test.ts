import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { summarize } from '../../src/gpu/device.ts';
import type { Value } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/leaf.ts';
import { add, mul } from '../../src/ops/pointwise/arithmetic.ts';
import { convolve, convolveTransposed } from '../../src/ops/convolution/convolution.ts';
import { DEPTHWISE } from '../../src/ops/convolution/depthwise.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import type { Padding } from '../../src/ops/convolution/spatial.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { backendOn, sharedDevice } from '../support/device.ts';

/** Fresh configurations at every run of the suite; the seed is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
/** Configurations of a kind that share a program. */
const COUNT = 10;
/** Two f32 sums of up to 400 normal products, in different orders: relative to the largest of all sums. */
const TOLERANCE = 3e-6;

/** The form of products that compiles fastest, as dozens of texts do here; the forms are compared elsewhere. */
const PRODUCT = 'registers4';

type Two = readonly [number, number];

/** What a convolution is given; of the transposed one, x is what it makes. */
interface Configuration {
  readonly x: Shape;
  readonly weight: Shape;
  readonly stride: Two;
  readonly dilation: Two;
  readonly padding: Padding;
}

const among = <T>(random: Random, choices: readonly T[]): T => choices[Math.floor(random.uniform(0, choices.length))];
const two = (of: () => number): Two => [of(), of()];

/** Paddings in TensorFlow's form. */
const theirPadding = (padding: Padding): 'valid' | 'same' | tf.backend_util.ExplicitPadding =>
  typeof padding === 'string'
    ? padding
    : ([
        [0, 0],
        ...(padding as readonly [Two, Two]).map(([a, b]): [number, number] => [a, b]),
        [0, 0],
      ] as tf.backend_util.ExplicitPadding);

interface Kind {
  readonly dilates?: boolean;
  /** Each channel has features of its own. */
  readonly isDepthwise?: boolean;
  /** It makes images larger: padding takes from them, and must leave something. */
  readonly spreads?: boolean;
}

function draw(random: Random, { dilates = false, isDepthwise = false, spreads = false }: Kind = {}): Configuration {
  const window = two(() => among(random, [1, 2, 3, 4, 5]));
  const dilation = dilates ? two(() => among(random, [1, 2, 3])) : ([1, 1] as const);
  const channels = among(random, isDepthwise ? [3, 4, 7] : [1, 3, 4, 7]);
  const features = isDepthwise ? channels * among(random, [1, 2]) : among(random, [1, 3, 4, 7]);
  const margin = (at: 0 | 1): Two =>
    two(() =>
      among(
        random,
        [0, 1, 2].filter((each) => !spreads || 2 * each < window[at]),
      ),
    );
  // As large as the kernel, at least.
  const extents = window.map((each, at) => (each - 1) * dilation[at] + among(random, [1, 2, 3, 4, 5, 6, 7]));
  return {
    x: [among(random, [1, 2, 3]), extents[0], extents[1], channels],
    weight: [...window, isDepthwise ? 1 : channels, features],
    stride: dilates ? [1, 1] : two(() => among(random, [1, 2, 3])),
    dilation,
    padding: among(random, ['valid', 'same', [margin(0), margin(1)]] as const),
  };
}

/** What one configuration computes, by name. */
type Results = Readonly<Record<string, Numbers>>;

const normals = (random: Random, shape: Shape): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => random.normal());

/** A value and its gradients under given weights of its elements. */
interface Job {
  readonly title: string;
  /** Of what is convolved, and of the kernel. */
  readonly shapes: readonly [Shape, Shape];
  ours(x: Value, weight: Value): Value;
  theirs(x: tf.Tensor4D, weight: tf.Tensor4D): tf.Tensor4D;
}

/** Runs the jobs in one program. */
async function ourResults(
  jobs: readonly Job[],
  form: string,
  operands: readonly (readonly Float32Array[])[],
  slopes: readonly Float32Array[],
): Promise<Results[]> {
  const outputs: Record<string, Value> = {};
  const pairs = jobs.map(({ shapes }, at) => shapes.map((shape, i) => constant(operands[at][i], spec(shape))));
  const made = jobs.map(({ ours }, at) => ours(pairs[at][0], pairs[at][1]));
  const loss = made.map((y, at) => sum(mul(y, constant(slopes[at], y.spec)))).reduce((total, term) => add(total, term));
  const gradients = differentiate(loss, pairs.flat());
  made.forEach((y, at) => {
    outputs[`${at} y`] = y;
    outputs[`${at} dX`] = gradients[2 * at]!;
    outputs[`${at} dWeight`] = gradients[2 * at + 1]!;
  });
  const { name: adapter } = summarize(await sharedDevice());
  const backend = await backendOn(sharedDevice, { adapter, forms: { '*': form } });
  const program = await backend.compile({ outputs, writes: [] });
  try {
    backend.run([program]);
    const results: Record<string, Numbers>[] = jobs.map(() => ({}));
    for (const name of Object.keys(outputs)) {
      const [at, what] = name.split(' ');
      results[Number(at)][what] = await backend.readOutput(program, name);
    }
    return results;
  } finally {
    program.destroy();
    backend.destroy();
  }
}

function theirResults(
  { shapes, theirs }: Job,
  operands: readonly Float32Array[],
  slopes: (y: tf.Tensor4D) => Float32Array,
): Results {
  const [x, weight] = shapes.map((shape, at) =>
    tf.tensor4d(operands[at], [...shape] as [number, number, number, number]),
  );
  const y = theirs(x, weight);
  const slope = tf.tensor4d(slopes(y), y.shape);
  const [dX, dWeight] = tf.grads((a, b) => theirs(a as tf.Tensor4D, b as tf.Tensor4D))([x, weight], slope);
  const results = { y: y.dataSync(), dX: dX.dataSync(), dWeight: dWeight.dataSync() } as Results;
  tf.dispose([x, weight, y, slope, dX, dWeight]);
  return results;
}

function expectNear(title: string, ours: Numbers, theirs: Numbers): void {
  expect(ours.length, `${title}, seed ${SEED}`).toBe(theirs.length);
  const scale = Math.max(1, ...Array.from(theirs, Math.abs));
  const error = Math.max(...Array.from(ours, (each, at) => Math.abs(each - theirs[at])));
  expect(error / scale, `${title}, seed ${SEED}`).toBeLessThan(TOLERANCE);
}

async function expectSame(jobs: readonly Job[], form: string, random: Random): Promise<void> {
  const operands = jobs.map(({ shapes }) => shapes.map((shape) => normals(random, shape)));
  const slopes: Float32Array[] = [];
  const theirs = jobs.map((job, at) => theirResults(job, operands[at], (y) => (slopes[at] = normals(random, y.shape))));
  const ours = await ourResults(jobs, form, operands, slopes);
  for (const [at, { title }] of jobs.entries()) {
    for (const name of ['y', 'dX', 'dWeight']) expectNear(`${name} of ${title}`, ours[at][name], theirs[at][name]);
  }
}

/** A kernel with zeros between its taps: the dilation that TensorFlow has no gradients of. */
function apart(weight: tf.Tensor4D, [down, across]: Two): tf.Tensor4D {
  const [rows, columns, ...rest] = weight.shape;
  const wide = tf.pad(tf.reshape(weight, [rows, 1, columns, 1, ...rest]), [
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
    [0, 0],
    [0, 0],
  ]);
  const whole = tf.reshape(wide, [rows * down, columns * across, ...rest]) as tf.Tensor4D;
  return tf.slice(whole, [0, 0, 0, 0], [(rows - 1) * down + 1, (columns - 1) * across + 1, ...rest]);
}

/** How its window slides. */
const sliding = ({ stride, dilation, padding }: Configuration) => ({ stride, dilation, padding });

const convolution = (given: Configuration): Job => ({
  title: `conv2d ${JSON.stringify(given)}`,
  shapes: [given.x, given.weight],
  ours: (x, weight) => convolve(x, weight, sliding(given)),
  theirs: (x, weight) => tf.conv2d(x, apart(weight, given.dilation), [...given.stride], theirPadding(given.padding)),
});

/** A kernel as TensorFlow has it: features of each channel are an axis of their own. */
const byChannel = (weight: tf.Tensor4D, channels: number): tf.Tensor4D => {
  const [rows, columns, , features] = weight.shape;
  return tf.reshape(weight, [rows, columns, channels, features / channels]);
};

const depthwise = (given: Configuration): Job => {
  const channels = given.x[3];
  // TensorFlow wants both strides to be the same.
  const [stride] = given.stride;
  return {
    title: `depthwise ${JSON.stringify(given)}`,
    shapes: [given.x, given.weight],
    ours: (x, weight) => convolve(x, weight, { ...sliding(given), stride, groups: channels }),
    theirs: (x, weight) =>
      tf.depthwiseConv2d(x, byChannel(apart(weight, given.dilation), channels), stride, theirPadding(given.padding)),
  };
};

const transpose = (given: Configuration): Job => {
  const [, , channels, features] = given.weight;
  const [images, rows, columns] = given.x;
  const y: Shape = [images, rows, columns, features];
  const made = (x: Value, weight: Value): Value => convolveTransposed(x, weight, sliding(given));
  return {
    title: `convTranspose2d ${JSON.stringify(given)}`,
    shapes: [y, given.weight],
    ours: made,
    theirs(x, weight) {
      const [, ...extents] = made(
        constant(new Float32Array(sizeOf(y)), spec(y)),
        constant(new Float32Array(sizeOf(given.weight)), spec(given.weight)),
      ).spec.shape;
      return tf.conv2dTranspose(
        x,
        weight,
        [images, extents[0], extents[1], channels],
        [...given.stride],
        theirPadding(given.padding),
      );
    },
  };
};

beforeAll(async () => {
  // It would advise on the console to take another backend.
  tf.env().set('PROD', true);
  await tf.setBackend('cpu');
});

const kinds: [string, form: string, (random: Random) => Job][] = [
  ['with strides', PRODUCT, (random) => convolution(draw(random))],
  ['with other strides', PRODUCT, (random) => convolution(draw(random))],
  ['with dilations', PRODUCT, (random) => convolution(draw(random, { dilates: true }))],
  [
    'with a group for each channel',
    DEPTHWISE,
    (random) => depthwise(draw(random, { dilates: random.uniform() < 0.3, isDepthwise: true })),
  ],
  ['transposed', PRODUCT, (random) => transpose(draw(random, { spreads: true }))],
];

describe('value and gradients are those of TensorFlow.js', () => {
  test.each(kinds)('%s', async (name, form, jobOf) => {
    const random = new Random(SEED, name);
    await expectSame(
      Array.from({ length: COUNT }, () => jobOf(random)),
      form,
      random,
    );
  });
});
