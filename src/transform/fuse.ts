import type { AdapterTraits } from '../core/launch.ts';
import { sizeOf } from '../core/shape.ts';
import { orderOf } from '../graph/executionOrder.ts';
import {
  rootsOf,
  storageOf,
  type Graph,
  type Joined,
  type Node,
  type Op,
  type ReadersOf,
  type Tail,
  type Value,
} from '../graph/graph.ts';
import { fusedOp, placeIn, type Step } from '../ops/launches/fused.ts';
import { watchedIn } from '../ops/training/badStepLedger.ts';
import { narrowLoss } from '../ops/losses/narrowLoss.ts';
import { takeOp, takingOp } from '../ops/data/samples.ts';
import { Levels } from './levels.ts';
import { rebuilt, replacedBy } from './rebuildGraph.ts';
import { withRiders } from './riders.ts';

/** A head with what is appended to it so far. */
interface Chain {
  readonly head: Node;
  readonly steps: Step[];
  readonly extras: Value[];
}

/** The value whose elements a value has, all of them in order; itself but for views. */
function sourceOf(value: Value): Value {
  const { root, offset } = storageOf(value);
  return offset === 0 && sizeOf(root.spec.shape) === sizeOf(value.spec.shape) ? root : value;
}

/** With the head 24 nodes, so that chains of any 2, 3, 4, 6 or 8 that repeat have one text: longer ones compile ever slower. */
const MOST_STEPS = 23;

/** Of one op in a row: what is added up term by term, as a weight's gradients over time, has few texts, however many. */
const MOST_ALIKE = 4;

const nodesOf = ({ head, steps }: Chain): Node[] => [head, ...steps.map(({ node }) => node)];
const lastOf = ({ head, steps }: Chain): Value => (steps.at(-1)?.node ?? head).outputs[0];

/**
 * The same graph with pointwise ops appended to the launches that make what they read. What others read as well is
 * stored on the way. A launch never binds more buffers than the adapter has for a stage.
 */
export function fuse(graph: Graph, adapter: AdapterTraits): Graph {
  const mostBindings = adapter.maxStorageBuffersPerShaderStage;
  const merged = withTaken(withMerged(withJoined(graph, adapter), mostBindings), mostBindings);
  const chains = chainsOf(merged, adapter);
  return withRiders(chains.length === 0 ? merged : withChains(merged, chains), adapter);
}

/** The same graph with the ends of classifiers, convolutions with their maxima, and the gradients of a norm as single nodes. */
function withJoined(graph: Graph, adapter: AdapterTraits): Graph {
  const mostBindings = adapter.maxStorageBuffersPerShaderStage;
  const order = orderOf(graph);
  const readers = readersIn(graph, order);
  const readersOf: ReadersOf = (value) => readers.get(value) ?? [];
  const joinedOf = new Map<Node, Joined>();
  for (const node of order) {
    const joined = narrowLoss(node, readersOf) ?? node.op.joins?.(node, readersOf, adapter);
    // The samples' rows may have to be bound as well.
    if (!joined || joined.inputs.length + joined.makes.length + 1 > mostBindings) continue;
    for (const each of joined.nodes) joinedOf.set(each, joined);
  }
  return rebuilt(graph, (node) => {
    const joined = joinedOf.get(node);
    return joined && replacedBy(joined.op, joined.inputs, joined.makes);
  });
}

/** The same graph with ops that absorb one of their readers. */
function withMerged(graph: Graph, mostBindings: number): Graph {
  const order = orderOf(graph);
  const readers = readersIn(graph, order);
  const absorbed = new Map<Node, { readonly reader: Node; readonly op: Op<null> }>();
  for (const node of order) {
    if (!node.op.absorbs) continue;
    for (const reader of new Set(node.outputs.flatMap((value) => readers.get(value) ?? []))) {
      const op = reader && node.op.absorbs(node, reader);
      const bindings = node.inputs.length + node.outputs.length + (reader?.outputs.length ?? 0);
      if (!op || bindings > mostBindings) continue;
      absorbed.set(node, { reader, op });
      break;
    }
  }
  if (absorbed.size === 0) return graph;
  const nodeOf = new Map([...absorbed].map(([node, { reader }]) => [reader, node]));
  return rebuilt(graph, (node) => {
    const first = nodeOf.get(node) ?? node;
    const pair = absorbed.get(first);
    return pair && replacedBy(pair.op, first.inputs, [...first.outputs, ...pair.reader.outputs]);
  });
}

