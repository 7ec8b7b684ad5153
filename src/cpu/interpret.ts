import { allocate, formatSpec, sizeOf, type Numbers } from '../core/shape.ts';
import { ShapeError } from '../core/errors.ts';
import { orderOf, type Graph, type Node, type Op, type State, type Value } from '../graph/graph.ts';
import { asUseOf, constantOp, inputOp, stateOp } from '../graph/leaf.ts';

export type Precision = 'f32' | 'f64';

/** Numbers by field of the batch. */
export type Batch = Readonly<Record<string, Numbers>>;

/** A node with the arrays that it reads and writes. */
interface Use {
  readonly node: Node;
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
}

/** Runs a graph by each op's reference. All arrays are made, and bound to the nodes, once: a run makes none. */
export class Interpreter {
  readonly order: readonly Node[];
  readonly #graph: Graph;
  readonly #values = new Map<Value, Numbers>();
  readonly #uses: readonly Use[];

  constructor(graph: Graph, precision: Precision = 'f32') {
    this.#graph = graph;
    this.order = orderOf(graph);
    for (const node of this.order) {
      for (const value of node.outputs) this.#values.set(value, this.#place(value, precision));
    }
    this.#uses = this.order
      .filter(({ op }) => op !== (constantOp as Op) && !op.view)
      .map((node) => {
        const [inputs, outputs] = [node.inputs, node.outputs].map((values) => values.map((value) => this.value(value)));
        return { node, inputs, outputs };
      });
  }

  /** Where a value lives. A view lives in what it looks at, which stays as it is until the next run. */
  #place({ node, spec }: Value, precision: Precision): Numbers {
    if (node.op.view) {
      const start = node.op.view(node.attrs);
      return this.value(node.inputs[0]).subarray(start, start + sizeOf(spec.shape));
    }
    const numbers = allocate(spec, precision);
    const fixed = asUseOf(constantOp, node);
    if (fixed) numbers.set(fixed.numbers);
    return numbers;
  }

  /** Computes every node, and leaves in the states what the graph says. */
  run(batch: Batch, states: ReadonlyMap<State, Numbers>): void {
    for (const { node, inputs, outputs } of this.#uses) {
      const field = asUseOf(inputOp, node);
      const kept = asUseOf(stateOp, node);
      if (field) outputs[0].set(fieldOf(batch, field.label, outputs[0].length));
      else if (kept) outputs[0].set(states.get(kept.state)!);
      else node.op.cpu(inputs, outputs, node);
    }
    for (const [state, value] of this.#graph.writes) states.get(state)!.set(this.value(value));
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

/**
 * The named outputs of a graph on the CPU, and the states as it leaves them; the states given are not changed.
 * @param options.precision f64 for the definition of correctness, f32 for what a GPU would round to
 */
export function interpret(
  graph: Graph,
  options: {
    readonly batch?: Batch;
    readonly states?: ReadonlyMap<State, Numbers>;
    readonly precision?: Precision;
  } = {},
): { readonly outputs: Record<string, Numbers>; readonly states: Map<State, Numbers> } {
  const { batch = {}, states: given, precision = 'f32' } = options;
  const interpreter = new Interpreter(graph, precision);
  const states = new Map<State, Numbers>();
  for (const state of statesOf(graph)) {
    const numbers = allocate(state.spec, precision);
    numbers.set(given?.get(state) ?? state.initial());
    states.set(state, numbers);
  }
  interpreter.run(batch, states);
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, interpreter.value(value)]);
  return { outputs: Object.fromEntries(outputs) as Record<string, Numbers>, states };
}

/** The states that a graph reads or writes. */
export function statesOf(graph: Graph): Set<State> {
  const states = new Set(graph.writes.map(([state]) => state));
  for (const node of orderOf(graph)) {
    const kept = asUseOf(stateOp, node);
    if (kept) states.add(kept.state);
  }
  return states;
}
