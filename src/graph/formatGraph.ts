import { formatSpec } from '../core/shape.ts';
import { orderOf } from './executionOrder.ts';
import type { Graph, Node, Value } from './graph.ts';

/* A graph as text. */

/** Short names for the values of a graph: a leaf by its own name, others by number. */
export function namesOf(order: readonly Node[]): Map<Value, string> {
  const names = new Map<Value, string>();
  let count = 0;
  for (const node of order) {
    const label = (node.attrs as { readonly label?: string } | undefined)?.label;
    for (const value of node.outputs) names.set(value, label ?? `%${count++}`);
  }
  return names;
}

/** Plain attributes, without the label, which stands in front, and without what would not fit a line. */
function formatAttrs(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null) return '';
  const plain = Object.entries(attrs).filter(
    ([key, value]) =>
      key !== 'label' &&
      (Array.isArray(value) ? value.length > 0 : ['number', 'boolean', 'string'].includes(typeof value)),
  );
  const parts = plain.map(
    ([key, value]) => `${key}: ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`,
  );
  return parts.length ? ` {${parts.join(', ')}}` : '';
}

/** One line of a printed graph: `%3 f32[128, 10] = linear(%2, layer2.weight, layer2.bias)`. */
export function formatNode(node: Node, names: ReadonlyMap<Value, string>): string {
  const outputs = node.outputs.map((value) => `${names.get(value) ?? '?'} ${formatSpec(value.spec)}`).join(', ');
  const inputs = node.inputs.map((value) => names.get(value) ?? '?').join(', ');
  return `${outputs} = ${node.op.name}(${inputs})${formatAttrs(node.attrs)}`;
}

/** A graph as text: a line per node, then its outputs and what it leaves in its states. */
export function formatGraph(graph: Graph): string {
  const order = orderOf(graph);
  const names = namesOf(order);
  return [
    ...order.map((node) => formatNode(node, names)),
    ...Object.entries(graph.outputs).map(([name, value]) => `output ${name} = ${names.get(value)}`),
    ...graph.writes.map(([state, value]) => `state ${state.name} ← ${names.get(value)}`),
  ].join('\n');
}
