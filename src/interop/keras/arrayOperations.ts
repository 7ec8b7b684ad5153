import { spec } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { attention } from '../../ops/attention/attention.ts';
import { gather } from '../../ops/indexing/gather.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { concat, pad, slice } from '../../ops/shaping/pieces.ts';
import { reshape } from '../../ops/shaping/views.ts';
import type { Range } from './calls.ts';
import { isHeld } from './kerasLayer.ts';
import { wholes, type Arguments, type Operation } from './operationArguments.ts';
import { refuse } from './refusal.ts';

/* Operations that move values. */

export function expanded(given: Arguments): Value {
  const x = given.value(0, 'x');
  const [axis = 0] = wholes(given, 1, 'axis') ?? [];
  const { shape } = x.spec;
  return reshape(x, shape.toSpliced(axis < 0 ? axis + shape.length + 1 : axis, 0, 1));
}

export function squeezed(given: Arguments): Value {
  const x = given.value(0, 'x');
  const { shape } = x.spec;
  const axes = wholes(given, 1, 'axis')?.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return reshape(
    x,
    shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1 || axis === 0)),
  );
}

export function reshaped(given: Arguments): Value {
  const x = given.value(0, 'x');
  const [samples] = x.spec.shape;
  const target = wholes(given, 1, 'newshape') ?? wholes(given, 1, 'new_shape') ?? [];
  // The samples of a batch stay a batch.
  return reshape(x, target[0] === -1 && target.slice(1).includes(-1) ? [samples, ...target.slice(1)] : target);
}

export const joined: Operation = (given) => {
  const list = given.literal(0, 'xs');
  const values = Array.isArray(list) ? list.filter(isHeld).map(({ value }) => value) : [];
  const [axis = -1] = wholes(given, 1, 'axis') ?? [];
  return concat(values, axis);
};

const isRange = (given: unknown): given is Range =>
  typeof given === 'object' && given !== null && 'start' in given && 'stop' in given;

/** A box of a value, as `x[:, 1:, :]`. */
export function items(given: Arguments): Value {
  const x = given.value(0, 'x');
  const key = given.literal(1, 'key');
  const ranges: unknown[] = Array.isArray(key) ? key : [key];
  if (!ranges.every(isRange) || ranges.length > x.spec.shape.length) {
    refuse(given.where, 'takes items otherwise than by slices', 'write them as x[:, 1:3]');
  }
  return slice(
    x,
    ranges.map(({ start, stop, step }) =>
      start === null && stop === null && step === null
        ? null
        : { ...(start !== null && { start }), ...(stop !== null && { end: stop }), ...(step !== null && { step }) },
    ),
  );
}

/** Rows of an axis by numbers that are known here. */
const byPlaces = (x: Value, axis: number, places: readonly number[]): Value =>
  gather(x, constant(Int32Array.from(places), spec([places.length], 'i32')), axis);

const axisIn = (given: Arguments, at: number, x: Value, usual: number): number => {
  const [axis = usual] = wholes(given, at, 'axis') ?? [];
  return axis < 0 ? axis + x.spec.shape.length : axis;
};

/** An axis from its end to its beginning. */
export function flipped(given: Arguments): Value {
  const x = given.value(0, 'x');
  const axis = axisIn(given, 1, x, 0);
  const extent = x.spec.shape[axis];
  return byPlaces(
    x,
    axis,
    Array.from({ length: extent }, (_, at) => extent - 1 - at),
  );
}

/** Each part of an axis several times. */
export function repeated(given: Arguments): Value {
  const x = given.value(0, 'x');
  const [times = 1] = wholes(given, 1, 'repeats') ?? [];
  const axis = axisIn(given, 2, x, 0);
  return byPlaces(
    x,
    axis,
    Array.from({ length: x.spec.shape[axis] * times }, (_, at) => Math.floor(at / times)),
  );
}

export const taken: Operation = (given) => {
  const x = given.value(0, 'x');
  return gather(x, cast(given.value(1, 'indices'), 'i32'), axisIn(given, 2, x, 0));
};

/** Zeros, or another number, around a value. */
export function padded(given: Arguments): Value {
  const widths = given.literal(1, 'pad_width');
  const value = (given.literal(3, 'constant_values') ?? 0) as number;
  return pad(given.value(0, 'x'), widths as readonly (readonly [number, number])[], value);
}

export const attended: Operation = (given) => {
  const mask = given.literal(4, 'mask');
  const scale = given.literal(5, 'scale');
  return attention(given.value(0, 'query'), given.value(1, 'key'), given.value(2, 'value'), {
    causal: given.literal(6, 'is_causal') === true,
    ...(typeof scale === 'number' && { scale }),
    ...(isHeld(mask) && { mask: mask.value }),
  });
};
