import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { convolve, type ConvolveOptions } from '../../src/ops/convolution/convolution.ts';
import { maxPool } from '../../src/ops/pooling/maxPool.ts';
import type { Kernels } from '../../src/scheduler/kernelChoice.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const adapter = summarize(await sharedDevice()).name;

/** The maxima of a convolution, and where in their windows they stand. */
function pooledGraph(shapes: readonly Shape[], options: ConvolveOptions = {}): Graph {
  const [x, weight, bias] = shapes.map((shape, at) => input(`x${at}`, spec(shape)));
  const y = maxPool(convolve(x, weight, { ...options, ...(bias && { bias }) }), 2);
  return { outputs: { y, places: y.node.outputs[1] }, writes: [] };
}

const launched = (graph: Graph, traits: ReturnType<typeof traitsOf>): string[] =>
  orderOf(fuse(graph, traits)).flatMap(({ op }) => (op.name === 'input' ? [] : [op.name]));

/** What the launch makes of whole numbers, which every order of sums has exactly; held against its reference in f64, and against the two nodes. */
async function expectPooled(graph: Graph, batch: Record<string, Numbers>, device: GPUDevice, kernels: Kernels) {
  const backend = new GpuBackend(device, { fuse: true, kernels });
  const program = await backend.compile(graph);
  try {
    expect(program.launches).toEqual(['conv2d+maxPool']);
    const observations = await backend.observe(program, batch);
    expectFaithful(program.order, observations);
    const { outputs } = interpret(graph, { batch });
    expect(observations.at(-1)!.outputs).toEqual([outputs['y'], outputs['places']]);
  } finally {
    program.destroy();
    backend.destroy();
  }
}

/** Few of them, so that many maxima are not alone: the first one counts. */
function smallWholes(shapes: readonly Shape[], name: string): Record<string, Float32Array> {
  const random = new Random(SEED, name);
  const draw = (shape: Shape) => Float32Array.from({ length: sizeOf(shape) }, () => Math.floor(random.uniform(-2, 3)));
  return Object.fromEntries(shapes.map((shape, at) => [`x${at}`, draw(shape)]));
}

const cases: readonly (readonly [name: string, shapes: readonly Shape[], options: ConvolveOptions])[] = [
  ['odd images of one channel', [[3, 7, 9, 1], [3, 3, 1, 8], [8]], { padding: 'same' }],
  [
    'groups under a stride',
    [
      [2, 13, 12, 8],
      [3, 2, 4, 8],
    ],
    { groups: 2, stride: [1, 2], padding: 1 },
  ],
  ['more channels than a block has', [[1, 9, 8, 3], [3, 3, 3, 36], [36]], { dilation: 2 }],
];

describe.each([
  ['as it is chosen here', sharedDevice, 'guess'],
  ['by an invocation', sharedDevice, { adapter, forms: { '*': 'registers8' } }],
  ['in a card’s tiles', asCard, { adapter: 'a card', forms: { '*': 'tiles32x64' } }],
] as const)('a convolution with its maxima, %s', (form, on, kernels) => {
  const [first, ...others] = cases;
  test.each(on === sharedDevice ? cases : [first, others.at(-1)!])('of %s', async (name, shapes, options) => {
    const batch = smallWholes(shapes, `${form} ${name}`);
    await expectPooled(pooledGraph(shapes, options), batch, await on(), kernels);
  });
});

test('a convolution that is −∞ or NaN has the maxima that pooling has', async () => {
  const [, shapes] = cases[0];
  const batch = smallWholes(shapes, 'special');
  batch['x0'][60] = NaN;
  batch['x2'][3] = -Infinity;
  await expectPooled(pooledGraph(shapes, { padding: 'same' }), batch, await sharedDevice(), 'guess');
});

describe('a convolution stays by itself', () => {
  const plain: readonly Shape[] = [
    [1, 6, 6, 4],
    [3, 3, 4, 8],
  ];
  const of = (make: (y: Value) => Record<string, Value>, shapes = plain, options: ConvolveOptions = {}): Graph => {
    const [x, weight] = shapes.map((shape, at) => input(`x${at}`, spec(shape)));
    return { outputs: make(convolve(x, weight, options)), writes: [] };
  };
  const pooled =
    (window: number, options = {}) =>
    (y: Value) => ({ z: maxPool(y, window, options) });
  test.each([
    ['whose places are wanted too', of((y) => ({ y, z: maxPool(y, 2) }))],
    ['under another window', of(pooled(3))],
    ['under windows that overlap', of(pooled(2, { stride: 1 }))],
    ['under windows that begin in the padding', of(pooled(2, { padding: [1, 0] }))],
    ['whose features come by threes', of(pooled(2), [plain[0], [3, 3, 4, 6]])],
    ['of each channel alone', of(pooled(2), [plain[0], [3, 3, 1, 4]], { groups: 4 })],
  ])('%s', async (_, graph) => {
    expect(launched(graph, traitsOf(await sharedDevice()))).toEqual(['conv2d', 'maxPool']);
  });
  test('and has one launch with its maxima where these alone are wanted', async () => {
    expect(launched(of(pooled(2)), traitsOf(await sharedDevice()))).toEqual(['conv2d+maxPool']);
  });
});
