import type { Value } from '../../../graph/graph.ts';
import { add, mul, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { Activation } from '../activations.ts';

/*
 * Recurrent cells of any activations, step by step, for those that the loop in one launch does not have: steps are unrolled,
 * and where one does not count, what is carried stays.
 */

/** What a cell is made of. */
export interface CellParts {
  readonly kind: 'SimpleRNN' | 'LSTM' | 'GRU';
  readonly units: number;
  readonly activation: Activation;
  readonly gate: Activation;
  /** Of a GRU: whether the reset lies behind the product with h. */
  readonly resetAfter: boolean;
  readonly recurrent: Value;
  /** Of h, where it has one of its own. */
  readonly recurrentBias: Value | undefined;
}

/** What is carried: h, and c of an LSTM. */
export type Carried = readonly Value[];

/** Gate `at` of rows whose gates lie one behind the other. */
const gateOf = (rows: Value, at: number, units: number): Value =>
  slice(rows, [null, { start: at * units, end: (at + 1) * units }]);

function stepped(cell: CellParts, fromX: Value, carried: Carried): Carried {
  const { kind, units, activation, gate, resetAfter, recurrent, recurrentBias } = cell;
  const [h, c] = carried;
  const biased = (rows: Value): Value => (recurrentBias ? add(rows, recurrentBias) : rows);
  const part = (rows: Value, at: number): Value => gateOf(rows, at, units);
  if (kind === 'SimpleRNN') return [activation(add(fromX, biased(matmul(h, recurrent))))];
  if (kind === 'LSTM') {
    const all = add(fromX, biased(matmul(h, recurrent)));
    const [i, f, o] = [0, 1, 3].map((at) => gate(part(all, at)));
    const next = add(mul(f, c), mul(i, activation(part(all, 2))));
    return [mul(o, activation(next)), next];
  }
  const fromH = resetAfter
    ? biased(matmul(h, recurrent))
    : matmul(h, slice(recurrent, [null, { start: 0, end: 2 * units }]));
  const [z, r] = [0, 1].map((at) => gate(add(part(fromX, at), part(fromH, at))));
  const last = resetAfter
    ? mul(r, part(fromH, 2))
    : matmul(mul(r, h), slice(recurrent, [null, { start: 2 * units, end: 3 * units }]));
  const made = activation(add(part(fromX, 2), last));
  return [add(made, mul(z, sub(h, made)))];
}

/** What a loop over time leaves. */
export interface Loop {
  /** h at each step, `[N, T, H]`, where the step stands. */
  readonly sequence: Value;
  readonly carried: Carried;
}

/** @param rows what comes from x, `[N, T, gates · H]`   @param mask integers `[N, T]` */
export function unrolled(
  cell: CellParts,
  rows: Value,
  begin: Carried,
  { isReverse, mask, zeroElsewhere }: { isReverse: boolean; mask: Value | undefined; zeroElsewhere: boolean },
): Loop {
  const [N, T, width] = rows.spec.shape as readonly [number, number, number];
  const outputs = new Array<Value>(T);
  let carried = begin;
  let output: Value = mul(begin[0], 0);
  for (let step = 0; step < T; step++) {
    const at = isReverse ? T - 1 - step : step;
    const range = { start: at, end: at + 1 };
    const next = stepped(cell, reshape(slice(rows, [null, range]), [N, width]), carried);
    const isOwn = mask && slice(mask, [null, range]);
    const before = carried;
    carried = isOwn ? next.map((value, each) => where(isOwn, value, before[each])) : next;
    output = isOwn ? where(isOwn, next[0], zeroElsewhere ? 0 : output) : next[0];
    outputs[at] = reshape(output, [N, 1, cell.units]);
  }
  return { sequence: T === 1 ? outputs[0] : concat(outputs, 1), carried };
}
