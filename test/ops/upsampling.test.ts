import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { input } from '../../src/graph/leaf.ts';
import { mul } from '../../src/ops/pointwise/arithmetic.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import type { Pair } from '../../src/ops/convolution/spatial.ts';
import { upsample } from '../../src/ops/pooling/upsampling.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { checkOp } from '../support/checkOp.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const modes = ['nearest', 'bilinear'] as const;
type Mode = (typeof modes)[number];

/** Shapes as errors write them: `2×3 4×5`. */
const shapesIn = (text: string): Shape[] => text.split(' ').map((shape) => shape.split('×').map(Number));

const given: readonly (readonly [factor: Pair, shapes: readonly Shape[]])[] = [
  [2, shapesIn('2×3×5×4 1×4×2×3 1×1×1×1 1×9×7×8')],
  [3, shapesIn('1×3×2×4 2×2×4×7')],
  [[1, 4], shapesIn('1×3×3×1 1×1×2×12')],
];

for (const mode of modes) {
  for (const [factor, shapes] of given) {
    const title = `${mode} by ${JSON.stringify(factor)}`;
    const cases = shapes.map((shape) => [shape]);
    checkOp(`upsampling, ${title}`, ([x]) => upsample(x, factor, { mode }), cases);
    checkOp(
      `the gradient of its gradient, ${title}`,
      ([x, dY]) => differentiate(sum(mul(upsample(x, factor, { mode }), dY)), [x])[0]!,
      shapes.slice(0, 2).map((shape) => [shape, upsample(input('x', spec(shape)), factor).spec.shape]),
      { withRespectTo: [1] },
    );
  }
}

function onCpu(mode: Mode, factor: Pair, shape: Shape, numbers: Float32Array): number[] {
  const y = upsample(input('x', spec(shape)), factor, { mode });
  return [...interpret({ outputs: { y }, writes: [] }, { batch: { x: numbers } }).outputs['y']];
}

describe('upsampling', () => {
  test('repeats a pixel as often as the factors say', () => {
    expect(onCpu('nearest', [2, 3], [1, 1, 2], Float32Array.of(5, 7))).toEqual([5, 5, 5, 7, 7, 7, 5, 5, 5, 7, 7, 7]);
  });
  test('blends by the distance of the centres of pixels, and repeats the edge', () => {
    expect(onCpu('bilinear', [1, 2], [1, 1, 3], Float32Array.of(0, 4, 8))).toEqual([0, 1, 3, 5, 7, 8]);
  });
  test('does not feel what has no part in a pixel, were it infinite', () => {
    expect(onCpu('bilinear', [1, 3], [1, 1, 2], Float32Array.of(3, Infinity))).toEqual([
      3,
      3,
      Infinity,
      Infinity,
      Infinity,
      Infinity,
    ]);
  });
});

describe('upsampling as TensorFlow.js does it', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  const random = new Random(SEED, 'tensorflow');
  const below = (end: number): number => Math.floor(random.uniform(0, end));
  for (let round = 0; round < 20; round++) {
    const factor: [number, number] = [1 + below(4), 1 + below(4)];
    const shape: [number, number, number, number] = [1 + below(2), 1 + below(5), 1 + below(5), 1 + below(5)];
    const numbers = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
    test(`${factor.join('×')} of [${shape.join(', ')}] (seed ${SEED})`, () => {
      const size: [number, number] = [shape[1] * factor[0], shape[2] * factor[1]];
      const x = tf.tensor4d(numbers, shape);
      const nearest = tf.image.resizeNearestNeighbor(x, size, false, true).dataSync();
      expect(onCpu('nearest', factor, shape, numbers)).toEqual([...nearest]);
      const bilinear = tf.image.resizeBilinear(x, size, false, true).dataSync();
      onCpu('bilinear', factor, shape, numbers).forEach((number, at) => expect(number).toBeCloseTo(bilinear[at], 5));
    });
  }
});

describe('upsampling refuses', () => {
  const x = input('x', spec([2, 5, 4, 3]));
  test('a factor that is no whole number', () => {
    expect(() => upsample(x, 1.5)).toThrow('[upsample] factor is 1.5 but must be a whole number of at least 1');
    expect(() => upsample(x, [2, 0])).toThrow('[upsample] factor is [2,0]');
  });
  test('a mode that it does not know', () => {
    expect(() => upsample(x, 2, { mode: 'cubic' as 'nearest' })).toThrow(
      '[upsample] mode is "cubic" but must be nearest or bilinear',
    );
  });
  test('what are no images', () => {
    expect(() => upsample(input('x', spec([4])), 2)).toThrow('[upsample] x is f32[4] but must be images');
  });
});
