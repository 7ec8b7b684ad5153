import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Shape } from '../../src/core/shape.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Value } from '../../src/graph/graph.ts';
import {
  add,
  constant,
  conv1d,
  conv2d,
  convTranspose2d,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  input,
  interpret,
  linear,
  maxPool2d,
  relu,
  sequential,
  sgd,
  take,
  type Context,
  type Layer,
  type Model,
  type Trainer,
  type LossOptions,
} from '../../src/index.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { sharedDevice } from '../support/device.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

/** A layer's parameters as inputs, by their names. */
const boundOf = ({ parameters }: Layer): Record<string, Value> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, input(name, spec(shape))]));

const traced = (layer: Layer, shape: Shape): Value =>
  layer.apply(input('x', spec(shape)), boundOf(layer), {} as Context);

const shapesOf = ({ parameters }: Layer): Record<string, Shape> =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));

describe('a layer', () => {
  test.each<[string, Layer, Record<string, Shape>, Shape, Shape]>([
    ['conv2d', conv2d(3, 8, [3, 5]), { weight: [3, 5, 3, 8], bias: [8] }, [4, 9, 9, 3], [4, 7, 5, 8]],
    [
      'conv2d with a stride',
      conv2d(3, 8, 3, { stride: 2, padding: 'same' }),
      { weight: [3, 3, 3, 8], bias: [8] },
      [4, 9, 8, 3],
      [4, 5, 4, 8],
    ],
    [
      'conv2d in groups',
      conv2d(6, 4, 3, { groups: 2, bias: false }),
      { weight: [3, 3, 3, 4] },
      [1, 5, 5, 6],
      [1, 3, 3, 4],
    ],
    [
      'conv2d with a group for each channel',
      conv2d(6, 12, 3, { groups: 6 }),
      { weight: [3, 3, 1, 12], bias: [12] },
      [1, 5, 5, 6],
      [1, 3, 3, 12],
    ],
    ['conv2d of one channel', conv2d(1, 4, 3), { weight: [3, 3, 1, 4], bias: [4] }, [2, 6, 5], [2, 4, 3, 4]],
    [
      'convTranspose2d',
      convTranspose2d(5, 3, 4, { stride: 2, padding: 1 }),
      { weight: [4, 4, 3, 5], bias: [3] },
      [2, 7, 6, 5],
      [2, 14, 12, 3],
    ],
    [
      'convTranspose2d in groups',
      convTranspose2d(4, 6, 3, { stride: 2, padding: 'same', groups: 2, bias: false }),
      { weight: [3, 3, 3, 4] },
      [2, 3, 4, 4],
      [2, 6, 8, 6],
    ],
    [
      'convTranspose2d with outputPadding',
      convTranspose2d(1, 2, 3, { stride: 2, padding: 1, outputPadding: [1, 0] }),
      { weight: [3, 3, 2, 1], bias: [2] },
      [2, 4, 4],
      [2, 8, 7, 2],
    ],
    ['conv1d', conv1d(3, 8, 5), { weight: [5, 3, 8], bias: [8] }, [4, 20, 3], [4, 16, 8]],
    [
      'conv1d with a stride, a dilation and padding at one end',
      conv1d(4, 4, 3, { stride: 2, dilation: 2, padding: [4, 0], groups: 4, bias: false }),
      { weight: [3, 1, 4] },
      [2, 9, 4],
      [2, 5, 4],
    ],
  ])('%s has its parameters, and makes its shape', (_, layer, parameters, shape, expected) => {
    expect(shapesOf(layer)).toEqual(parameters);
    expect(traced(layer, shape).spec.shape).toEqual(expected);
  });

  test.each<[string, Layer, number]>([
    ['conv2d', conv2d(8, 60, [3, 5]), 3 * 5 * 8],
    ['conv2d in groups', conv2d(8, 60, 3, { groups: 4 }), 9 * 2],
    ['convTranspose2d', convTranspose2d(8, 60, 3), 9 * 60],
    ['conv1d', conv1d(9, 60, 7), 7 * 9],
  ])('%s begins uniform in ±1 / √fanIn', (_, { parameters }, fanIn) => {
    const limit = 1 / Math.sqrt(fanIn);
    for (const [name, { shape, initial }] of Object.entries(parameters)) {
      const sizes = [...initial(shape, new Random(SEED, name))].map(Math.abs);
      const largest = Math.max(...sizes);
      expect(largest, `${name}, seed ${SEED}`).toBeLessThanOrEqual(Math.fround(limit));
      // Of 60 numbers or more the largest falls short of 0.7 of it once in 10⁹ times.
      expect(largest, `${name}, seed ${SEED}`).toBeGreaterThan(0.7 * limit);
    }
  });

  test('does not let its bias decay', () => {
    for (const { parameters } of [conv2d(2, 3, 3), convTranspose2d(2, 3, 3), conv1d(2, 3, 3)]) {
      expect(parameters['bias'].decays).toBe(false);
      expect(parameters['weight'].decays ?? true).toBe(true);
    }
  });

  test('of sequences sees steps, not channels, under its taps', () => {
    const layer = conv1d(2, 1, 2, { bias: false });
    const x = constant(Float32Array.of(1, 10, 2, 20, 3, 30), spec([1, 3, 2]));
    // Of each tap: the first channel, and the second.
    const weight = constant(Float32Array.of(1, 100, 2, 200), spec([2, 2, 1]));
    const y = layer.apply(x, { weight }, {} as Context);
    expect([...interpret({ outputs: { y }, writes: [] }).outputs['y']]).toEqual([
      1 + 1000 + 4 + 4000,
      2 + 2000 + 6 + 6000,
    ]);
  });
});

