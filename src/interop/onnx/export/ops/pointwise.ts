import { spec, type Dtype } from '../../../../core/shape.ts';
import type { Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import {
  absoluteErrors,
  binaryCrossEntropies,
  huberErrors,
  kullbackLeiblerTerms,
  squaredErrors,
} from '../../../../ops/losses/distance.ts';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../../../../ops/pointwise/activations.ts';
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
} from '../../../../ops/pointwise/arithmetic.ts';
import { cast, type CastAttrs } from '../../../../ops/pointwise/cast.ts';
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
} from '../../../../ops/pointwise/elementary.ts';
import { atan, isNaN } from '../../../../ops/pointwise/special.ts';
import type { PointwiseAttrs } from '../../../../ops/pointwise/pointwise.ts';
import { swiglu } from '../../../../ops/pointwise/swiglu.ts';
import { computedType, type ElementType } from '../elementTypes.ts';
import type { Definition, Definitions } from '../definition.ts';
import { writeElementwise } from '../elementwise.ts';
import { float, type Tensor } from '../onnxNodes.ts';
import { inOrder, type OnnxWriter } from '../onnxWriter.ts';
import { binaryCrossEntropyOf, distanceOf, geluOf, huberOf, kullbackLeiblerOf } from './formulas.ts';

/* Ops that go element by element, and what is no more than a few of ONNX' own. */

const sample = (dtype: Dtype = 'f32'): Value => input('x', spec([2, 2], dtype));

/** How operands become the result; constants are those of the op. */
type Compute = (to: OnnxWriter, operands: readonly Tensor[], constants: readonly number[]) => Tensor;

const define = (
  use: () => Value,
  operators: readonly string[],
  compute: Compute,
  forms: { readonly types?: readonly ElementType[]; readonly result?: ElementType } = {},
): Definition<PointwiseAttrs> => ({
  use,
  operators,
  write: (node, to) => writeElementwise(node, to, (...operands) => compute(to, operands, node.attrs.constants), forms),
});

const unary = (f: (x: Value) => Value, operator: string): Definition<PointwiseAttrs> =>
  define(
    () => f(sample()),
    [operator],
    (to, operands) => to.emit(operator, operands),
  );

const binary = (f: (a: Value, b: Value) => Value, operator: string): Definition<PointwiseAttrs> =>
  define(
    () => f(sample(), sample()),
    [operator],
    (to, operands) => to.emit(operator, operands),
  );

const comparison = (f: (a: Value, b: Value) => Value, operator: string): Definition<PointwiseAttrs> =>
  define(
    () => f(sample(), sample()),
    [operator],
    (to, operands) => to.emit(operator, operands),
    { result: 'BOOL' },
  );

/** Arithmetic whose result of u32 is what is left of 32 bits. */
const wrapping = (f: (a: Value, b: Value) => Value, operator: string): Definition<PointwiseAttrs> => ({
  use: () => f(sample(), sample()),
  operators: [operator, 'Mod'],
  write(node, to) {
    writeElementwise(node, to, (...operands) => {
      const result = to.emit(operator, operands);
      return node.outputs[0].spec.dtype === 'u32' ? wrapped(to, result) : result;
    });
  },
});

const wrapped = (to: OnnxWriter, tensor: Tensor): Tensor => to.emit('Mod', [tensor, to.scalar(2 ** 32, 'INT64')]);

const castDefinition: Definition<CastAttrs> = {
  use: () => cast(sample('i32'), 'f32'),
  operators: ['Cast', 'Mul', 'Add', 'Mod'],
  write({ inputs: [from], outputs: [y], attrs: { dtype, scale, offset } }, to) {
    const { order } = to.formOf(from);
    const type = computedType[dtype];
    let tensor = to.read(from, { type, order });
    if (from.spec.dtype === 'i32' && dtype === 'u32') tensor = wrapped(to, tensor);
    if (scale !== 1) tensor = to.emit('Mul', [tensor, to.scalar(scale)]);
    if (offset !== 0) tensor = to.emit('Add', [tensor, to.scalar(offset)]);
    to.write(y, tensor, { type, order });
  },
};

const swigluDefinition: Definition<null> = {
  use: () => swiglu(sample()),
  operators: ['Slice', 'Sigmoid', 'Mul'],
  write({ inputs: [given], outputs: [y] }, to) {
    const width = y.spec.shape.at(-1)!;
    const [gate, value] = [0, 1].map((half) =>
      to.emit('Slice', [to.read(given), to.ints([half * width]), to.ints([(half + 1) * width]), to.ints([-1])]),
    );
    const gated = to.emit('Mul', [gate, to.emit('Sigmoid', [gate])]);
    to.write(y, to.emit('Mul', [gated, value]), { order: inOrder(y) });
  },
};

