import { ShapeError } from '../core/errors.ts';
import { described, requireKind } from '../core/argumentChecks.ts';
import type { DeviceBuffer } from '../core/globalTypes.ts';
import { requireDtype, type Dtype, type Numbers, type Spec } from '../core/shape.ts';
import { output, type AdapterTraits, type Kernel, type Launch } from '../core/launch.ts';
import type { WasmWork } from '../core/wasmLaunch.ts';

/** One result of one node. Where nothing says which dtype it has, it is of any: what a batch's fields are. */
export interface Value<D extends Dtype = Dtype> {
  readonly node: Node;
  readonly index: number;
  readonly spec: Spec<D>;
}

/** One use of an op. */
export interface Node<A = unknown> {
  readonly op: Op<A>;
  readonly inputs: readonly Value[];
  readonly attrs: A;
  readonly outputs: readonly Value[];
  /** The longest way from a leaf. */
  readonly depth: number;
  /** Of a view: where its output lives. Known from the start, since a view of a view of a view may be far from it. */
  readonly storage?: Storage;
}

/** The value whose storage a value lives in, and where in it, in elements. */
export interface Storage {
  readonly root: Value;
  readonly offset: number;
}

/** Where a kernel's rounding may take it; see `boundsOf` in graph/accuracy.ts. */
export interface Accuracy {
  /** Allowed error in units of 2⁻²⁴ of the magnitude; 0 demands equality. */
  readonly ulps: number;
  /**
   * `result`: |reference|. `terms`: the reference run on |inputs|, which is Σ|a||b| for sums of products.
   * `largest`: the largest |input|, or 1, for ops like softmax, where a rounding of any input reaches every output.
   * A function gives it for each output, from the inputs and the reference; of integers 0, but where they tell which of
   * several numbers is the largest, and two are as good as equal.
   */
  readonly magnitude:
    | 'result'
    | 'terms'
    | 'largest'
    | ((inputs: readonly Numbers[], expected: readonly Numbers[]) => readonly ArrayLike<number>[]);
  readonly absolute?: number;
}

/** How samples lie that a kernel reads by itself; it sees data · scale + offset. */
export interface Samples {
  readonly dtype: Dtype;
  /** Numbers of one sample. */
  readonly size: number;
  readonly scale: number;
  readonly offset: number;
}

/** What an op makes of elements that are at hand: how it becomes a step of another op's epilogue. */
export interface Tail {
  /** A WGSL expression in the operands' names, one for each input, and in `at`, their place. */
  expression(operands: readonly string[]): string;
  /** Texts of functions that it calls. */
  readonly includes: readonly string[];
  /** Inputs that it reads as arrays; the others are f32, and come as the element at their place. */
  readonly arrays?: readonly number[];
}

/** How an operand's element is read in WGSL: an expression of its place. */
export type Access = (place: string) => string;

/** What computes a whole value in WGSL, within one invocation. */
export interface Inline {
  readonly statements: string;
  /** Texts of functions that they call. */
  readonly includes?: readonly string[];
}

/** Kernels that do the same work. */
export interface Forms {
  /** What they are to do, as far as it matters to which is fastest: nodes of one kind take one form. */
  readonly kind: string;
  /** The likeliest fastest first. */
  readonly names: readonly string[];
}

/** What counts the numbers among some parts that are NaN or infinite, and what the parts are called. */
export interface Watch {
  readonly ledger: State;
  readonly names: readonly string[];
}

/** Integers, or numbers, that an input may hold: `low` … `high`, both included. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** What the numbers are and what bounds them, for the error: `labels under 10 logits`. */
  readonly meaning: string;
  /** A number that is allowed though it lies outside. */
  readonly except?: number;
  /** Not integers: numbers of any kind, as the op sees them, behind their field's scale. */
  readonly isReal?: true;
}

/** What the integers of one sample must be together, as labels that its frames have room for. */
export interface Agreement {
  /** The inputs that it looks at, the one that it is told of first. */
  readonly inputs: readonly number[];
  /**
   * Looks at a sample.
   * @param numbers by input; undefined where they are not known beforehand   @param where what the error calls the sample
   * @throws DataError if they do not go together
   */
  require(numbers: readonly (ArrayLike<number> | undefined)[], where: string): void;
}

/** An op in place of several nodes: what it reads, and the values that it makes. */
export interface Joined {
  readonly op: Op<null>;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly makes: readonly Value[];
}

/** Who reads a value; null for the graph's own outputs. */
export type ReadersOf = (value: Value) => readonly (Node | null)[];

