import type { Word } from '../../core/launch.ts';
import { output } from '../../core/launch.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Walk } from '../../core/strided.ts';
import { overNumbers, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Node } from '../../graph/graph.ts';

/** `Operation` of assembly/pointwise.ts: what can be done with the elements of up to three inputs and with two constants. */
export type Operation =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'largerGrad'
  | 'smallerGrad'
  | 'equal'
  | 'notEqual'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'
  | 'where'
  | 'neg'
  | 'abs'
  | 'absGrad'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'nearest'
  | 'relu'
  | 'reluGrad'
  | 'leakyRelu'
  | 'leakyReluGrad'
  | 'squaredError'
  | 'squaredErrorGrad'
  | 'absoluteError'
  | 'absoluteErrorGrad'
  | 'huberError'
  | 'huberErrorGrad'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'erf'
  | 'erfGrad'
  | 'sigmoid'
  | 'sigmoidGrad'
  | 'tanh'
  | 'tanhGrad'
  | 'elu'
  | 'eluGrad'
  | 'gelu'
  | 'geluGrad'
  | 'geluTanh'
  | 'geluTanhGrad'
  | 'silu'
  | 'siluGrad'
  | 'softplus'
  | 'softplusGrad'
  | 'binaryCrossEntropy'
  | 'binaryCrossEntropyGrad'
  | 'kullbackLeibler'
  | 'scaled'
  | 'fromSigned'
  | 'fromUnsigned';

/** An op's inputs as they are walked, element by element. */
export function wasmPointwise(
  operation: Operation,
  { inputs, outputs: [y] }: Node,
  walk: Walk,
  [s = 0, t = 0]: readonly number[],
): WasmWork | undefined {
  const ofWords =
    operation === 'where' || operation.startsWith('from') || (operation === 'scaled' && s === 1 && t === 0);
  if (!ofWords && inputs.some(({ spec: { dtype } }) => dtype !== 'f32')) return undefined;
  const isOne = walk.shape.length === 0;
  const still = walk.shape.map(() => 0);
  const strides = [0, 1, 2].map((at) => walk.strides[at] ?? still);
  const axes: readonly Word[] = isOne ? [1, 0, 0, 0] : [...walk.shape, ...strides.flat()];
  const operands = [0, 1, 2].map((at) => (at < inputs.length ? at : 0));
  const words: WasmLaunch['words'] = [
    { named: `Operation.${operation}` },
    { f32: s },
    { f32: t },
    isOne ? 1 : walk.shape.length,
  ];
  return {
    launches: [overNumbers('pointwise', [...operands, output(0)], sizeOf(y.spec.shape), [...words, ...axes])],
  };
}
