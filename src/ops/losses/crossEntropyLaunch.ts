import type { AdapterTraits, Kernel, Launch, Word } from '../../core/launch.ts';
import { grainOver, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Node } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import { integerReader } from '../data/integerReader.ts';
import { sharedBy, sharingOf } from '../reductions/rowSharing.ts';

/* What forward and backward of a cross-entropy have in common. */

export interface Attrs {
  readonly labelSmoothing: number;
  /** Null: every label counts. */
  readonly ignoreIndex: number | null;
  readonly weighted: boolean;
}

/** Compared, shifted, its exponential added up; in the gradient, shifted, its exponential, less the hit, times dLoss. */
const FLOPS_PER_LOGIT = 4;

export const flops = ({ inputs: [logits] }: Node<Attrs>): number => FLOPS_PER_LOGIT * elementsOf([logits]);

export const classesOf = (node: Node): number => node.inputs[0].spec.shape[1];

/** Label reader, class weights and guards. */
export function kernelOf(
  node: Node<Attrs>,
  source: string,
  weightsInput: number,
): { kernel: Kernel; bindings: number[] } {
  const kernel = guarded(node.op.name, source);
  const { weighted } = node.attrs;
  const inputs = node.inputs.map((_, at) => at).filter((at) => !weighted || at !== weightsInput);
  const functions = {
    ...kernel.functions,
    label_at: integerReader('label_at', 'labels', node.inputs[1].spec.dtype, 'i32'),
    ...(weighted && {
      class_weight: 'fn class_weight(class_index: u32) -> f32 {\n  return class_weights[class_index];\n}',
    }),
  };
  return {
    kernel: { ...kernel, functions, ...(weighted && { reads: { class_weights: 'f32' } }) },
    bindings: [...inputs, ...node.outputs.map((_, at) => -1 - at), ...(weighted ? [weightsInput] : [])],
  };
}

/** A kernel of assembly/losses.ts over the rows of logits. */
export function overRowsInWasm(node: Node<Attrs>, kernel: string, operands: WasmLaunch['operands']): WasmWork {
  const { labelSmoothing, ignoreIndex } = node.attrs;
  const [rows, classes] = node.inputs[0].spec.shape as [number, number];
  const labelBytes = node.inputs[1].spec.dtype === 'u8' ? 1 : 4;
  const ignored = [Number(ignoreIndex !== null), (ignoreIndex ?? 0) >>> 0];
  const words: readonly Word[] = [classes, labelBytes, { f32: labelSmoothing }, ...ignored];
  return { launches: [{ kernel, operands, words, items: rows, grain: grainOver(classes, 4) }] };
}

/** A launch over the rows of logits, each shared by as many invocations as serve the adapter. */
export function overRows(
  node: Node<Attrs>,
  kernel: Kernel,
  bindings: readonly number[],
  adapter: AdapterTraits,
  rowSlope = 0,
): Launch {
  const { labelSmoothing, ignoreIndex } = node.attrs;
  const [rows, classes] = node.inputs[0].spec.shape as [number, number];
  const sharing = sharingOf(classes, adapter);
  const uniform = [
    rows,
    classes,
    { f32: labelSmoothing },
    (ignoreIndex ?? -1) >>> 0,
    sharing.shares,
    { f32: rowSlope },
  ];
  return { ...sharedBy(sharing, kernel, rows), bindings, uniform };
}
