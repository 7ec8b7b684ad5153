import { sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { affine } from '../../../ops/products/matmul.ts';
import type { CellName } from '../../../ops/recurrent/cells.ts';
import { recurrentLoop, type Recurrence } from '../../../ops/recurrent/recurrent.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { resetBeforeLoop } from './resetBefore.ts';

/*
 * Recurrent layers. Their weights lie as in the file, gate by gate, and are brought into the order of our loop, where a unit's
 * gates lie side by side, at each step: a copy of what the loop reads T times over.
 */

// Legend: N samples, T steps, C features, H units, G gates, D directions.

/** Where a layer's inputs stand. */
const [W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES] = [1, 2, 3, 4, 5, 6, 7];

/** A kind of layer: at which place in the file each gate of ours stands, and its activations there. */
interface Kind {
  readonly cell: (activations: string) => CellName | undefined;
  readonly places: readonly number[];
  readonly activations: readonly string[];
}

const kinds: Readonly<Record<'RNN' | 'GRU' | 'LSTM', Kind>> = {
  RNN: {
    cell: (said) => (({ tanh: 'rnn', relu: 'reluRnn' }) as const)[said],
    places: [0],
    activations: ['Tanh'],
  },
  GRU: {
    cell: (said) => (said === 'sigmoid tanh' ? 'gru' : undefined),
    places: [1, 0, 2],
    activations: ['Sigmoid', 'Tanh'],
  },
  LSTM: {
    cell: (said) => (said === 'sigmoid tanh tanh' ? 'lstm' : undefined),
    places: [0, 2, 3, 1],
    activations: ['Sigmoid', 'Tanh', 'Tanh'],
  },
};

const directionsOf: Readonly<Record<string, readonly boolean[]>> = {
  forward: [false],
  reverse: [true],
  bidirectional: [false, true],
};

/** What all directions of a layer are given. */
interface Given {
  /** `[N, T, C]` */
  readonly x: Value<'f32'>;
  readonly lengths: Value | undefined;
  readonly units: number;
}

function layer(node: OnnxNode, kind: Kind): readonly (Tensor | undefined)[] {
  const isLayout1 = node.int('layout', 0) === 1;
  const directions = directionsOf[node.oneOf('direction', Object.keys(directionsOf), 'forward')];
  const cells = cellsOf(node, kind, directions.length);
  requirePlain(node);
  const x = floats(node.tensor(0).as(isLayout1 ? [0, 1, 2] : [1, 0, 2]));
  const [samples, steps] = x.spec.shape;
  const units = node.tensor(R).shape[2];
  const given: Given = { x, lengths: lengthsOf(node, steps), units };
  const resetsBefore = node.kind === 'GRU' && node.int('linear_before_reset', 0) === 0;
  const made = directions.map((reverse, direction) => {
    const initial = initialOf(node, direction, [directions.length, samples, units], isLayout1);
    return resetsBefore
      ? resetBeforeLoop({ ...given, ...fileWeights(node, direction), reverse, initial })
      : loop(node, kind, given, { direction, reverse, cell: cells[direction], initial });
  });
  const sequences = made.map(({ sequence }) => sequence);
  const joined = reshape(concat(sequences, 2), [samples, steps, directions.length, units]);
  const last = (values: readonly Value[]): Tensor =>
    Tensor.of(
      concat(values.map((value) => reshape(value, [1, samples, units]))),
      'float',
      isLayout1 ? [1, 0, 2] : [0, 1, 2],
    );
  const carried = made.flatMap(({ c }) => c ?? []);
  return [
    Tensor.of(joined, 'float', isLayout1 ? [0, 1, 2, 3] : [2, 0, 1, 3]),
    last(made.map(({ hidden }) => hidden)),
    carried.length > 0 ? last(carried) : undefined,
  ];
}

/** The loop that each direction's activations ask for. */
function cellsOf(node: OnnxNode, kind: Kind, directions: number): readonly CellName[] {
  const usual = Array.from({ length: directions }, () => kind.activations).flat();
  const said = node.texts('activations', usual);
  // Factors of functions that have none here.
  node.reals('activation_alpha');
  node.reals('activation_beta');
  const count = kind.activations.length;
  return Array.from({ length: directions }, (_, direction) => {
    const own = said.slice(direction * count, (direction + 1) * count);
    const cell = kind.cell(own.join(' ').toLowerCase());
    if (cell) return cell;
    node.refuse(
      `has the activations ${own.join(', ')}`,
      `${kind.activations.join(', ')} are read${node.kind === 'RNN' ? ', or Relu' : ''}; export it with these`,
    );
  });
}

/** @throws FormatError for what changes the equations */
function requirePlain(node: OnnxNode): void {
  node.int('hidden_size', 0);
  if (node.real('clip', 0) !== 0) node.refuse('clips what comes into its activations', 'export it without clip');
  if (node.int('input_forget', 0) !== 0) {
    node.refuse('couples its gates, input_forget = 1', 'export it with both, the weights of the one negated');
  }
  if (node.has(PEEPHOLES) && !node.tensor(PEEPHOLES).numbers?.every((x) => x === 0)) {
    node.refuse('has peepholes', 'layers without are read; train one of these');
  }
}

/** Lengths of samples; none where all have all steps. */
function lengthsOf(node: OnnxNode, steps: number): Value | undefined {
  if (!node.has(LENGTHS) || node.tensor(LENGTHS).numbers?.every((length) => length === steps)) return undefined;
  return node.integers(LENGTHS);
}

const rowOf = (x: Value, direction: number): Value => {
  const [directions, ...rest] = x.spec.shape;
  return reshape(directions === 1 ? x : slice(x, [{ start: direction, end: direction + 1 }]), rest);
};

/** What is carried at first in one direction, h and c in planes of their own: `[1 or 2, N, H]`. */
function initialOf(node: OnnxNode, direction: number, shape: Shape, isLayout1: boolean): Value | undefined {
  const places = node.kind === 'LSTM' ? [INITIAL_H, INITIAL_C] : [INITIAL_H];
  if (!places.some((at) => node.has(at))) return undefined;
  const plane = shape.slice(1);
  const planes = places.map((at) => {
    if (!node.has(at)) return constant(new Float32Array(sizeOf(plane)), spec([1, ...plane]));
    const whole = floats(node.tensor(at).as(isLayout1 ? [1, 0, 2] : [0, 1, 2]));
    return reshape(rowOf(whole, direction), [1, ...plane]);
  });
  return planes.length === 1 ? planes[0] : concat(planes);
}

/** One direction's weights as they lie in the file: `[G · H, C]`, `[G · H, H]`, and both biases, `[2, G · H]`. */
function fileWeights(node: OnnxNode, direction: number) {
  const [inputs, hidden] = [rowOf(node.float(W), direction), rowOf(node.float(R), direction)];
  const width = hidden.spec.shape[0];
  const biases = node.has(B)
    ? reshape(rowOf(node.float(B), direction), [2, width])
    : constant(new Float32Array(2 * width), spec([2, width]));
  return { inputs, hidden, biases };
}

/** Blocks of rows in another order. */
function reordered(x: Value, axis: number, places: readonly number[]): Value {
  if (places.every((place, at) => place === at)) return x;
  const blocks = places.map((place) =>
    slice(
      x,
      x.spec.shape.map((_, at) => (at === axis ? { start: place, end: place + 1 } : null)),
    ),
  );
  return concat(blocks, axis);
}

interface Direction {
  readonly direction: number;
  readonly reverse: boolean;
  readonly cell: CellName;
  readonly initial: Value | undefined;
}

/** One direction, by our own loop. */
function loop(
  node: OnnxNode,
  { places }: Kind,
  { x, lengths, units }: Given,
  { direction, reverse, cell, initial }: Direction,
): Recurrence {
  const { inputs, hidden, biases } = fileWeights(node, direction);
  const [samples, steps, features] = x.spec.shape;
  const gates = places.length;
  const width = units * gates;
  const weight = (rows: Value, columns: number): Value =>
    reshape(transpose(reordered(reshape(rows, [gates, units, columns]), 0, places), [2, 1, 0]), [columns, width]);
  const both = transpose(reordered(reshape(biases, [2, gates, units]), 1, places), [0, 2, 1]);
  const bias = (at: number): Value => reshape(slice(both, [{ start: at, end: at + 1 }]), [width]);
  const rows = affine(reshape(x, [-1, features]), weight(inputs, features), bias(0));
  return recurrentLoop(reshape(rows, [samples, steps, width]), weight(hidden, units), bias(1), {
    cell,
    reverse,
    lengths,
    initial,
  });
}

const operatorOf = (name: keyof typeof kinds): Operator => ({ apply: (node) => layer(node, kinds[name]) });

/** Layers that go from step to step. */
export const recurrentOperators: Operators = {
  GRU: operatorOf('GRU'),
  LSTM: operatorOf('LSTM'),
  RNN: operatorOf('RNN'),
};
