import { sizeOf, spec, stridesOf, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { add, equal, less, mul, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { computable, Tensor } from '../tensor.ts';
import { axisOf } from './axes.ts';
import { counted } from './counted.ts';

/* Elements and rows by index. An index that is computed reads a flat array, where each row has one number. */

const integersOf = (numbers: Int32Array, shape: Shape = [numbers.length]): Value =>
  constant(numbers, spec(shape, 'i32'));

/** Indices as i32, which may count from the end of their axis. */
export function countedFromFront(node: OnnxNode, at: number, extent: number): Value {
  const { numbers, shape } = node.tensor(at);
  if (numbers)
    return integersOf(
      Int32Array.from(numbers, (one) => placeIn(node, one, extent)),
      shape,
    );
  return fromFront(node.integers(at), extent);
}

const fromFront = (indices: Value, extent: number): Value => where(less(indices, 0), add(indices, extent), indices);

/** A place of an axis, counted from its front. @throws FormatError for one that it has not */
function placeIn(node: OnnxNode, at: number, extent: number): number {
  const own = at < 0 ? at + extent : at;
  if (own >= 0 && own < extent) return own;
  node.refuse(`asks for element ${at} of ${extent}`, 'the file was damaged; export the model again');
}

function gathered(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const axis = axisOf(node, node.int('axis', 0), x.shape.length);
  const { shape } = node.tensor(1);
  const made = [...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)];
  if (sizeOf(made) === 0) return Tensor.known(x.type, made, new Float64Array(0));
  return Tensor.of(gather(tableOf(node, x), countedFromFront(node, 1, x.shape[axis]), axis), x.type);
}

/** What is read by index: numbers that an index finds, f32, i32 or u32. */
const tableOf = (node: OnnxNode, x: Tensor): Value => computable(node.asValue(x));

/** Which element of a flat array each index along an axis means, where all other places are those of the index itself. */
function flatAlong(node: OnnxNode, at: number, shape: Shape, axis: number): Value {
  const own = node.tensor(at).shape;
  const strides = stridesOf(shape);
  const steps = stridesOf(own);
  const rest = Int32Array.from({ length: sizeOf(own) }, (_, i) =>
    own.reduce((sum, extent, other) => {
      const place = Math.floor(i / steps[other]) % extent;
      return other === axis ? sum : sum + place * strides[other];
    }, 0),
  );
  return add(mul(countedFromFront(node, at, shape[axis]), strides[axis]), integersOf(rest, own));
}

function gatheredElements(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const axis = axisOf(node, node.int('axis', 0), x.shape.length);
  const { shape } = node.tensor(1);
  if (sizeOf(shape) === 0) return Tensor.known(x.type, shape, new Float64Array(0));
  return Tensor.of(gather(reshape(tableOf(node, x), [-1]), flatAlong(node, 1, x.shape, axis)), x.type);
}

/** Rows by tuples of indices, of the axes behind some that are samples. */
function gatheredRows(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const batch = node.int('batch_dims', 0);
  const { shape } = node.tensor(1);
  const width = shape.at(-1)!;
  const found = shape.slice(0, -1);
  const [indexed, rest] = [x.shape.slice(0, batch + width), x.shape.slice(batch + width)];
  const made = [...found, ...rest];
  if (sizeOf(made) === 0) return Tensor.known(x.type, made, new Float64Array(0));
  const rows = flatOf(node, 1, indexed.slice(batch));
  const samples = sizeOf(x.shape.slice(0, batch));
  const each = sizeOf(found) / samples;
  const first = Int32Array.from(
    { length: sizeOf(found) },
    (_, at) => Math.floor(at / each) * sizeOf(indexed.slice(batch)),
  );
  const places = batch > 0 ? add(rows, integersOf(first, found)) : rows;
  const table = reshape(tableOf(node, x), [sizeOf(indexed), ...rest]);
  return Tensor.of(gather(table, places), x.type);
}

/** Which row of all each tuple, along the last axis, means. */
function flatOf(node: OnnxNode, at: number, extents: Shape): Value {
  const { numbers, shape } = node.tensor(at);
  const found = shape.slice(0, -1);
  const strides = stridesOf(extents);
  const width = extents.length;
  if (numbers) {
    const rows = Int32Array.from({ length: sizeOf(found) }, (_, i) =>
      extents.reduce((sum, extent, axis) => sum + placeIn(node, numbers[i * width + axis], extent) * strides[axis], 0),
    );
    return integersOf(rows, found);
  }
  const tuples = reshape(node.integers(at), [sizeOf(found), width]);
  const columns = extents.map((extent, axis) => {
    const column = reshape(slice(tuples, [null, { start: axis, end: axis + 1 }]), found);
    return mul(fromFront(column, extent), strides[axis]);
  });
  return columns.reduce<Value>((a, b) => add(a, b), integersOf(new Int32Array(1), []));
}

/** One value where an index is, another one elsewhere. */
function oneHot(node: OnnxNode): Tensor {
  const indices = node.tensor(0);
  const depth = Math.trunc(node.knownNumber(1, 0));
  node.requireRoom(depth);
  if (depth < 1) node.refuse(`has a depth of ${depth}`, 'there must be one class or more');
  const rank = indices.shape.length + 1;
  const axis = axisOf(node, node.int('axis', -1), rank);
  const shape = [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)];
  const places = counted(
    depth,
    shape.map((_, at) => (at === axis ? depth : 1)),
  );
  const isHot = equal(reshape(fromFront(node.integers(0), depth), shape), places);
  const values = tableOf(node, node.tensor(2));
  const [off, on] = [0, 1].map((at) => reshape(slice(values, [{ start: at, end: at + 1 }]), []));
  return Tensor.of(where(isHot, on, off), node.tensor(2).type);
}