/** What can be computed: from attributes A, outputs of the dtypes D. */
export interface Op<A = unknown, D extends Dtype = Dtype> {
  readonly name: string;
  /** Specs of the outputs. Throws ShapeError. */
  infer(inputs: readonly Spec[], attrs: A): readonly Spec<D>[];
  /** The definition of correctness: plain loops, no cleverness; f32 or f64 by the arrays it is given. */
  cpu(inputs: readonly Numbers[], outputs: readonly Numbers[], node: Node<A>): void;
  /** The same on the GPU: kernels, sizes, grids. Bindings are inputs, then outputs. @param form one of `forms`; the first if left out */
  gpu(node: Node<A>, adapter: AdapterTraits, form?: string): readonly Launch[];
  /** The same in WebAssembly: kernels of src/wasm/assembly. Left out, or undefined of a node: its reference does it. */
  wasm?(node: Node<A>): WasmWork | undefined;
  /** The forms that its kernel has for this node on such an adapter. Left out: there is one. */
  forms?(node: Node<A>, adapter: AdapterTraits): Forms;
  /**
   * The same values by several nodes, where that serves this adapter better; undefined: as it is. What it gives is not
   * expanded again.
   */
  expand?(node: Node<A>, adapter: AdapterTraits): readonly Value[] | undefined;
  /** Gradient with respect to each input; null where none flows. A dOutput is null where nobody used the output. */
  vjp?(dOutputs: readonly (Value | null)[], node: Node<A>): readonly (Value | null)[];
  /** The same sum in fewer terms, of some that are each one of its values. Left out: it knows of none. */
  inFewerTerms?(terms: readonly Value[]): readonly Value[];
  /** Output i lives in input inPlace[i]'s storage, bound once, read_write: updates, running averages, counters. */
  readonly inPlace?: readonly (number | null)[];
  /** Draws random numbers or writes state: never dropped, merged or reordered past its state. */
  readonly effect?: boolean;
  /** The output is input 0's storage from this element on: no launch. */
  view?(attrs: A): number;
  /** The inputs are ranges of the output's storage, from these elements on: a launch only for those that cannot be. */
  parts?(attrs: A): readonly number[];
  /** Its parts are looked at where they are stored; see ops/training/badStepLedger.ts. */
  watches?(attrs: A): Watch | undefined;
  /**
   * Its last launch hands every element of its only output, f32, to the kernel's `epilogue(value, at)`, once, `at` being
   * its place: further ops may be appended there.
   */
  readonly epilogue?: true;
  /** Of one input: what is larger stays larger or becomes equal, and NaN stays NaN. So it changes places with a maximum. */
  readonly increasing?: true;
  /** Which of the numbers that it reads over axes it takes: of several batches, it is that of each one's. */
  readonly extreme?: 'max' | 'min';
  /** How it is appended to another's epilogue, where that serves the adapter. Its only output is f32. */
  tail?(node: Node<A>, adapter: AdapterTraits): Tail | undefined;
  /**
   * Statements that compute its only output, element by element, in a function of others: see train/emission.
   * @param store a statement that keeps an element
   */
  inline?(
    node: Node<A>,
    operands: readonly Access[],
    store: (place: string, value: string) => string,
  ): Inline | undefined;
  /**
   * The op that does a node and one of its readers in one launch, if there is one: its inputs are the node's, its outputs
   * the node's, then the reader's.
   */
  absorbs?(node: Node<A>, reader: Node): Op<null> | undefined;
  /** An op in place of this node and others before it, where their work is best done together. */
  joins?(node: Node<A>, readersOf: ReadersOf, adapter: AdapterTraits): Joined | undefined;
  /**
   * What replaces its kernel's access to an input, if that can be read where its samples lie: line i of the input is
   * sample `rows[i]` of what is bound in its place.
   */
  fromSamples?(node: Node<A>, input: number, samples: Samples): Pick<Kernel, 'functions' | 'constants'> | undefined;
  /** Its only launch calls the kernel's `besides(i)` once for each i below this number: other work may ride on it. */
  hosts?(node: Node<A>, adapter: AdapterTraits): number;
  /** It is so little work, for each i below this number, that its only launch may ride on another's: see ops/launches/sharedLaunch.ts. */
  rides?(node: Node<A>): number;
  /** How far the kernel may stray from `cpu` in f64. Left out: it must be equal. */
  accuracy?(node: Node<A>): Accuracy;
  /** Floating-point operations of a node; left out, one for each element of its outputs. See graph/work.ts. */
  flops?(node: Node<A>): number;
  /** Bytes that a node must at least move; left out, all of its inputs and outputs. */
  bytes?(node: Node<A>): number;
  /** What the numbers in each input may be, checked where they come in; null for no bound. */
  ranges?(node: Node<A>): readonly (Range | null)[];
  /** What they must be together, checked there, too. */
  agreement?(node: Node<A>): Agreement;
}

