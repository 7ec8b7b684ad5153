import { sizeOf, spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { sigmoid, tanh } from '../../../ops/pointwise/activations.ts';
import { add, greater, mul, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import type { Recurrence } from '../../../ops/recurrent/recurrent.ts';
import { sum } from '../../../ops/reductions/sum.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';

/** One direction of a GRU, its weights as in an ONNX file: gates update, reset, hidden, one block behind the other. */
export interface ResetBefore {
  /** `[N, T, C]` */
  readonly x: Value<'f32'>;
  readonly lengths: Value | undefined;
  readonly units: number;
  /** `[3 · H, C]` */
  readonly inputs: Value;
  /** `[3 · H, H]` */
  readonly hidden: Value;
  /** `[2, 3 · H]`, those of x and of h. */
  readonly biases: Value;
  readonly reverse: boolean;
  /** `[1, N, H]` */
  readonly initial: Value | undefined;
}

/**
 * A GRU whose reset lies before the product with h, step by step: our loop in one launch has it behind the product.
 * Source: Cho et al. 2014; onnx/docs/Operators.md, GRU with linear_before_reset = 0
 */
export function resetBeforeLoop({ x, lengths, units, inputs, hidden, biases, ...rest }: ResetBefore): Recurrence {
  const [samples, steps, features] = x.spec.shape;
  const width = 3 * units;
  const both = sum(biases, { axes: 0 });
  const flat = add(matmul(reshape(x, [-1, features]), inputs, { transposeB: true }), both);
  const fromX = reshape(flat, [samples, steps, width]);
  const [gates, candidate] = [rows(hidden, 0, 2 * units), rows(hidden, 2 * units, width)];
  let h: Value<'f32'> = rest.initial
    ? (reshape(rest.initial, [samples, units]) as Value<'f32'>)
    : constant(new Float32Array(sizeOf([samples, units])), spec([samples, units]));
  const outputs: Value<'f32'>[] = [];
  for (let step = 0; step < steps; step++) {
    const t = rest.reverse ? steps - 1 - step : step;
    const at = reshape(slice(fromX, [null, { start: t, end: t + 1 }]), [samples, width]);
    const opened = sigmoid(add(columns(at, 0, 2 * units), matmul(h, gates, { transposeB: true })));
    const [update, reset] = [columns(opened, 0, units), columns(opened, units, 2 * units)];
    const next = tanh(add(columns(at, 2 * units, width), matmul(mul(reset, h), candidate, { transposeB: true })));
    const made = add(next, mul(update, sub(h, next)));
    // Behind its own steps a sample keeps what it has, and gives 0.
    const isOwn = lengths && reshape(greater(cast(lengths, 'i32'), t), [samples, 1]);
    h = isOwn ? where(isOwn, made, h) : made;
    outputs[t] = reshape(isOwn ? where(isOwn, made, 0) : made, [samples, 1, units]);
  }
  return { sequence: concat(outputs, 1), hidden: h };
}

const rows = (x: Value, start: number, end: number): Value => slice(x, [{ start, end }]);
const columns = (x: Value, start: number, end: number): Value => slice(x, [null, { start, end }]);