/** Where known numbers are not 0: a row for each axis. */
function nonZero(node: OnnxNode): Tensor {
  const { shape } = node.tensor(0);
  const found = Array.from(node.known(0), (x, at) => (x === 0 ? -1 : at)).filter((at) => at >= 0);
  const strides = stridesOf(shape);
  const rows = shape.flatMap((extent, axis) => found.map((at) => Math.floor(at / strides[axis]) % extent));
  return Tensor.known('int', [shape.length, found.length], Float64Array.from(rows));
}

/** Slices of an axis, or elements, by known truths. */
function compressed(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const isFlat = !node.says('axis');
  const axis = isFlat ? 0 : axisOf(node, node.int('axis', 0), x.shape.length);
  const table = isFlat ? reshape(tableOf(node, x), [-1]) : tableOf(node, x);
  const places = Array.from(node.known(1), (kept, at) => (kept === 0 ? -1 : at)).filter((at) => at >= 0);
  const shape = table.spec.shape.map((extent, at) => (at === axis ? places.length : extent));
  if (sizeOf(shape) === 0) return Tensor.known(x.type, shape, new Float64Array(0));
  return Tensor.of(gather(table, integersOf(Int32Array.from(places)), axis), x.type);
}

/** 0, 1, 2 … along the first axis, or the second. */
const along = (length: number, axis: number): Value => counted(length, axis === 0 ? [length, 1] : [1, length]);

/** Each sample's own steps from the last to the first; what lies behind them stays. */
function reversed(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const [batch, time] = [node.int('batch_axis', 1), node.int('time_axis', 0)];
  if (batch + time !== 1) node.refuse(`has the axes ${batch} and ${time}`, 'samples and time are the first two');
  const [samples, steps] = [x.shape[batch], x.shape[time]];
  const t = along(steps, time);
  const lengths = reshape(cast(node.integers(1), 'i32'), batch === 0 ? [samples, 1] : [1, samples]);
  const step = where(less(t, lengths), sub(sub(lengths, 1), t), t);
  const rows = add(mul(step, time === 0 ? samples : 1), mul(along(samples, batch), batch === 0 ? steps : 1));
  const table = reshape(tableOf(node, x), [samples * steps, ...x.shape.slice(2)]);
  return Tensor.of(gather(table, rows), x.type);
}

/** Operators that read by index. */
export const indexingOperators: Operators = {
  Compress: { known: [1], apply: compressed },
  Gather: { apply: gathered },
  GatherElements: { apply: gatheredElements },
  GatherND: { apply: gatheredRows },
  NonZero: { known: [0], apply: nonZero },
  OneHot: { known: [1], apply: oneHot },
  ReverseSequence: { apply: reversed },
};
