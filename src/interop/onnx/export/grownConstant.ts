import { FormatError } from '../../../core/errors.ts';
import { formatSpec, sizeOf, type Numbers } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { asUseOf, constantOp } from '../../../graph/leaf.ts';
import { computedType } from './elementTypes.ts';
import { batchOf, reshaped, shapeOf } from './batchShapes.ts';
import { arrayOf, type Tensor } from './onnxNodes.ts';
import type { OnnxWriter } from './onnxWriter.ts';

/* Constants that have numbers for each sample: the same for all of them, as zeros to begin with, or counted along the batch. */

/** @throws FormatError for numbers that follow from the batch in another way */
export function grownConstant(value: Value, to: OnnxWriter): Tensor {
  const grown = to.extentsOf(value).flatMap((extent, axis) => (typeof extent === 'number' ? [] : [axis]));
  const [few, more] = [value.node, to.graph.twinOf(value.node)].map((node) => asUseOf(constantOp, node)!.numbers);
  const made = grown.length === 1 ? (repeated(value, few, more, grown[0], to) ?? counted(value, few, more, to)) : null;
  if (made) return made;
  throw new FormatError(
    `[toOnnx] a constant, ${formatSpec(value.spec)}, has other numbers for other numbers of samples: write it for a fixed number, toOnnx(trainer, { samples: 1 })`,
  );
}

/** One sample's numbers, for each sample. */
function repeated(value: Value, few: Numbers, more: Numbers, axis: number, to: OnnxWriter): Tensor | null {
  const { shape, dtype } = value.spec;
  const { batches } = to.extentsOf(value)[axis] as { readonly batches: number };
  const run = batches * sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const at = (i: number, length: number): number => Math.floor(i / (length / outer)) * run + (i % run);
  const own = new Float64Array(outer * run);
  few.forEach((number, i) => (own[at(i, few.length)] = number));
  const isSo = [few, more].every((all) => all.every((number, i) => Object.is(own[at(i, all.length)], number)));
  if (!isSo) return null;
  const type = computedType[dtype];
  const ownShape = shape.with(axis, batches);
  const one: Tensor = { hint: 'constant', stored: { type, shape: ownShape, numbers: () => arrayOf(type, own) } };
  const times = shape.map((_, other) => (other === axis ? { batches: 1 } : 1));
  return to.emit(batches === 1 ? 'Expand' : 'Tile', [one, shapeOf(to, times)]);
}

/** As many numbers as there are rows of the batch, each so much more than the one before. */
function counted(value: Value, few: Numbers, more: Numbers, to: OnnxWriter): Tensor | null {
  const extents = to.extentsOf(value);
  const rows = extents.find((extent) => typeof extent !== 'number') as { readonly batches: number };
  const [start, step] = [few[0], few[1] - few[0]];
  const isSo = [few, more].every((all) => all.every((number, i) => number === start + i * step));
  if (!isSo || few.length < 2) return null;
  const type = computedType[value.spec.dtype];
  const count = to.emit('Squeeze', [batchOf(to, rows.batches)]);
  const places = to.emit('Range', [to.scalar(0, 'INT64'), count, to.scalar(1, 'INT64')]);
  const numbers = type === 'INT64' ? places : to.cast(places, type);
  const grown = to.emit('Mul', [numbers, to.scalar(step, type)]);
  const counts = start === 0 ? grown : to.emit('Add', [grown, to.scalar(start, type)]);
  return reshaped(to, counts, [rows], extents);
}
