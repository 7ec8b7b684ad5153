import { FormatError } from '../../core/errors.ts';
import { formatSpec } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import type { Context } from '../../nn/layer.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import type { AttributeProto, GraphProto, NodeProto } from './onnx_pb.ts';
import { computable, floats, type KnownNumbers, type Tensor } from './tensor.ts';

const decoder = new TextDecoder();

/** What an attribute may be, by its number in AttributeProto.AttributeType. Source: onnx/onnx.proto */
const attributeKinds = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, GRAPH: 5, FLOATS: 6, INTS: 7, STRINGS: 8 } as const;
type AttributeKind = keyof typeof attributeKinds;

/** What a node is part of. */
export interface NodeSetting {
  readonly opset: number;
  readonly context: Context;
  /** How many samples the model was exported for, if it says so, and how many there are, if these are others. */
  readonly batch: { readonly exported: number; readonly given: number } | undefined;
  /** Its attributes, where a function's caller may have said them. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** Whether somebody reads an output, by its place. */
  readonly used: readonly boolean[];
  /** Whether all inputs are known numbers, from which others are computed in f64 while the model is read. */
  readonly folds: boolean;
  /** How many numbers may still be made while the model is read. */
  readonly room: number;
  /** A tensor that an attribute holds. */
  readonly tensorOf: (where: string, attribute: AttributeProto) => Tensor;
  /** The outputs of a graph within this one. */
  readonly run: (graph: GraphProto) => readonly (Tensor | undefined)[];
  /** Says that a kept number, as a running average, is another one behind this step. */
  readonly update: (tensor: Tensor, value: Value) => void;
}

/** A node of an ONNX graph, as the operators see it: what it is given, and what it says. All that it says must be asked for. */
export class OnnxNode {
  readonly kind: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly string[];
  readonly setting: NodeSetting;
  readonly #name: string;
  readonly #asked = new Set<string>();

  constructor(proto: NodeProto, inputs: readonly (Tensor | undefined)[], setting: NodeSetting) {
    this.kind = proto.opType;
    this.inputs = inputs;
    this.outputs = proto.output;
    this.setting = setting;
    this.#name = proto.name || proto.output.find(Boolean) || '';
  }

  get opset(): number {
    return this.setting.opset;
  }

  /** How messages name it. */
  get where(): string {
    return `${this.kind} "${this.#name}"`;
  }

  /** For streams of random numbers: one of its own. */
  get stream(): string {
    return this.#name;
  }

  /** Says why this node cannot be read, and what to do. @throws FormatError */
  refuse(why: string, way: string): never {
    throw new FormatError(`[onnx] ${this.kind} "${this.#name}" cannot be read, as it ${why}: ${way}`);
  }

  /** Whether an output has a reader, or is one of the model's. */
  wants(at: number): boolean {
    return this.setting.used[at] ?? false;
  }

  /** Fails where outputs are wanted that are not given, from a place on. */
  requireUnused(from: number, what: string): void {
    if (!this.setting.used.slice(from).some(Boolean)) return;
    this.refuse(`gives ${what}, which somebody reads`, 'export it without');
  }

  has(at: number): boolean {
    return this.inputs[at] !== undefined;
  }

  tensor(at: number): Tensor {
    const given = this.inputs[at];
    if (given) return given;
    this.refuse(`has no input ${at}`, 'the file was damaged; export the model again');
  }

  /** An input as f32, its axes in the file's order. */
  float(at: number): Value<'f32'> {
    return floats(this.asValue(this.tensor(at)));
  }

  /** The same of one that may be left out. */
  maybeFloat(at: number): Value<'f32'> | undefined {
    return this.has(at) ? this.float(at) : undefined;
  }

  /** An input as numbers to compute with, f32 or i32. */
  number(at: number): Value {
    return computable(this.asValue(this.tensor(at)));
  }

  /** An input as i32: indices, lengths. */
  integers(at: number): Value<'i32'> {
    const { numbers, shape, value } = this.tensor(at);
    if (numbers) return constant(Int32Array.from(numbers), { shape, dtype: 'i32' });
    return value.spec.dtype === 'i32' ? (value as Value<'i32'>) : cast(value, 'i32');
  }

  /** A tensor as a value: of integers that are known i32, unless all that this node is given is known. */
  asValue(tensor: Tensor): Value {
    const { numbers, shape, type } = tensor;
    if (!numbers || type === 'float' || this.setting.folds) return tensor.value;
    return constant(Int32Array.from(numbers, clamped), { shape, dtype: 'i32' });
  }

