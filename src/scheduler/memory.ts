import { byteLength, sizeOf, type Numbers } from '../core/shape.ts';
import { rootsOf, storageOf, type Graph, type Node, type Purpose, type State, type Value } from '../graph/graph.ts';
import { asUseOf, constantOp, inputOp, isLeaf, stateOp } from '../graph/leaf.ts';

/** One buffer, many lives. */
export interface Slot {
  bytes: number;
  /** Numbers that are there before the first launch. */
  readonly constant?: Numbers;
  /** Which values live in it, for its label. */
  readonly holds: string;
  readonly purpose: Purpose;
  /** It keeps numbers from before the first launch: a constant, a batch, or the zeros between packed parts. */
  readonly lasting: boolean;
  /** Programs whose slots have one key may share them: the same parts are packed there, with the same zeros between. */
  readonly key?: string;
}

/** Whether other programs may be lent a slot's buffer. */
export const isLent = ({ lasting, key }: Slot): boolean => !lasting || key !== undefined;

/** Where a value lives: in a state's buffer or in a slot, from this byte on. */
export interface Place {
  readonly home: State | Slot;
  readonly offset: number;
}

export interface MemoryPlan {
  readonly places: ReadonlyMap<Value, Place>;
  readonly slots: readonly Slot[];
  /** For a node with parts: which of its inputs could not be computed in place, and must be copied. */
  readonly copied: ReadonlyMap<Node, ReadonlySet<number>>;
}

const POOLED = 'activations';

const bytesPerElement = (value: Value): number => (value.spec.dtype === 'u8' ? 1 : 4);

/**
 * Gives every value a place. Slots are whole buffers, not ranges of one: WebGPU forbids a dispatch to read and write
 * the same buffer. A slot is free again after the last launch that reads it.
 */
export function planMemory(graph: Graph, order: readonly Node[]): MemoryPlan {
  const places = new Map<Value, Place>();
  const slots: Slot[] = [];
  const { parts, copied } = planParts(order);
  const lastUse = lastUses(graph, order);
  const free: Slot[] = [];
  const packs = new Map<Node, Slot>();

  const dedicated = (
    value: Value,
    holds: string,
    purpose: Purpose,
    lasting: boolean,
    more: Partial<Slot> = {},
  ): Place => {
    const slot: Slot = { bytes: byteLength(value.spec), holds, purpose, lasting, ...more };
    slots.push(slot);
    return { home: slot, offset: 0 };
  };
  const pooled = (value: Value): Place => {
    const bytes = byteLength(value.spec);
    let slot = takeBest(free, bytes);
    if (!slot) slots.push((slot = { bytes, holds: POOLED, purpose: POOLED, lasting: false }));
    slot.bytes = Math.max(slot.bytes, bytes);
    return { home: slot, offset: 0 };
  };
  const packSlot = (node: Node): Slot => {
    let slot = packs.get(node);
    if (!slot) {
      const ranges = node.op.parts!(node.attrs).map((offset, at) => [offset, sizeOf(node.inputs[at].spec.shape)]);
      const key = [byteLength(node.outputs[0].spec), ...ranges].join();
      slot = dedicated(node.outputs[0], 'gradients', 'gradients', true, { key }).home as Slot;
      packs.set(node, slot);
    }
    return slot;
  };

  const placeOutput = (node: Node, value: Value, at: number): Place => {
    const { op, attrs, inputs } = node;
    const state = asUseOf(stateOp, node);
    if (state) return { home: state.state, offset: 0 };
    const fixed = asUseOf(constantOp, node);
    if (fixed) return dedicated(value, 'constant', 'other', true, { constant: fixed.numbers });
    const field = asUseOf(inputOp, node);
    if (field) return dedicated(value, `batch ${field.label}`, 'data', true);
    if (op.view) {
      const { home, offset } = places.get(inputs[0])!;
      return { home, offset: offset + op.view(attrs) * bytesPerElement(value) };
    }
    const source = op.inPlace?.[at];
    if (source !== undefined && source !== null) return places.get(inputs[source])!;
    if (op.parts) return { home: packSlot(node), offset: 0 };
    const part = parts.get(value);
    if (part) return { home: packSlot(part.node), offset: part.offset * bytesPerElement(value) };
    return lastUse.get(value) === Infinity ? dedicated(value, op.name, POOLED, false) : pooled(value);
  };

  order.forEach((node, step) => {
    node.outputs.forEach((value, at) => places.set(value, placeOutput(node, value, at)));
    // Outputs were placed before inputs are freed, so that no launch reads and writes one slot.
    for (const value of endingAt(node, step, lastUse)) {
      const { home } = places.get(value)!;
      if ('holds' in home && home.holds === POOLED && !free.includes(home)) free.push(home);
    }
  });
  return { places, slots, copied };
}

