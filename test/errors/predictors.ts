import { writeSafetensors } from '../../src/data/index.ts';
import { createPredictor, linear, type Model, type PredictorOptions, type Value } from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

const tensor = { shape: [2], data: new Float32Array(2) };
const weights = writeSafetensors({ tensors: { 'head.weight': tensor, 'head.bias': tensor }, metadata: {} });

const asking = (options: Partial<PredictorOptions>) =>
  createPredictor({
    model: linear(2, 3) as Model,
    data: { point: { shape: [2], dtype: 'f32', scale: null } },
    backend: 'cpu',
    ...options,
  });

export const predictors: readonly Case[] = [
  ['[predictOnGpu] it runs', async () => (await asking({})).predictOnGpu([1, 2])],
  ['[createPredictor] <outputs> are told of one', () => asking({ outputs: 'classes', model: (x: Value) => ({ x }) })],
  ['[createPredictor] <outputs> are told of logits', () => asking({ outputs: 'probabilities', model: linear(2, 1) })],
  ['[generate] this predictor', async () => (await asking({ outputs: 'classes' })).generate([1])],
  ['[weights] <file> has nothing', () => asking({ weights, only: 'tail' })],
  ['[safetensors] "<name>" and', () => asking({ weights, rename: () => 'weight' })],
];
