import type { Value } from '../../graph/graph.ts';
import {
  abs,
  add,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  sub,
  where,
  type Operand,
} from '../../ops/pointwise/arithmetic.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { cos, exp, log, sin, sqrt } from '../../ops/pointwise/elementary.ts';
import { matmul } from '../../ops/products/matmul.ts';
import { max, min } from '../../ops/reductions/extremum.ts';
import { mean, sum } from '../../ops/reductions/sum.ts';
import { concat } from '../../ops/shaping/pieces.ts';
import { transpose } from '../../ops/shaping/transpose.ts';
import { reshape } from '../../ops/shaping/views.ts';
import { activations } from './activations.ts';
import { dtypeOf, type Config, type LayerOptions } from './layerOptions.ts';
import { isHeld, type Definition, type Definitions, type Given, type KerasLayer } from './kerasLayer.ts';
import { refuse } from './refusal.ts';

/* Operations on values, as Keras 3 has them between layers where a model was written with `+`, or with keras.ops. */

/** What an operation is given, by place and by name, and what its config says. */
interface Arguments {
  readonly where: string;
  operand(at: number, name: string): Operand;
  value(at: number, name: string): Value;
  literal(at: number, name: string): unknown;
}

type Operation = (given: Arguments) => Value;

function argumentsOf({ args, named }: Given, where_: string, config: (name: string) => unknown): Arguments {
  const at = (place: number, name: string): unknown => args[place] ?? named[name] ?? config(name);
  const fails = (name: string, wanted: string): never =>
    refuse(where_, `has a ${name} that is no ${wanted}`, 'it is read with one');
  const operand = (place: number, name: string): Operand => {
    const given = at(place, name);
    if (isHeld(given)) return given.value;
    if (typeof given === 'number' && Number.isFinite(given)) return given;
    return fails(name, 'value or number');
  };
  return {
    where: where_,
    operand,
    value(place, name) {
      const given = operand(place, name);
      if (typeof given !== 'number') return given;
      return fails(name, 'value');
    },
    literal: at,
  };
}

const binary =
  (f: (a: Operand, b: Operand) => Value): Operation =>
  (given) => {
    const [a, b] = [given.operand(0, 'x1'), given.operand(1, 'x2')];
    // One operand of several dtypes is a mask, or whole numbers beside others.
    const dtypes = [a, b].map((each) => (typeof each === 'number' ? undefined : each.spec.dtype));
    const differ = dtypes[0] !== dtypes[1] && !dtypes.includes(undefined);
    const alike = (each: Operand): Operand => (differ && typeof each !== 'number' ? cast(each, 'f32') : each);
    return f(alike(a), alike(b));
  };

const unary =
  (f: (x: Value) => Value): Operation =>
  (given) =>
    f(given.value(0, 'x'));

const truth = (x: Operand): Operand => (typeof x === 'number' ? x : cast(notEqual(x, 0), 'f32'));
const asTruth = (x: Value): Value => cast(x, 'u32');

const isWhole = (given: unknown): given is number => Number.isSafeInteger(given);

function wholes(given: Arguments, at: number, name: string): readonly number[] | undefined {
  const list: unknown = given.literal(at, name) ?? undefined;
  const all = list === undefined ? undefined : [list].flat();
  if (all === undefined || all.every(isWhole)) return all;
  refuse(given.where, `has ${name} that is no whole number, nor a list of them`, 'it is read so');
}

const reduced =
  (f: typeof sum): Operation =>
  (given) => {
    const axes = wholes(given, 1, 'axis');
    const keepDimensions = given.literal(2, 'keepdims') === true;
    return f(floats(given.value(0, 'x')), { ...(axes && { axes }), keepDimensions });
  };

const floats = (x: Value): Value => (x.spec.dtype === 'f32' ? x : cast(x, 'f32'));

function expanded(given: Arguments): Value {
  const x = given.value(0, 'x');
  const [axis = 0] = wholes(given, 1, 'axis') ?? [];
  const { shape } = x.spec;
  return reshape(x, shape.toSpliced(axis < 0 ? axis + shape.length + 1 : axis, 0, 1));
}

