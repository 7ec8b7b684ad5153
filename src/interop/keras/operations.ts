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
import { gelu } from '../../ops/pointwise/activations.ts';
import {
  ceil,
  cos,
  erf,
  exp,
  expm1,
  floor,
  log,
  log1p,
  round,
  sign,
  sin,
  sqrt,
} from '../../ops/pointwise/elementary.ts';
import { matmul } from '../../ops/products/matmul.ts';
import { max, min } from '../../ops/reductions/extremum.ts';
import { mean, sum } from '../../ops/reductions/sum.ts';
import { transpose } from '../../ops/shaping/transpose.ts';
import { activations } from './activations.ts';
import {
  attended,
  expanded,
  flipped,
  items,
  joined,
  padded,
  repeated,
  reshaped,
  squeezed,
  taken,
} from './arrayOperations.ts';
import { argumentsOf, floats, wholes, type Arguments, type Operation } from './operationArguments.ts';
import { dtypeOf, type Config, type LayerOptions } from './layerOptions.ts';
import type { Definition, Definitions, KerasLayer } from './kerasLayer.ts';
import { refuse } from './refusal.ts';

/* Operations on values, as Keras 3 has them between layers where a model was written with `+`, or with keras.ops. */

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

const reduced =
  (f: typeof sum): Operation =>
  (given) => {
    const axes = wholes(given, 1, 'axis');
    const keepDimensions = given.literal(2, 'keepdims') === true;
    return f(floats(given.value(0, 'x')), { ...(axes && { axes }), keepDimensions });
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
  Expm1: unary(expm1),
  Log1p: unary(log1p),
  Erf: unary(erf),
  Floor: unary(floor),
  Ceil: unary(ceil),
  Round: unary(round),
  Sign: unary(sign),
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
  GetItem: items,
  Flip: flipped,
  Repeat: repeated,
  Take: taken,
  Pad: padded,
  DotProductAttention: attended,
  Cast: casted,
  Relu: unary(activations['relu']),
  Relu6: unary(activations['relu6']),
  Sigmoid: unary(activations['sigmoid']),
  Tanh: unary(activations['tanh']),
  Silu: unary(activations['silu']),
  Gelu: (given) =>
    gelu(given.value(0, 'x'), { approximate: given.literal(1, 'approximate') === false ? 'none' : 'tanh' }),
  Softplus: unary(activations['softplus']),
};

/** What an operation's config may say beside its arguments. */
const SAID =
  'axis axes keepdims newshape new_shape dtype x2 x1 repeats pad_width mode approximate is_causal indices key flash_attention attn_logits_soft_cap'.split(
    ' ',
  );
const NAMED = ['x', 'x1', 'x2', 'xs', 'condition', 'mask', 'scale', 'constant_values', 'query', 'value', ...SAID];

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