export const pointwiseOps: Definitions = {
  sigmoid: unary(sigmoid, 'Sigmoid'),
  relu: unary(relu, 'Relu'),
  tanh: unary(tanh, 'Tanh'),
  softplus: unary(softplus, 'Softplus'),
  leakyRelu: define(
    () => leakyRelu(sample()),
    ['LeakyRelu'],
    (to, operands, [slope]) => to.emit('LeakyRelu', operands, { alpha: float(slope) }),
  ),
  elu: define(
    () => elu(sample()),
    ['Elu', 'Selu'],
    (to, operands, [alpha, scale]) =>
      scale === 1
        ? to.emit('Elu', operands, { alpha: float(alpha) })
        : to.emit('Selu', operands, { alpha: float(alpha), gamma: float(scale) }),
  ),
  gelu: define(
    () => gelu(sample()),
    ['Gelu', 'Erf', 'Mul', 'Add'],
    (to, [given]) => geluOf(to, given, 'none'),
  ),
  geluTanh: define(
    () => gelu(sample(), { approximate: 'tanh' }),
    ['Gelu', 'Tanh', 'Mul', 'Add'],
    (to, [given]) => geluOf(to, given, 'tanh'),
  ),
  silu: define(
    () => silu(sample()),
    ['Sigmoid', 'Mul'],
    (to, [given]) => to.emit('Mul', [given, to.emit('Sigmoid', [given])]),
  ),
  swiglu: swigluDefinition,
  add: wrapping(add, 'Add'),
  sub: wrapping(sub, 'Sub'),
  mul: wrapping(mul, 'Mul'),
  div: binary(div, 'Div'),
  maximum: binary(maximum, 'Max'),
  minimum: binary(minimum, 'Min'),
  pow: binary(pow, 'Pow'),
  equal: comparison(equal, 'Equal'),
  notEqual: define(
    () => notEqual(sample(), sample()),
    ['Equal', 'Not'],
    (to, operands) => to.emit('Not', [to.emit('Equal', operands)]),
    { result: 'BOOL' },
  ),
  less: comparison(less, 'Less'),
  lessEqual: comparison(lessEqual, 'LessOrEqual'),
  greater: comparison(greater, 'Greater'),
  greaterEqual: comparison(greaterEqual, 'GreaterOrEqual'),
  where: define(
    () => where(sample('u32'), sample(), sample()),
    ['Where'],
    (to, operands) => to.emit('Where', operands),
    { types: ['BOOL'] },
  ),
  neg: unary(neg, 'Neg'),
  abs: unary(abs, 'Abs'),
  exp: unary(exp, 'Exp'),
  expm1: define(
    () => expm1(sample()),
    ['Exp', 'Sub'],
    (to, operands) => to.emit('Sub', [to.emit('Exp', operands), to.scalar(1)]),
  ),
  log: unary(log, 'Log'),
  log1p: define(
    () => log1p(sample()),
    ['Add', 'Log'],
    (to, [given]) => to.emit('Log', [to.emit('Add', [given, to.scalar(1)])]),
  ),
  sqrt: unary(sqrt, 'Sqrt'),
  sin: unary(sin, 'Sin'),
  cos: unary(cos, 'Cos'),
  erf: unary(erf, 'Erf'),
  floor: unary(floor, 'Floor'),
  ceil: unary(ceil, 'Ceil'),
  round: unary(round, 'Round'),
  sign: unary(sign, 'Sign'),
  atan: unary(atan, 'Atan'),
  isNaN: define(
    () => isNaN(sample()),
    ['IsNaN'],
    (to, operands) => to.emit('IsNaN', operands),
    { result: 'BOOL' },
  ),
  squaredError: define(
    () => squaredErrors(sample(), sample()),
    ['Sub', 'Mul'],
    (to, operands) => {
      const distance = distanceOf(to, operands);
      return to.emit('Mul', [distance, distance]);
    },
  ),
  absoluteError: define(
    () => absoluteErrors(sample(), sample()),
    ['Sub', 'Abs'],
    (to, operands) => to.emit('Abs', [distanceOf(to, operands)]),
  ),
  huberError: define(
    () => huberErrors(sample(), sample(), 1),
    ['Sub', 'Abs', 'Mul', 'LessOrEqual', 'Where'],
    (to, operands, [delta]) => huberOf(to, operands, delta),
  ),
  binaryCrossEntropy: define(
    () => binaryCrossEntropies(sample(), sample()),
    ['Relu', 'Mul', 'Sub', 'Abs', 'Neg', 'Softplus', 'Add'],
    binaryCrossEntropyOf,
  ),
  kullbackLeibler: define(
    () => kullbackLeiblerTerms(sample(), sample()),
    ['Log', 'Sub', 'Mul', 'Equal', 'Where'],
    kullbackLeiblerOf,
  ),
  cast: castDefinition,
};
