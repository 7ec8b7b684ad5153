// What docs/backpropagation.md must say of its recurrent net of one unit and two steps, from numbers of the library.

import { spec } from '../../src/core/shape.ts';
import {
  add,
  affine,
  constant,
  differentiate,
  interpret,
  meanSquaredError,
  tanh,
  type Value,
} from '../../src/index.ts';
import { printed, row, times } from './lesson.ts';

export const SEQUENCE = { x1: 1, x2: 0.5 } as const;
export const SEQUENCE_TARGET = -0.5;
export const SEQUENCE_RATE = 0.5;

/** From x, and from the h before. */
export interface Weights {
  readonly w: number;
  readonly u: number;
}

export const FIRST_WEIGHTS: Weights = { w: 0.5, u: 0.8 };

const one = (number: number): Value => constant(Float64Array.of(number), spec([1, 1]));

/** Numbers of values of one element, in f64. */
function numbersOf<K extends string>(values: Readonly<Record<K, Value>>): Record<K, number> {
  const { outputs } = interpret({ outputs: values, writes: [] }, { precision: 'f64' });
  const numbers = Object.entries(outputs).map(([name, [number]]) => [name, number] as const);
  return Object.fromEntries(numbers) as Record<K, number>;
}

/** Two steps with shared weights, step beside step, and the way back through both. */
export function unrolled(weights: Weights) {
  const [x1, x2] = Object.values(SEQUENCE).map(one);
  const [w, u] = [one(weights.w), one(weights.u)];
  const h0 = one(0);
  const z1 = add(affine(x1, w), affine(h0, u));
  const h1 = tanh(z1);
  const z2 = add(affine(x2, w), affine(h1, u));
  const h2 = tanh(z2);
  const loss = meanSquaredError(h2, one(SEQUENCE_TARGET));
  const sources = { h2, z2, h1, z1, w, u };
  const gradients = differentiate(loss, Object.values(sources));
  const named = Object.fromEntries(Object.keys(sources).map((name, at) => [name, gradients[at]!]));
  return {
    values: numbersOf({ z1, h1, z2, h2, loss }),
    gradients: numbersOf(named as Record<keyof typeof sources, Value>),
  };
}

const first = unrolled(FIRST_WEIGHTS);
const { values, gradients } = first;

export const UPDATED_WEIGHTS: Weights = {
  w: FIRST_WEIGHTS.w - SEQUENCE_RATE * gradients.w,
  u: FIRST_WEIGHTS.u - SEQUENCE_RATE * gradients.u,
};
const second = unrolled(UPDATED_WEIGHTS);

const { x1, x2 } = SEQUENCE;
const { w, u } = FIRST_WEIGHTS;
const number = (name: keyof typeof values): string => printed(values[name]);
const slope = (name: keyof typeof gradients): string => printed(gradients[name]);
/** A term that stands behind a plus. */
const term = (text: string): string => (text.startsWith('-') ? `(${text})` : text);

const minus = (name: 'w' | 'u'): string[] => [
  `${name} - \\eta \\cdot \\partial L / \\partial ${name}`,
  `${FIRST_WEIGHTS[name]} - ${times(String(SEQUENCE_RATE), slope(name))}`,
  printed(UPDATED_WEIGHTS[name]),
];

/** The rows of each table, by its heading. */
export const RECURRENT_ROWS: Readonly<Record<string, readonly string[]>> = {
  'Two steps forward': [
    row('z_1', 'w x_1 + u h_0', `${times(String(w), String(x1))} + ${times(String(u), '0')}`, number('z1')),
    row('h_1', '\\tanh(z_1)', `\\tanh(${number('z1')})`, number('h1')),
    row('z_2', 'w x_2 + u h_1', `${times(String(w), String(x2))} + ${times(String(u), number('h1'))}`, number('z2')),
    row('h_2', '\\tanh(z_2)', `\\tanh(${number('z2')})`, number('h2')),
    row('L', '(h_2 - t)^2', `(${number('h2')} + ${-SEQUENCE_TARGET})^2`, number('loss')),
  ],
  'Two steps back': [
    row('\\partial L / \\partial h_2', '2 (h_2 - t)', `2 (${number('h2')} + ${-SEQUENCE_TARGET})`, slope('h2')),
    row(
      '\\delta_2 = \\partial L / \\partial z_2',
      '\\partial L / \\partial h_2 \\cdot (1 - h_2^2)',
      `${slope('h2')} (1 - ${number('h2')}^2)`,
      slope('z2'),
    ),
    row('\\partial L / \\partial h_1', '\\delta_2 u', times(slope('z2'), String(u)), slope('h1')),
    row(
      '\\delta_1 = \\partial L / \\partial z_1',
      '\\partial L / \\partial h_1 \\cdot (1 - h_1^2)',
      `${slope('h1')} (1 - ${number('h1')}^2)`,
      slope('z1'),
    ),
    row(
      '\\partial L / \\partial w',
      '\\delta_2 x_2 + \\delta_1 x_1',
      `${printed(gradients.z2 * x2)} + ${term(printed(gradients.z1 * x1))}`,
      slope('w'),
    ),
    row(
      '\\partial L / \\partial u',
      '\\delta_2 h_1 + \\delta_1 h_0',
      `${printed(gradients.z2 * values.h1)} + 0`,
      slope('u'),
    ),
  ],
  'One update for both steps': [row('w', ...minus('w')), row('u', ...minus('u'))],
};

/** The numbers that the text names outside its tables, in their order. */
export const RECURRENT_PROSE: Readonly<Record<string, readonly string[]>> = {
  'Two steps forward': [w, u, x2, SEQUENCE_TARGET, SEQUENCE_RATE].map((given) => String(Math.abs(given))),
  'Two steps back': [printed(gradients.z2 * x2), printed(gradients.z1 * x1)],
  'One update for both steps': [printed(first.values.loss), printed(second.values.loss)],
};
