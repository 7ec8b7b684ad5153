import { ShapeError } from '../../core/errors.ts';
import type { Dtype } from '../../core/shape.ts';
import { constant } from '../../graph/leaf.ts';
import { applyAlike, specOf, type Value } from '../../graph/graph.ts';
import { definePointwise, elementary, pointwise, rounded, type PointwiseOp } from './pointwise.ts';
import { sumTo } from '../reductions/sum.ts';
import arithmetic from '../../../shaders/functions/arithmetic.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import logarithmText from '../../../shaders/functions/logarithm.wgsl?raw';
import powerText from '../../../shaders/functions/power.wgsl?raw';

/* Arithmetic and comparison of two values that broadcast, after NumPy's rule. A number stands for a constant. */

/** A value, or a number that stands for a constant. */
export type Operand<D extends Dtype = Dtype> = Value<D> | number;

type Numeric = Exclude<Dtype, 'u8'>;

const numeric: readonly Numeric[] = ['f32', 'i32', 'u32'];
const both = [numeric, numeric] as const;

function lift(operand: Operand, like: Operand): Value {
  if (typeof operand !== 'number') return operand;
  const dtype = typeof like === 'number' ? 'f32' : specOf('arithmetic', 'an operand', like).dtype;
  if (dtype !== 'f32' && (!Number.isInteger(operand) || (dtype === 'u32' && operand < 0))) {
    throw new ShapeError(`[arithmetic] ${operand} is no ${dtype}, which it would be combined with: use cast()`);
  }
  const numbers =
    dtype === 'i32' ? Int32Array.of(operand) : dtype === 'u32' ? Uint32Array.of(operand) : Float32Array.of(operand);
  return constant(numbers, { shape: [], dtype });
}

const binary = <D extends Dtype>(op: PointwiseOp<D>, a: Operand, b: Operand): Value<D> =>
  pointwise(op, [lift(a, b), lift(b, a)]);

/** Gradients of a broadcast pair, each summed back to its operand's shape. */
const pair = (inputs: readonly Value[], dA: Value | null, dB: Value | null): readonly (Value | null)[] => [
  dA && sumTo(dA, inputs[0].spec),
  dB && sumTo(dB, inputs[1].spec),
];

const addOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'add',
  wasm: 'add',
  arity: 2,
  wgsl: { expression: 'a + b' },
  f: (a, b) => a + b,
  accepts: both,
  accuracy: rounded,
  vjp: (dY, { inputs }) => pair(inputs, dY, dY),
});

const subOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'sub',
  wasm: 'sub',
  arity: 2,
  wgsl: { expression: 'a - b' },
  f: (a, b) => a - b,
  accepts: both,
  accuracy: rounded,
  vjp: (dY, { inputs }) => pair(inputs, dY, neg(dY)),
});

const mulOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'mul',
  wasm: 'mul',
  arity: 2,
  wgsl: { expression: 'a * b' },
  f: (a, b) => a * b,
  accepts: both,
  accuracy: rounded,
  vjp: (dY, { inputs: [a, b] }) => pair([a, b], mul(dY, b), mul(dY, a)),
});

const divOp: PointwiseOp = definePointwise({
  name: 'div',
  wasm: 'div',
  arity: 2,
  wgsl: { expression: 'a / b' },
  f: (a, b) => a / b,
  accuracy: rounded,
  vjp: (dY, { inputs: [a, b], outputs: [y] }) => pair([a, b], div(dY, b), neg(div(mul(dY, y), b))),
});

const extremumSources = [nan, arithmetic];

/** The derivative with respect to a; that with respect to b is the same with both exchanged. */
const extremumGrad = (name: 'larger' | 'smaller', wins: (a: number, b: number) => boolean): PointwiseOp =>
  definePointwise({
    name: `${name}Grad`,
    wasm: `${name}Grad`,
    arity: 3,
    wgsl: { call: `${name}_grad`, sources: extremumSources },
    f: (a, b, dY) => dY * (wins(a, b) ? 1 : a === b ? 0.5 : 0),
    accuracy: rounded,
  });

const largerGradOp = extremumGrad('larger', (a, b) => a > b);
const smallerGradOp = extremumGrad('smaller', (a, b) => a < b);

const maximumOp: PointwiseOp = definePointwise({
  name: 'maximum',
  wasm: 'maximum',
  arity: 2,
  wgsl: { call: 'larger', sources: extremumSources },
  f: (a, b) => (a > b ? a : b >= a ? b : NaN),
  vjp: (dY, { inputs: [a, b] }) =>
    pair([a, b], pointwise(largerGradOp, [a, b, dY]), pointwise(largerGradOp, [b, a, dY])),
});

const minimumOp: PointwiseOp = definePointwise({
  name: 'minimum',
  wasm: 'minimum',
  arity: 2,
  wgsl: { call: 'smaller', sources: extremumSources },
  f: (a, b) => (a < b ? a : b <= a ? b : NaN),
  vjp: (dY, { inputs: [a, b] }) =>
    pair([a, b], pointwise(smallerGradOp, [a, b, dY]), pointwise(smallerGradOp, [b, a, dY])),
});

const powerSources = [nan, exponentialText, logarithmText, powerText];
// An error of log a moves a^b by b as much.
const powerAccuracy = { ...elementary, ulps: 512 };

const powGradBaseOp: PointwiseOp = definePointwise({
  name: 'powGradBase',
  arity: 3,
  wgsl: { call: 'power_grad_base', sources: powerSources },
  f: (a, b, dY) => (b === 0 ? 0 : dY * b * a ** (b - 1)),
  accuracy: powerAccuracy,
});

