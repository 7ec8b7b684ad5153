import { output, writeWord } from '../core/launch.ts';
import { overNumbers, type WasmLaunch, type WasmWork } from '../core/wasmLaunch.ts';
import { sizeOf, type Numbers, type Spec } from '../core/shape.ts';
import { orderOf } from '../graph/executionOrder.ts';
import type { Graph, Node, State, Value } from '../graph/graph.ts';
import { fieldsIn, isLeaf } from '../graph/leaf.ts';
import { BAD } from '../ops/training/badStepLedger.ts';
import type { Block } from '../wasm/heap.ts';
import type { Machine } from '../wasm/machine.ts';
import type { Executable } from './backend.ts';
import { isLent, planMemory, type MemoryPlan, type Slot } from './memory.ts';
import type { WasmStorage } from './wasmStorage.ts';

/** Words of a command in front of what its kernel is handed: see assembly/team.ts. */
const COMMAND_WORDS = 8;
const COMMAND_BYTES = 4 * COMMAND_WORDS;

/** What a node does: commands of the module, or something in this language. */
type Part = Commands | { readonly node: Node; readonly run: () => void };

interface Commands {
  readonly node: Node;
  readonly launches: readonly WasmLaunch[];
  /** The address of the first one. */
  first: number;
}

/** Parts that lie side by side: commands are handed over together. */
type Stretch = { readonly first: number; count: number; alone: boolean } | { readonly run: () => void };

/** A graph's nodes, each by kernels of the module where its op has some, else by its reference, in one memory. */
export class WasmProgram implements Executable {
  readonly graph: Graph;
  readonly order: readonly Node[];
  readonly launches: readonly string[];
  readonly fields: ReadonlyMap<string, Spec>;
  readonly #machine: Machine;
  readonly #storage: WasmStorage;
  readonly #plan: MemoryPlan;
  readonly #slots: readonly Slot[];
  readonly #blocks: ReadonlyMap<unknown, Block>;
  /** Where a node's launches hand each other something: all nodes have the same room in turn. */
  readonly #room: Slot;
  /** Of the nodes whose op has kernels for them. */
  readonly #works: ReadonlyMap<Node, WasmWork>;
  /** Those that nobody shares. */
  readonly #own: Block[];
  readonly #parts: readonly Part[];
  readonly #stretches: readonly Stretch[];
  readonly #inputs: ReadonlyMap<string, Numbers>;

