import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { formatNode } from '../../src/graph/formatGraph.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { relu, sigmoid } from '../../src/ops/pointwise/activations.ts';
import { mul } from '../../src/ops/pointwise/arithmetic.ts';
import { averagePool, type AveragePoolOptions } from '../../src/ops/pooling/averagePool.ts';
import { maxPool } from '../../src/ops/pooling/maxPool.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import type { Pair } from '../../src/ops/convolution/spatial.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { checkOp, distinct, expectFaithful } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

type Given = readonly [window: Pair, options: AveragePoolOptions, shapes: readonly Shape[]];

/** Shapes as errors write them: `2×3 4×5`. */
const shapesIn = (text: string): Shape[] => text.split(' ').map((shape) => shape.split('×').map(Number));

/** Windows apart, overlapping and with gaps between them; each kind of padding; channels in fours, and not. */
const settings: readonly Given[] = [
  [2, {}, shapesIn('2×7×5×4 1×6×4×3 3×2×2×1 1×3×3×8 1×18×20×2')],
  [3, { stride: 2, padding: 'same' }, shapesIn('1×5×8×4 2×4×7×7 1×1×1×1')],
  [[2, 3], { stride: 1, padding: 1 }, shapesIn('2×4×3×8 1×3×5×3')],
  [3, { stride: 3, padding: [1, 0] }, shapesIn('1×7×6×4 2×2×9×1')],
  [1, { stride: 2 }, shapesIn('1×5×4×4 1×4×5×7')],
  [
    [3, 2],
    {
      stride: [1, 3],
      padding: [
        [2, 0],
        [1, 1],
      ],
    },
    shapesIn('1×4×6×12 1×3×5×3'),
  ],
];

const named = (name: string, [window, options]: Given): string =>
  `${name} ${JSON.stringify(window)} ${JSON.stringify(options)}`;
const casesOf = ([, , shapes]: Given): (readonly Shape[])[] => shapes.map((shape) => [shape]);

/** The derivative of a linear op's, or of max pooling's, by x0 in the direction of x1: linear in x1. */
const pushed = (pool: (x: Value) => Value, x: Value, direction: Value): Value =>
  differentiate(sum(mul(pool(x), direction)), [x])[0]!;

for (const setting of settings) {
  const [window, options] = setting;
  checkOp(named('max pooling', setting), ([x]) => maxPool(x, window, options), casesOf(setting), {
    make: () => distinct,
  });
  checkOp(named('average pooling', setting), ([x]) => averagePool(x, window, options), casesOf(setting));
}

checkOp(
  'average pooling that counts padding',
  ([x]) => averagePool(x, 3, { stride: 2, padding: 1, countPadding: true }),
  [[[1, 5, 4, 4]], [[2, 3, 3, 3]]],
);
// A byte cannot tell 289 elements apart.
checkOp('max pooling of large windows', ([x]) => maxPool(x, 17, { stride: 1 }), [[[1, 18, 19, 4]]], {
  make: () => (_, at) => ((at * 389) % 1409) / 100,
});

const ties = { make: () => (random: Random) => Math.floor(random.uniform(-2, 2)), kinked: true, special: false };
checkOp(
  'max pooling with ties',
  ([x]) => maxPool(x, 3, { stride: 2, padding: 1 }),
  [[[2, 7, 6, 4]], [[1, 5, 5, 3]]],
  ties,
);
checkOp('max pooling of what relu left', ([x]) => maxPool(relu(x), 2), [[[2, 6, 6, 4]], [[1, 5, 5, 3]]], {
  kinked: true,
});

describe('gradients of gradients', () => {
  for (const at of [0, 1, 5]) {
    const [window, options, shapes] = settings[at];
    const cases = shapes.slice(0, 2).map((shape) => {
      const pooled = maxPool(input('x', spec(shape)), window, options).spec.shape;
      return { shape, pooled };
    });
    const options2 = { make: (i: number) => (i === 0 ? distinct : (random: Random) => random.normal()) };
    checkOp(
      named('of max pooling', settings[at]),
      ([x, dY]) => pushed((given) => maxPool(given, window, options), x, dY),
      cases.map(({ shape, pooled }) => [shape, pooled]),
      { ...options2, withRespectTo: [1], special: false },
    );
    checkOp(
      named('of those of max pooling', settings[at]),
      ([x, dY, ddX]) =>
        differentiate(
          sum(
            mul(
              pushed((given) => maxPool(given, window, options), x, dY),
              ddX,
            ),
          ),
          [dY],
        )[0]!,
      cases.map(({ shape, pooled }) => [shape, pooled, shape]),
      { ...options2, withRespectTo: [2], special: false },
    );
    checkOp(
      named('of average pooling', settings[at]),
      ([x, dY]) => pushed((given) => averagePool(given, window, options), x, dY),
      cases.map(({ shape, pooled }) => [shape, pooled]),
      { withRespectTo: [1] },
    );
  }
});

