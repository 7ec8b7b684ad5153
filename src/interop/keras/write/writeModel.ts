import { FormatError } from '../../../core/errors.ts';
import { inputsOf, type Graph, type Node } from '../../../graph/graph.ts';
import { orderOf } from '../../../graph/executionOrder.ts';
import { asUseOf, constantOp, inputOp, isLeaf } from '../../../graph/leaf.ts';
import { reached } from '../../../graph/order.ts';
import type { Forward } from '../../../train/emission/forward.ts';
import { exportedOps } from '../../onnx/export/exportedOps.ts';
import { forwardOf, type Computing } from '../../computing.ts';
import type { Writes } from './definitions.ts';
import { KerasWriter, type Result, type Target } from './kerasWriter.ts';
import { normWrites } from './norms.ts';
import { pointwiseWrites } from './pointwise.ts';
import { productWrites } from './products.ts';
import { sequenceWrites } from './sequences.ts';
import { shapingWrites } from './shaping.ts';

/** What of ours is written as layers of Keras', by family. */
export const writes: Writes = {
  ...pointwiseWrites,
  ...productWrites,
  ...normWrites,
  ...shapingWrites,
  ...sequenceWrites,
};

/** A model as layers: what it is given, what it gives by name, and all layers between. */
export interface WrittenModel {
  readonly writer: KerasWriter;
  readonly inputs: readonly Result[];
  readonly outputs: Readonly<Record<string, Result>>;
}

/** Numbers of samples to trace with: primes, of which no layer's extents should be multiples. */
const SAMPLES = [1009, 1013, 1019, 1021, 1031];

/** So many samples that no extent of the model's own can be taken for theirs. */
function samplesFor(forward: Forward): number {
  const own = [...Object.values(forward.tensors), ...Object.values(forward.fields)].flatMap(({ shape }) => shape);
  const free = SAMPLES.find((count) => !own.some((extent) => extent % count === 0 && extent > 0));
  return free ?? SAMPLES[0];
}

/** @throws FormatError for a model that takes one number of samples only */
function graphOf(forward: Forward, samples: number, where: string): Graph {
  try {
    return forward.graph(samples);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FormatError(
      `[${where}] the model does not take any number of samples, as all models of Keras' do: leave stateful out; ${why}`,
      { cause: error },
    );
  }
}

const dtypes = { f32: 'float32', i32: 'int32', u32: 'int32', u8: 'uint8' } as const;

/** A model, as a writer says it. @throws FormatError for an op that has no layer, which it names */
export async function writtenModel(target: Target, trainer: Computing): Promise<WrittenModel> {
  const where = target === 'keras' ? 'toKeras' : 'toLayersModel';
  const forward = await forwardOf(where, trainer);
  const samples = samplesFor(forward);
  const writer = new KerasWriter(target, forward, samples);
  const graph = graphOf(forward, samples, where);
  const inputs: Result[] = [];
  for (const node of orderOf(graph)) {
    const field = asUseOf(inputOp, node);
    if (field) inputs.push(inputOf(node, field.label, writer));
    else if (!isLeaf(node) && !asUseOf(constantOp, node) && !isKnown(node, writer)) writeOf(node, writer)(node, writer);
  }
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, writer.read(value)] as const);
  return { writer, inputs, outputs: Object.fromEntries(outputs) };
}

const isKnown = (node: Node, writer: KerasWriter): boolean =>
  node.outputs.every((output) => writer.known(output) !== undefined);

function inputOf(node: Node, name: string, writer: KerasWriter): Result {
  const [value] = node.outputs;
  const { shape, dtype } = value.spec;
  const batch = [null, ...shape.slice(1)];
  const isKeras = writer.target === 'keras';
  const type = !isKeras && dtype === 'u8' ? 'int32' : dtypes[dtype];
  const config = isKeras
    ? { batch_shape: batch, dtype: type }
    : { batch_input_shape: batch, dtype: type, sparse: false };
  const result = writer.input(name, config, shape);
  writer.write(value, result);
  return result;
}

/** How a node is written. @throws FormatError for an op that is not of the house, or has no layer */
function writeOf({ op }: Node, writer: KerasWriter): Writes[string] {
  const write = Object.hasOwn(writes, op.name) ? writes[op.name] : undefined;
  // A user's op may have the name of one of ours.
  const use = Object.hasOwn(exportedOps, op.name) ? exportedOps[op.name].use() : undefined;
  const isOwn = use && [...reached([use.node], inputsOf)].some((node) => node.op === op);
  if (write && isOwn) return write;
  return writer.refuse(
    op.name,
    'Keras has no layer of it',
    'say it by ops that docs/interop.md lists, or write the model by toOnnx',
  );
}
