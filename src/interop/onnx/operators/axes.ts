import type { Shape } from '../../../core/shape.ts';
import type { OnnxNode } from '../onnxNode.ts';

/** An axis counted from the front. @throws FormatError for one that there is not */
export function axisOf(node: OnnxNode, axis: number, rank: number): number {
  const own = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(own) && own >= 0 && own < rank) return own;
  node.refuse(`has axis ${axis}, where there are ${rank}`, 'the file was damaged; export the model again');
}

/** Several, each once. @throws FormatError as `axisOf` */
export function axesOf(node: OnnxNode, axes: readonly number[], rank: number): number[] {
  const own = axes.map((axis) => axisOf(node, axis, rank));
  if (new Set(own).size === own.length) return own;
  node.refuse(`names an axis twice, [${axes.join(', ')}]`, 'the file was damaged; export the model again');
}

/** Axes that an attribute names up to some opset, and an input from there on; undefined where neither does. */
export function saidAxes(node: OnnxNode, at: number, since: number): number[] | undefined {
  if (node.opset >= since) return node.has(at) ? node.knownInts(at) : undefined;
  return node.says('axes') ? node.ints('axes') : undefined;
}

/** A shape without some of its axes. */
export const without = (shape: Shape, axes: readonly number[]): number[] =>
  shape.filter((_, axis) => !axes.includes(axis));