/** The smallest free slot that is large enough, else the largest, which then grows. */
function takeBest(free: Slot[], bytes: number): Slot | undefined {
  let best = -1;
  for (let at = 0; at < free.length; at++) {
    const size = free[at].bytes;
    const bestSize = best < 0 ? -1 : free[best].bytes;
    const better = bestSize < bytes ? size > bestSize : size >= bytes && size < bestSize;
    if (best < 0 || better) best = at;
  }
  return best < 0 ? undefined : free.splice(best, 1)[0];
}

/** By storage root: the position of its last reader; Infinity for what the graph hands out. */
function lastUses(graph: Graph, order: readonly Node[]): Map<Value, number> {
  const last = new Map<Value, number>();
  order.forEach((node, step) => {
    for (const input of node.inputs) last.set(storageOf(input).root, step);
    for (const value of node.outputs) if (!last.has(value)) last.set(value, step);
  });
  for (const root of rootsOf(graph)) last.set(storageOf(root).root, Infinity);
  return last;
}

function endingAt(node: Node, step: number, lastUse: ReadonlyMap<Value, number>): Set<Value> {
  const candidates = [...node.inputs.map((input) => storageOf(input).root), ...node.outputs];
  return new Set(candidates.filter((value) => lastUse.get(value) === step && !value.node.op.view));
}

interface Part {
  readonly node: Node;
  readonly offset: number;
}

/**
 * Decides which values are computed straight into the array that packs them: gradients at their parameters' offsets.
 * A value keeps a place of its own, and is copied, if it is wanted twice, if it is a leaf or a range of something
 * larger, or if a launch would read it while writing another part of the same array.
 */
function planParts(order: readonly Node[]): {
  parts: Map<Value, Part>;
  copied: Map<Node, Set<number>>;
} {
  const parts = new Map<Value, Part>();
  const copied = new Map<Node, Set<number>>();
  const readers = new Map<Value, Node[]>();
  const wanted = new Map<Value, number>();
  for (const node of order) {
    for (const input of node.inputs) {
      const { root } = storageOf(input);
      if (node.op.parts) wanted.set(root, (wanted.get(root) ?? 0) + 1);
      else if (!node.op.view) {
        const list = readers.get(root);
        if (list) list.push(node);
        else readers.set(root, [node]);
      }
    }
  }
  const inPack = (value: Value, pack: Node): boolean => parts.get(storageOf(value).root)?.node === pack;

  for (const node of order) {
    const offsets = node.op.parts?.(node.attrs);
    if (!offsets) continue;
    const left = new Set<number>();
    node.inputs.forEach((input, at) => {
      const { root } = storageOf(input);
      const { node: producer } = root;
      const movable =
        wanted.get(root) === 1 &&
        !isLeaf(producer) &&
        (producer.op.inPlace?.[root.index] ?? null) === null &&
        !producer.op.parts &&
        sizeOf(root.spec.shape) === sizeOf(input.spec.shape);
      const conflicts =
        (readers.get(root) ?? []).some((reader) => reader.outputs.some((value) => inPack(value, node))) ||
        producer.inputs.some((value) => inPack(value, node));
      if (movable && !conflicts) parts.set(root, { node, offset: offsets[at] });
      else left.add(at);
    });
    copied.set(node, left);
  }
  return { parts, copied };
}
