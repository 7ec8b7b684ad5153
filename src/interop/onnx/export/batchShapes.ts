import { FormatError } from '../../../core/errors.ts';
import type { Tensor } from './onnxNodes.ts';
import type { OnnxWriter } from './onnxWriter.ts';
import { isSame, type Extent } from './sampledGraph.ts';

/* Shapes that are known when the graph is run: the samples of the batch are counted where it comes in. */

const SHAPE_TAKES_A_RANGE = 15;

/** int64[1]: how many samples there are, so many times. */
export function batchOf(to: OnnxWriter, times = 1): Tensor {
  if (times > 1) {
    return to.once(`batch*${times}`, () => to.emit('Mul', [batchOf(to), to.ints([times])]));
  }
  return to.once('batch', () => {
    const field = to.fields.find(({ value }) => typeof to.extentsOf(value)[0] !== 'number');
    if (!field) throw new FormatError('[toOnnx] the model reads no field of the batch: there is nothing to write');
    if (to.opset >= SHAPE_TAKES_A_RANGE) return to.emit('Shape', [field.tensor], { start: 0, end: 1 });
    return to.emit('Slice', [to.emit('Shape', [field.tensor]), to.ints([0]), to.ints([1])]);
  });
}

/** int64[rank]: extents. */
export function shapeOf(to: OnnxWriter, extents: readonly Extent[]): Tensor {
  const fixed = extents.flatMap((extent) => (typeof extent === 'number' ? extent : []));
  if (fixed.length === extents.length) return to.ints(fixed);
  const each = extents.map((extent) => (typeof extent === 'number' ? to.ints([extent]) : batchOf(to, extent.batches)));
  return each.length === 1 ? each[0] : to.emit('Concat', each, { axis: 0 });
}

/** Stands for the input's own extent, and for what is left over. */
const SAME = 0;
const REST = -1;

/** The same elements in another shape, by numbers alone as far as they can say it. */
export function reshaped(to: OnnxWriter, tensor: Tensor, from: readonly Extent[], wanted: readonly Extent[]): Tensor {
  const isKept = from.length === wanted.length && from.every((extent, axis) => isSame(extent, wanted[axis]));
  if (isKept) return tensor;
  const told = wanted.map((extent, axis) => {
    if (typeof extent === 'number') return extent;
    return axis < from.length && isSame(from[axis], extent) ? SAME : REST;
  });
  const isTold = told.filter((extent) => extent === REST).length <= 1;
  return to.emit('Reshape', [tensor, isTold ? to.ints(told) : shapeOf(to, wanted)]);
}
