import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { allocate, sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { interpret, type Precision } from '../../src/cpu/interpret.ts';
import { input } from '../../src/graph/leaf.ts';
import { affine, matmul, type MatmulOptions } from '../../src/ops/products/matmul.ts';

/** Seeded, and never 0, so that a term left out is seen. */
const random = new Random(1, 'multiply');

function numbers(shape: Shape, precision: Precision): Numbers {
  const made = allocate(spec(shape), precision);
  for (let i = 0; i < made.length; i++) made[i] = random.uniform(0.5, 1.5);
  return made;
}

/** Three loops over one matrix of each operand, in f64. */
function naive(
  a: Numbers,
  b: Numbers,
  [M, N, K]: readonly number[],
  { transposeA, transposeB }: MatmulOptions,
): Numbers {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++)
        c[m * N + n] += a[transposeA ? k * M + m : m * K + k] * b[transposeB ? n * K + k : k * N + n];
    }
  }
  return c;
}

/** Terms of one sum come in the same order, so that f64 is equal, and f32 is the sum rounded once. */
const expected = (sums: Numbers, precision: Precision): number[] =>
  Array.from(sums, precision === 'f64' ? (x) => x : Math.fround);

function product(
  a: Numbers,
  b: Numbers,
  shapes: readonly [Shape, Shape],
  options: MatmulOptions,
  precision: Precision,
): Numbers {
  const [aShape, bShape] = shapes;
  const c = matmul(input('a', spec(aShape)), input('b', spec(bShape)), options);
  return interpret({ outputs: { c }, writes: [] }, { batch: { a, b }, precision }).outputs['c'];
}

const shapesOf = ([M, N, K]: readonly number[], { transposeA, transposeB }: MatmulOptions): [Shape, Shape] => [
  transposeA ? [K, M] : [M, K],
  transposeB ? [N, K] : [K, N],
];

/** Around the edges of one tile and of two, and past a block of 128 columns. */
const extents = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const small = extents.flatMap((M) => extents.flatMap((N) => extents.map((K) => [M, N, K])));
const large = [
  [3, 127, 5],
  [2, 128, 3],
  [5, 129, 2],
  [3, 261, 4],
];

describe.each(['f32', 'f64'] as const)('a product in %s', (precision) => {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const form = `${transposeA ? 'Aᵀ' : 'A'} · ${transposeB ? 'Bᵀ' : 'B'}`;
      test(`${form} is the sum of three plain loops`, () => {
        for (const sizes of [...small, ...large]) {
          const options = { transposeA, transposeB };
          const shapes = shapesOf(sizes, options);
          const [a, b] = shapes.map((shape) => numbers(shape, precision));
          const c = product(a, b, shapes, options, precision);
          expect(Array.from(c), `M, N, K = ${sizes.join()}`).toEqual(expected(naive(a, b, sizes, options), precision));
        }
      });

      test(`${form} of a batch is that of each of its matrices`, () => {
        const sizes = [3, 6, 5];
        const options = { transposeA, transposeB };
        const [aShape, bShape] = shapesOf(sizes, options);
        for (const [aLeading, bLeading] of [
          [[3], [3]],
          [[3], []],
          [[], [3]],
        ]) {
          const shapes: [Shape, Shape] = [
            [...aLeading, ...aShape],
            [...bLeading, ...bShape],
          ];
          const [a, b] = shapes.map((shape) => numbers(shape, precision));
          const c = product(a, b, shapes, options, precision);
          const each = [0, 1, 2].flatMap((at) => {
            const aAt = aLeading.length > 0 ? at * sizeOf(aShape) : 0;
            const bAt = bLeading.length > 0 ? at * sizeOf(bShape) : 0;
            const [one, other] = [a.subarray(aAt, aAt + sizeOf(aShape)), b.subarray(bAt, bAt + sizeOf(bShape))];
            return expected(naive(one, other, sizes, options), precision);
          });
          expect(Array.from(c)).toEqual(each);
        }
      });
    }
  }

  test('with a bias adds it to every row', () => {
    for (const [M, N, K] of [...small, ...large]) {
      const [x, weight, bias] = [[M, K], [K, N], [N]].map((shape) => numbers(shape, precision));
      const y = affine(input('x', spec([M, K])), input('weight', spec([K, N])), input('bias', spec([N])));
      const { outputs } = interpret({ outputs: { y }, writes: [] }, { batch: { x, weight, bias }, precision });
      const sums = naive(x, weight, [M, N, K], {}).map((sum, at) => sum + bias[at % N]);
      expect(Array.from(outputs['y']), `M, N, K = ${M}, ${N}, ${K}`).toEqual(expected(sums, precision));
    }
  });
});

test('NaN and infinity in a row or a column stay in it, where a tile is not full', () => {
  const [M, N, K] = [3, 5, 2];
  const a = Float32Array.of(1, 2, NaN, 3, 1, 1);
  const b = Float32Array.of(1, 1, 1, 1, Infinity, 1, 1, 1, 1, 1);
  const c = product(
    a,
    b,
    [
      [M, K],
      [K, N],
    ],
    {},
    'f32',
  );
  expect(Array.from(c)).toEqual([3, 3, 3, 3, Infinity, NaN, NaN, NaN, NaN, NaN, 2, 2, 2, 2, Infinity]);
});

test('a product over nothing is 0, or the bias', () => {
  const y = affine(input('x', spec([2, 0])), input('weight', spec([0, 3])), input('bias', spec([3])));
  const batch = { x: new Float32Array(0), weight: new Float32Array(0), bias: Float32Array.of(1, 2, 3) };
  expect(Array.from(interpret({ outputs: { y }, writes: [] }, { batch }).outputs['y'])).toEqual([1, 2, 3, 1, 2, 3]);
});
