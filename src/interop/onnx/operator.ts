import type { Value } from '../../graph/graph.ts';
import type { NodeProto } from './onnx_pb.ts';
import type { OnnxNode } from './onnxNode.ts';
import { Tensor, type ElementType, type Order } from './tensor.ts';

/** What an operator gives: its outputs, in their order. */
export type Given = Tensor | readonly (Tensor | undefined)[];

/** An operator of ONNX, in values of ours. Known numbers go the same way, and are computed while the model is read. */
export interface Operator {
  /** Inputs, by their places, that must be known numbers: they are no parameters. */
  readonly known?: readonly number[];
  /** Inputs that are kept rather than learned: running averages. */
  readonly kept?: readonly number[];
  /** In which order of its axes a parameter lies here that is such an input: an image's kernel. Of a rank that fits. */
  readonly orders?: Readonly<Record<number, (rank: number, proto: NodeProto) => Order>>;
  apply(node: OnnxNode): Given;
}

/** Operators by name. */
export type Operators = Readonly<Record<string, Operator>>;

/** A value whose axes are those of the file. */
export const given = (value: Value, type: ElementType = 'float'): Tensor => Tensor.of(value, type);
