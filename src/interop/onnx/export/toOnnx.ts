import { optionsOf, requireKind } from '../../../core/argumentChecks.ts';
import { FormatError } from '../../../core/errors.ts';
import type { Bytes } from '../../../core/globalTypes.ts';
import { inputsOf, type Node, type Value } from '../../../graph/graph.ts';
import { isLeaf } from '../../../graph/leaf.ts';
import { reached } from '../../../graph/order.ts';
import { forwardOf, type Computing } from '../../computing.ts';
import { typeOf } from './elementTypes.ts';
import type { Definition } from './definition.ts';
import { exportedOps, refusedOps } from './exportedOps.ts';
import { modelBytes, type Door } from './modelBytes.ts';
import { OnnxWriter, inOrder } from './onnxWriter.ts';
import { sampledGraph } from './sampledGraph.ts';

/** What `toOnnx` may be told. */
export interface ToOnnxOptions {
  /**
   * The version of ONNX' operators, 13 … 23: 17 if left out, which has layer norm as one operator, and which engines since
   * 2022 read; 23 has attention as one.
   */
  readonly opset?: number;
  /** How many samples each batch has, where a model takes no other number. Any number if left out. */
  readonly samples?: number;
}

const OLDEST = 13;
const NEWEST = 23;
const usual = { opset: 17, samples: undefined };

/**
 * What a model computes in evaluation, as a file of ONNX: for onnxruntime, and whatever else reads ONNX. Fields of the batch
 * are its inputs, by their names, their dtypes and their shapes, images as [N, H, W, C]; the first axis of each is `batch`,
 * any number. Its initialisers have the parameters' names, some of them laid out as ONNX' operators want them; u8 is scaled
 * within the model as it is in training. An output that is named as a field is has ` out` behind its name.
 * @param trainer or predictor, or whatever else has `forward`   @returns the file's bytes
 * @throws FormatError for what ONNX cannot say, by name; DataError for an opset that is none
 * Source: github.com/onnx/onnx, docs/IR.md and docs/Operators.md
 */
export async function toOnnx(trainer: Computing, options: ToOnnxOptions = {}): Promise<Bytes> {
  const { opset, samples } = optionsOf<ToOnnxOptions, typeof usual>('toOnnx', options, usual);
  const isOpset = Number.isInteger(opset) && opset >= OLDEST && opset <= NEWEST;
  requireKind('toOnnx', 'opset', opset, isOpset, `a whole number, ${OLDEST} … ${NEWEST}`);
  const isCount = samples === undefined || (Number.isInteger(samples) && samples > 0);
  requireKind('toOnnx', 'samples', samples, isCount, 'a number of samples, whole and positive');
  const forward = await forwardOf('toOnnx', trainer);
  const to = new OnnxWriter(forward, sampledGraph(forward, samples), opset);
  writeNodes(to);
  const inputs = to.fields.map(({ value, tensor }) => doorOf(to, value, tensor.name!));
  const outputs = outputsOf(to, inputs);
  const name = forward.layers.at(-1)?.kind ?? 'model';
  return modelBytes({ name, opset, nodes: to.list, inputs, outputs });
}

function writeNodes(to: OnnxWriter): void {
  const counts = new Map<string, number>();
  for (const node of to.graph.order) {
    if (isLeaf(node) || node.outputs.every((value) => to.known(value))) continue;
    const definition = definitionOf(node);
    requireFixed(node, definition, to);
    const stem = labelOf(node, to);
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    to.label = count === 0 ? stem : `${stem}_${count}`;
    definition.write(node, to);
  }
  to.label = 'output';
}

/** The path of the layer whose parameters a node reads, if it reads some, and its op. */
function labelOf({ op, inputs }: Node, to: OnnxWriter): string {
  const named = inputs.flatMap((input) => to.known(input)?.name ?? []);
  const path = named[0]?.split('.').slice(0, -1).join('.');
  return path ? `${path}/${op.name}` : op.name;
}

/** @throws FormatError for an op that ONNX has no like of */
function definitionOf({ op }: Node): Definition {
  const definition = Object.hasOwn(exportedOps, op.name) ? exportedOps[op.name] : undefined;
  if (definition && isUseOf(definition, op)) return definition;
  if (!definition && Object.hasOwn(refusedOps, op.name)) {
    throw new FormatError(`[toOnnx] the model uses ${op.name}, which ${refusedOps[op.name]}`);
  }
  throw new FormatError(
    `[toOnnx] the model uses ${op.name}, an op of its own or a gradient, which ONNX has no like of: say it by millrace's ops, as add and exp, or write the part of the model in front of it`,
  );
}

/** Whether an op is the house's own, and not one that has its name only. */
const isUseOf = (definition: Definition, op: Node['op']): boolean =>
  [...reached([definition.use().node], inputsOf)].some((node) => node.op === op);

/** @throws FormatError for a node that is told other things for other numbers of samples */
function requireFixed(node: Node, definition: Definition, to: OnnxWriter): void {
  const known = definition.varies?.(node, to.graph.twinOf(node)) ?? [];
  const isKnown = (path: string): boolean => known.some((name) => path === name || path.startsWith(`${name}.`));
  const changed = to.graph.changedIn(node).find((path) => !isKnown(path));
  if (changed === undefined) return;
  throw new FormatError(
    `[toOnnx] ${node.op.name} has another ${changed} for other numbers of samples: write it for a fixed number, toOnnx(trainer, { samples: 1 })`,
  );
}

const doorOf = (to: OnnxWriter, value: Value, name: string): Door => {
  const tensor = to.read(value, { type: typeOf[value.spec.dtype], order: inOrder(value) });
  const isFree = tensor.name === undefined && !tensor.stored;
  const own = isFree || to.fields.some((field) => field.value === value && field.tensor.name === name);
  const door = own ? tensor : to.emit('Identity', [tensor]);
  door.name = name;
  return { tensor: door, dtype: value.spec.dtype, extents: to.extentsOf(value) };
};

/** What the model gives: no two tensors of a graph have one name. */
function outputsOf(to: OnnxWriter, inputs: readonly Door[]): Door[] {
  const taken = new Set(inputs.map(({ tensor }) => tensor.name));
  return Object.entries(to.graph.graph.outputs).map(([name, value]) =>
    doorOf(to, value, taken.has(name) ? `${name} out` : name),
  );
}
