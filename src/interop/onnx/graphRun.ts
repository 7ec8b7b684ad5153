import { FormatError, ShapeError } from '../../core/errors.ts';
import { sizeOf } from '../../core/shape.ts';
import { interpret } from '../../cpu/interpret.ts';
import { orderOf as executionOrderOf } from '../../graph/executionOrder.ts';
import type { Graph } from '../../graph/graph.ts';
import type { AttributeProto, FunctionProto, GraphProto, NodeProto } from './onnx_pb.ts';
import { OnnxNode, type NodeSetting } from './onnxNode.ts';
import { operatorOf } from './operators/index.ts';
import { whyNotRead } from './operators/unread.ts';
import type { OpenModel } from './readModel.ts';
import type { ExternalFiles } from './onnxModel.ts';
import { readTensor } from './readTensor.ts';
import { asType, Tensor } from './tensor.ts';

/** Tensors by name, as far as they are known. */
export type Names = Map<string, Tensor>;

/** Graphs within graphs, and functions within functions, at most. */
const DEEPEST = 100;

/** What a file may have computed while it is read: elements, and nodes, for each of its bytes and beside. */
const [FREE_ELEMENTS, ELEMENTS_PER_BYTE] = [1_000_000, 64];
/** No value has more: a GPU counts by 32 bits. */
const MOST_ELEMENTS = 2 ** 31;
const FREE_NODES = 100_000;

/** What a run is part of. */
export interface Around extends Pick<NodeSetting, 'context' | 'batch' | 'update'> {
  readonly files: ExternalFiles;
}

/** One run of a model's graph on values, which leaves a graph of ours behind. */
export class GraphRun {
  readonly #opset: number;
  readonly #around: Around;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  #elements: number;
  #nodes: number;
  #depth = 0;

  constructor({ model, opset }: OpenModel, bytes: number, around: Around) {
    this.#opset = opset;
    this.#around = around;
    this.#functions = new Map(model.functions.map((one) => [`${one.domain}.${one.name}.${one.overload}`, one]));
    this.#elements = FREE_ELEMENTS + ELEMENTS_PER_BYTE * bytes;
    this.#nodes = FREE_NODES + bytes;
  }

  /** Runs nodes in their order, those alone that the wanted names need, and adds what they make to the names. */
  run(
    nodes: readonly NodeProto[],
    names: Names,
    wanted: readonly string[],
    attributes?: NodeSetting['attributes'],
  ): void {
    if (++this.#depth > DEEPEST) {
      throw new FormatError(
        `[onnx] the model has graphs or functions ${DEEPEST} deep: one of them uses itself; export it again`,
      );
    }
    const needed = neededBy(nodes, wanted);
    for (const node of nodes) {
      if (!needed.nodes.has(node)) continue;
      if (--this.#nodes < 0)
        throw new FormatError(
          '[onnx] the model uses its functions more often than its file has bytes: export it without functions',
        );
      const used = node.output.map((name) => needed.names.has(name));
      const outputs = this.#runNode(node, this.#inputsOf(node, nodes, names), used, names, attributes);
      node.output.forEach((name, at) => {
        const output = outputs[at];
        if (name !== '' && output) names.set(name, output);
      });
    }
    this.#depth--;
  }

  #inputsOf(node: NodeProto, nodes: readonly NodeProto[], names: Names): (Tensor | undefined)[] {
    return node.input.map((name) => {
      const tensor = names.get(name);
      if (tensor || name === '') return tensor;
      const isLater = nodes.some(({ output }) => output.includes(name));
      throw new FormatError(
        isLater
          ? `[onnx] ${node.opType} "${node.name || node.output[0]}" reads "${name}", which is made behind it: the graph runs in a circle, or is not in order; export it again`
          : `[onnx] ${node.opType} "${node.name || node.output[0]}" reads "${name}", which is no input, no initializer, and no output of a node before it: the file was damaged; export it again`,
      );
    });
  }