  /** @throws DeviceError where there is no room */
  constructor(graph: Graph, machine: Machine, storage: WasmStorage) {
    this.graph = graph;
    this.order = orderOf(graph);
    this.#machine = machine;
    this.#storage = storage;
    this.#plan = planMemory(graph, this.order);
    this.#works = new Map(
      this.order.flatMap((node) => {
        const work = node.op.wasm?.(node);
        return work ? [[node, work] as const] : [];
      }),
    );
    const bytes = Math.max(0, ...[...this.#works.values()].map(({ room = 0 }) => room));
    this.#room = { bytes, holds: 'room', purpose: 'activations', lasting: false };
    this.#slots = [...this.#plan.slots, this.#room];
    this.#blocks = storage.lend(this.#slots);
    this.#own = this.#slots.filter((slot) => !isLent(slot)).map((slot) => this.#blocks.get(slot)!);
    for (const slot of this.#slots) {
      const { at } = this.#blocks.get(slot)!;
      const { constant } = slot;
      if (constant) placeFor(constant, machine.memory.buffer, at).set(constant);
    }
    const fields = [...fieldsIn(this.order)];
    this.fields = new Map(fields.map(([label, { spec }]) => [label, spec]));
    this.#inputs = new Map(fields.map(([label, value]) => [label, this.numbersOf(value)]));
    this.#parts = this.order.flatMap((node) => this.#partsOf(node));
    try {
      this.#writeCommands();
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.#stretches = stretchesOf(this.#parts);
    this.launches = this.#parts.flatMap((part) => ('run' in part ? [] : part.launches.map(({ kernel }) => kernel)));
  }

  upload(field: string, numbers: Numbers): void {
    this.#inputs.get(field)?.set(numbers);
  }

  /** Where a value is after a run; one that is not an output may have been overwritten by then. */
  numbersOf(value: Value): Numbers {
    return this.#storage.numbersAt(this.#addressOf(value), value.spec);
  }

  #addressOf(value: Value): number {
    const { home, offset } = this.#plan.places.get(value)!;
    return offset + ('holds' in home ? this.#blocks.get(home)!.at : this.#storage.addressOf(home));
  }

  run(): void {
    for (const stretch of this.#stretches) this.#do(stretch);
  }

  #do(stretch: Stretch): void {
    if ('run' in stretch) stretch.run();
    else this.#machine.run(stretch.first, stretch.count, stretch.alone);
  }

  /** The nodes that compute something, each with what runs it alone. */
  get replays(): readonly { readonly node: Node; readonly run: () => void }[] {
    const nodes = new Map<Node, Part[]>();
    for (const part of this.#parts) nodes.set(part.node, [...(nodes.get(part.node) ?? []), part]);
    return [...nodes].map(([node, parts]) => {
      const stretches = stretchesOf(parts);
      return { node, run: () => stretches.forEach((stretch) => this.#do(stretch)) };
    });
  }

  /** Fills what is to be written with NaN, so that nothing left over passes for a result. */
  poison(): void {
    for (const slot of this.#slots) {
      if (slot.lasting) continue;
      const { at, size } = this.#blocks.get(slot)!;
      new Uint32Array(this.#machine.memory.buffer, at, size / 4).fill(0x7fc0dead);
    }
  }

  destroy(): void {
    for (const block of this.#own.splice(0)) this.#storage.drop(block);
  }

  #partsOf(node: Node): Part[] {
    const { op, outputs } = node;
    if (op.view || isLeaf(node) || outputs.every(({ spec }) => sizeOf(spec.shape) === 0)) return [];
    const work = this.#works.get(node);
    const own: Part = work
      ? { node, launches: work.launches, first: 0 }
      : { node, run: op.parts ? this.#copyParts(node) : this.#reference(node) };
    const ledger = op.watches?.(node.attrs)?.ledger;
    return ledger ? [own, this.#countBad(node, ledger)] : [own];
  }

  /** Counts in a ledger what is NaN or infinite in a node's output. */
  #countBad(node: Node, ledger: State): Part {
    const words = [this.#storage.addressOf(ledger) + 4 * BAD];
    return {
      node,
      launches: [overNumbers('countBad', [output(0)], sizeOf(node.outputs[0].spec.shape), words)],
      first: 0,
    };
  }

  /** Of a node that packs its inputs: those that could not be computed in place. */
  #copyParts(node: Node): () => void {
    const offsets = node.op.parts!(node.attrs);
    const whole = this.numbersOf(node.outputs[0]);
    const copied = [...(this.#plan.copied.get(node) ?? [])].map((at) => {
      return [this.numbersOf(node.inputs[at]), offsets[at]] as const;
    });
    return () => {
      for (const [numbers, offset] of copied) whole.set(numbers, offset);
    };
  }

  /** What a reference reads must stay as it is while it writes: an output in an input's place is given a copy of it. */
  #reference(node: Node): () => void {
    const [inputs, outputs] = [node.inputs, node.outputs].map((values) => values.map((value) => this.numbersOf(value)));
    const copies: [from: Numbers, to: Numbers][] = [];
    const given = inputs.map((numbers, at) => {
      if (!node.op.inPlace?.includes(at)) return numbers;
      const copy = numbers.slice();
      copies.push([numbers, copy]);
      return copy;
    });
    return () => {
      for (const [from, to] of copies) to.set(from);
      node.op.cpu(given, outputs, node);
    };
  }

  /** Writes all commands, and what they are handed, side by side. */
  #writeCommands(): void {
    const parts = this.#parts.filter((part): part is Commands => !('run' in part));
    const all = parts.flatMap(({ node, launches }) => launches.map((launch) => ({ node, launch })));
    if (all.length === 0) return;
    const words = all.map(({ launch: { operands, words: own } }) => operands.length + own.length);
    const total = COMMAND_WORDS * all.length + words.reduce((sum, count) => sum + count, 0);
    const block = this.#storage.create('commands', 'other', 4 * total);
    this.#own.push(block);
    const room = this.#blocks.get(this.#room)!.at;
    const memory = new DataView(this.#machine.memory.buffer, block.at, 4 * total);
    let args = COMMAND_BYTES * all.length;
    all.forEach(({ node, launch: { kernel, operands, words: own, items, grain } }, at) => {
      const known = (name: string): number => {
        const number = this.#machine.names.get(name);
        if (number === undefined)
          throw new Error(`[compile] ${node.op.name} asks for "${name}", which the module has not`);
        return number;
      };
      [known(kernel), block.at + args, items, grain].forEach((word, i) =>
        memory.setUint32(4 * (COMMAND_WORDS * at + i), word, true),
      );
      const addresses = operands.map((operand) => {
        if (operand === 'nothing') return 0;
        if (operand === 'room') return room;
        return this.#addressOf(operand < 0 ? node.outputs[-1 - operand] : node.inputs[operand]);
      });
      for (const word of [...addresses, ...own]) {
        writeWord(memory, args, typeof word === 'object' && 'named' in word ? known(word.named) : word);
        args += 4;
      }
    });
    let first = 0;
    for (const part of parts) {
      part.first = block.at + COMMAND_BYTES * first;
      first += part.launches.length;
    }
  }
}

/** Whether there are no more items than one thread takes at once. */
const isSmall = ({ items, grain }: WasmLaunch): boolean => items <= grain;

function stretchesOf(parts: readonly Part[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const part of parts) {
    const last = stretches.at(-1);
    if ('run' in part) stretches.push({ run: part.run });
    else if (last && !('run' in last) && last.first + COMMAND_BYTES * last.count === part.first) {
      last.count += part.launches.length;
      last.alone &&= part.launches.every(isSmall);
    } else stretches.push({ first: part.first, count: part.launches.length, alone: part.launches.every(isSmall) });
  }
  return stretches;
}

/** Where a constant's numbers are written; those of f64 as f32, as a GPU has them. */
function placeFor(numbers: Numbers, memory: ArrayBufferLike, at: number): Numbers {
  const Kind = numbers instanceof Float64Array ? Float32Array : (numbers.constructor as Float32ArrayConstructor);
  return new Kind(memory, at, numbers.length);
}
