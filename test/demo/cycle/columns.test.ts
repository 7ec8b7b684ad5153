import { expect, test } from 'vitest';
import { columnsOf, isSmall } from '../../../src/demo/cycle/columns.ts';
import type { Glance, LayerGlance, ParameterGlance } from '../../../src/demo/protocol.ts';
import { PlainNetwork } from '../../support/plainNetwork.ts';

const PIXELS = Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 7);

test('a column holds what the activation function made of its layer, and the last one the logits', () => {
  const glance = new PlainNetwork([784, 16, 12, 10], 'sigmoid').glance(PIXELS, 5, 0.1);
  const columns = columnsOf(glance);
  expect(columns.map(({ name, kind, activation, shape }) => [name, kind, activation, ...shape])).toEqual([
    ['pixels', 'pixels', null, 28, 28],
    ['layer 1', 'linear', 'sigmoid', 16],
    ['layer 2', 'linear', 'sigmoid', 12],
    ['output', 'linear', null, 10],
  ]);
  expect(columns.slice(1).map(({ values }) => values)).toEqual([2, 4, 5].map((at) => glance.layers[at].output));
  expect(columns.slice(1).map(({ gradient }) => gradient)).toEqual([2, 4, 5].map((at) => glance.layers[at].gradient));
  expect(columns.map(({ weight }) => weight?.name)).toEqual([
    undefined,
    'layer1.weight',
    'layer3.weight',
    'layer5.weight',
  ]);
});

const layer = (path: string, kind: string, shape: readonly number[]): LayerGlance => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { path, kind, shape, output: new Float32Array(size), gradient: new Float32Array(size) };
};

const parameter = (name: string, shape: readonly number[]): ParameterGlance => {
  const nothing = new Float32Array(0);
  return { name, shape, value: nothing, gradient: nothing, change: nothing };
};

const nested: Glance = {
  step: 0,
  rate: 0.1,
  label: 5,
  pixels: PIXELS,
  layers: [
    layer('layer0.layer0', 'conv2d', [28, 28, 4]),
    layer('layer0.layer1', 'maxPool2d', [14, 14, 4]),
    layer('layer0.layer2', 'batchNorm', [14, 14, 4]),
    layer('layer0.layer3', 'relu', [14, 14, 4]),
    layer('layer0', 'sequential', [14, 14, 4]),
    layer('layer1', 'flatten', [784]),
    layer('layer2', 'linear', [64]),
    layer('layer3', 'dropout', [64]),
    layer('layer4', 'linear', [10]),
  ],
  parameters: [
    parameter('layer0.layer0.weight', [3, 3, 1, 4]),
    parameter('layer0.layer2.gamma', [4]),
    parameter('layer2.weight', [784, 64]),
    parameter('layer2.bias', [64]),
    parameter('layer4.weight', [64, 10]),
  ],
  probabilities: new Float32Array(10).fill(0.1),
  loss: Math.log(10),
  lossAfter: 2,
};

test('a norm and an activation behind a pool belong to the convolution, and what only hands on has no column', () => {
  const columns = columnsOf(nested);
  expect(columns.map(({ path, activation, shape }) => [path, activation, ...shape])).toEqual([
    ['', null, 28, 28],
    ['layer0.layer0', 'relu', 14, 14, 4],
    ['layer2', null, 64],
    ['layer4', null, 10],
  ]);
  expect(columns[1].values).toBe(nested.layers[3].output);
});

test('a network is small whose dense layers have at most 32 neurons', () => {
  const network = (...hidden: number[]) =>
    columnsOf(new PlainNetwork([784, ...hidden, 10], 'relu').glance(PIXELS, 1, 0.1));
  expect(isSmall(network(32, 16))).toBe(true);
  expect(isSmall(network(16, 33))).toBe(false);
  expect(isSmall(columnsOf(nested))).toBe(false);
});
