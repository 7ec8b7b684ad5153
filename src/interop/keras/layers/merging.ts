import type { Value } from '../../../graph/graph.ts';
import { add, div, maximum, minimum, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { broadcastTo, sum } from '../../../ops/reductions/sum.ts';
import { concat } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { Definition, Definitions, Held, KerasLayer } from '../kerasLayer.ts';
import { maskLike } from './core.ts';
import { refuse } from '../refusal.ts';

/* Several values made one. Of those of fewer axes the ones behind the samples are missing, as Keras has it. */

/** Values of as many axes as the longest has. */
function ofOneRank(values: readonly Value[]): readonly Value[] {
  const rank = Math.max(...values.map(({ spec }) => spec.shape.length));
  return values.map((value) => {
    const [samples, ...rest] = value.spec.shape;
    const missing = Array.from({ length: rank - rest.length - 1 }, () => 1);
    return missing.length > 0 ? reshape(value, [samples, ...missing, ...rest]) : value;
  });
}

/** A step counts if it does in any of the values; all count if one of them has no mask. */
const anyMask = (inputs: readonly Held[]): Value | undefined =>
  inputs.every(({ mask }) => mask)
    ? inputs.map(({ mask }) => cast(mask!, 'f32')).reduce((a, b) => maximum(a, b))
    : undefined;

const merged =
  (merge: (values: readonly Value[]) => Value): Definition =>
  () => ({
    weights: [],
    apply: ({ inputs }) => merge(ofOneRank(inputs.map(({ value }) => value))),
    mask: (inputs) => whole(anyMask(inputs)),
  });

const whole = (mask: Value | undefined): Value | undefined => mask && cast(mask, 'u32');

const folded = (f: (a: Value, b: Value) => Value): Definition => merged((values) => values.reduce((a, b) => f(a, b)));

/** Of values that are put side by side: along the steps their masks are, else a step must count in all. */
function joinedMask(inputs: readonly Held[], axis: number): Value | undefined {
  if (!inputs.some(({ mask }) => mask)) return undefined;
  const masks = inputs.map(({ value, mask }) => {
    const { shape } = value.spec;
    const counts = mask ? maskLike(mask, value) : undefined;
    return counts ? broadcastTo(counts, shape) : ones(value);
  });
  return cast(max(concat(masks, axis), { axes: -1 }), 'u32');
}

const ones = (value: Value): Value<'f32'> => add(mul(cast(value, 'f32'), 0), 1);

/** x divided by the root of its squares along an axis. */
const unit = (x: Value, axis: number): Value =>
  div(x, sqrt(maximum(sum(mul(x, x), { axes: axis, keepDimensions: true }), 1e-12)));

/** `[N, rows, terms]`, terms along an axis. */
function rowsOf(x: Value, axis: number): Value {
  const { shape } = x.spec;
  if (shape.length === 2) return reshape(x, [shape[0], 1, shape[1]]);
  return axis === 2 ? x : transpose(x, [0, 2, 1]);
}

/** The sum of products along an axis of each, sample by sample. */
function dot(a: Value, b: Value, axes: readonly number[], where: string): Value {
  const [first, second] = [a, b].map(({ spec }, at) => {
    const axis = axes[at] ?? axes[0];
    return axis < 0 ? axis + spec.shape.length : axis;
  });
  if (a.spec.shape.length > 3 || b.spec.shape.length > 3) {
    refuse(where, 'is given values of more than three axes', 'up to two behind the samples are read');
  }
  const y = matmul(rowsOf(a, first), rowsOf(b, second), { transposeB: true });
  const kept = [
    ...a.spec.shape.filter((_, axis) => axis !== first),
    ...b.spec.shape.slice(1).filter((_, axis) => axis + 1 !== second),
  ];
  return reshape(y, kept.length === 1 ? [kept[0], 1] : kept);
}

const two: (where: string, inputs: readonly Held[]) => readonly [Value, Value] = (where, inputs) => {
  if (inputs.length === 2) return [inputs[0].value, inputs[1].value];
  refuse(where, `is given ${inputs.length} values`, 'it takes two');
};

export const mergingDefinitions: Definitions = {
  Add: folded(add),
  Multiply: folded(mul),
  Maximum: folded(maximum),
  Minimum: folded(minimum),
  Average: merged((values) =>
    div(
      values.reduce((a, b) => add(a, b)),
      values.length,
    ),
  ),
  Subtract(options): KerasLayer {
    return {
      weights: [],
      apply: ({ inputs }) => {
        const [a, b] = ofOneRank(two(options.where, inputs));
        return sub(a, b);
      },
      mask: (inputs) => whole(anyMask(inputs)),
    };
  },
  Concatenate(options) {
    const [axis = -1] = options.integers('axis', [-1]);
    return {
      weights: [],
      apply: ({ inputs }) =>
        concat(
          inputs.map(({ value }) => value),
          axis,
        ),
      mask: (inputs) => joinedMask(inputs, axis),
    };
  },
  Dot(options) {
    const axes = options.integers('axes');
    const normalizes = options.flag('normalize', false);
    return {
      weights: [],
      apply({ inputs }) {
        const [a, b] = two(options.where, inputs);
        const [x, y] = normalizes ? [unit(a, axes[0]), unit(b, axes[1] ?? axes[0])] : [a, b];
        return dot(x, y, axes, options.where);
      },
    };
  },
};
