import type { Value } from '../../../graph/graph.ts';
import { add, mul } from '../../../ops/pointwise/arithmetic.ts';
import { affine, matmul } from '../../../ops/products/matmul.ts';
import { broadcastTo } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { NodeProto } from '../onnx_pb.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor, type Order } from '../tensor.ts';

/** As weights of a linear layer lie here, `[in, out]`. */
const IN_OUT: Order = [1, 0];

const isTransposed = ({ attribute }: NodeProto): boolean =>
  attribute.some(({ name, i }) => name === 'transB' && i === 1n);

/** alpha · A′ · B′ + beta · C */
function gemm(node: OnnxNode): Tensor {
  const [alpha, beta] = [node.real('alpha', 1), node.real('beta', 1)];
  const [transposeA, turns] = [node.int('transA', 0) === 1, node.int('transB', 0) === 1];
  const weight = node.tensor(1);
  // A parameter lies turned already.
  const isTurned = turns && weight.order.join() === IN_OUT.join();
  const [a, b, c] = [node.float(0), isTurned ? floats(weight.native) : node.float(1), node.maybeFloat(2)];
  const transposeB = turns && !isTurned;
  const columns = b.spec.shape[transposeB ? 0 : 1];
  const isBias =
    c && alpha === 1 && beta === 1 && !transposeA && c.spec.shape.length === 1 && c.spec.shape[0] === columns;
  if (isBias && !transposeB) return Tensor.of(affine(a, b, c), 'float');
  const own = scaled(matmul(a, b, { transposeA, transposeB }), alpha);
  return Tensor.of(c ? add(own, scaled(c, beta)) : own, 'float');
}

const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : mul(x, factor));

/** NumPy's product: leading axes are broadcast, and what has one axis is a row, or a column. */
function product(node: OnnxNode): Tensor {
  const [a, b] = [node.float(0), node.float(1)];
  const [isRow, isColumn] = [a.spec.shape.length === 1, b.spec.shape.length === 1];
  const left = isRow ? reshape(a, [1, ...a.spec.shape]) : a;
  const right = isColumn ? reshape(b, [...b.spec.shape, 1]) : b;
  const result = batched(left, right);
  const kept = result.spec.shape.filter((_, axis) => {
    const fromBehind = result.spec.shape.length - axis;
    return !((isRow && fromBehind === 2) || (isColumn && fromBehind === 1));
  });
  return Tensor.of(reshape(result, kept), 'float');
}

/** Our product takes one batch: leading axes that differ are made alike. */
export function batched(a: Value, b: Value): Value {
  const [left, right] = [a.spec.shape.slice(0, -2), b.spec.shape.slice(0, -2)];
  if (right.length === 0 || left.join() === right.join()) return matmul(a, b);
  if (left.length === 0 && right.length > 0) {
    // A · B = (Bᵀ · Aᵀ)ᵀ, and what is on the right may be shared.
    const axes = b.spec.shape.map((_, axis) => axis);
    const swapped = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
    return transpose(matmul(b, a, { transposeA: true, transposeB: true }), swapped);
  }
  const rank = Math.max(left.length, right.length);
  const [own, other] = [left, right].map((extents) => [
    ...Array.from({ length: rank - extents.length }, () => 1),
    ...extents,
  ]);
  const both = own.map((extent, axis) => (extent === 1 ? other[axis] : extent));
  const whole = (x: Value, extents: readonly number[]): Value => {
    const rows = x.spec.shape.slice(-2);
    return broadcastTo(reshape(x, [...extents, ...rows]), [...both, ...rows]);
  };
  return matmul(whole(a, own), whole(b, other));
}

/** Products of matrices. */
export const productOperators: Operators = {
  Gemm: { orders: { 1: (_, proto) => (isTransposed(proto) ? IN_OUT : [0, 1]) }, apply: gemm },
  MatMul: { apply: product },
};
