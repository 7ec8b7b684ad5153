import { create, toBinary } from '@bufbuild/protobuf';
import { FormatError } from '../../../core/errors.ts';
import type { Bytes } from '../../../core/globalTypes.ts';
import { sizeOf, type Dtype } from '../../../core/shape.ts';
import { megabytes } from '../../../core/textFormat.ts';
import { swapped } from '../../../data/tensorTypes.ts';
import { elementTypes, typeOf, type ElementType } from './elementTypes.ts';
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../onnx_pb.ts';
import type { Attributes, OnnxNode, Stored, Tensor } from './onnxNodes.ts';
import type { Extent } from './sampledGraph.ts';

/* The bytes of a file: nodes that are read, each name once, numbers little-endian. */

/** What goes into a graph or comes out of it. */
export interface Door {
  readonly tensor: Tensor;
  readonly dtype: Dtype;
  readonly extents: readonly Extent[];
}

export interface Model {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly Door[];
  readonly outputs: readonly Door[];
}

/** What readers need to know a file by, from the opset on that came with it. Source: onnx/docs/Versioning.md */
const VERSIONS = [
  { opset: 23, version: 11 },
  { opset: 21, version: 10 },
  { opset: 19, version: 9 },
  { opset: 15, version: 8 },
  { opset: 13, version: 7 },
] as const;

/** What protobuf can have in one message. */
const MOST_BYTES = 2 ** 31 - 1;

/** @throws FormatError for more bytes than a file can have */
export function modelBytes({ name, opset, nodes, inputs, outputs }: Model): Bytes {
  const read = nodesRead(nodes, outputs);
  const stored = [...new Set(read.flatMap((node) => node.inputs))].flatMap((tensor) => (tensor?.stored ? tensor : []));
  requireRoom(stored);
  const named = new Names([...inputs, ...outputs].map(({ tensor }) => tensor));
  // What is learned first: its names are the model's own.
  const learned = stored.filter((tensor) => tensor.stored!.isLearned);
  const initializer = learned.map((tensor) => tensorOf(tensor.stored!, named.of(tensor)));
  const constants = stored.filter((tensor) => !tensor.stored!.isLearned);
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(VERSIONS.find((each) => each.opset <= opset)!.version),
    producerName: 'millrace',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name,
      node: [...constants.map((tensor) => constantOf(tensor, named)), ...read.map((node) => nodeOf(node, named))],
      initializer,
      input: inputs.map((door) => infoOf(door, named)),
      output: outputs.map((door) => infoOf(door, named)),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** The nodes that something is made of. */
function nodesRead(nodes: readonly OnnxNode[], outputs: readonly Door[]): OnnxNode[] {
  const wanted = new Set<Tensor | null>(outputs.map(({ tensor }) => tensor));
  const read = nodes.toReversed().filter((node) => {
    const isRead = node.outputs.some((tensor) => wanted.has(tensor));
    if (isRead) for (const tensor of node.inputs) wanted.add(tensor);
    return isRead;
  });
  return read.reverse();
}

const BYTES: Readonly<Record<ElementType, number>> = { FLOAT: 4, UINT8: 1, INT32: 4, INT64: 8, BOOL: 1, UINT32: 4 };

function requireRoom(stored: readonly Tensor[]): void {
  const bytes = stored.reduce((sum, tensor) => sum + BYTES[tensor.stored!.type] * sizeOf(tensor.stored!.shape), 0);
  if (bytes <= MOST_BYTES) return;
  throw new FormatError(
    `[toOnnx] the model has ${megabytes(bytes)} of numbers, but a file of ONNX has 2 GiB at most: write its parts by themselves, or give saveWeights' file along`,
  );
}

/** Names, each given once. */
class Names {
  readonly #names = new Map<Tensor, string>();
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** @param settled whose names stay as they are */
  constructor(settled: readonly Tensor[]) {
    for (const tensor of settled) {
      this.#names.set(tensor, tensor.name!);
      this.#taken.add(tensor.name!);
    }
  }

  of(tensor: Tensor): string {
    let name = this.#names.get(tensor);
    if (name === undefined) this.#names.set(tensor, (name = this.unlike(tensor.hint)));
    return name;
  }

  /** A name that nobody has, with a number behind it if need be. */
  unlike(hint: string): string {
    let name = hint;
    for (let count = this.#counts.get(hint) ?? 1; this.#taken.has(name); count++) {
      name = `${hint}_${count}`;
      this.#counts.set(hint, count + 1);
    }
    this.#taken.add(name);
    return name;
  }
}

function nodeOf({ operator, inputs, outputs, attributes }: OnnxNode, named: Names): NodeProto {
  const [name] = outputs.map((tensor) => named.of(tensor));
  return create(NodeProtoSchema, {
    name,
    opType: operator,
    input: inputs.map((tensor) => (tensor ? named.of(tensor) : '')),
    output: outputs.map((tensor) => named.of(tensor)),
    attribute: Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
  });
}

/** Numbers that nobody learns, as a node that gives them. */
function constantOf(tensor: Tensor, named: Names): NodeProto {
  const name = named.of(tensor);
  const value = create(AttributeProtoSchema, {
    name: 'value',
    type: TENSOR_ATTRIBUTE,
    t: tensorOf(tensor.stored!, ''),
  });
  return create(NodeProtoSchema, { name, opType: 'Constant', output: [name], attribute: [value] });
}

const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;
const TEXT_ATTRIBUTE = 3;
const TENSOR_ATTRIBUTE = 4;
const INTS_ATTRIBUTE = 7;
const TEXTS_ATTRIBUTE = 8;

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

/** Source: onnx.proto, AttributeProto.AttributeType */
function attributeOf(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: INT_ATTRIBUTE, i: BigInt(value) });
  }
  if (typeof value === 'string') return create(AttributeProtoSchema, { name, type: TEXT_ATTRIBUTE, s: utf8(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: FLOAT_ATTRIBUTE, f: value.float });
  const texts = value.flatMap((each) => (typeof each === 'string' ? utf8(each) : []));
  if (texts.length > 0) return create(AttributeProtoSchema, { name, type: TEXTS_ATTRIBUTE, strings: texts });
  return create(AttributeProtoSchema, { name, type: INTS_ATTRIBUTE, ints: value.map((each) => BigInt(each)) });
}

function tensorOf({ type, shape, numbers }: Stored, name: string): TensorProto {
  const array = numbers();
  const rawData = new Uint8Array(array.byteLength);
  rawData.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  swapped(rawData, BYTES[type]);
  return create(TensorProtoSchema, { name, dataType: elementTypes[type], dims: shape.map(BigInt), rawData });
}

/** What grows with the batch is called so. */
const dimOf = (extent: Extent) =>
  typeof extent === 'number'
    ? ({ case: 'dimValue', value: BigInt(extent) } as const)
    : ({ case: 'dimParam', value: extent.batches === 1 ? 'batch' : `${extent.batches}*batch` } as const);

const infoOf = ({ tensor, dtype, extents }: Door, named: Names): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name: named.of(tensor),
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType: elementTypes[typeOf[dtype]],
          shape: { dim: extents.map((extent) => ({ value: dimOf(extent) })) },
        },
      },
    },
  });