const powGradExponentOp: PointwiseOp = definePointwise({
  name: 'powGradExponent',
  arity: 3,
  wgsl: { call: 'power_grad_exponent', sources: powerSources },
  f: (a, b, dY) => (a === 0 && b >= 0 ? 0 : dY * a ** b * Math.log(a)),
  accuracy: powerAccuracy,
});

const powOp: PointwiseOp = definePointwise({
  name: 'pow',
  arity: 2,
  wgsl: { call: 'power', sources: powerSources },
  f: (a, b) => a ** b,
  accuracy: powerAccuracy,
  vjp: (dY, { inputs: [a, b] }) =>
    pair([a, b], pointwise(powGradBaseOp, [a, b, dY]), pointwise(powGradExponentOp, [a, b, dY])),
});

type Comparison = 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';

const comparison = (name: Comparison, sign: string, f: (a: number, b: number) => boolean): PointwiseOp<'u32'> =>
  definePointwise({
    name,
    wasm: name,
    arity: 2,
    wgsl: { expression: `select(0u, 1u, a ${sign} b)` },
    f: (a, b) => (f(a, b) ? 1 : 0),
    accepts: both,
    dtype: 'u32',
    vjp: () => [null, null],
  });

const equalOp = comparison('equal', '==', (a, b) => a === b);
const notEqualOp = comparison('notEqual', '!=', (a, b) => a !== b);
const lessOp = comparison('less', '<', (a, b) => a < b);
const lessEqualOp = comparison('lessEqual', '<=', (a, b) => a <= b);
const greaterOp = comparison('greater', '>', (a, b) => a > b);
const greaterEqualOp = comparison('greaterEqual', '>=', (a, b) => a >= b);

const whereOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'where',
  wasm: 'where',
  arity: 3,
  wgsl: { expression: 'select(c, b, a != 0u)' },
  f: (a, b, c) => (a !== 0 ? b : c),
  accepts: [['u32'], numeric, numeric],
  vjp: (dY, { inputs: [condition, a, b] }) => [
    null,
    sumTo(where(condition, dY, 0), a.spec),
    sumTo(where(condition, 0, dY), b.spec),
  ],
});

const negOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'neg',
  wasm: 'neg',
  arity: 1,
  wgsl: { expression: '-a' },
  f: (a) => -a,
  accepts: [['f32', 'i32']],
  vjp: (dY) => [neg(dY)],
});

const absGradOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'absGrad',
  wasm: 'absGrad',
  arity: 2,
  wgsl: { call: 'absolute_grad', sources: extremumSources },
  f: (x, dY) => dY * Math.sign(x),
});

const absOp: PointwiseOp<Numeric> = definePointwise<Numeric>({
  name: 'abs',
  wasm: 'abs',
  arity: 1,
  wgsl: { expression: 'abs(a)' },
  f: (a) => Math.abs(a),
  accepts: [['f32', 'i32']],
  vjp: (dY, { inputs: [x] }) => [pointwise(absGradOp, [x, dY])],
});

/** a + b */
export const add = <A extends Dtype, B extends Dtype>(a: Operand<A>, b: Operand<B>): Value<A & B> =>
  binary(addOp, a, b) as Value<A & B>;
/** a − b */
export const sub = <A extends Dtype, B extends Dtype>(a: Operand<A>, b: Operand<B>): Value<A & B> =>
  binary(subOp, a, b) as Value<A & B>;
/** a · b, element by element */
export const mul = <A extends Dtype, B extends Dtype>(a: Operand<A>, b: Operand<B>): Value<A & B> =>
  binary(mulOp, a, b) as Value<A & B>;
/** a / b, f32 */
export const div = (a: Operand, b: Operand): Value<'f32'> => binary(divOp, a, b);
/** The larger of a and b; NaN if either is. A tie shares the gradient evenly. */
export const maximum = (a: Operand, b: Operand): Value<'f32'> => binary(maximumOp, a, b);
/** The smaller of a and b; NaN if either is. A tie shares the gradient evenly. */
export const minimum = (a: Operand, b: Operand): Value<'f32'> => binary(minimumOp, a, b);
/** a to the power b, as JavaScript's `**`: a negative base takes whole exponents. */
export const pow = (a: Operand, b: Operand): Value<'f32'> => binary(powOp, a, b);
/** 1 where a = b, else 0. @returns u32 */
export const equal = (a: Operand, b: Operand): Value<'u32'> => binary(equalOp, a, b);
/** 1 where a ≠ b, else 0. @returns u32 */
export const notEqual = (a: Operand, b: Operand): Value<'u32'> => binary(notEqualOp, a, b);
/** 1 where a < b, else 0. @returns u32 */
export const less = (a: Operand, b: Operand): Value<'u32'> => binary(lessOp, a, b);
/** 1 where a ≤ b, else 0. @returns u32 */
export const lessEqual = (a: Operand, b: Operand): Value<'u32'> => binary(lessEqualOp, a, b);
/** 1 where a > b, else 0. @returns u32 */
export const greater = (a: Operand, b: Operand): Value<'u32'> => binary(greaterOp, a, b);
/** 1 where a ≥ b, else 0. @returns u32 */
export const greaterEqual = (a: Operand, b: Operand): Value<'u32'> => binary(greaterEqualOp, a, b);
/** a where the condition (u32) is not 0, else b. */
export const where = <A extends Dtype, B extends Dtype>(condition: Value, a: Operand<A>, b: Operand<B>): Value<A & B> =>
  pointwise(whereOp, [condition, lift(a, b), lift(b, a)]) as Value<A & B>;
/** −x */
export const neg = <D extends Dtype>(x: Value<D>): Value<D> => applyAlike(negOp, x, { constants: [] });
/** |x|, with derivative 0 at 0 */
export const abs = <D extends Dtype>(x: Value<D>): Value<D> => applyAlike(absOp, x, { constants: [] });
