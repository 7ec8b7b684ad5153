// docs/backpropagation.md says nothing in numbers that the library does not compute.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { definitionOf, renderLesson, sourceLinksOf } from '../../docs/lesson.ts';
import { spec } from '../../src/core/shape.ts';
import { ACTIVATIONS, valuesOf } from '../../src/demo/lesson/activationValues.ts';
import { FIRST_MATRICES, turnOfHead } from '../../src/demo/lesson/workedHead.ts';
import { FIRST_PARAMETERS, INPUTS, turn } from '../../src/demo/lesson/workedNetwork.ts';
import { sineLosses } from '../../src/demo/lesson/sine.ts';
import {
  attention,
  constant,
  createTrainer,
  dataset,
  differentiate,
  glorotUniform,
  heNormal,
  interpret,
  meanSquaredError,
  mul,
  relu,
  rnn,
  sgd,
  sigmoid,
  sum,
  type Value,
} from '../../src/index.ts';
import { ATTENTION_PROSE, ATTENTION_ROWS } from '../support/attentionLesson.ts';
import { gradientLengths } from '../support/deepNetwork.ts';
import { errorThroughTime } from '../support/errorThroughTime.ts';
import { printed, WORKED_PROSE, WORKED_ROWS } from '../support/lesson.ts';
import {
  FIRST_WEIGHTS,
  RECURRENT_PROSE,
  RECURRENT_ROWS,
  SEQUENCE,
  SEQUENCE_RATE,
  SEQUENCE_TARGET,
  unrolled,
  UPDATED_WEIGHTS,
} from '../support/recurrentLesson.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const markdown = readFileSync(join(root, 'docs/backpropagation.md'), 'utf8');