/** The result, and the gradient of its sum weighted by 1, 2, 3, … */
function onCpu(pool: (x: Value) => Value, shape: Shape, numbers: Float32Array): { y: number[]; dX: number[] } {
  const x = input('x', spec(shape));
  const y = pool(x);
  const weights = Float32Array.from({ length: sizeOf(y.spec.shape) }, (_, at) => at + 1);
  const [dX] = differentiate(sum(mul(y, input('weights', y.spec))), [x]);
  const { outputs } = interpret({ outputs: { y, dX: dX! }, writes: [] }, { batch: { x: numbers, weights } });
  return { y: [...outputs['y']], dX: [...outputs['dX']] };
}

describe('max pooling', () => {
  test('gives the first of equals the gradient', () => {
    const x = Float32Array.of(0, 0, 1, 3, 0, 0, 3, 3);
    expect(onCpu((given) => maxPool(given, 2), [1, 2, 4], x)).toEqual({ y: [0, 3], dX: [1, 0, 0, 2, 0, 0, 0, 0] });
  });
  test('counts padding as less than any number', () => {
    const x = Float32Array.of(-1, -2, -3, -Infinity);
    const { y, dX } = onCpu((given) => maxPool(given, 2, { padding: 1 }), [1, 2, 2], x);
    expect(y).toEqual([-1, -2, -3, -Infinity]);
    expect(dX).toEqual([1, 2, 3, 4]);
  });
  test('gives NaN where there is one, and the first one the gradient', () => {
    const x = Float32Array.of(5, NaN, NaN, 7, 1, 2, 3, 4);
    expect(onCpu((given) => maxPool(given, [1, 4]), [1, 2, 4], x)).toEqual({
      y: [NaN, 4],
      dX: [0, 1, 0, 0, 0, 0, 0, 2],
    });
  });
  test('changes places with relu, which has less to do behind it', () => {
    const x = input('x', spec([2, 6, 6, 4]));
    const y = maxPool(relu(x), 2);
    expect(y.node.op.name).toBe('relu');
    expect(y.node.inputs[0].node.op.name).toBe('maxPool');
    expect(y.node.inputs[0].node.inputs[0]).toBe(x);
    expect(maxPool(mul(x, -1), 2).node.op.name).toBe('maxPool');
  });
  test("shares the launch of its gradient with sigmoid's", async () => {
    const x = input('x', spec([2, 6, 6, 4]));
    const y = maxPool(sigmoid(x), 2);
    const [dX] = differentiate(sum(mul(y, y)), [x]);
    const backend = new GpuBackend(await sharedDevice(), { fuse: true });
    const program = await backend.compile({ outputs: { dX: dX! }, writes: [] });
    try {
      const random = new Random(SEED, 'fused');
      const observations = await backend.observe(program, {
        x: Float32Array.from({ length: 288 }, () => random.normal()),
      });
      expectFaithful(program.order, observations);
      const names = observations.map(({ node }) => formatNode(node, new Map()));
      expect(names.some((name) => name.includes('maxPoolGrad+sigmoidGrad'))).toBe(true);
    } finally {
      program.destroy();
      backend.destroy();
    }
  });
});

describe('average pooling', () => {
  test('leaves padding out, unless it is to be counted', () => {
    const x = Float32Array.of(4, 8);
    expect(onCpu((given) => averagePool(given, [1, 2], { padding: [0, 1] }), [1, 1, 2], x).y).toEqual([4, 8]);
    const counting = { padding: [0, 1], countPadding: true } as const;
    expect(onCpu((given) => averagePool(given, [1, 2], counting), [1, 1, 2], x).y).toEqual([2, 4]);
    // The last window ends inside, only the first reaches beyond.
    const wide = {
      stride: [1, 3],
      padding: [
        [0, 0],
        [1, 0],
      ],
    } as const;
    expect(onCpu((given) => averagePool(given, [1, 2], wide), [1, 1, 5], Float32Array.of(4, 8, 2, 6, 1)).y).toEqual([
      4, 4,
    ]);
  });
});

type Two = [number, number];
type Four = [number, number, number, number];

interface Drawn {
  readonly window: Two;
  readonly stride: Two;
  readonly padding: 'valid' | 'same' | readonly [Two, Two];
  readonly shape: Four;
  readonly numbers: Float32Array;
}

