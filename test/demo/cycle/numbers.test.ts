import { expect, test } from 'vitest';
import { normOf } from '../../../src/demo/cycle/magnitudes.ts';
import { tablesOf } from '../../../src/demo/cycle/numbers.ts';
import { stages } from '../../../src/demo/protocol.ts';
import { PlainNetwork } from '../../support/plainNetwork.ts';

const PIXELS = Float32Array.from({ length: 784 }, (_, i) => (i % 5) / 5);
const LABEL = 5;
const RATE = 0.05;
/** The glance has f32 where the network has f64. */
const DIGITS = 5;

const network = new PlainNetwork([784, 16, 12, 10], 'relu');
const glance = network.glance(PIXELS, LABEL, RATE);
const work = network.forward(PIXELS, LABEL);
const { dLogits, dInputs } = network.backward(work, LABEL);

const columnOf = (rows: readonly { readonly cells: readonly (number | string)[] }[], at: number): number[] =>
  rows.map(({ cells }) => Number(cells[at]));

function expectClose(numbers: readonly number[], expected: readonly number[]): void {
  expect(numbers).toHaveLength(expected.length);
  numbers.forEach((value, at) => expect(value).toBeCloseTo(expected[at], DIGITS));
}

test('forward: mean and largest of each layer, logits and probabilities are those of f64 loops', () => {
  const [layers, digits] = tablesOf(glance, 'forward');
  const outputs = [work.inputs[1], work.inputs[2], work.logits[2]];
  expect(layers.rows.map(({ header }) => header)).toEqual([
    'layer 1: dense, ReLU',
    'layer 2: dense, ReLU',
    'output: dense',
  ]);
  expectClose(
    columnOf(layers.rows, 1),
    outputs.map((a) => a.reduce((sum, x) => sum + x, 0) / a.length),
  );
  expectClose(
    columnOf(layers.rows, 2),
    outputs.map((a) => Math.max(...a.map(Math.abs))),
  );
  expectClose(columnOf(digits.rows, 0), [...work.logits[2]]);
  expectClose(columnOf(digits.rows, 1), [...work.probabilities]);
  expect(digits.rows.filter(({ isMarked }) => isMarked).map(({ header }) => header)).toEqual(['5 (right)']);
});

test('loss: it is the logarithm of the right digit’s probability', () => {
  const [[own, nats]] = tablesOf(glance, 'loss').map(({ rows }) => columnOf(rows, 0));
  expect(nats).toBeCloseTo(-Math.log(own), DIGITS);
  expect(nats).toBeCloseTo(work.loss, DIGITS);
});

test('backward: the lengths of errors are those of f64 loops, the last layer first', () => {
  const [lengths, digits] = tablesOf(glance, 'backward');
  expectClose(columnOf(lengths.rows, 0), [dLogits[2], dInputs[2], dInputs[1]].map(normOf));
  expect(lengths.rows.map(({ path }) => path)).toEqual(['layer5', 'layer3', 'layer1']);
  expectClose(columnOf(digits.rows, 2), [...dLogits[2]]);
});

test('update: a step of plain gradient descent is the learning rate times the gradient, and each parameter has its row', () => {
  const [lengths, loss] = tablesOf(glance, 'update');
  expect(lengths.rows.map(({ path }) => path)).toEqual(glance.parameters.map(({ name }) => name));
  expect(lengths.rows[1].header).toBe('layer 1: bias');
  for (const { cells } of lengths.rows) expect(cells[1]).toBeCloseTo(RATE * Number(cells[0]), DIGITS);
  expectClose(columnOf(loss.rows, 0), [glance.loss, glance.lossAfter, glance.lossAfter - glance.loss]);
  expect(glance.lossAfter).toBeLessThan(glance.loss);
});

test('every row has as many cells as its table has columns', () => {
  for (const { headers, rows } of stages.flatMap((stage) => tablesOf(glance, stage))) {
    for (const { cells } of rows) expect(cells).toHaveLength(headers.length - 1);
  }
});
