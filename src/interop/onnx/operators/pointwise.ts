import type { Value } from '../../../graph/graph.ts';
import { elu, gelu, leakyRelu, relu, selu, sigmoid, silu, softplus, tanh } from '../../../ops/pointwise/activations.ts';
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
} from '../../../ops/pointwise/arithmetic.ts';
import { ceil, erf, exp, floor, log, round, sign, sqrt } from '../../../ops/pointwise/elementary.ts';
import { isNaN } from '../../../ops/pointwise/special.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { computable, Tensor } from '../tensor.ts';
import { alignedInputs, elementwise, numberwise } from './alignment.ts';

/** A function of floats. */
const ofFloats = (f: (x: Value<'f32'>, node: OnnxNode) => Value): Operator => ({
  apply: (node) => elementwise(node, [0], (x) => f(x, node)),
});

/** A function of numbers, which gives whole ones of whole ones. */
const ofNumbers = (f: (a: Value, b: Value) => Value): Operator => ({ apply: (node) => numberwise(node, [0, 1], f) });

const compared = (f: (a: Value, b: Value) => Value): Operator => ({
  apply: (node) => elementwise(node, [0, 1], f, 'bool'),
});

/** Any number of inputs, one after the other. */
const folded = (f: (a: Value<'f32'>, b: Value<'f32'>) => Value<'f32'>): Operator => ({
  apply: (node) =>
    elementwise(node, placesOf(node), (...values) => values.reduce((a, b) => f(a, b)), node.tensor(0).type),
});

const placesOf = ({ inputs }: OnnxNode): number[] => inputs.map((_, at) => at);

const averaged = (...values: readonly Value<'f32'>[]): Value =>
  mul(
    values.reduce((a, b) => add(a, b)),
    1 / values.length,
  );

/** A truth as u32, whatever it came as. */
export const truthOf = (value: Value): Value => (value.spec.dtype === 'u32' ? value : notEqual(value, 0));

const logical = (f: (a: Value<'f32'>, b: Value<'f32'>) => Value): Operator => ({
  apply: (node) => elementwise(node, [0, 1], f, 'bool'),
});

/** x, not below or above what is said; of two bounds that cross, the upper one. */
function clipped(x: Value, low: Value | number | undefined, high: Value | number | undefined): Value {
  const above = low === undefined ? x : maximum(x, low);
  return high === undefined ? above : minimum(above, high);
}

function boundOf(node: OnnxNode, at: number, name: string): Value | number | undefined {
  if (node.opset < 11) return node.says(name) ? node.real(name, 0) : undefined;
  if (!node.has(at)) return undefined;
  return node.tensor(at).numbers ? node.knownNumber(at, 0) : reshape(node.float(at), []);
}

/** How often |b| fits into |a|: a quotient that should be whole may just miss it, so what is left over has the last word. */
function wholeQuotient(a: Value, b: Value): Value<'f32'> {
  const guess = floor(div(abs(a), abs(b)));
  const rest = sub(abs(a), mul(guess, abs(b)));
  const more = cast(greaterEqual(rest, abs(b)), 'f32');
  return sub(add(guess, more), cast(less(rest, 0), 'f32'));
}

/** Integers over integers, rounded towards 0. */
const dividedWhole = (a: Value, b: Value): Value => mul(wholeQuotient(a, b), mul(sign(a), sign(b)));

/** What is left of a over b: of the sign of b, or, as C has it, of that of a. */
function remainder(a: Value, b: Value, isOfC: boolean): Value {
  const isEndless = equal(abs(b), Infinity);
  const ofC = mul(sign(a), sub(abs(a), mul(wholeQuotient(a, where(isEndless, 1, b)), abs(b))));
  // All of a finite number is left over.
  const left = where(isEndless, where(less(abs(a), Infinity), a, NaN), ofC);
  return isOfC ? left : where(less(mul(sign(left), sign(b)), 0), add(left, b), left);
}

/** Which elements are infinite, of the one sign or the other. */
function endless(node: OnnxNode): Tensor {
  const [above, below] = [node.int('detect_positive', 1) === 1, node.int('detect_negative', 1) === 1];
  const number = above ? Infinity : -Infinity;
  if (!above && !below) return elementwise(node, [0], (x) => less(abs(x), 0), 'bool');
  return elementwise(node, [0], (x) => equal(above && below ? abs(x) : x, number), 'bool');
}

/** A slope for each channel, or one: of fewer axes than x, as they are. */
function parametricRelu(node: OnnxNode): Tensor {
  return elementwise(node, [0, 1], (x, slope) => where(less(x, 0), mul(x, slope), x));
}

/** max(0, min(1, a · x + b)) */
const hardSigmoid = (x: Value, a: number, b: number): Value => clipped(add(mul(x, a), b), 0, 1);

/** x · σ(alpha · x) */
const swished = (x: Value, alpha: number): Value => (alpha === 1 ? silu(x) : mul(x, sigmoid(mul(x, alpha))));

const HALF = 0.5;
const [ALPHA_OF_SELU, GAMMA_OF_SELU] = [1.6732632423543772, 1.0507009873554805];