function chainsOf(graph: Graph, adapter: AdapterTraits): Chain[] {
  const { maxStorageBuffersPerShaderStage: mostBindings } = adapter;
  const order = orderOf(graph);
  const readers = readersIn(graph, order);
  const watched = watchedIn(order);
  const chainAt = new Map<Value, Chain>();
  const chainOf = new Map<Node, Chain>();
  const levels = levelsOf(chainOf, readers);
  // What reads something that was changed in place must stay behind the change.
  const changed = new Set<Node>();
  for (const node of order) {
    if (node.op.inPlace || node.inputs.some((input) => changed.has(input.node))) changed.add(node);
    const tail = node.op.tail?.(node, adapter);
    const chain = node.op.epilogue || tail ? chainFor(node, tail) : undefined;
    if (chain) {
      chainAt.set(lastOf(chain), chain);
      chainOf.set(node, chain);
    }
    levels.settle(chain ?? node);
  }
  return [...new Set(chainAt.values())].filter(({ steps }) => steps.length > 0);

  /** The chain that a node is appended to, or a new one, if it can head one. */
  function chainFor(node: Node, tail: Tail | undefined): Chain | undefined {
    const chains = tail ? node.inputs.flatMap((input) => chainAt.get(sourceOf(input)) ?? []) : [];
    // Of like launches that are added up one by one each has its own addition, so that none of them waits in memory.
    const [before, next] = chains;
    if (next && before.head.op === next.head.op && lastOf(before).node.op === node.op) chains.reverse();
    for (const chain of chains) {
      const source = lastOf(chain);
      if (append(chain, node, tail!)) {
        chainAt.delete(source);
        return chain;
      }
    }
    return node.op.epilogue && { head: node, steps: [], extras: [] };
  }

  function append(chain: Chain, node: Node, tail: Tail): boolean {
    const register = lastOf(chain);
    if (chain.steps.length === MOST_STEPS) return false;
    if (
      nodesOf(chain)
        .slice(-MOST_ALIKE)
        .filter(({ op }) => op === node.op).length === MOST_ALIKE
    )
      return false;
    if (sizeOf(node.outputs[0].spec.shape) !== sizeOf(register.spec.shape)) return false;
    const extras = [...chain.extras];
    const arrays = new Set(tail.arrays?.map((at) => node.inputs[at]));
    const operands = node.inputs.map((input): 'register' | number => {
      if (sourceOf(input) === register && !arrays.has(input)) return 'register';
      if (!extras.includes(input)) extras.push(input);
      return extras.indexOf(input);
    });
    // Of one register minus itself, a driver makes 0, and hides a NaN.
    if (operands.filter((operand) => operand === 'register').length > 1) return false;
    const added = extras.slice(chain.extras.length);
    // Shapes may differ along a chain, by views; the order of the elements does not.
    const hasPlace = (extra: Value): boolean => placeIn(extra.spec, node.outputs[0].spec) !== undefined;
    if (added.some((extra) => !arrays.has(extra) && !hasPlace(extra))) return false;
    // What the launch reads must be there before it: nothing of the chain itself, nothing that was changed in place.
    const own = nodesOf(chain);
    if (added.some(({ node: maker }) => changed.has(maker) || levels.needs(chainOf.get(maker) ?? maker, chain))) {
      return false;
    }
    const kept = own.filter(({ outputs: [value] }) => isKept(value, [...own, node])).length;
    const ledgers = [...own, node].some(({ outputs }) => outputs.some((value) => watched.has(value))) ? 1 : 0;
    const bindings = chain.head.inputs.length + chain.head.outputs.length + extras.length + kept + ledgers;
    if (bindings > mostBindings) return false;
    chain.extras.push(...added);
    chain.steps.push({ node, tail, operands });
    return true;
  }

  function isKept(value: Value, own: readonly Node[]): boolean {
    return (readers.get(value) ?? []).some((reader) => reader === null || !own.includes(reader));
  }
}