function squeezed(given: Arguments): Value {
  const x = given.value(0, 'x');
  const { shape } = x.spec;
  const axes = wholes(given, 1, 'axis')?.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return reshape(
    x,
    shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1 || axis === 0)),
  );
}

function reshaped(given: Arguments): Value {
  const x = given.value(0, 'x');
  const [samples] = x.spec.shape;
  const target = wholes(given, 1, 'newshape') ?? wholes(given, 1, 'new_shape') ?? [];
  // The samples of a batch stay a batch.
  return reshape(x, target[0] === -1 && target.slice(1).includes(-1) ? [samples, ...target.slice(1)] : target);
}

const joined: Operation = (given) => {
  const list = given.literal(0, 'xs');
  const values = Array.isArray(list) ? list.filter(isHeld).map(({ value }) => value) : [];
  const [axis = -1] = wholes(given, 1, 'axis') ?? [];
  return concat(values, axis);
};

function casted(given: Arguments): Value {
  const dtype = dtypeOf(given.literal(1, 'dtype'));
  const x = given.value(0, 'x');
  if (dtype?.startsWith('float')) return floats(x);
  if (dtype === 'bool') return notEqual(x, 0);
  if (dtype?.startsWith('int')) return cast(x, 'i32');
  refuse(given.where, `casts to ${dtype ?? 'nothing'}`, 'floats, integers and bool are read');
}

const operations: Readonly<Record<string, Operation>> = {
  Add: binary(add),
  Subtract: binary(sub),
  Multiply: binary(mul),
  TrueDivide: binary(div),
  Divide: binary(div),
  Maximum: binary(maximum),
  Minimum: binary(minimum),
  Power: binary(pow),
  Equal: binary(equal),
  NotEqual: binary(notEqual),
  Less: binary(less),
  LessEqual: binary(lessEqual),
  Greater: binary(greater),
  GreaterEqual: binary(greaterEqual),
  LogicalOr: binary((a, b) => asTruth(maximum(truth(a), truth(b)))),
  LogicalAnd: binary((a, b) => asTruth(mul(truth(a), truth(b)))),
  LogicalNot: unary((x) => equal(x, 0)),
  Negative: unary(neg),
  Absolute: unary(abs),
  Abs: unary(abs),
  Square: unary((x) => mul(x, x)),
  Sqrt: unary(sqrt),
  Rsqrt: unary((x) => div(1, sqrt(x))),
  Exp: unary(exp),
  Log: unary(log),
  Sin: unary(sin),
  Cos: unary(cos),
  Matmul: (given) => matmul(given.value(0, 'x1'), given.value(1, 'x2')),
  Mean: reduced(mean),
  Sum: reduced(sum),
  Max: reduced(max),
  Min: reduced(min),
  Any: (given) => asTruth(reduced(max)(given)),
  All: (given) => asTruth(reduced(min)(given)),
  Where: (given) => where(asTruth(given.value(0, 'condition')), given.operand(1, 'x1'), given.operand(2, 'x2')),
  ExpandDims: expanded,
  Squeeze: squeezed,
  Reshape: reshaped,
  Transpose: (given) => transpose(given.value(0, 'x'), wholes(given, 1, 'axes')),
  Concatenate: joined,
  Cast: casted,
  Relu: unary(activations['relu']),
  Relu6: unary(activations['relu6']),
  Sigmoid: unary(activations['sigmoid']),
  Tanh: unary(activations['tanh']),
  Silu: unary(activations['silu']),
  Softplus: unary(activations['softplus']),
};

/** What an operation's config may say beside its arguments. */
const SAID = ['axis', 'axes', 'keepdims', 'newshape', 'new_shape', 'dtype', 'x2', 'x1'];
const NAMED = ['x', 'x1', 'x2', 'xs', 'condition', ...SAID];

const definitionOf =
  (operation: Operation): Definition =>
  (options: LayerOptions): KerasLayer => {
    const config: Config = Object.fromEntries(SAID.map((name) => [name, options.raw(name)]));
    return {
      weights: [],
      named: NAMED,
      apply: (given) => operation(argumentsOf(given, options.where, (name) => config[name])),
    };
  };

export const operationDefinitions: Definitions = Object.fromEntries(
  Object.entries(operations).map(([name, operation]) => [name, definitionOf(operation)]),
);
