// Examples of ops that bring elements together, or move them.

import {
  absoluteErrors,
  affine,
  argmax,
  attention,
  averagePool,
  binaryCrossEntropies,
  broadcastTo,
  concat,
  convolve,
  convolveTransposed,
  crossEntropyRows,
  ctcGreedy,
  flatten,
  gather,
  huberErrors,
  kullbackLeiblerTerms,
  log,
  logSoftmax,
  matmul,
  max,
  maxPool,
  mean,
  min,
  moments,
  normalizeBatch,
  normalizeBy,
  normalizeGroups,
  pad,
  reshape,
  rotary,
  slice,
  softmax,
  squaredErrors,
  stopGradient,
  sum,
  transpose,
  upsample,
  differentiate,
  mul,
} from '../../../src/index.ts';
import { counted, labels, matrix, numbersOf, vector, type Examples } from './stage.ts';

export const ops: Examples = {
  matmul() {
    const a = matrix([1, 2], [3, 4]);
    console.log(numbersOf(matmul(a, matrix([1], [10])))); // [21, 43]
    console.log(numbersOf(matmul(a, a, { transposeB: true }))); // [5, 11, 11, 25]
  },
  affine() {
    console.log(numbersOf(affine(matrix([1, 2]), matrix([1, 0], [0, 1]), vector(10, 20)))); // [11, 22]
  },
  sum() {
    console.log(numbersOf(sum(matrix([1, 2], [3, 4])))); // [10]
    console.log(numbersOf(sum(matrix([1, 2], [3, 4]), { axes: 0 }))); // [4, 6]
  },
  mean() {
    console.log(numbersOf(mean(matrix([1, 2], [3, 4]), { axes: 1 }))); // [1.5, 3.5]
  },
  max() {
    console.log(numbersOf(max(matrix([1, 2], [3, 4]), { axes: -1, keepDimensions: true }))); // [2, 4]
  },
  min() {
    console.log(numbersOf(min(matrix([1, 2], [3, 4]), { axes: 0 }))); // [1, 2]
  },
  argmax() {
    console.log(numbersOf(argmax(matrix([1, 5, 2], [9, 0, 3]), -1))); // [1, 0]
  },
  moments() {
    const { mean, variance } = moments(matrix([1, 10], [3, 30]));
    console.log(numbersOf(mean), numbersOf(variance)); // [2, 20] [1, 100]
  },
  broadcastTo() {
    console.log(numbersOf(broadcastTo(vector(1, 2), [2, 2]))); // [1, 2, 1, 2]
  },
  concat() {
    console.log(numbersOf(concat([matrix([1], [2]), matrix([3], [4])], 1))); // [1, 3, 2, 4]
  },
  flatten() {
    console.log(flatten(counted(2, 3, 4)).spec.shape); // [2, 12]
  },
  reshape() {
    console.log(reshape(counted(6), [2, 3]).spec.shape); // [2, 3]
  },
  transpose() {
    console.log(numbersOf(transpose(matrix([1, 2], [3, 4]), [1, 0]))); // [1, 3, 2, 4]
  },
  slice() {
    console.log(numbersOf(slice(matrix([1, 2, 3], [4, 5, 6]), [null, { start: 1 }]))); // [2, 3, 5, 6]
  },
  pad() {
    console.log(numbersOf(pad(vector(1, 2), [[1, 2]]))); // [0, 1, 2, 0, 0]
  },
  stopGradient() {
    const x = vector(3);
    const [slope] = differentiate(sum(mul(x, stopGradient(x))), [x]);
    console.log(numbersOf(slope!)); // [3]
  },
  gather() {
    const table = matrix([1, 2], [3, 4], [5, 6]);
    console.log(numbersOf(gather(table, labels(2, 0)))); // [5, 6, 1, 2]
  },
  convolve() {
    const image = counted(1, 3, 3, 1);
    const kernel = reshape(vector(1, 0, 0, 1), [2, 2, 1, 1]);
    console.log(numbersOf(convolve(image, kernel))); // [4, 6, 10, 12]
  },
  convolveTransposed() {
    const image = counted(1, 2, 2, 1);
    const kernel = reshape(vector(1, 1, 1, 1), [2, 2, 1, 1]);
    console.log(convolveTransposed(image, kernel, { stride: 2 }).spec.shape); // [1, 4, 4, 1]
  },
  maxPool() {
    console.log(numbersOf(maxPool(counted(1, 4, 4, 1), 2))); // [5, 7, 13, 15]
  },
  averagePool() {
    console.log(numbersOf(averagePool(counted(1, 4, 4, 1), 2))); // [2.5, 4.5, 10.5, 12.5]
  },
  upsample() {
    console.log(numbersOf(upsample(counted(1, 1, 2, 1), 2))); // [0, 0, 1, 1, 0, 0, 1, 1]
  },
  normalizeBatch() {
    const { y } = normalizeBatch(matrix([1], [3]), vector(1), vector(0), 1e-5);
    console.log(numbersOf(y)); // [-1, 1]
  },
  normalizeBy() {
    const known = { mean: vector(2), variance: vector(4) };
    console.log(numbersOf(normalizeBy(matrix([6]), known, vector(1), vector(0), 0))); // [2]
  },
  normalizeGroups() {
    const y = normalizeGroups(matrix([1, 3]), vector(1, 1), vector(0, 0), { epsilon: 0 });
    console.log(numbersOf(y)); // [-1, 1]
  },
  attention() {
    // One text of two tokens and one head: the second token looks at both, the first at itself.
    const x = reshape(matrix([1, 0], [0, 1]), [1, 2, 1, 2]);
    console.log(numbersOf(attention(x, x, x, { causal: true, scale: 1 }))); // [1, 0, 0.2689, 0.7311]
  },
  rotary() {
    console.log(numbersOf(rotary(reshape(vector(1, 0, 1, 0), [1, 2, 1, 2])))); // [1, 0, 0.5403, 0.8415]
  },
  softmax() {
    console.log(numbersOf(softmax(vector(0, 1, 2)))); // [0.09003, 0.2447, 0.6652]
  },
  logSoftmax() {
    console.log(numbersOf(logSoftmax(vector(0, 0)))); // [-0.6931, -0.6931]
  },
  crossEntropyRows() {
    const { loss, correct } = crossEntropyRows(matrix([2, 0], [2, 0]), labels(0, 1));
    console.log(numbersOf(loss), numbersOf(correct)); // [1.127] [1, 0]
  },
  squaredErrors() {
    console.log(numbersOf(squaredErrors(vector(1, 5), vector(1, 2)))); // [0, 9]
  },
  absoluteErrors() {
    console.log(numbersOf(absoluteErrors(vector(1, 5), vector(1, 2)))); // [0, 3]
  },
  huberErrors() {
    console.log(numbersOf(huberErrors(vector(1, 5), vector(1.5, 2), 1))); // [0.125, 2.5]
  },
  binaryCrossEntropies() {
    console.log(numbersOf(binaryCrossEntropies(vector(0, 4), vector(1, 1)))); // [0.6931, 0.01815]
  },
  kullbackLeiblerTerms() {
    console.log(numbersOf(kullbackLeiblerTerms(log(vector(0.5, 0.5)), vector(0.9, 0.1)))); // [0.529, -0.1609]
  },
  ctcGreedy() {
    // Three frames say: blank, 1, 1.
    const frames = reshape(matrix([9, 0], [0, 9], [0, 9]), [1, 3, 2]);
    const { labels, lengths } = ctcGreedy(frames);
    console.log(numbersOf(labels), numbersOf(lengths)); // [1, -1, -1] [1]
  },
};