/** Launches as they will be, chains and nodes by themselves, by what each must wait for. */
function levelsOf(
  chainOf: ReadonlyMap<Node, Chain>,
  readers: ReadonlyMap<Value, readonly (Node | null)[]>,
): Levels<Chain | Node> {
  const launchOf = (node: Node): Chain | Node => chainOf.get(node) ?? node;
  const reads = (launch: Chain | Node): (Chain | Node)[] => {
    const inputs = 'head' in launch ? [...launch.head.inputs, ...launch.extras] : launch.inputs;
    return inputs.map((input) => launchOf(storageOf(input).root.node));
  };
  const readBy = (launch: Chain | Node): (Chain | Node)[] => {
    const nodes = 'head' in launch ? nodesOf(launch) : [launch];
    const values = nodes.flatMap(({ outputs }) => outputs);
    return values.flatMap((value) => (readers.get(value) ?? []).flatMap((reader) => (reader ? launchOf(reader) : [])));
  };
  return new Levels(reads, readBy);
}

/** Who reads each value, through views; null for the graph's own outputs. */
function readersIn(graph: Graph, order: readonly Node[]): Map<Value, (Node | null)[]> {
  const readers = new Map<Value, (Node | null)[]>();
  const note = (value: Value, reader: Node | null): void => {
    const { root } = storageOf(value);
    const list = readers.get(root);
    if (list) list.push(reader);
    else readers.set(root, [reader]);
  };
  for (const node of order) if (!node.op.view) for (const input of node.inputs) note(input, node);
  for (const root of rootsOf(graph)) note(root, null);
  return readers;
}

/** The same graph with samples read where they lie, if all that read them can. */
function withTaken(graph: Graph, mostBindings: number): Graph {
  const order = orderOf(graph);
  const readers = readersIn(graph, order);
  const taking = new Map<Node, { readonly op: Op<null>; readonly at: number; readonly take: Node }>();
  for (const take of order) {
    if (take.op !== (takeOp as Op)) continue;
    const uses = (readers.get(take.outputs[0]) ?? []).map((node) => {
      const at = node?.inputs.findIndex((input) => sourceOf(input) === take.outputs[0]) ?? -1;
      const bindings = node ? node.inputs.length + node.outputs.length + 1 : Infinity;
      const op = at < 0 || bindings > mostBindings || taking.has(node!) ? undefined : takingOp(node!, at, take);
      return { node, op, at };
    });
    if (uses.some(({ op }) => !op)) continue;
    for (const { node, op, at } of uses) taking.set(node!, { op: op!, at, take });
  }
  if (taking.size === 0) return graph;
  return rebuilt(graph, (node) => {
    const own = taking.get(node);
    if (!own) return undefined;
    const [rows, part] = own.take.inputs;
    return replacedBy(own.op, [...node.inputs.with(own.at, part), rows], node.outputs);
  });
}

/** The same graph with chains as single nodes. */
function withChains(graph: Graph, chains: readonly Chain[]): Graph {
  const chainOf = new Map<Node, Chain>();
  for (const chain of chains) {
    for (const node of nodesOf(chain)) chainOf.set(node, chain);
  }
  const readers = readersIn(graph, orderOf(graph));
  return rebuilt(graph, (node) => {
    const chain = chainOf.get(node);
    if (!chain) return undefined;
    const { head, steps, extras } = chain;
    const nodes = nodesOf(chain);
    const isWanted = (at: number): boolean =>
      (readers.get(nodes[at].outputs[0]) ?? []).some((reader) => reader === null || !nodes.includes(reader));
    const kept = nodes.map((_, at) => at).filter((at) => at < nodes.length - 1 && isWanted(at));
    const op = fusedOp({ head, steps, extras, kept });
    const made = [
      nodes[nodes.length - 1].outputs[0],
      ...head.outputs.slice(1),
      ...kept.map((at) => nodes[at].outputs[0]),
    ];
    return replacedBy(op, [...head.inputs, ...extras], made);
  });
}