const namesIn = (y: Value): string[] => orderOf({ outputs: { y }, writes: [] }).map(({ op }) => op.name);

describe('a kernel of one pixel', () => {
  test('is a plain product', () => {
    expect(namesIn(traced(conv2d(5, 7, 1), [2, 4, 4, 5]))).not.toContain('conv2d');
    expect(namesIn(traced(conv2d(5, 7, 1), [2, 4, 4, 5]))).toContain('matmul');
  });
  test.each([
    ['skips pixels', { stride: 2 }],
    ['is padded', { padding: 1 }],
    ['is of groups', { groups: 5 }],
  ])('is none where it %s', (_, options) => {
    expect(namesIn(traced(conv2d(5, 10, 1, options), [2, 4, 4, 5]))).toContain('conv2d');
  });
});

/** Launches of a value, with fusion. */
async function launchesOf(y: Value): Promise<readonly string[]> {
  const backend = new GpuBackend(await sharedDevice(), { fuse: true, kernels: 'guess' });
  try {
    const program = await backend.compile({ outputs: { y }, writes: [] });
    const { launches } = program;
    program.destroy();
    return launches;
  } finally {
    backend.destroy();
  }
}

describe.each([
  ['conv2d', conv2d(4, 4, 3, { padding: 'same' })],
  ['conv2d', conv2d(4, 4, 3, { padding: 'same', groups: 4 })],
  ['convTranspose2d', convTranspose2d(4, 4, 3, { padding: 'same' })],
])('%s', (name, layer) => {
  const shape = [2, 5, 6, 4];
  test('and relu are one launch', async () => {
    expect(await launchesOf(relu(traced(layer, shape)))).toEqual([`${name}+relu`]);
  });
  test('and what is added to its image are one launch', async () => {
    const residual = relu(add(traced(layer, shape), input('x', spec(shape))));
    expect(await launchesOf(residual)).toEqual([`${name}+add+relu`]);
  });
});

