import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { input } from '../../src/graph/leaf.ts';
import { crossEntropyRows } from '../../src/ops/losses/crossEntropy.ts';
import { logSoftmax, softmax } from '../../src/ops/losses/softmax.ts';
import { checkOp } from '../support/checkOp.ts';

const rows = [[[5, 7]], [[1, 1]], [[3, 2, 10]], [[130, 3]], [[2, 1001]]];
const tails = { tails: true };
checkOp('softmax', ([x]) => softmax(x), rows, tails);
checkOp('log-softmax', ([x]) => logSoftmax(x), rows, tails);

const labelled = (['u8', 'i32', 'u32'] as const).flatMap((dtype) => [
  [[5, 7], spec([5], dtype)],
  [[1, 5], spec([1], dtype)],
  [[131, 10], spec([131], dtype)],
]);
checkOp('cross-entropy', ([x, y]) => crossEntropyRows(x, y).loss, labelled, tails);
checkOp('cross-entropy, smoothed', ([x, y]) => crossEntropyRows(x, y, { labelSmoothing: 0.1 }).loss, labelled, tails);
checkOp(
  'cross-entropy with an ignored label',
  ([x, y]) => crossEntropyRows(x, y, { ignoreIndex: 2 }).loss,
  labelled.slice(0, 1).concat(labelled.slice(2, 3)),
  { special: false },
);
checkOp(
  'cross-entropy, weighted, smoothed, with an ignored label',
  ([x, y]) =>
    crossEntropyRows(x, y, { classWeights: [1, 0.5, 2, 3, 0.1, 1, 2], labelSmoothing: 0.2, ignoreIndex: 4 }).loss,
  [labelled[0]],
  { special: false },
);
checkOp('cross-entropy over three axes', ([x, y]) => crossEntropyRows(x, y).loss, [[[2, 3, 6], spec([2, 3], 'i32')]]);

describe('cross-entropy refuses', () => {
  test('labels that do not fit the logits', () => {
    expect(() => crossEntropyRows(input('x', spec([4, 3])), input('y', spec([5], 'i32')))).toThrow(
      '[crossEntropy] logits are f32[4, 3] but labels are i32[5]: they must be f32[N, C] and integers [N]',
    );
  });
  test('class weights of another number', () => {
    expect(() =>
      crossEntropyRows(input('x', spec([4, 3])), input('y', spec([4], 'i32')), { classWeights: [1, 2] }),
    ).toThrow('there are 2 class weights for 3 classes');
  });
  test('labels that are no integers', () => {
    expect(() => crossEntropyRows(input('x', spec([4, 3])), input('y', spec([4])))).toThrow(
      'labels is f32[4] but must be',
    );
  });
});