  /** An input's numbers, which must be known while the model is read. */
  known(at: number): KnownNumbers {
    const { numbers, value } = this.tensor(at);
    if (numbers) return numbers;
    this.refuse(
      `has an input ${at}, ${formatSpec(value.spec)}, that is computed from the data, where it must be known`,
      'give it as an initializer, or by fromOnnx(bytes, { fixed })',
    );
  }

  /** The same as a list of whole numbers; the fallback of one that is left out. */
  knownInts(at: number, fallback: readonly number[] = []): number[] {
    return this.has(at) ? Array.from(this.known(at)) : [...fallback];
  }

  /** The same as counts, which are not below 0: extents, or how often something is repeated. */
  knownCounts(at: number): number[] {
    const counts = this.knownInts(at);
    if (counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return counts;
    return this.refuse(`has [${counts.join(', ')}], where counts must stand`, 'the file was damaged; export it again');
  }

  /** The same of a single number. */
  knownNumber(at: number, fallback: number): number {
    return this.has(at) ? (this.known(at)[0] ?? fallback) : fallback;
  }

  #attribute(name: string, kind: AttributeKind): AttributeProto | undefined {
    this.#asked.add(name);
    const said = this.setting.attributes.get(name);
    // Files before 2017 say no kind.
    if (!said || said.type === 0 || said.type === attributeKinds[kind]) return said;
    this.refuse(`has an attribute "${name}" that is no ${kind}`, 'the file was damaged; export the model again');
  }

  /** Whether an attribute is said, of whatever kind. */
  says(name: string): boolean {
    return this.setting.attributes.has(name);
  }

  int(name: string, fallback: number): number {
    const said = this.#attribute(name, 'INT');
    return said ? Number(said.i ?? 0n) : fallback;
  }

  real(name: string, fallback: number): number {
    const said = this.#attribute(name, 'FLOAT');
    return said ? (said.f ?? 0) : fallback;
  }

  text(name: string, fallback: string): string {
    const said = this.#attribute(name, 'STRING');
    return said ? decoder.decode(said.s) : fallback;
  }

  ints(name: string, fallback: readonly number[] = []): number[] {
    const said = this.#attribute(name, 'INTS');
    return said ? said.ints.map(Number) : [...fallback];
  }

  reals(name: string, fallback: readonly number[] = []): number[] {
    const said = this.#attribute(name, 'FLOATS');
    return said ? [...said.floats] : [...fallback];
  }

  texts(name: string, fallback: readonly string[] = []): string[] {
    const said = this.#attribute(name, 'STRINGS');
    return said ? said.strings.map((bytes) => decoder.decode(bytes)) : [...fallback];
  }

  /** A tensor that is an attribute. */
  constantOf(name: string): Tensor | undefined {
    const said = this.#attribute(name, 'TENSOR');
    return said && this.setting.tensorOf(this.where, said);
  }

  /** A graph that is an attribute. */
  graph(name: string): GraphProto {
    const said = this.#attribute(name, 'GRAPH')?.g;
    if (said) return said;
    this.refuse(`has no graph "${name}"`, 'the file was damaged; export the model again');
  }

  /**
   * Fails where samples would be brought together of a model that was exported for another number of them, for which that
   * meant something else.
   */
  requireApart(axis: number): void {
    const { batch } = this.setting;
    if (axis !== 0 || !batch || this.tensor(0).shape[0] !== batch.given) return;
    this.refuse(
      `brings ${batch.given} samples together, where the model was exported for ${batch.exported}`,
      'give as many, or export it with a dynamic first axis',
    );
  }

  /** Fails before more numbers are made while the model is read than its file is large. */
  requireRoom(elements: number): void {
    if (Number.isSafeInteger(elements) && elements <= this.setting.room) return;
    this.refuse(
      `makes ${elements} numbers of constants, far more than its file has bytes`,
      'compute them where they are used, or export the model again',
    );
  }

  /** Fails where one of a few words is wanted, and another one stands. */
  oneOf(name: string, words: readonly string[], fallback: string): string {
    const said = this.text(name, fallback);
    if (words.includes(said)) return said;
    this.refuse(`has ${name} "${said}"`, `only ${words.join(', ')} are read; export it otherwise`);
  }

  /** Fails for an attribute that nobody has asked for: what is not understood is not passed over. */
  requireAllRead(): void {
    for (const name of this.setting.attributes.keys()) {
      if (this.#asked.has(name)) continue;
      this.refuse(`has an attribute "${name}", which is not known here`, 'export it without, or by another opset');
    }
  }
}

/** Larger than any extent, as ends of slices are: what i32 holds of it. */
const clamped = (x: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x));
