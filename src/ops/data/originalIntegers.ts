import { applyOne, type Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { castOp } from '../pointwise/cast.ts';
import { takeOp } from './samples.ts';

/** The integers that f32 numbers were until they were cast, unscaled, or gathered as f32; any other value as it is. */
export function uncast(x: Value): Value {
  const { node } = x;
  const [from] = node.inputs;
  if (node.op.view && node.inputs.length === 1) {
    const integers = uncast(from);
    return integers === from ? x : applyOne(node.op, [integers], node.attrs);
  }
  const attrs = asUseOf(castOp, node) ?? asUseOf(takeOp, node);
  if (attrs?.dtype !== 'f32' || attrs.scale !== 1 || attrs.offset !== 0) return x;
  if (node.op === castOp) return from.spec.dtype === 'f32' ? x : from;
  const { dtype } = node.inputs[1].spec;
  return dtype === 'f32' ? x : applyOne(node.op, node.inputs, { ...attrs, dtype: dtype === 'u8' ? 'u32' : dtype });
}
