// What docs/backpropagation.md must say of the network that it works through, row by row, from numbers of the library.

import {
  FIRST_PARAMETERS,
  INPUTS,
  PARAMETERS,
  TARGET,
  turn,
  updated,
  type Computed,
  type Parameter,
} from '../../src/demo/lesson/workedNetwork.ts';

/** The lesson's learning rate. */
export const RATE = 1;

const first = turn(FIRST_PARAMETERS);
const parameters = updated(FIRST_PARAMETERS, first, RATE);
const second = turn(parameters);

/** A number as the lesson prints what was computed. */
export const printed = (number: number, digits = 4): string => number.toFixed(digits);

/** `w11` as `w_{11}`. */
const tex = (name: string): string =>
  name === 'loss' ? 'L' : name.replace(/\d+$/, (index) => (index.length > 1 ? `_{${index}}` : `_${index}`));

const given: Readonly<Record<string, number>> = { ...INPUTS, ...FIRST_PARAMETERS, t: TARGET };

/** A name's number: as it was given, or as it was computed. */
const numberOf = (name: string): string =>
  name in given ? String(given[name]) : printed(first.values[name as Computed]);

export const times = (...factors: readonly string[]): string =>
  factors.map((factor, at) => (at > 0 && factor.startsWith('-') ? `(${factor})` : factor)).join(' \\cdot ');

/** `a + b`, or `a - |b|`. */
export const plus = (...terms: readonly string[]): string =>
  terms.map((term, at) => (at === 0 ? term : term.startsWith('-') ? ` - ${term.slice(1)}` : ` + ${term}`)).join('');

export const row = (...cells: readonly string[]): string => `| ${cells.map((cell) => `$${cell}$`).join(' | ')} |`;

/** A neuron's sum: the pairs that it multiplies, and its bias. */
function sumRow(
  name: 'z1' | 'z2' | 'z3',
  pairs: readonly (readonly [Parameter, Computed | 'x1' | 'x2'])[],
  b: Parameter,
) {
  const letters = [...pairs.map(([w, x]) => `${tex(w)} ${tex(x)}`), tex(b)].join(' + ');
  const numbers = plus(...pairs.map(([w, x]) => times(numberOf(w), numberOf(x))), numberOf(b));
  return row(tex(name), letters, numbers, printed(first.values[name]));
}

const sigmoidRow = (name: 'h1' | 'h2' | 'y', z: 'z1' | 'z2' | 'z3'): string =>
  row(tex(name), `\\sigma(${tex(z)})`, `\\sigma(${numberOf(z)})`, printed(first.values[name]));

type Derived = keyof typeof first.gradients;

const derivative = (name: Derived): string => `\\partial L / \\partial ${tex(name)}`;
const gradient = (name: Derived): string => printed(first.gradients[name]);

/** δ of a neuron: what flows back to its output, times the slope there. */
function slopeRow(delta: string, z: 'z1' | 'z2' | 'z3', h: 'h1' | 'h2' | 'y'): string {
  const numbers = times(gradient(h), numberOf(h), printed(1 - first.values[h]));
  const letters = `${derivative(h)} \\cdot ${tex(h)} (1 - ${tex(h)})`;
  return row(`${delta} = ${derivative(z)}`, letters, numbers, gradient(z));
}

const productRow = (name: Derived, delta: string, z: 'z1' | 'z2' | 'z3', factor: string): string =>
  factor === '1'
    ? row(derivative(name), delta, gradient(z), gradient(name))
    : row(derivative(name), `${delta} ${tex(factor)}`, times(gradient(z), numberOf(factor)), gradient(name));

const pathsRow = (x: 'x1' | 'x2', w: readonly [Parameter, Parameter]): string =>
  row(
    derivative(x),
    `\\delta_1 ${tex(w[0])} + \\delta_2 ${tex(w[1])}`,
    plus(times(gradient('z1'), numberOf(w[0])), times(gradient('z2'), numberOf(w[1]))),
    gradient(x),
  );

