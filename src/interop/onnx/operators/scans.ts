import { spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { add, mul, where } from '../../../ops/pointwise/arithmetic.ts';
import { pad, slice, type SliceRange } from '../../../ops/shaping/pieces.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { computable, Tensor } from '../tensor.ts';
import { axisOf } from './axes.ts';

/** Elements some places further along an axis, or back, and what changes nothing where none come from. */
function moved(x: Value, axis: number, by: number, isReverse: boolean, neutral: number): Value {
  const extent = x.spec.shape[axis];
  const along = <T>(own: T, other: T): T[] => x.spec.shape.map((_, at) => (at === axis ? own : other));
  const kept = slice(x, along<SliceRange | null>(isReverse ? { start: by } : { end: extent - by }, null));
  return pad(kept, along<readonly [number, number]>(isReverse ? [0, by] : [by, 0], [0, 0]), neutral);
}

/** All that came before, in as many steps as its number of places has binary digits. Source: Hillis and Steele 1986 */
const scan = (f: (a: Value, b: Value) => Value, neutral: number): Operator => ({
  known: [1],
  apply(node) {
    const x = node.tensor(0);
    const axis = axisOf(node, node.knownNumber(1, 0), x.shape.length);
    const [isExclusive, isReverse] = [node.int('exclusive', 0) === 1, node.int('reverse', 0) === 1];
    const extent = x.shape[axis];
    let y = computable(node.asValue(x));
    if (isExclusive && extent > 0) y = extent > 1 ? moved(y, axis, 1, isReverse, neutral) : whole(y, neutral);
    for (let by = 1; by < extent; by *= 2) y = f(y, moved(y, axis, by, isReverse, neutral));
    return Tensor.of(y, x.type);
  },
});

const whole = (x: Value, number: number): Value => where(constant(Uint32Array.of(1), spec([], 'u32')), number, x);

/** A triangle of each matrix, the rest of which is 0. */
function triangle(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const isUpper = node.int('upper', 1) === 1;
  const k = node.knownNumber(1, 0);
  const [rows, columns] = x.shape.slice(-2);
  if (rows * columns === 0) return x;
  node.requireRoom(rows * columns);
  const kept = Uint32Array.from({ length: rows * columns }, (_, at) => {
    const over = (at % columns) - Math.floor(at / columns);
    return (isUpper ? over >= k : over <= k) ? 1 : 0;
  });
  return Tensor.of(where(constant(kept, spec([rows, columns], 'u32')), computable(node.asValue(x)), 0), x.type);
}

/** Operators in which an element depends on all before it, or on which side of a diagonal it is. */
export const scanOperators: Operators = {
  CumProd: scan(mul, 1),
  CumSum: scan(add, 0),
  Trilu: { known: [1], apply: triangle },
};