/** Stripes down, across, or none, in noise: what a kernel of 3×3 tells apart. */
function stripes(count: number): ReturnType<typeof dataset> {
  const random = new Random(SEED, 'stripes');
  const label = Uint8Array.from({ length: count }, (_, n) => n % 3);
  const image = Float32Array.from({ length: count * 64 }, (_, at) => {
    const [row, column] = [Math.floor(at / 8) % 8, at % 8];
    const phase = [row % 2, column % 2, 0.5][label[Math.floor(at / 64)]];
    return phase + random.normal(0, 0.2);
  });
  return dataset({ image: { data: image, shape: [8, 8] }, label });
}

const BATCH = 8;
/** No multiple of the batch. */
const set = stripes(30);

const net = (): Model =>
  sequential(
    conv2d(1, 4, 3, { padding: 'same' }),
    relu,
    maxPool2d(2),
    conv2d(4, 8, 3, { padding: 'same', groups: 4 }),
    relu,
    conv2d(8, 6, 3, { stride: 2 }),
    flatten,
    linear(6, 3),
  );

async function withTrainer<T>(
  options: Partial<LossOptions>,
  work: (trainer: Trainer) => Promise<T>,
  backend: 'webgpu' | 'cpu' = 'webgpu',
): Promise<T> {
  const trainer = await createTrainer({
    model: net(),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: BATCH,
    seed: 3,
    data: set,
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice(), kernels: 'guess' as const }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

/** Losses of so many epochs, and the parameters that they leave. */
const trained = (
  epochs: number,
  options: Partial<LossOptions> = {},
  backend: 'webgpu' | 'cpu' = 'webgpu',
): Promise<{ losses: number[]; parameters: Record<string, Float32Array> }> =>
  withTrainer(
    options,
    async (trainer) => {
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(set, { epochs, stepsPerSubmit: 1 })) losses.push(loss);
      return { losses, parameters: await trainer.readParameters() };
    },
    backend,
  );

/** Two f32 implementations that sum in different orders drift apart by some 1e-6 in thirty steps; a wrong rule, by 1e-2. */
const TOLERANCE = 2e-4;

type Trained = Awaited<ReturnType<typeof trained>>;

function expectAlike(found: Trained, expected: Trained): void {
  const all = ({ losses, parameters }: Trained): number[] =>
    [losses, ...Object.values(parameters)].flatMap((x) => [...x]);
  const [ours, theirs] = [all(found), all(expected)];
  expect(ours).toHaveLength(theirs.length);
  const error = ours.reduce((most, x, at) => Math.max(most, Math.abs(x - theirs[at])), 0);
  expect(error, `seed ${SEED}`).toBeLessThan(TOLERANCE);
}

describe('a small net', () => {
  test('takes a step each of whose launches agrees with f64', async () => {
    await withTrainer({}, async (trainer) => {
      for await (const _ of trainer.fit(set, { steps: 5 }));
      expect((await trainer.verify(take(set, 0, BATCH))).fault, `seed ${SEED}`).toBeNull();
    });
  });

  test('goes the way of the CPU for thirty-four steps, a short last one too', async () => {
    const gpu = await trained(9);
    expect(gpu.losses).toHaveLength(34);
    expectAlike(gpu, await trained(9, {}, 'cpu'));
  });

  test('takes the same steps in parts', async () => {
    expectAlike(await trained(2, { microBatches: 4 }), await trained(2));
  });

  test('is trained on batches that stream in, a short last one too', async () => {
    const { image, label } = set.fields;
    const batches = [0, 8, 16, 24].map((from) => ({
      image: image.data.slice(64 * from, 64 * (from + BATCH)),
      label: label.data.slice(from, from + BATCH),
    }));
    expect(batches.at(-1)!.label).toHaveLength(6);
    const streamed = (backend: 'webgpu' | 'cpu'): Promise<Trained> =>
      withTrainer(
        {},
        async (trainer) => {
          const losses: number[] = [];
          for await (const { loss } of trainer.fit(batches, { epochs: 2, stepsPerSubmit: 1 })) losses.push(loss);
          return { losses, parameters: await trainer.readParameters() };
        },
        backend,
      );
    expectAlike(await streamed('webgpu'), await streamed('cpu'));
  });
});
