import type { Value } from '../../graph/graph.ts';
import { add, div, mul } from './arithmetic.ts';
import { definePointwise, elementary, pointwise, type PointwiseOp } from './pointwise.ts';
import arctangentText from '../../../shaders/functions/arctangent.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import nanFlagText from '../../../shaders/functions/nanFlag.wgsl?raw';

const atanOp: PointwiseOp = definePointwise({
  name: 'atan',
  arity: 1,
  wgsl: { call: 'arctangent', sources: [nan, arctangentText] },
  f: (x) => Math.atan(x),
  accuracy: elementary,
  vjp: (dY, { inputs: [x] }) => [div(dY, add(mul(x, x), 1))],
});

const isNaNOp: PointwiseOp<'u32'> = definePointwise<'u32'>({
  name: 'isNaN',
  arity: 1,
  wgsl: { call: 'nan_flag', sources: [nan, nanFlagText] },
  f: (x) => (Number.isNaN(x) ? 1 : 0),
  dtype: 'u32',
  vjp: () => [null],
});

/** The angle in radians whose tangent x is: −π/2 … π/2. */
export const atan = (x: Value): Value<'f32'> => pointwise(atanOp, [x]);
/** 1 of what is no number, else 0: software drivers hold NaN to be equal to itself. */
export const isNaN = (x: Value): Value<'u32'> => pointwise(isNaNOp, [x]);
