// Recurrent layers' loops over time: kernels against the reference, and the reference against difference quotients.

import { describe } from 'vitest';
import { spec, type Shape, type Spec } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { cells, type CellName } from '../../src/ops/recurrent/cells.ts';
import { recurrentLoop, type Recurrence } from '../../src/ops/recurrent/recurrent.ts';
import { checkOp } from '../support/checkOp.ts';
import { summarize } from '../../src/gpu/device.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

interface Case {
  readonly samples: number;
  readonly steps: number;
  readonly units: number;
}

const adapter = summarize(await sharedDevice()).name;
const names = Object.keys(cells) as CellName[];
const at = (samples: number, steps: number, units: number): Case => ({ samples, steps, units });

function specsOf(
  cell: CellName,
  { samples, steps, units }: Case,
  lengths: boolean,
  initial: boolean,
): (Spec | Shape)[] {
  const { gates, carried } = cells[cell];
  return [
    [samples, steps, units * gates],
    [units, units * gates],
    [units * gates],
    ...(lengths ? [spec([samples], 'i32')] : []),
    ...(initial ? [[carried, samples, units]] : []),
  ];
}

/** Weights such that h neither dies out nor explodes, or wild ones, so many times as large; lengths of 1 … T. */
const make =
  (steps: number, wild = 1) =>
  (input: number, { dtype, shape }: Spec) =>
    dtype === 'f32'
      ? (random: { normal(): number }) => random.normal() * (input === 1 ? wild / Math.sqrt(shape[0]) : 1)
      : (random: { uniform(low: number, high: number): number }) => 1 + Math.floor(random.uniform(0, steps));

const all = ({ sequence, hidden, c }: Recurrence): Value[] => [sequence, hidden, ...(c ? [c] : [])];

interface Kind {
  readonly reverse?: boolean;
  readonly lengths?: boolean;
  readonly initial?: boolean;
  readonly form?: 'loop' | 'steps';
  readonly on?: typeof asCard;
}

function check(cell: CellName, of: Case, kind: Kind = {}): void {
  const { reverse = false, lengths = false, initial = false, form, on } = kind;
  const title = [
    cell,
    reverse && 'in reverse',
    lengths && 'ragged',
    initial && 'from a state',
    form,
    on && 'on a card',
  ];
  const kernels = form && { adapter: on ? 'a card' : adapter, forms: { '*': form, matmul: 'registers4' } };
  checkOp(
    title.filter(Boolean).join(' '),
    ([x, weights, bias, ...others]) =>
      all(
        recurrentLoop(x, weights, bias, {
          cell,
          reverse,
          lengths: lengths ? others[0] : undefined,
          initial: initial ? others.at(-1)! : undefined,
        }),
      ),
    [specsOf(cell, of, lengths, initial)],
    { make: make(of.steps), kinked: cell === 'reluRnn', ...(on && { on }), ...(kernels && { kernels }) },
  );
}

describe.each(names)('%s', (cell) => {
  for (const of of [at(1, 1, 1), at(3, 2, 7), at(5, 5, 32)]) check(cell, of);
  check(cell, at(9, 5, 7), { lengths: true, reverse: true, initial: true });
  check(cell, at(9, 3, 70), { lengths: true, initial: true, form: 'steps' });
});

describe('more units', () => {
  check('lstm', at(3, 7, 33));
  check('lstm', at(2, 3, 64), { reverse: true });
  check('lstm', at(9, 2, 128), { lengths: true });
  check('lstm', at(3, 3, 200), { initial: true });
  check('gru', at(1, 3, 200));
  // More terms than are added up at once.
  check('rnn', at(2, 2, 260));
});

describe('many samples', () => {
  check('lstm', at(67, 3, 33), { lengths: true });
  check('gru', at(65, 2, 70), { reverse: true, initial: true });
});

describe('where each invocation has a unit of its own', () => {
  check('lstm', at(5, 4, 33), { on: asCard, form: 'loop', lengths: true });
  check('gru', at(5, 4, 70), { on: asCard, form: 'loop', reverse: true });
  check('gru', at(5, 3, 130), { on: asCard, form: 'steps' });
});

describe('many steps', () => {
  check('lstm', at(2, 257, 7));
  check('gru', at(2, 64, 32), { reverse: true });
  check('rnn', at(3, 19, 7), { lengths: true, reverse: true, initial: true });

  // What f32 rounds away grows from step to step, until nothing of h is as in f64: the bound grows with it.
  checkOp(
    'a plain net with weights that leave nothing as it was',
    ([x, weights, bias]) => all(recurrentLoop(x, weights, bias, { cell: 'rnn' })),
    [specsOf('rnn', at(2, 40, 32), false, false)],
    { make: make(40, 4), kinked: true, special: false },
  );
});