describe('pooling as TensorFlow.js does it', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  const random = new Random(SEED, 'tensorflow');
  const below = (end: number): number => Math.floor(random.uniform(0, end));
  const draw = (round: number): Drawn => {
    const window: Two = [1 + below(3), 1 + below(3)];
    const side = (extent: number): Two => [below(extent), below(extent)];
    const shape: Four = [1 + below(2), 3 + below(6), 3 + below(6), 1 + below(5)];
    return {
      window,
      stride: [1 + below(3), 1 + below(3)],
      padding: (['valid', 'same', [side(window[0]), side(window[1])]] as const)[round % 3],
      shape,
      // Of few different numbers, so that there are ties.
      numbers: Float32Array.from({ length: sizeOf(shape) }, () => below(6) - 3),
    };
  };
  for (let round = 0; round < 20; round++) {
    const drawn = draw(round);
    const { window, stride, padding, shape } = drawn;
    const title = `${window.join('×')} by ${stride.join('×')}, padding ${JSON.stringify(padding)}, of [${shape.join(', ')}]`;
    test(`${title} (seed ${SEED})`, () => {
      const { y, dX } = theirs(tf.maxPool, drawn);
      const ours = onCpu((x) => maxPool(x, window, { stride, padding }), shape, drawn.numbers);
      expectClose(ours.y, y);
      expectClose(ours.dX, dX);
      const averages = theirs(tf.avgPool, drawn);
      const average = (countPadding: boolean): ReturnType<typeof onCpu> =>
        onCpu((x) => averagePool(x, window, { stride, padding, countPadding }), shape, drawn.numbers);
      expectClose(average(false).y, averages.y);
      // Its average leaves padding out, but the gradient of its average does not.
      expectClose(average(true).dX, averages.dX);
    });
  }
});

/** As `onCpu`, by TensorFlow.js. */
function theirs(op: typeof tf.maxPool, { window, stride, padding, shape, numbers }: Drawn) {
  const explicit = typeof padding === 'object' ? ([[0, 0], ...padding, [0, 0]] as [Two, Two, Two, Two]) : padding;
  const pool = (x: tf.Tensor): tf.Tensor =>
    op(x as tf.Tensor4D, window, stride, explicit, typeof explicit === 'object' ? 'floor' : undefined);
  const x = tf.tensor4d(numbers, shape);
  const y = pool(x);
  const weights = tf.tensor(
    Float32Array.from({ length: y.size }, (_, at) => at + 1),
    y.shape,
  );
  const dX = tf.grad((given) => tf.sum(tf.mul(pool(given), weights)))(x);
  return { y: y.dataSync(), dX: dX.dataSync() };
}

/** Two f32 implementations that add in different orders; a wrong rule strays by tenths. */
function expectClose(actual: readonly number[], wanted: ArrayLike<number>): void {
  expect(actual).toHaveLength(wanted.length);
  actual.forEach((number, at) => {
    if (Math.abs(number - wanted[at]) > 1e-5 * Math.max(1, Math.abs(wanted[at]))) expect(number).toBe(wanted[at]);
  });
}

describe('pooling refuses', () => {
  const x = input('x', spec([2, 5, 4, 3]));
  test('a window that does not fit', () => {
    expect(() => maxPool(x, 7)).toThrow(
      '[maxPool] a 7×7 window does not fit a 5×4 input: add padding or use a smaller window',
    );
    expect(() => averagePool(x, [3, 7], { padding: 1 })).toThrow('does not fit a 5×4 input, 7×6 with its padding');
  });
  test('padding that a window would lie in alone', () => {
    expect(() => maxPool(x, 2, { padding: 2 })).toThrow(
      '[maxPool] padding is 2, so that a 2×2 window would lie in the padding alone: use less padding than the window is long',
    );
    const after = [
      [0, 0],
      [0, 3],
    ] as const;
    expect(() => averagePool(x, 3, { stride: 1, padding: after })).toThrow('[averagePool] padding is [[0,0],[0,3]]');
  });
  test('what is no whole number, or none that it can be', () => {
    expect(() => maxPool(x, 1.5)).toThrow('[maxPool] window is 1.5 but must be a whole number of at least 1');
    expect(() => maxPool(x, [2, 0])).toThrow('[maxPool] window is [2,0]');
    expect(() => maxPool(x, 2, { stride: 0 })).toThrow('[maxPool] stride is 0');
    expect(() => averagePool(x, 2, { padding: -1 })).toThrow('[averagePool] padding is -1');
    expect(() => averagePool(x, 2, { padding: 'full' as 'same' })).toThrow('[averagePool] padding is "full"');
  });
  test('what are no images', () => {
    expect(() => maxPool(input('x', spec([4, 4])), 2)).toThrow(
      '[maxPool] x is f32[4, 4] but must be images, [N, H, W, C], or [N, H, W] of one channel: reshape it',
    );
    expect(() => averagePool(input('x', spec([1, 2, 2, 1], 'i32')), 2)).toThrow('x is i32[1, 2, 2, 1] but must be f32');
  });
});