/** What stands between a heading and the next one. */
function partOf(heading: string): string {
  const parts = markdown.split(/^(?=#+ )/m).filter((part) => /^#+ (.*)/.exec(part)![1] === heading);
  expect(parts).toHaveLength(1);
  return parts[0].slice(parts[0].indexOf('\n'));
}

const isRow = (line: string): boolean => line.startsWith('|');

/** The rows of a part's tables, without their heads, and without the blanks that fill up their columns. */
function rowsOf(part: string): string[] {
  const lines = part.split('\n');
  const heads = lines.flatMap((line, at) => (/^\|[ |-]+$/.test(line) ? [at - 1, at] : []));
  const rows = lines.filter((line, at) => isRow(line) && !heads.includes(at));
  return rows.map((line) => line.replaceAll(/ +/g, ' '));
}

const proseOf = (part: string): string =>
  part
    .split('\n')
    .filter((line) => !isRow(line))
    .join('\n');

/** In powers of ten. */
const power = (number: number): string => number.toExponential(1).replace(/^(.*)e(.*)$/, '$1 \\cdot 10^{$2}');

const decimalsIn = (text: string): string[] => text.match(/\d+\.\d+/g) ?? [];

describe('the worked network', () => {
  test.each(Object.entries(WORKED_ROWS))('has in its table of "%s" what the library computes', (heading, rows) => {
    expect(rowsOf(partOf(heading))).toEqual(rows);
  });

  test.each(Object.entries(WORKED_PROSE))('has in its text of "%s" the numbers of the tables', (heading, numbers) => {
    expect(decimalsIn(proseOf(partOf(heading)))).toEqual(numbers);
  });

  test('has no part that is not computed here', () => {
    const [, worked] = markdown.split('## A network worked through');
    const headings = worked.split(/^## /m)[0].match(/(?<=^### ).*/gm);
    expect(['A network worked through', ...headings!]).toEqual(Object.keys(WORKED_ROWS));
    expect(Object.keys(WORKED_PROSE)).toEqual(Object.keys(WORKED_ROWS));
  });
});

test('the first neuron is that of the worked network', () => {
  const { w11, w21, b1 } = FIRST_PARAMETERS;
  const { x1, x2 } = INPUTS;
  const part = partOf('The neuron');
  expect(part).toContain(`$${w11} \\cdot ${x1} + ${w21} \\cdot ${x2} + ${b1} = ${turn(FIRST_PARAMETERS).values.z1}$`);
  expect(decimalsIn(part)).toEqual([x2, w11, w21, b1, w11, w21, x2, b1].map(String));
});

test('the table of activations has what the library computes', () => {
  const places = [-4, -2, 0, 2, 4];
  const rows = Object.entries(ACTIVATIONS).flatMap(([name, activation]) => {
    const { f, df } = valuesOf(activation, places);
    return [[name, f] as const, ['its slope', df] as const].map(
      ([title, numbers]) => `| ${title} | ${[...numbers].map((number) => `$${printed(number)}$`).join(' | ')} |`,
    );
  });
  const part = partOf('Activations and their derivatives');
  expect(rowsOf(part).slice(-rows.length)).toEqual(rows);
  const [slope] = valuesOf(sigmoid, [0]).df;
  expect(slope).toBe(1 / 4);
  expect(part).toContain('never more than $1/4$');
});

test('the losses at three learning rates are those of the library', async () => {
  const shown = [0, 2, 10, 50, 200];
  const worded = (loss: number): string =>
    Number.isNaN(loss) ? 'not a number' : loss < 10 ? loss.toFixed(2) : loss.toFixed(0);
  const names = { 0.003: 'too small', 0.2: 'right', 0.5: 'too large' };
  const rows: string[] = [];
  for (const [rate, name] of Object.entries(names)) {
    const losses: number[] = [];
    for await (const loss of sineLosses(Number(rate), 200)) losses.push(loss);
    rows.push(`| ${rate}, ${name} | ${shown.map((step) => worded(losses[step])).join(' | ')} |`);
  }
  expect(rowsOf(partOf('The learning rate')).sort()).toEqual(rows.sort());
});

test('the steps on a parabola shrink as the text says', () => {
  const part = partOf('The learning rate');
  const left = (rate: number, steps: number): number => Math.abs((1 - 2 * rate) ** steps);
  expect(part).toContain(`after a hundred steps ${(100 * left(0.01, 100)).toFixed(0)} % of the way is still to go`);
  expect(part).toContain(`With $\\eta = 0.4$ it is ${(1 - 2 * 0.4).toFixed(1)}`);
  expect(part).toContain(`three steps take ${(100 * (1 - left(0.4, 3))).toFixed(0)} % of the way`);
  expect(part).toContain(`With $\\eta = 0.9$ it is ${(1 - 2 * 0.9).toFixed(1).replace('-', '−')}`);
});

test('the gradients that vanish, and those that do not, are those of the library', () => {
  const vanishing = gradientLengths(10, sigmoid, glorotUniform);
  const lasting = gradientLengths(10, relu, heNormal);
  const rows = [1, 4, 7, 10].map(
    (layer) => `| ${layer} | $${power(vanishing[layer - 1])}$ | $${lasting[layer - 1].toFixed(2)}$ |`,
  );
  const part = partOf('Vanishing gradients');
  expect(rowsOf(part)).toEqual(rows);
  expect(part).toContain(`\\approx ${power((1 / 4) ** 10)}`);
});

describe('the recurrent net of two steps', () => {
  test.each(Object.entries(RECURRENT_ROWS))('has in its table of "%s" what the library computes', (heading, rows) => {
    expect(rowsOf(partOf(heading))).toEqual(rows);
  });

  test.each(Object.entries(RECURRENT_PROSE))(
    'has in its text of "%s" the numbers of the tables',
    (heading, numbers) => {
      expect(decimalsIn(proseOf(partOf(heading)))).toEqual(numbers);
    },
  );

  test('is what a plain recurrent layer of one unit does, and its update that of SGD', async () => {
    const { w, u } = FIRST_WEIGHTS;
    const steps = dataset({
      x: { data: Object.values(SEQUENCE), shape: [2, 1] },
      y: { data: [SEQUENCE_TARGET], shape: [1] },
    });
    const trainer = await createTrainer({
      model: rnn(1, 1, { returns: 'last' }),
      loss: meanSquaredError,
      targets: 'y',
      optimizer: sgd({ learningRate: SEQUENCE_RATE }),
      batchSize: 1,
      backend: 'cpu',
      data: steps,
    });
    const given = { inputWeight: w, hiddenWeight: u, inputBias: 0, hiddenBias: 0 };
    const names = Object.keys(await trainer.readParameters());
    const numbers = Object.entries(given).map(([own, number]) => [names.find((name) => name.endsWith(own))!, [number]]);
    await trainer.writeParameters(Object.fromEntries(numbers) as Record<string, number[]>);
    const { loss, parameters } = await trainer.inspect(steps, { update: true });
    trainer.destroy();
    const after = (name: string): number => {
      const { value, change } = parameters.find((parameter) => parameter.name.endsWith(name))!;
      return value[0] + change![0];
    };
    expect(loss).toBeCloseTo(unrolled(FIRST_WEIGHTS).values.loss, 6);
    expect(after('inputWeight')).toBeCloseTo(UPDATED_WEIGHTS.w, 6);
    expect(after('hiddenWeight')).toBeCloseTo(UPDATED_WEIGHTS.u, 6);
  });
});

test('the error that is left at each step, in a plain net and in an LSTM, is that of the library', () => {
  const columns = [errorThroughTime('rnn', 50), errorThroughTime('lstm', 50), errorThroughTime('lstm', 50, 3)];
  const rows = [50, 40, 30, 20, 1].map((step) => {
    const cells = columns.map((left) => (left[step - 1] > 0.01 ? left[step - 1].toFixed(2) : power(left[step - 1])));
    return `| ${step} | ${cells.map((cell) => `$${cell}$`).join(' | ')} |`;
  });
  const part = partOf('What an LSTM carries');
  expect(rowsOf(part)).toEqual(rows);
  expect(columns[2][0]).toBeGreaterThan(0.1);
  expect(partOf('Why the error vanishes')).toContain(
    `of 50 steps, at most $${power(FIRST_WEIGHTS.u ** 49)}$ of the error reaches the first`,
  );
});

describe('the head of attention', () => {
  test('is what the op of attention does, and the way back that of its derivative', () => {
    const { values, gradients } = turnOfHead(FIRST_MATRICES);
    const ofOneHead = (numbers: readonly number[]) => constant(Float64Array.from(numbers), spec([1, 3, 1, 2]));
    const [q, k, v] = [values.q, values.k, values.v].map(ofOneHead);
    const y = attention(q, k, v, { causal: true });
    const loss = sum(mul(y, ofOneHead(gradients.y)));
    const [dq, dk, dv] = differentiate(loss, [q, k, v]) as Value[];
    const { outputs } = interpret({ outputs: { y, q: dq, k: dk, v: dv }, writes: [] }, { precision: 'f64' });
    const expected = { y: values.y, q: gradients.q, k: gradients.k, v: gradients.v };
    for (const [name, numbers] of Object.entries(expected)) {
      numbers.forEach((number, at) => expect(outputs[name][at]).toBeCloseTo(number, 12));
    }
  });

  test.each(Object.entries(ATTENTION_ROWS))('has in its tables of "%s" what the library computes', (heading, rows) => {
    expect(rowsOf(partOf(heading))).toEqual(rows);
  });

  test.each(Object.entries(ATTENTION_PROSE))(
    'has in its text of "%s" the numbers of the tables',
    (heading, numbers) => {
      expect(decimalsIn(proseOf(partOf(heading)))).toEqual(numbers);
    },
  );
});

test('the counts of weights and steps are right', () => {
  const weights = 784 * 128 + 128 + 128 * 10 + 10;
  expect(markdown).toContain(`has ${weights.toLocaleString('en')} weights and biases`);
  expect(markdown).toContain(
    `after ${Math.ceil(60_000 / 128)} steps, the last of which has ${60_000 % 128} digits left`,
  );
});

test('each link to a source leads to a file that defines what the link names', () => {
  const links = sourceLinksOf(markdown);
  expect(links.length).toBeGreaterThan(20);
  const missing = links.filter(
    ({ name, path }) => !existsSync(join(root, path)) || definitionOf(readFileSync(join(root, path), 'utf8'), name) < 0,
  );
  expect(missing).toEqual([]);
});

test.each([
  ['logistic(x) * logistic(-x)', 'src/ops/pointwise/activations.ts'],
  ['rate * g', 'src/optim/sgd.ts'],
  ['vjp', 'src/ops/products/matmul.ts'],
  ['dc * f', 'src/ops/recurrent/cells.ts'],
])('the code that the text shows, `%s`, is a line of %s', (code, path) => {
  expect(markdown).toContain(`${code}\``);
  expect(readFileSync(join(root, path), 'utf8')).toContain(code);
});

test('no link is of another kind, and each names the file that it leads to', () => {
  const links = [...markdown.matchAll(/\[([^\]]*)\]\(([^)]*)\)/g)].filter(([, , to]) => !to.startsWith('#'));
  expect(links).toHaveLength(sourceLinksOf(markdown).length);
  for (const [, text, to] of links) expect(to).toMatch(new RegExp(`^\\.\\./(src/)?${text.split(' in ')[1]}$`));
});

test('the page has ids for the links within it, and nothing that its policy forbids', () => {
  const { contents, introduction, chapters } = renderLesson(markdown);
  const html = contents + introduction + chapters;
  for (const [, id] of html.matchAll(/href="#([^"]*)"/g)) expect(html).toContain(`id="${id}"`);
  expect(html).not.toMatch(/ style=|<script| on\w+=/);
  expect(html).not.toContain('$');
});