/** Inputs, an in-place output standing for its input; then the other outputs: unless the launch says otherwise. */
export function bindingsOf({ op, inputs, outputs }: Node, launch: Launch): readonly number[] {
  if (launch.bindings) return launch.bindings;
  const inPlace = op.inPlace ?? [];
  const ofInputs = inputs.map((_, at) => {
    const out = inPlace.indexOf(at);
    return out < 0 ? at : output(out);
  });
  const others = outputs.map((_, at) => at).filter((at) => (inPlace[at] ?? null) === null);
  return [...ofInputs, ...others.map(output)];
}

/** A range of a buffer that is someone else's, in bytes. */
export interface HostRegion {
  /** What lies there, for messages. */
  readonly name: string;
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A named value that outlives the step. */
export interface State {
  readonly name: string;
  readonly spec: Spec;
  /** The numbers it starts with. */
  initial(): Numbers;
  /** No program writes it: data. What `initial` gives need not be copied. */
  readonly fixed?: boolean;
  /** `other` if left out. */
  readonly purpose?: Purpose;
  /** Where it lies, where that is with the program's host, who may rewrite it. It is never written here. */
  readonly host?: HostRegion;
}

/** What memory is for, as whoever lacks it is told. */
export type Purpose = 'parameters' | 'optimizer' | 'gradients' | 'activations' | 'data' | 'other';

/** What a program computes: named outputs, and the states that it leaves changed. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly writes: readonly (readonly [State, Value])[];
}

export const isValue = (given: unknown): given is Value =>
  typeof given === 'object' && given !== null && 'node' in given && 'spec' in given;

/** A value's dtype and shape, asked where one comes in. @throws ShapeError for anything else */
export function specOf<D extends Dtype>(where: string, name: string, given: Value<D>): Spec<D> {
  if (isValue(given)) return given.spec;
  throw new ShapeError(
    `[${where}] ${name} is ${described(given)} but must be a value: what a layer or an op gave, a field of the batch, or constant(…)`,
  );
}

/** A value, if it is f32. @throws ShapeError for anything else */
export function floatsOf(where: string, name: string, given: Value): Value<'f32'> {
  requireDtype(where, name, specOf(where, name, given), 'f32');
  return given as Value<'f32'>;
}

/** A list of values, asked where one comes in. @throws DataError and ShapeError for anything else */
export function specsOf(where: string, name: string, given: readonly Value[]): Spec[] {
  requireKind(where, name, given, Array.isArray(given), 'a list of values, as [x]');
  return given.map((value, at) => specOf(where, given.length > 1 ? `${name} ${at}` : `the ${name}`, value));
}

/** Uses an op: the only way a node comes to be. Shape errors surface here, in the caller's own line. */
export function apply<A, D extends Dtype>(op: Op<A, D>, inputs: readonly Value[], attrs: A): readonly Value<D>[] {
  requireKind('apply', 'what is applied', op, 'infer' in Object(op), 'an op: a layer is used by context.apply');
  const specs = op.infer(specsOf(op.name, 'input', inputs), attrs);
  requireKind(op.name, 'what infer gives', specs, Array.isArray(specs), 'a spec of each output, in a list');
  const outputs: Value<D>[] = [];
  const depth = 1 + Math.max(-1, ...inputs.map((input) => input.node.depth));
  const storage = op.view && viewed(inputs[0], op.view(attrs));
  const node: Node<A> = { op, inputs, attrs, outputs, depth, ...(storage && { storage }) };
  specs.forEach((spec, index) => outputs.push({ node: node, index, spec }));
  return outputs;
}

/** `apply` for ops with a single output. */
export const applyOne = <A, D extends Dtype>(op: Op<A, D>, inputs: readonly Value[], attrs: A): Value<D> =>
  apply(op, inputs, attrs)[0];

/** The same for ops that give what has x's dtype. */
export const applyAlike = <A, D extends Dtype>(op: Op<A>, x: Value<D>, attrs: A): Value<D> =>
  applyOne(op, [x], attrs) as Value<D>;

/** Where a value lives: in a storage of its own, unless it is a view. */
export const storageOf = (value: Value): Storage => value.node.storage ?? { root: value, offset: 0 };

function viewed(of: Value, start: number): Storage {
  const { root, offset } = storageOf(of);
  return { root, offset: offset + start };
}

/** What a storage is known by: a state, however often it is read, or the value that was computed into it. */
export function storageKey(value: Value): State | Value {
  const { root } = storageOf(value);
  return (root.node.attrs as { readonly state?: State } | null)?.state ?? root;
}

export const nodeOf = ({ node }: Value): Node => node;

/** The nodes whose values a node reads. */
export const inputsOf = ({ inputs }: Node): Node[] => inputs.map(nodeOf);

/** All values that a graph must produce. */
export const rootsOf = (graph: Graph): Value[] => [
  ...Object.values(graph.outputs),
  ...graph.writes.map(([, value]) => value),
];
