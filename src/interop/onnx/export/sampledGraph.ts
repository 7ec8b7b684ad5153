import { FormatError } from '../../../core/errors.ts';
import { formatSpec } from '../../../core/shape.ts';
import { orderOf } from '../../../graph/executionOrder.ts';
import type { Graph, Node, Value } from '../../../graph/graph.ts';
import type { Forward } from '../../../train/emission/forward.ts';

/*
 * A graph of ours has so many samples as it was traced with. Traced with two numbers of them, it shows by its shapes what
 * grows with the batch, and what does not.
 */

/** An extent: a number, or so many times the samples of the batch. */
export type Extent = number | { readonly batches: number };

/**
 * Numbers of samples to trace with, one even and one odd. A layer may happen to have such an extent, and then a node too
 * few: others are tried.
 */
const PAIRS = [
  [2, 3],
  [5, 8],
  [11, 14],
] as const;

/** What a model computes, of any number of samples, or of one that was named. */
export class SampledGraph {
  readonly graph: Graph;
  /** Its nodes, each behind those that it reads. */
  readonly order: readonly Node[];
  readonly #twins: ReadonlyMap<Node, Node>;
  readonly #samples: readonly [number, number];

  constructor(graph: Graph, twins: ReadonlyMap<Node, Node>, samples: readonly [number, number]) {
    this.graph = graph;
    this.order = [...twins.keys()];
    this.#twins = twins;
    this.#samples = samples;
  }

  /** The node in its place where there are other numbers of samples; itself if their number is fixed. */
  twinOf<A>(node: Node<A>): Node<A> {
    return this.#twins.get(node) as Node<A>;
  }

  /** @throws FormatError for an extent that is no multiple of the batch */
  extentsOf({ node, index, spec }: Value): Extent[] {
    const other = this.twinOf(node).outputs[index].spec;
    return spec.shape.map((extent, axis) => {
      const found = this.#extent(extent, other.shape[axis]);
      if (found !== undefined) return found;
      const [few, more] = this.#samples;
      throw new FormatError(
        `[toOnnx] ${node.op.name} makes ${formatSpec(spec)} of ${few} samples and ${formatSpec(other)} of ${more}, which grows otherwise than the batch: write it for a fixed number, toOnnx(trainer, { samples: 1 })`,
      );
    });
  }

  #extent(few: number, more: number): Extent | undefined {
    if (few === more) return few;
    const batches = few / this.#samples[0];
    return Number.isInteger(batches) && batches * this.#samples[1] === more ? { batches } : undefined;
  }

  /** Which attributes of a node the number of samples changes, by path, as `extents.N`. */
  changedIn(node: Node): string[] {
    return differences(node.attrs, this.twinOf(node).attrs, '');
  }
}

function differences(a: unknown, b: unknown, path: string): string[] {
  if (Object.is(a, b)) return [];
  const areObjects = [a, b].every((each) => typeof each === 'object' && each !== null && !ArrayBuffer.isView(each));
  if (!areObjects) return [path];
  const names = new Set([a, b].flatMap((each) => Object.keys(each as object)));
  return [...names].flatMap((name) =>
    differences(
      (a as Record<string, unknown>)[name],
      (b as Record<string, unknown>)[name],
      path ? `${path}.${name}` : name,
    ),
  );
}

export const isSame = (a: Extent, b: Extent): boolean =>
  typeof a === 'number' || typeof b === 'number' ? a === b : a.batches === b.batches;

/**
 * A model's graph.
 * @param samples how many it is of; undefined: of any number
 * @throws FormatError for a model that does not take any number of them, or is another for other numbers
 */
export function sampledGraph(forward: Forward, samples: number | undefined): SampledGraph {
  if (samples !== undefined) {
    const graph = forward.graph(samples);
    return new SampledGraph(graph, new Map(orderOf(graph).map((node) => [node, node])), [samples, samples]);
  }
  for (const pair of PAIRS) {
    const [few, more] = pair.map((count) => graphOf(forward, count));
    const twins = twinsIn(forward, orderOf(few), orderOf(more));
    if (twins) return new SampledGraph(few, twins, pair);
  }
  throw new FormatError(
    '[toOnnx] the model is another one for other numbers of samples: write it for a fixed number, toOnnx(trainer, { samples: 1 })',
  );
}

function graphOf(forward: Forward, samples: number): Graph {
  try {
    return forward.graph(samples);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FormatError(
      `[toOnnx] the model does not take any number of samples: write it for the number that it takes, toOnnx(trainer, { samples: ${forward.samples} }); ${why}`,
      { cause: error },
    );
  }
}

/** Nodes by the nodes in their place; undefined where two graphs differ in more than extents. */
function twinsIn(forward: Forward, few: readonly Node[], more: readonly Node[]): ReadonlyMap<Node, Node> | undefined {
  const twins = new Map<Node, Node>();
  const nameOf = (node: Node): string => Object.values(forward.leafOf(node.outputs[0]) ?? {}).join();
  const isTwin = (node: Node, other: Node): boolean =>
    node.op.name === other.op.name &&
    node.inputs.length === other.inputs.length &&
    node.inputs.every(
      (input, at) => twins.get(input.node) === other.inputs[at].node && input.index === other.inputs[at].index,
    ) &&
    node.outputs.every((output, at) => isLike(output, other.outputs[at])) &&
    nameOf(node) === nameOf(other);
  if (few.length !== more.length) return undefined;
  for (const [at, node] of few.entries()) {
    if (!isTwin(node, more[at])) return undefined;
    twins.set(node, more[at]);
  }
  return twins;
}

const isLike = (a: Value, b: Value): boolean =>
  a.spec.dtype === b.spec.dtype && a.spec.shape.length === b.spec.shape.length;
