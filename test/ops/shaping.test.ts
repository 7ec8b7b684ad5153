import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { input } from '../../src/graph/leaf.ts';
import { gather } from '../../src/ops/indexing/gather.ts';
import { mul } from '../../src/ops/pointwise/arithmetic.ts';
import { concat, pad, slice } from '../../src/ops/shaping/pieces.ts';
import { flatten, reshape } from '../../src/ops/shaping/views.ts';
import { transpose } from '../../src/ops/shaping/transpose.ts';
import { checkOp } from '../support/checkOp.ts';

checkOp('reshape', ([x]) => mul(reshape(x, [-1, 4]), 3), [[[2, 6]], [[4, 5, 3]]]);
checkOp('flatten', ([x]) => mul(flatten(x), 2), [[[2, 3, 5]], [[7]]]);
checkOp('transpose', ([x]) => transpose(x), [[[3, 5]], [[2, 3, 4]], [[1, 7, 1]], [[67, 33]]]);
checkOp('transpose in another order', ([x]) => transpose(x, [2, 0, 1]), [[[2, 3, 5]]]);
checkOp('transpose of matrices side by side', ([x]) => transpose(x, [0, 2, 1]), [[[5, 131, 70]]]);
checkOp('transpose of integers', ([x]) => transpose(x), [[spec([3, 5], 'i32')]], { differentiable: false });
checkOp('slice', ([x]) => slice(x, [{ start: 1, end: -1 }, null, { start: 1, step: 2 }]), [[[4, 3, 6]], [[3, 1, 7]]]);
checkOp(
  'pad',
  ([x]) =>
    pad(
      x,
      [
        [1, 2],
        [0, 3],
      ],
      -2.5,
    ),
  [[[3, 5]], [[1, 1]]],
);
checkOp('pad of integers', ([x]) => pad(x, [[1, 1]], 7), [[spec([5], 'i32')]], { differentiable: false });
checkOp('concat along 0', ([a, b, c]) => concat([a, b, c]), [
  [
    [2, 3],
    [1, 3],
    [4, 3],
  ],
]);
checkOp('concat along the last axis', ([a, b]) => concat([a, b], -1), [
  [
    [2, 3, 5],
    [2, 3, 1],
  ],
]);
checkOp('concat of a value with itself', ([a]) => concat([a, a], 1), [[[3, 2]]]);

const indices = (shape: number[], dtype: 'i32' | 'u32' | 'u8') => spec(shape, dtype);
checkOp('gather of rows', ([x, i]) => gather(x, i), [
  [[5, 7], indices([9], 'i32')],
  [[5, 1], indices([1], 'u32')],
  [[6, 3], indices([2, 4], 'u8')],
]);
checkOp('gather along axis 1', ([x, i]) => gather(x, i, 1), [[[3, 5, 2], indices([7], 'u8')]]);
checkOp('gather of integers', ([x, i]) => gather(x, i), [[spec([5, 3], 'i32'), indices([4], 'u32')]], {
  differentiable: false,
});

describe('shaping refuses', () => {
  const x = input('x', spec([4, 6]));
  test('a shape of another size', () => {
    expect(() => reshape(x, [5, 5])).toThrow('[reshape] f32[4, 6] has 24 elements but [5, 5] has 25');
    expect(() => reshape(x, [5, -1])).toThrow('does not fit [5, -1]');
  });
  test('an order that repeats an axis', () => {
    expect(() => transpose(x, [0, 0])).toThrow('[transpose] [0, 0] does not name each axis of f32[4, 6] once');
  });
  test('an empty slice', () => {
    expect(() => slice(x, [{ start: 3, end: 3 }])).toThrow('selects nothing from axis 0 of f32[4, 6]');
  });
  test('concatenating what differs elsewhere', () => {
    expect(() => concat([x, input('y', spec([4, 5]))])).toThrow('they may differ along axis 0 only');
  });
});
