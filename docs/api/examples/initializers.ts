// Examples of first weights.

import {
  constantValue,
  fromValues,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  linear,
  ones,
  Random,
  randomNormal,
  randomUniform,
  torchUniform,
  truncatedNormal,
  zeros,
  type Initializer,
} from '../../../src/index.ts';
import { shapeOf, type Examples } from './stage.ts';

/** The root of the mean square of a thousand weights. */
const sizeOf = (initial: Initializer): number => {
  const weights = initial([100, 100], new Random(1, 'weights'));
  return Number(Math.sqrt(weights.reduce((total, w) => total + w * w, 0) / weights.length).toFixed(2));
};

export const initializers: Examples = {
  glorotUniform() {
    console.log(sizeOf(glorotUniform)); // 0.1
  },
  glorotNormal() {
    console.log(sizeOf(glorotNormal)); // 0.1
  },
  heUniform() {
    console.log(sizeOf(heUniform)); // 0.14
  },
  async heNormal() {
    console.log(await shapeOf(linear(3, 2, { weightInitial: heNormal, biasInitial: zeros }), [4, 3])); // [4, 2]
  },
  lecunUniform() {
    console.log(sizeOf(lecunUniform)); // 0.1
  },
  lecunNormal() {
    console.log(sizeOf(lecunNormal)); // 0.1
  },
  torchUniform() {
    console.log(sizeOf(torchUniform(100))); // 0.06
  },
  zeros() {
    console.log(zeros([2], new Random(1, 'bias'))); // [0, 0]
  },
  ones() {
    console.log(ones([2], new Random(1, 'gamma'))); // [1, 1]
  },
  constantValue() {
    console.log(constantValue(0.5)([2], new Random(1, 'bias'))); // [0.5, 0.5]
  },
  randomUniform() {
    console.log(sizeOf(randomUniform(-1, 1))); // 0.58
  },
  randomNormal() {
    console.log(sizeOf(randomNormal(0, 0.02))); // 0.02
  },
  truncatedNormal() {
    const weights = truncatedNormal(0, 1)([1000], new Random(1, 'weights'));
    console.log(weights.every((w) => Math.abs(w) <= 2)); // true
  },
  fromValues() {
    console.log(fromValues([1, 2, 3])([3], new Random(1, 'weights'))); // [1, 2, 3]
  },
};
