import type { Tensor } from '../onnxNodes.ts';
import type { OnnxWriter } from '../onnxWriter.ts';

/* What ONNX has no operator for, or not in each version, by the operators that it has. */

const GELU_SINCE = 20;
const CUBIC = 0.044715; // Hendrycks and Gimpel 2016, 2

/** x Φ(x), or its approximation. */
export function geluOf(to: OnnxWriter, given: Tensor, approximate: 'none' | 'tanh'): Tensor {
  if (to.opset >= GELU_SINCE) return to.emit('Gelu', [given], { approximate });
  const half = to.emit('Mul', [given, to.scalar(0.5)]);
  return to.emit('Mul', [half, to.emit('Add', [sharePast(to, given, approximate), to.scalar(1)])]);
}

/** 2 Φ(x) − 1. */
function sharePast(to: OnnxWriter, given: Tensor, approximate: 'none' | 'tanh'): Tensor {
  if (approximate === 'none') return to.emit('Erf', [to.emit('Mul', [given, to.scalar(Math.SQRT1_2)])]);
  const square = to.emit('Mul', [given, given]);
  const factor = to.emit('Add', [to.emit('Mul', [square, to.scalar(CUBIC)]), to.scalar(1)]);
  const inner = to.emit('Mul', [to.emit('Mul', [given, factor]), to.scalar(Math.sqrt(2 / Math.PI))]);
  return to.emit('Tanh', [inner]);
}

/** x − t */
export const distanceOf = (to: OnnxWriter, [a, b]: readonly Tensor[]): Tensor => to.emit('Sub', [a, b]);

/** −t log σ(x) − (1 − t) log(1 − σ(x)), as relu(x) − x · t + softplus(−|x|). */
export function binaryCrossEntropyOf(to: OnnxWriter, [logit, target]: readonly Tensor[]): Tensor {
  const linear = to.emit('Sub', [to.emit('Relu', [logit]), to.emit('Mul', [logit, target])]);
  return to.emit('Add', [linear, to.emit('Softplus', [to.emit('Neg', [to.emit('Abs', [logit])])])]);
}

/** ½ (x − t)² up to a distance of delta, then the line that continues it. */
export function huberOf(to: OnnxWriter, operands: readonly Tensor[], delta: number): Tensor {
  const far = to.emit('Abs', [distanceOf(to, operands)]);
  const square = to.emit('Mul', [to.emit('Mul', [far, far]), to.scalar(0.5)]);
  const line = to.emit('Mul', [to.emit('Sub', [far, to.scalar(0.5 * delta)]), to.scalar(delta)]);
  return to.emit('Where', [to.emit('LessOrEqual', [far, to.scalar(delta)]), square, line]);
}

/** t (log t − log p), 0 where t is. */
export function kullbackLeiblerOf(to: OnnxWriter, [logP, target]: readonly Tensor[]): Tensor {
  const term = to.emit('Mul', [target, to.emit('Sub', [to.emit('Log', [target]), logP])]);
  return to.emit('Where', [to.emit('Equal', [target, to.scalar(0)]), to.scalar(0), term]);
}
