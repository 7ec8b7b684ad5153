import { allocate, formatSpec, sizeOf, type Numbers } from '../core/shape.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { orderOf } from '../graph/executionOrder.ts';
import type { Graph, Node, Op, State, Value } from '../graph/graph.ts';
import { asUseOf, constantOp, inputOp, stateOp } from '../graph/leaf.ts';
import { statesOf } from '../graph/states.ts';
import { BAD, badIn } from '../ops/training/badStepLedger.ts';

export type Precision = 'f32' | 'f64';

/** Numbers by field of the batch. */
export type Batch = Readonly<Record<string, Numbers>>;

/** A node with the arrays that it reads and writes. */
interface Use {
  readonly node: Node;
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
  /** Where what is bad in the outputs is counted: the ledger, as far as it is known by then. */
  readonly ledgers: readonly Numbers[];
}

/** What states hold, each in an array that stays. */
export type States = ReadonlyMap<State, Numbers>;

/** Runs a graph by each op's reference. All arrays are made, and bound to the nodes, once: a run makes none. */
export class Interpreter {
  readonly order: readonly Node[];
  readonly #graph: Graph;
  readonly #states: States;
  readonly #values = new Map<Value, Numbers>();
  readonly #uses: readonly Use[];

  constructor(graph: Graph, states: States = new Map(), precision: Precision = 'f32') {
    this.#graph = graph;
    this.#states = states;
    this.order = orderOf(graph);
    for (const node of this.order) {
      for (const value of node.outputs) this.#values.set(value, this.#place(value, precision));
    }
    this.#uses = this.order
      .filter(({ op }) => op !== (constantOp as Op) && !op.view)
      .map((node) => {
        const [inputs, outputs] = [node.inputs, node.outputs].map((values) => values.map((value) => this.value(value)));
        return { node, inputs, outputs, ledgers: this.#ledgers(node) };
      });
  }

  #ledgers(node: Node): Numbers[] {
    const ledger = node.op.watches?.(node.attrs)?.ledger;
    if (!ledger) return [];
    const held = new Set<Value>();
    for (const { op, attrs, inputs, outputs } of this.order.slice(0, this.order.indexOf(node))) {
      const isRead = (attrs as { readonly state?: State } | null)?.state === ledger;
      outputs.forEach((value, at) => {
        const source = op.inPlace?.[at] ?? null;
        if (isRead || (source !== null && held.has(inputs[source]))) held.add(value);
      });
    }
    const state = this.#states.get(ledger);
    return [...[...held].map((value) => this.value(value)), ...(state ? [state] : [])];
  }

  /** Where a value lives. A view lives in what it looks at, which stays as it is until the next run. */
  #place({ node, spec }: Value, precision: Precision): Numbers {
    if (node.op.view) {
      const start = node.op.view(node.attrs);
      return this.value(node.inputs[0]).subarray(start, start + sizeOf(spec.shape));
    }
    const kept = asUseOf(stateOp, node);
    // What a run changes, it reads as it was before; data may be large, and stay as they are.
    if (kept && !this.#graph.writes.some(([state]) => state === kept.state)) return this.#states.get(kept.state)!;
    const numbers = allocate(spec, precision);
    const fixed = asUseOf(constantOp, node);
    if (fixed) numbers.set(fixed.numbers);
    return numbers;
  }

  /** Computes every node, and leaves in the states what the graph says. @param done told of each node but views and constants */
  run(batch: Batch, done?: (node: Node) => void): void {
    for (const { node, inputs, outputs, ledgers } of this.#uses) {
      const field = asUseOf(inputOp, node);
      const kept = asUseOf(stateOp, node);
      if (field) outputs[0].set(fieldOf(batch, field.label, outputs[0].length));
      else if (!kept) node.op.cpu(inputs, outputs, node);
      else if (outputs[0] !== this.#states.get(kept.state)) outputs[0].set(this.#states.get(kept.state)!);
      for (const ledger of new Set(ledgers)) ledger[BAD] += badIn(outputs[0]);
      done?.(node);
    }
    for (const [state, value] of this.#graph.writes) this.#states.get(state)!.set(this.value(value));
  }

  /** What a value was in the last run. */
  value(value: Value): Numbers {
    const numbers = this.#values.get(value);
    if (!numbers) throw new Error(`[interpret] ${value.node.op.name} ${formatSpec(value.spec)} is not in this graph`);
    return numbers;
  }
}

function fieldOf(batch: Batch, label: string, size: number): Numbers {
  const numbers = batch[label];
  if (!numbers || numbers.length !== size) {
    throw new ShapeError(
      `[interpret] field "${label}" needs ${size} numbers, but ${numbers ? `${numbers.length} came` : 'the batch has none of that name'}: give them all`,
    );
  }
  return numbers;
}

interface Options {
  readonly batch?: Batch;
  readonly states?: States;
  readonly precision?: Precision;
}

/**
 * The named outputs of a graph on the CPU, and the states as it leaves them; the states given are not changed.
 * @param options.precision f64 for the definition of correctness, f32 for what a GPU would round to
 */
export function interpret(
  graph: Graph,
  options: Options = {},
): { readonly outputs: Record<string, Numbers>; readonly states: Map<State, Numbers> } {
  const defaults = { batch: {}, states: undefined, precision: 'f32' } as const;
  const { batch, states: given, precision } = optionsOf<Options, typeof defaults>('interpret', options, defaults);
  requireKind('interpret', 'batch', batch, batch instanceof Object, 'numbers by field');
  requireKind('interpret', 'states', given, given === undefined || 'get' in Object(given), 'a Map of numbers by state');
  requireKind('interpret', 'precision', precision, precision === 'f32' || precision === 'f64', "'f32' or 'f64'");
  const states = new Map<State, Numbers>();
  for (const state of statesOf(graph)) {
    const numbers = allocate(state.spec, precision);
    numbers.set(given?.get(state) ?? state.initial());
    states.set(state, numbers);
  }
  const interpreter = new Interpreter(graph, states, precision);
  interpreter.run(batch);
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, interpreter.value(value)]);
  return { outputs: Object.fromEntries(outputs) as Record<string, Numbers>, states };
}
