import { sizeOf, spec, stridesOf, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { add, maximum, minimum, mul } from '../../../ops/pointwise/arithmetic.ts';
import { concat } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { computable, floats, Tensor } from '../tensor.ts';
import { axisOf } from './axes.ts';

/*
 * Elements that others take the place of, at indices that are known: what comes out is read from both, one behind the other.
 */

/** How a new element meets the one that is there, and what changes nothing. */
const reductions: Readonly<Record<string, { readonly f: (a: Value, b: Value) => Value; readonly neutral: number }>> = {
  add: { f: add, neutral: 0 },
  mul: { f: mul, neutral: 1 },
  max: { f: maximum, neutral: -Infinity },
  min: { f: minimum, neutral: Infinity },
};

/** @param places for each row of the updates, which row of x it meets   @param rows of x   @param width of a row */
function scattered(node: OnnxNode, places: Int32Array, rows: number, width: number): Tensor {
  const x = node.tensor(0);
  const reduction = node.oneOf('reduction', ['none', ...Object.keys(reductions)], 'none');
  const own = computable(node.asValue(x));
  const [table, updates] = [own, asLike(computable(node.asValue(node.tensor(2))), own)].map((value, at) =>
    reshape(value, [at === 0 ? rows : places.length, width]),
  );
  if (places.length === 0) return x;
  const meet = reductions[reduction];
  const made = meet
    ? roundsOf(places, rows).reduce(
        (y, round) => meet.f(y, chosen(updates, round, meet.neutral)),
        floats(table) as Value,
      )
    : gather(concat([table, updates]), lastOf(places, rows));
  return Tensor.of(reshape(made, x.shape), x.type);
}

const asLike = (updates: Value, { spec: { dtype } }: Value): Value => (dtype === 'f32' ? floats(updates) : updates);

/** For each row of x, where it is found among those and the updates. */
function lastOf(places: Int32Array, rows: number): Value {
  const found = Int32Array.from({ length: rows }, (_, at) => at);
  places.forEach((place, at) => (found[place] = rows + at));
  return constant(found, spec([rows], 'i32'));
}

/** Updates that meet one row are taken one after the other: in each round the update that each row meets, or none, −1. */
function roundsOf(places: Int32Array, rows: number): Int32Array[] {
  const rounds: Int32Array[] = [];
  const met = new Int32Array(rows);
  places.forEach((place, at) => {
    const round = met[place]++;
    rounds[round] ??= new Int32Array(rows).fill(-1);
    rounds[round][place] = at;
  });
  return rounds;
}

/** The updates of a round, and what changes nothing in the rows that have none. */
function chosen(updates: Value, round: Int32Array, neutral: number): Value {
  const [count, width] = updates.spec.shape;
  const none = constant(new Float32Array(width).fill(neutral), spec([1, width]));
  const places = round.map((at) => (at < 0 ? count : at));
  return gather(concat([floats(updates), none]), constant(places, spec([round.length], 'i32')));
}

/** One element at a time, along an axis. */
function scatteredElements(node: OnnxNode): Tensor {
  const { shape } = node.tensor(0);
  const axis = axisOf(node, node.int('axis', 0), shape.length);
  const own = node.tensor(1).shape;
  const [strides, counted] = [stridesOf(shape), stridesOf(own)];
  const places = Int32Array.from(node.known(1), (index, i) =>
    own.reduce((sum, extent, other) => {
      const place = other === axis ? within(node, index, shape[axis]) : Math.floor(i / counted[other]) % extent;
      return sum + place * strides[other];
    }, 0),
  );
  return scattered(node, places, sizeOf(shape), 1);
}

/** Slices, by tuples of indices. */
function scatteredRows(node: OnnxNode): Tensor {
  const { shape } = node.tensor(0);
  const depth = node.tensor(1).shape.at(-1)!;
  const indexed: Shape = shape.slice(0, depth);
  const strides = stridesOf(indexed);
  const tuples = node.known(1);
  const places = Int32Array.from({ length: tuples.length / Math.max(1, depth) }, (_, i) =>
    indexed.reduce((sum, extent, axis) => sum + within(node, tuples[i * depth + axis], extent) * strides[axis], 0),
  );
  return scattered(node, places, sizeOf(indexed), sizeOf(shape.slice(depth)));
}

function within(node: OnnxNode, at: number, extent: number): number {
  const own = at < 0 ? at + extent : at;
  if (own >= 0 && own < extent) return own;
  node.refuse(`puts an element at ${at} of ${extent}`, 'the file was damaged; export the model again');
}

/** Operators that write by index. */
export const scatteringOperators: Operators = {
  Scatter: { known: [1], apply: scatteredElements },
  ScatterElements: { known: [1], apply: scatteredElements },
  ScatterND: { known: [1], apply: scatteredRows },
};
