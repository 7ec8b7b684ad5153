// The tables of the cycle: what a stage computed for one digit, in numbers that can be checked.

import { columnsOf, formatShape, functionName, layerName, type Column } from './columns.ts';
import { largestOf, meanOf, normOf } from './magnitudes.ts';
import type { Glance, Stage } from '../protocol.ts';

export interface NumbersRow {
  readonly header: string;
  /** What the model calls it: `layer1`, `layer1.weight`. */
  readonly path?: string;
  readonly cells: readonly (number | string)[];
  /** The label's row. */
  readonly isMarked?: boolean;
}

export interface NumbersTable {
  readonly caption: string;
  /** The first heads the rows' headers. */
  readonly headers: readonly string[];
  readonly rows: readonly NumbersRow[];
}

/** Rows of the ten digits. */
function digitRows({ label }: Glance, cellsOf: (digit: number) => readonly number[], count: number): NumbersRow[] {
  return Array.from({ length: count }, (_, digit) => ({
    header: digit === label ? `${digit} (right)` : String(digit),
    cells: cellsOf(digit),
    isMarked: digit === label,
  }));
}

/** `layer 1: dense, ReLU` */
const headerOf = ({ name, kind, activation }: Column): string =>
  `${name}: ${layerName(kind)}${activation ? `, ${functionName(activation)}` : ''}`;

/** `layer 1: weight`; what belongs to no column keeps its own name. */
function parameterHeader(columns: readonly Column[], parameter: string): string {
  const owner = columns.find(({ path }) => path !== '' && parameter.startsWith(`${path}.`));
  return owner ? `${owner.name}: ${parameter.slice(owner.path.length + 1)}` : parameter;
}

function forward(glance: Glance): NumbersTable[] {
  const [, ...layers] = columnsOf(glance);
  const { probabilities } = glance;
  const logits = layers.at(-1)?.values ?? [];
  return [
    {
      caption: 'What each layer gives out; the last one gives the logits.',
      headers: ['Layer', 'Shape', 'Mean', 'Largest |a|'],
      rows: layers.map((column) => ({
        header: headerOf(column),
        path: column.path,
        cells: [formatShape(column.shape), meanOf(column.values), largestOf(column.values)],
      })),
    },
    {
      caption: 'Logits z, and probabilities p = softmax(z).',
      headers: ['Digit', 'z', 'p'],
      rows: digitRows(glance, (digit) => [logits[digit], probabilities[digit]], probabilities.length),
    },
  ];
}

function loss(glance: Glance): NumbersTable[] {
  const { label, probabilities, loss: nats } = glance;
  return [
    {
      caption: 'What the loss is made of.',
      headers: ['Of this digit', 'Value'],
      rows: [
        { header: `p of ${label}`, cells: [probabilities[label]] },
        { header: 'Loss', cells: [nats] },
      ],
    },
    {
      caption: 'Only the probability of the right digit counts.',
      headers: ['Digit', 'p'],
      rows: digitRows(glance, (digit) => [probabilities[digit]], probabilities.length),
    },
  ];
}

function backward(glance: Glance): NumbersTable[] {
  const [, ...layers] = columnsOf(glance);
  const { label, probabilities } = glance;
  const wanted = (digit: number): number => (digit === label ? 1 : 0);
  return [
    {
      caption:
        'How long the error is at each layer’s output, from the last to the first: the root of the sum of squares.',
      headers: ['Layer', 'Length of ∂L/∂a'],
      rows: layers
        .map((column) => ({
          header: headerOf(column),
          path: column.path,
          cells: column.gradient ? [normOf(column.gradient)] : ['–'],
        }))
        .reverse(),
    },
    {
      caption: 'The error at the output, ∂L/∂z = p − y.',
      headers: ['Digit', 'p', 'y', 'p − y'],
      rows: digitRows(
        glance,
        (digit) => [probabilities[digit], wanted(digit), probabilities[digit] - wanted(digit)],
        probabilities.length,
      ),
    },
  ];
}

function update(glance: Glance): NumbersTable[] {
  const { parameters, loss: before, lossAfter: after } = glance;
  const columns = columnsOf(glance);
  return [
    {
      caption:
        'How long each parameter’s gradient is, what the step adds, and the parameter itself: roots of sums of squares.',
      headers: ['Length of', '∂L/∂w', 'Δw', 'w'],
      rows: parameters.map(({ name, gradient, change, value }) => ({
        header: parameterHeader(columns, name),
        path: name,
        cells: [normOf(gradient), normOf(change), normOf(value)],
      })),
    },
    {
      caption: 'The loss on this digit alone. The step is rehearsed and put back: training does not see it.',
      headers: ['Loss', 'Value'],
      rows: [
        { header: 'before', cells: [before] },
        { header: 'after', cells: [after] },
        { header: 'difference', cells: [after - before] },
      ],
    },
  ];
}

/** The tables of a stage. */
export const tablesOf = (glance: Glance, stage: Stage): NumbersTable[] =>
  ({ forward, loss, backward, update })[stage](glance);