const [D1, D2, D3] = ['\\delta_1', '\\delta_2', '\\delta_3'];

/** The rows of each table of the worked network, by its heading, without those of the table's head. */
export const WORKED_ROWS: Readonly<Record<string, readonly string[]>> = {
  'A network worked through': [
    `| inputs and target | $x_1 = ${INPUTS.x1}$, $x_2 = ${INPUTS.x2}$, $t = ${TARGET}$ |`,
    ...(
      [
        ['into the first hidden neuron', ['w11', 'w21', 'b1']],
        ['into the second hidden neuron', ['w12', 'w22', 'b2']],
        ['into the last neuron', ['v1', 'v2', 'c']],
      ] as const
    ).map(([what, names]) => `| ${what} | ${names.map((name) => `$${tex(name)} = ${numberOf(name)}$`).join(', ')} |`),
    `| learning rate | $\\eta = ${RATE}$ |`,
  ],
  Forward: [
    sumRow(
      'z1',
      [
        ['w11', 'x1'],
        ['w21', 'x2'],
      ],
      'b1',
    ),
    sumRow(
      'z2',
      [
        ['w12', 'x1'],
        ['w22', 'x2'],
      ],
      'b2',
    ),
    sigmoidRow('h1', 'z1'),
    sigmoidRow('h2', 'z2'),
    sumRow(
      'z3',
      [
        ['v1', 'h1'],
        ['v2', 'h2'],
      ],
      'c',
    ),
    sigmoidRow('y', 'z3'),
  ],
  Loss: [row('L', '(y - t)^2', `(${numberOf('y')} - ${TARGET})^2`, printed(first.values.loss))],
  Backward: [
    row(derivative('y'), '2 (y - t)', `2 (${numberOf('y')} - ${TARGET})`, gradient('y')),
    slopeRow(D3, 'z3', 'y'),
    productRow('v1', D3, 'z3', 'h1'),
    productRow('v2', D3, 'z3', 'h2'),
    productRow('c', D3, 'z3', '1'),
    productRow('h1', D3, 'z3', 'v1'),
    productRow('h2', D3, 'z3', 'v2'),
    slopeRow(D1, 'z1', 'h1'),
    slopeRow(D2, 'z2', 'h2'),
    productRow('w11', D1, 'z1', 'x1'),
    productRow('w21', D1, 'z1', 'x2'),
    productRow('b1', D1, 'z1', '1'),
    productRow('w12', D2, 'z2', 'x1'),
    productRow('w22', D2, 'z2', 'x2'),
    productRow('b2', D2, 'z2', '1'),
    pathsRow('x1', ['w11', 'w12']),
    pathsRow('x2', ['w21', 'w22']),
  ],
  Update: PARAMETERS.map((name) =>
    row(
      tex(name),
      `${tex(name)} - \\eta \\cdot ${derivative(name)}`,
      `${numberOf(name)} - ${times(String(RATE), gradient(name))}`,
      printed(parameters[name]),
    ),
  ),
  'The loss after it': (['z1', 'z2', 'h1', 'h2', 'z3', 'y', 'loss'] as const).map((name) =>
    row(tex(name), printed(first.values[name]), printed(second.values[name])),
  ),
};

/** What an update in a straight line would take off the loss: η times the sum of the squares. */
export const PROMISED = RATE * PARAMETERS.reduce((sum, name) => sum + first.gradients[name] ** 2, 0);

/** The numbers that the text of each part names outside its table, in their order. */
export const WORKED_PROSE: Readonly<Record<string, readonly string[]>> = {
  'A network worked through': [],
  Forward: [],
  Loss: [printed(first.values.y), printed(first.values.loss)],
  Backward: [],
  Update: [],
  'The loss after it': [printed(first.values.loss), printed(second.values.loss), printed(PROMISED)],
};
