import type { Node } from '../../../graph/graph.ts';
import type { KerasWriter } from './kerasWriter.ts';

/** Writes a use of an op. */
export type Write = (node: Node, to: KerasWriter) => void;

/** By what printed graphs call the ops. */
export type Writes = Readonly<Record<string, Write>>;
