// What docs/backpropagation.md must say of its head of attention, row by row, from numbers of the library.

import {
  EMBEDDED,
  FIRST_MATRICES,
  HEAD_TARGET,
  MATRICES,
  turnOfHead,
  updatedHead,
  WORDS,
  type Matrix,
} from '../../src/demo/lesson/workedHead.ts';
import { plus, printed, row, times } from './lesson.ts';

/** The learning rate of the lesson's head. */
export const HEAD_RATE = 1;

const first = turnOfHead(FIRST_MATRICES);
const { values, gradients } = first;
export const UPDATED_MATRICES = updatedHead(FIRST_MATRICES, first, HEAD_RATE);
const after = turnOfHead(UPDATED_MATRICES).values;

type Numbers = readonly number[];
const places = WORDS.map((_, at) => at);
const [T, D] = [WORDS.length, HEAD_TARGET.length];

const rowAt = (numbers: Numbers, at: number): Numbers => numbers.slice(at * D, (at + 1) * D);
const rowsOf = (numbers: Numbers): Numbers[] => places.map((at) => rowAt(numbers, at));
/** What the last word, which is judged, has of each: three shares, a vector of two. */
const last = (numbers: Numbers): Numbers => numbers.slice(-numbers.length / T);

const x = rowsOf(EMBEDDED);
const [k, v, dk, dv] = [values.k, values.v, gradients.k, gradients.v].map(rowsOf);
const [q, s, a, y] = [values.q, values.scores, values.a, values.y].map(last);
const [dq, ds, da, dy] = [gradients.q, gradients.scores, gradients.a, gradients.y].map(last);
const exponentials = s.map(Math.exp);
const sumOfAll = (numbers: Numbers): number => numbers.reduce((sum, number) => sum + number, 0);
/** What the softmax leaves out of the derivatives of its shares, since they always add up to 1. */
const m = sumOfAll(a.map((share, at) => share * da[at]));

const vector = (texts: readonly string[]): string => `(${texts.join(', ')})`;
/** Few digits say all of what is given, and of what queries, keys and values are of it. */
const exact = (numbers: Numbers): string => vector(numbers.map(String));
const rounded = (numbers: Numbers): string => vector(numbers.map((number) => printed(number)));
const behindMinus = (text: string): string => (text.startsWith('-') ? `(${text})` : text);
const dot = (one: readonly string[], other: readonly string[]): string =>
  plus(...one.map((factor, at) => times(factor, other[at])));
const texts = (numbers: Numbers): string[] => numbers.map((number) => printed(number));
const atAll = (term: (at: number) => string): string => plus(...places.map(term));

/** A word times a matrix: the matrix' rows, each as often as the word's numbers say. */
const projected = (name: string, at: number, letter: Matrix, result: Numbers): string =>
  row(
    `${name}_${at + 1}`,
    `x_${at + 1} W_${letter}`,
    plus(...x[at].map((number, from) => `${number} ${exact(rowAt(FIRST_MATRICES[letter], from))}`)),
    exact(result),
  );

const ordinals = ['1st', '2nd'] as const;

/** A matrix' gradient: in its rows are those of the words, each as often as the word's numbers say. */
const matrixRow = (letter: Matrix): string =>
  row(`dW_${letter}`, `X^{T} d${letter}`, ...ordinals.map((_, at) => rounded(rowAt(gradients[letter], at))));

const updateRows = (letter: Matrix): string[] =>
  ordinals.map((ordinal, at) => {
    const numbers = `${exact(rowAt(FIRST_MATRICES[letter], at))} - ${HEAD_RATE} \\cdot ${rounded(rowAt(gradients[letter], at))}`;
    return `| ${ordinal} row of $W_${letter}$ ${row(numbers, rounded(rowAt(UPDATED_MATRICES[letter], at)))}`;
  });

/** What each word is shown, `–` for a word that has not been said yet. */
const shareRow = (from: number): string => {
  const cells = places.map((to) => (to > from ? '–' : `$${printed(values.a[from * T + to])}$`));
  return `| _${WORDS[from]}_ | ${cells.join(' | ')} |`;
};

const made = { Q: 'queries', K: 'keys', V: 'values' } as const;