/** Activations by name: a function of x, and of what a recurrent layer says beside, alpha and beta. */
const activations: Operators = {
  Celu: ofFloats((x, node) => {
    const alpha = node.real('alpha', 1);
    return mul(elu(div(x, alpha)), alpha);
  }),
  Elu: ofFloats((x, node) => elu(x, { alpha: node.real('alpha', 1) })),
  Gelu: ofFloats((x, node) => gelu(x, { approximate: node.oneOf('approximate', ['none', 'tanh'], 'none') as 'none' })),
  HardSigmoid: ofFloats((x, node) => hardSigmoid(x, node.real('alpha', 0.2), node.real('beta', HALF))),
  HardSwish: ofFloats((x) => mul(x, hardSigmoid(x, 1 / 6, HALF))),
  LeakyRelu: ofFloats((x, node) => leakyRelu(x, { slope: node.real('alpha', 0.01) })),
  Mish: ofFloats((x) => mul(x, tanh(softplus(x)))),
  PRelu: { apply: parametricRelu },
  Relu: ofFloats(relu),
  Selu: ofFloats((x, node) => scaledElu(x, node.real('alpha', ALPHA_OF_SELU), node.real('gamma', GAMMA_OF_SELU))),
  Sigmoid: ofFloats(sigmoid),
  Softplus: ofFloats(softplus),
  Softsign: ofFloats((x) => div(x, add(abs(x), 1))),
  Swish: ofFloats((x, node) => swished(x, node.real('alpha', 1))),
  Tanh: ofFloats(tanh),
  ThresholdedRelu: ofFloats((x, node) => where(greater(x, node.real('alpha', 1)), x, 0)),
};

function scaledElu(x: Value, alpha: number, gamma: number): Value {
  const isUsual =
    Math.fround(alpha) === Math.fround(ALPHA_OF_SELU) && Math.fround(gamma) === Math.fround(GAMMA_OF_SELU);
  return isUsual ? selu(x) : mul(elu(x, { alpha }), gamma);
}

/** Operators that go element by element. */
export const pointwiseOperators: Operators = {
  ...activations,
  Abs: { apply: (node) => numberwise(node, [0], abs) },
  Add: ofNumbers(add),
  And: logical((a, b) => notEqual(mul(a, b), 0)),
  Ceil: ofFloats(ceil),
  Clip: {
    known: [1, 2],
    apply(node) {
      const [low, high] = [boundOf(node, 1, 'min'), boundOf(node, 2, 'max')];
      return elementwise(node, [0], (x) => clipped(x, low, high), node.tensor(0).type);
    },
  },
  Div: {
    apply(node) {
      const { type } = node.tensor(0);
      return elementwise(node, [0, 1], type === 'int' ? dividedWhole : div, type);
    },
  },
  Equal: compared(equal),
  Erf: ofFloats(erf),
  Exp: ofFloats(exp),
  Floor: ofFloats(floor),
  Greater: compared(greater),
  GreaterOrEqual: compared(greaterEqual),
  IsInf: { apply: endless },
  IsNaN: { apply: (node) => elementwise(node, [0], isNaN, 'bool') },
  Less: compared(less),
  LessOrEqual: compared(lessEqual),
  Log: ofFloats(log),
  Max: folded(maximum),
  Mean: { apply: (node) => elementwise(node, placesOf(node), averaged) },
  Min: folded(minimum),
  Mod: {
    apply(node) {
      const isOfC = node.int('fmod', 0) === 1;
      return elementwise(node, [0, 1], (a, b) => remainder(a, b, isOfC), node.tensor(0).type);
    },
  },
  Mul: ofNumbers(mul),
  Neg: { apply: (node) => numberwise(node, [0], neg) },
  Not: { apply: (node) => elementwise(node, [0], (x) => equal(x, 0), 'bool') },
  Or: logical((a, b) => notEqual(add(a, b), 0)),
  Pow: { apply: (node) => elementwise(node, [0, 1], powerOf(node), node.tensor(0).type) },
  Reciprocal: ofFloats((x) => div(1, x)),
  Round: ofFloats(round),
  Shrink: ofFloats((x, node) => {
    const [bound, bias] = [node.real('lambd', HALF), node.real('bias', 0)];
    return where(less(x, -bound), add(x, bias), where(greater(x, bound), sub(x, bias), 0));
  }),
  Sign: { apply: (node) => elementwise(node, [0], sign, node.tensor(0).type) },
  Sqrt: ofFloats(sqrt),
  Sub: ofNumbers(sub),
  Sum: folded(add),
  SwiGLU: { apply: (node) => elementwise(node, [0, 1], (a, b) => mul(swished(a, node.real('alpha', 1)), b)) },
  Where: {
    apply(node) {
      const { type } = node.tensor(1);
      const { values, order } = alignedInputs(node, [0, 1, 2]);
      const [a, b] = values.slice(1).map(computable);
      const chosen = where(truthOf(values[0]), a, b);
      return Tensor.of(chosen, type, order.length === chosen.spec.shape.length ? order : undefined);
    },
  },
  Xor: logical((a, b) => notEqual(a, b)),
};

/** Whole exponents are products, whose derivative is known everywhere. */
function powerOf(node: OnnxNode): (a: Value<'f32'>, b: Value<'f32'>) => Value {
  const { numbers, shape } = node.tensor(1);
  const single = numbers?.length === 1 && shape.length <= node.tensor(0).shape.length ? numbers[0] : undefined;
  const [isSquare, isRoot] = [single === 2, single === HALF];
  return (a, b) => {
    if (isSquare) return mul(a, a);
    return isRoot ? sqrt(a) : pow(a, b);
  };
}
