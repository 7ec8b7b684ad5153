import type { Node, Value } from '../../../graph/graph.ts';
import type { OnnxWriter } from './onnxWriter.ts';

/** How an op of ours is said in ONNX. */
export interface Definition<A = unknown> {
  /** A use of it, by which it is told from an op of a user's with the same name. */
  use(): Value;
  /** The operators that it may become. */
  readonly operators: readonly string[];
  /** What of its attributes the number of samples may change, for `write` says it otherwise; of two nodes that differ by it. */
  varies?(few: Node<A>, more: Node<A>): readonly string[];
  write(node: Node<A>, to: OnnxWriter): void;
}

/** Definitions by what printed graphs call the ops. */
export type Definitions = Readonly<Record<string, Definition>>;
