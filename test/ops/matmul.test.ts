import { describe, expect, test } from 'vitest';
import { spec, type Shape } from '../../src/core/shape.ts';
import { input } from '../../src/graph/leaf.ts';
import { affine, matmul } from '../../src/ops/products/matmul.ts';
import { checkOp } from '../support/checkOp.ts';

/** M, N and K: odd, ones, whole vectors, past one block of each, nothing to sum. */
const sizes: readonly (readonly [number, number, number])[] = [
  [5, 7, 3],
  [1, 1, 1],
  [1, 10, 128],
  [13, 1, 17],
  [8, 12, 16],
  [37, 41, 31],
  [130, 66, 97],
  [4, 8, 0],
];

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    checkOp(
      `matmul of ${transposeA ? 'Aᵀ' : 'A'} and ${transposeB ? 'Bᵀ' : 'B'}`,
      ([a, b]) => matmul(a, b, { transposeA, transposeB }),
      sizes.map(([M, N, K]): Shape[] => [transposeA ? [K, M] : [M, K], transposeB ? [N, K] : [K, N]]),
    );
  }
}

checkOp('batched matmul', ([a, b]) => matmul(a, b), [
  [
    [3, 5, 7],
    [3, 7, 2],
  ],
  [
    [2, 3, 4, 8],
    [2, 3, 8, 4],
  ],
  [
    [2, 5, 7],
    [7, 3],
  ],
  [
    [5, 7],
    [4, 7, 3],
  ],
]);
checkOp('batched matmul of transposed matrices', ([a, b]) => matmul(a, b, { transposeA: true, transposeB: true }), [
  // K = 5: the last three terms of a step of four lie in the next matrix, whose NaN must stay there.
  [
    [3, 5, 6],
    [3, 2, 5],
  ],
  [
    [3, 7, 5],
    [2, 7],
  ],
]);

checkOp('affine', ([x, weight, bias]) => affine(x, weight, bias), [
  ...sizes.map(([M, N, K]): Shape[] => [[M, K], [K, N], [N]]),
  [[2, 3, 5], [5, 7], [7]],
  [[5], [5, 7], [7]],
]);

const given = (shape: Shape) => input('x', spec(shape));

describe('matmul refuses', () => {
  test('operands whose inner extents differ, naming both', () => {
    expect(() => matmul(given([128, 784]), given([256, 10]))).toThrow(
      '[matmul] a has 784 columns but b has 256 rows: a is f32[128, 784], b is f32[256, 10]',
    );
  });
  test('a bias of another length', () => {
    expect(() => affine(given([2, 3]), given([3, 4]), given([5]))).toThrow(
      '[matmul] bias is f32[5] but the product has 4 columns: it must be f32[4]',
    );
  });
  test('batches that differ', () => {
    expect(() => matmul(given([2, 3, 4]), given([3, 4, 5]))).toThrow('the leading axes differ');
  });
  test('vectors and integers', () => {
    expect(() => matmul(given([3]), given([3, 4]))).toThrow('must have rows and columns');
    expect(() => matmul(input('x', spec([2, 3], 'i32')), given([3, 4]))).toThrow('a is i32[2, 3] but must be f32');
  });
});
