import { expect, test } from 'vitest';
import { columnsOf } from '../../../src/demo/cycle/columns.ts';
import type { Glance } from '../../../src/demo/protocol.ts';
import { columnReading, partReading } from '../../../src/demo/picture/readings.ts';
import { sentenceOf } from '../../../src/demo/cycle/sentences.ts';
import { PlainNetwork } from '../../support/plainNetwork.ts';

const PIXELS = Float32Array.from({ length: 784 }, (_, i) => (i % 5) / 5);
const network = new PlainNetwork([784, 16, 10], 'relu').glance(PIXELS, 5, 0.05);

/** What the sentences speak of, in numbers that are easily told apart. */
const said = (label: number, p: readonly [own: number, three: number]): Glance => ({
  ...network,
  label,
  probabilities: Float32Array.from({ length: 10 }, (_, digit) => (digit === label ? p[0] : digit === 3 ? p[1] : 0.01)),
  loss: 2.4407,
  lossAfter: 2.1034,
});

test('forward names the digit that the network takes it for', () => {
  expect(sentenceOf(said(5, [0.0871, 0.31]), 'forward')).toBe(
    'Forward: the network looks at this 5 and gives it a probability of 8.7 % of being a 5; it takes it for a 3 (31 %).',
  );
  expect(sentenceOf(said(8, [0.6, 0.2]), 'forward')).toBe(
    'Forward: the network looks at this 8 and gives it a probability of 60 % of being an 8: more than to any other digit, so it reads it rightly.',
  );
});

test('loss says what this digit costs beside a blind guess', () => {
  expect(sentenceOf(said(5, [0.0871, 0.31]), 'loss')).toBe(
    'Loss: 8.7 % for the right digit costs 2.4407. Certainty would cost 0, and guessing blindly among ten digits 2.30.',
  );
});

test('backward says how far the right digit and its worst rival are off', () => {
  expect(sentenceOf(said(5, [0.0871, 0.31]), 'backward')).toMatch(
    /^Backward: the output was 91\.3 points too low for 5 and 31\.0 points too high for 3\. .* at the output, and .* when it reaches layer 1\.$/,
  );
});

test('update says whether the loss falls or rises, and that the step is put back', () => {
  const glance = said(5, [0.0871, 0.31]);
  expect(sentenceOf(glance, 'update')).toContain('the loss on this 5 falls from 2.4407 to 2.1034');
  expect(sentenceOf({ ...glance, lossAfter: 3.5 }, 'update')).toContain('rises from 2.4407 to 3.5000');
  expect(sentenceOf(glance, 'update')).toContain('training does not see it');
});

test('a reading has the numbers of the neuron that one points at', () => {
  const [, hidden, output] = columnsOf(network);
  const text = (value: number): string => value.toPrecision(4).replace('-', '−');
  const at = hidden.values.findIndex((a) => a > 0.01);
  expect(partReading(network, hidden, at)).toContain(`neuron ${at + 1} of 16: a ${text(hidden.values[at])}`);
  expect(partReading(network, output, 5)).toContain(`logit ${text(output.values[5])}`);
  expect(partReading(network, output, 5)).toContain(`p − y ${text(network.probabilities[5] - 1)}`);
  expect(columnReading(hidden)).toMatch(/^Layer 1: dense and ReLU, 16: mean /);
});
