import { allocate, sizeOf } from '../core/shape.ts';
import { apply, type Graph, type Node, type Value } from '../graph/graph.ts';
import { orderOf } from '../graph/executionOrder.ts';
import { constant, constantOp, isLeaf } from '../graph/leaf.ts';

/** Larger constants are cheaper to compute than to upload. */
const LARGEST_CONSTANT = 1 << 20;

/**
 * The same graph with less in it: nodes that nobody reads are gone, equal nodes are one, and what can be computed from
 * constants is a constant. An op with an effect is never dropped, merged or computed ahead.
 */
export function simplify(graph: Graph): Graph {
  const replaced = new Map<Value, Value>();
  const identities = new Identities();
  const known = new Map<string, readonly Value[]>();

  for (const node of orderOf(graph)) {
    const inputs = node.inputs.map((input) => replaced.get(input)!);
    const outputs = rebuild(node, inputs);
    node.outputs.forEach((value, at) => replaced.set(value, outputs[at]));
  }

  function rebuild(node: Node, inputs: readonly Value[]): readonly Value[] {
    if (node.op.effect || node.op.inPlace) return renewed(node, inputs);
    const key = identities.keyOf(node, inputs);
    let outputs = known.get(key);
    if (!outputs) known.set(key, (outputs = folded(node, inputs) ?? renewed(node, inputs)));
    return outputs;
  }

  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, replaced.get(value)!])),
    writes: graph.writes.map(([state, value]) => [state, replaced.get(value)!] as const),
  };
}

/** The node itself where its inputs stayed. */
const renewed = (node: Node, inputs: readonly Value[]): readonly Value[] =>
  inputs.every((input, at) => input === node.inputs[at]) ? node.outputs : apply(node.op, inputs, node.attrs);

function folded(node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  if (isLeaf(node) || inputs.length === 0) return undefined;
  if (!inputs.every((input) => input.node.op === (constantOp as unknown))) return undefined;
  if (node.outputs.some(({ spec }) => sizeOf(spec.shape) > LARGEST_CONSTANT)) return undefined;
  const numbers = node.outputs.map(({ spec }) => allocate(spec));
  const given = inputs.map((input) => (input.node.attrs as { numbers: Float32Array }).numbers);
  node.op.cpu(given, numbers, node);
  return node.outputs.map(({ spec }, at) => constant(numbers[at], spec));
}

/** Gives equal nodes equal keys; objects that are not plain data (states, arrays of numbers) by identity. */
class Identities {
  readonly #numbers = new Map<object, number>();

  #number(object: object): number {
    let number = this.#numbers.get(object);
    if (number === undefined) this.#numbers.set(object, (number = this.#numbers.size));
    return number;
  }

  keyOf(node: Node, inputs: readonly Value[]): string {
    const attrs = JSON.stringify(node.attrs, (_, value: unknown) => {
      if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return `${value}${1 / value}`;
      if (typeof value === 'function') return `#${this.#number(value)}`;
      const plain =
        typeof value !== 'object' ||
        value === null ||
        Array.isArray(value) ||
        Object.getPrototypeOf(value) === Object.prototype;
      const isState = typeof value === 'object' && value !== null && 'initial' in value;
      return plain && !isState ? value : `#${this.#number(value)}`;
    });
    const reads = inputs.map((input) => `${this.#number(input.node)}.${input.index}`);
    return `${this.#number(node.op)}(${reads.join()})${attrs}`;
  }
}
