import type { Value } from '../../../graph/graph.ts';
import { abs, add, div, greater, mul, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { cos, exp, expm1, log1p, sign, sin, sqrt } from '../../../ops/pointwise/elementary.ts';
import { atan } from '../../../ops/pointwise/special.ts';
import type { Operator, Operators } from '../operator.ts';
import { elementwise } from './alignment.ts';

/* Functions of angles, and their likes of the hyperbola, composed so that nothing cancels near 0 or 1. */

const of = (f: (x: Value) => Value): Operator => ({ apply: (node) => elementwise(node, [0], f) });

/** √((1 − x)(1 + x)) */
const across = (x: Value): Value => sqrt(mul(sub(1, x), add(x, 1)));

/** Beyond this 1 is nothing beside eˣ. */
const LARGE = 1e8;

/** (eˣ − e⁻ˣ) / 2, by what eˣ is above 1. */
function sinh(x: Value): Value {
  const above = expm1(abs(x));
  const other = where(greater(above, LARGE), 1, div(above, add(above, 1)));
  return mul(mul(add(above, other), 0.5), sign(x));
}

const cosh = (x: Value): Value => mul(add(exp(x), exp(mul(x, -1))), 0.5);

function asinh(x: Value): Value {
  const size = abs(x);
  const square = mul(x, x);
  return mul(log1p(add(size, div(square, add(sqrt(add(square, 1)), 1)))), sign(x));
}

function acosh(x: Value): Value {
  const above = sub(x, 1);
  return log1p(add(above, sqrt(mul(above, add(above, 2)))));
}

/** Operators of angles. */
export const trigonometricOperators: Operators = {
  Acos: of((x) => mul(atan(sqrt(div(sub(1, x), add(x, 1)))), 2)),
  Acosh: of(acosh),
  Asin: of((x) => atan(div(x, across(x)))),
  Asinh: of(asinh),
  Atan: of(atan),
  Atanh: of((x) => mul(log1p(div(mul(x, 2), sub(1, x))), 0.5)),
  Cos: of(cos),
  Cosh: of(cosh),
  Sin: of(sin),
  Sinh: of(sinh),
  Tan: of((x) => div(sin(x), cos(x))),
};