  #runNode(
    proto: NodeProto,
    inputs: readonly (Tensor | undefined)[],
    used: readonly boolean[],
    names: Names,
    outer: NodeSetting['attributes'] | undefined,
  ): readonly (Tensor | undefined)[] {
    const attributes = resolved(proto, outer);
    const called = this.#functions.get(`${proto.domain}.${proto.opType}.${proto.overload}`);
    if (called) return this.#call(called, inputs, used, attributes);
    const operator = operatorOf(proto);
    // A graph within reads more than is handed to its node, and folds for itself.
    const hasGraph = [...attributes.values()].some(({ g }) => g);
    const folds = !hasGraph && inputs.every((tensor) => !tensor || tensor.numbers !== undefined);
    const node: OnnxNode = new OnnxNode(proto, inputs, {
      opset: this.#opset,
      ...this.#around,
      attributes,
      used,
      folds,
      room: this.#elements,
      tensorOf: (where, attribute) => readTensor(where, attribute.t!, this.#around.files),
      run: (graph) => this.#runInner(graph, names),
    });
    if (!operator) node.refuse(...whyNotRead(proto));
    const made = this.#applied(node, () => operator.apply(node));
    node.requireAllRead();
    for (const tensor of made) if (tensor) requireCountable(node, tensor);
    return folds ? made.map((tensor) => tensor && this.#folded(node, tensor)) : made.map(finished);
  }

  /** What an operator gives; what our own ops say of shapes is said of the node. */
  #applied(node: OnnxNode, apply: () => Tensor | readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    try {
      const made = apply();
      return made instanceof Tensor ? [made] : made;
    } catch (error) {
      if (error instanceof ShapeError && !error.message.includes('(in ')) {
        const { batch } = this.#around;
        const why = batch
          ? `, of a model that was exported for ${batch.exported}, and was given ${batch.given} samples`
          : '';
        error.message += ` (in ${node.where}${why})`;
      }
      throw error;
    }
  }

  #call(
    called: FunctionProto,
    inputs: readonly (Tensor | undefined)[],
    used: readonly boolean[],
    given: NodeSetting['attributes'],
  ): (Tensor | undefined)[] {
    const names: Names = new Map();
    called.input.forEach((name, at) => {
      const tensor = inputs[at];
      if (tensor) names.set(name, tensor);
    });
    const usual = called.attributeProto.map((attribute) => [attribute.name, attribute] as const);
    const wanted = called.output.filter((_, at) => used[at]);
    this.run(called.node, names, wanted, new Map([...usual, ...given]));
    return called.output.map((name) => names.get(name));
  }

  /** A graph within another one, whose names it sees. */
  #runInner({ node, initializer, output }: GraphProto, outer: Names): (Tensor | undefined)[] {
    const names: Names = new Map(outer);
    for (const tensor of initializer)
      names.set(tensor.name, readTensor(`"${tensor.name}"`, tensor, this.#around.files));
    const wanted = output.map(({ name }) => name);
    this.run(node, names, wanted);
    return wanted.map((name) => names.get(name));
  }

  /** Computes what follows from known numbers, in f64. */
  #folded(node: OnnxNode, tensor: Tensor): Tensor {
    const { type, shape, numbers } = tensor;
    if (numbers) {
      this.#take(node, sizeOf(shape));
      return tensor;
    }
    const graph: Graph = { outputs: { result: tensor.value }, writes: [] };
    for (const { outputs } of executionOrderOf(graph)) {
      for (const { spec } of outputs) this.#take(node, sizeOf(spec.shape));
    }
    return Tensor.known(type, shape, asType(interpret(graph, { precision: 'f64' }).outputs['result'], type));
  }

  #take(node: OnnxNode, elements: number): void {
    node.requireRoom(elements);
    this.#elements -= elements;
  }
}

function requireCountable(node: OnnxNode, { shape }: Tensor): void {
  if (sizeOf(shape) < MOST_ELEMENTS) return;
  node.refuse(
    `gives [${shape.join(', ')}], more elements than can be counted`,
    'the file was damaged; export the model again',
  );
}

/** A traced output as what it is meant to be: an integer that was computed as a float is whole again. */
function finished(tensor: Tensor | undefined): Tensor | undefined {
  if (!tensor || tensor.numbers || tensor.type !== 'int') return tensor;
  return tensor.wholeNumbers();
}

/** A node's attributes, those that stand for its function's replaced. */
function resolved(proto: NodeProto, outer: NodeSetting['attributes'] | undefined): NodeSetting['attributes'] {
  const entries = proto.attribute.flatMap((attribute) => {
    if (attribute.refAttrName === '') return [[attribute.name, attribute] as const];
    const said: AttributeProto | undefined = outer?.get(attribute.refAttrName);
    return said ? [[attribute.name, said] as const] : [];
  });
  return new Map(entries);
}

/** The nodes that some names need, and all names that these read. Later nodes come first: each needs earlier ones only. */
function neededBy(nodes: readonly NodeProto[], wanted: readonly string[]) {
  const names = new Set(wanted);
  names.delete('');
  const needed = new Set<NodeProto>();
  for (const node of nodes.toReversed()) {
    if (!node.output.some((name) => names.has(name))) continue;
    needed.add(node);
    for (const name of readBy(node)) if (name !== '') names.add(name);
  }
  return { nodes: needed, names };
}

/** The names that a node reads, those of graphs within it as well. */
function readBy(node: NodeProto): string[] {
  const inner = node.attribute.flatMap(({ g }) =>
    g ? [...g.node.flatMap(readBy), ...g.output.map(({ name }) => name)] : [],
  );
  return [...node.input, ...inner];
}