/** The rows of each table, by its heading. */
export const ATTENTION_ROWS: Readonly<Record<string, readonly string[]>> = {
  'Three words forward': [
    `| words | ${WORDS.map((word, at) => `_${word}_ $x_${at + 1} = ${exact(x[at])}$`).join(', ')} |`,
    ...MATRICES.map((letter) => {
      const [one, two] = ordinals.map((_, at) => exact(rowAt(FIRST_MATRICES[letter], at)));
      return `| what makes ${made[letter]} | $W_${letter}$ with the rows $${one}$ and $${two}$ |`;
    }),
    `| what _it_ should be told | $t = ${exact(HEAD_TARGET)}$ |`,
    `| learning rate | $\\eta = ${HEAD_RATE}$ |`,
    projected('q', T - 1, 'Q', q),
    ...places.map((at) => projected('k', at, 'K', k[at])),
    ...places.map((at) => projected('v', at, 'V', v[at])),
    ...places.map((at) => {
      const numbers = `(${dot(q.map(String), k[at].map(String))}) / \\sqrt{2}`;
      return row(`s_${at + 1}`, `q_3 \\cdot k_${at + 1} / \\sqrt{2}`, numbers, printed(s[at]));
    }),
    ...places.map((at) => {
      const numbers = `${printed(exponentials[at])} / ${printed(sumOfAll(exponentials))}`;
      return row(`a_${at + 1}`, `e^{s_${at + 1}} / \\sum_j e^{s_j}`, numbers, printed(a[at]));
    }),
    row(
      'y_3',
      atAll((at) => `a_${at + 1} v_${at + 1}`),
      atAll((at) => `${printed(a[at])} ${exact(v[at])}`),
      rounded(y),
    ),
    row(
      'L',
      '\\text{mean of } (y_3 - t)^2',
      `(${plus(...y.map((told, at) => `(${printed(told)} - ${HEAD_TARGET[at]})^2`))}) / 2`,
      printed(values.loss[0]),
    ),
    ...places.map(shareRow),
  ],
  'Three words back': [
    row('dy_3', 'y_3 - t', `${rounded(y)} - ${exact(HEAD_TARGET)}`, rounded(dy)),
    ...places.map((at) => row(`dv_${at + 1}`, `a_${at + 1} dy_3`, `${printed(a[at])} ${rounded(dy)}`, rounded(dv[at]))),
    ...places.map((at) =>
      row(`da_${at + 1}`, `dy_3 \\cdot v_${at + 1}`, dot(texts(dy), v[at].map(String)), printed(da[at])),
    ),
    row(
      'm',
      '\\sum_j a_j da_j',
      atAll((at) => times(printed(a[at]), printed(da[at]))),
      printed(m),
    ),
    ...places.map((at) =>
      row(
        `ds_${at + 1}`,
        `a_${at + 1} (da_${at + 1} - m)`,
        `${printed(a[at])} (${printed(da[at])} - ${behindMinus(printed(m))})`,
        printed(ds[at]),
      ),
    ),
    row(
      'dq_3',
      '\\sum_j ds_j k_j / \\sqrt{2}',
      `(${atAll((at) => `${printed(ds[at])} ${exact(k[at])}`)}) / \\sqrt{2}`,
      rounded(dq),
    ),
    ...places.map((at) =>
      row(
        `dk_${at + 1}`,
        `ds_${at + 1} q_3 / \\sqrt{2}`,
        `${printed(ds[at])} ${exact(q)} / \\sqrt{2}`,
        rounded(dk[at]),
      ),
    ),
    ...MATRICES.map(matrixRow),
  ],
  'One update for the matrices': [
    ...MATRICES.flatMap(updateRows),
    ...places.map((at) => row(`a_${at + 1}`, printed(a[at]), printed(last(after.a)[at]))),
    row('y_3', rounded(y), rounded(last(after.y))),
    row('L', printed(values.loss[0]), printed(after.loss[0])),
  ],
};

/** The numbers that the text names outside its tables, in their order. */
export const ATTENTION_PROSE: Readonly<Record<string, readonly string[]>> = {
  'Three words forward': texts([a[0], ...values.loss]),
  'Three words back': [...texts([-ds[0]]), String(x[2][0])],
  'One update for the matrices': texts([a[0], last(after.a)[0], ...values.loss, ...after.loss]),
};
