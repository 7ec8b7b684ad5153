import type { Shape } from '../../../core/shape.ts';
import type { Node, Value } from '../../../graph/graph.ts';
import { unreshaped } from '../../../ops/shaping/views.ts';
import { FORWARD_INPUTS, optionalOf, type Attrs as AttentionAttrs } from '../../../ops/attention/attentionNode.ts';
import { placesOf, type Attrs as RecurrentAttrs } from '../../../ops/recurrent/recurrentNode.ts';
import type { MatmulOptions } from '../../../ops/products/matmul.ts';
import type { Write, Writes } from './definitions.ts';
import { partOf } from './pointwise.ts';
import type { Argument, Known, KerasWriter, Result, WrittenWeight } from './kerasWriter.ts';
import type { Config } from '../layerOptions.ts';

/* Loops over time, with the product in front of them within, and attention. */

const layers = {
  lstm: { className: 'LSTM', order: [0, 1, 2, 3] },
  // Keras has the update in front of the reset.
  gru: { className: 'GRU', order: [1, 0, 2] },
  rnn: { className: 'SimpleRNN', order: [0] },
  reluRnn: { className: 'SimpleRNN', order: [0] },
} as const;

/** `[rows, H · gates]`, a unit's gates side by side, as Keras has them: gate by gate. */
function byGates({ numbers, shape }: Known, order: readonly number[]): Float32Array {
  const gates = order.length;
  const width = shape.at(-1)!;
  const units = width / gates;
  return Float32Array.from({ length: numbers.length }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const [gate, unit] = [Math.floor(column / units), column % units];
    return numbers[row * width + unit * gates + order[gate]];
  });
}

interface Rows {
  readonly x: Value;
  readonly kernel: Known;
  readonly bias: Known | undefined;
}

/** The product that a loop reads: of x, by weights that are known. */
function rowsOf(node: Node, to: KerasWriter): Rows {
  const product = unreshaped(node.inputs[0]).node;
  const { transposeA, transposeB } = Object(product.attrs) as MatmulOptions;
  const [x, weights, bias] = product.inputs;
  const kernel = product.op.name === 'matmul' && weights ? to.known(weights) : undefined;
  const shift = bias && to.known(bias);
  if (!kernel || transposeA || transposeB || (bias && !shift)) {
    return to.refuse(
      node.op.name,
      'what it is given is no product of its own weights',
      'use lstm, gru or rnn as they are',
    );
  }
  return { x, kernel, bias: shift };
}

const zeros = (count: number): Float32Array => new Float32Array(count);

/** One direction: a layer's class and config, what it is given, and its numbers. */
interface Loop {
  readonly className: string;
  readonly config: Config;
  readonly weights: readonly WrittenWeight[];
  readonly of: readonly (Known | undefined)[];
  readonly x: Result;
  readonly named: Readonly<Record<string, Argument>>;
}

function requireZeros(node: Node<RecurrentAttrs>, to: KerasWriter): void {
  const at = placesOf(node.attrs)['initial'];
  if (at === undefined) return;
  const initial = to.known(node.inputs[at]);
  if (initial?.numbers.every((number) => number === 0)) return;
  to.refuse(node.op.name, 'it begins with another state than zeros', 'leave initial and stateful out');
}

/** The mask that stands for lengths. */
function maskOf(node: Node<RecurrentAttrs>, to: KerasWriter): Readonly<Record<string, Argument>> {
  const at = placesOf(node.attrs)['lengths'];
  if (at === undefined) return {};
  const [, steps] = node.outputs[0].spec.shape;
  return { mask: within(to, node.inputs[at], steps) };
}

function loopOf(node: Node<RecurrentAttrs>, to: KerasWriter): Loop {
  const { attrs, inputs, outputs } = node;
  const { className, order } = layers[attrs.cell];
  const { x, kernel, bias } = rowsOf(node, to);
  const at = placesOf(attrs)['bias'];
  const [own, shift] = [to.known(inputs[1]), at === undefined ? undefined : to.known(inputs[at])];
  if (!own || (at !== undefined && !shift)) {
    return to.refuse(node.op.name, 'its weights follow from the samples', 'give the layer weights of its own');
  }
  const isGru = attrs.cell === 'gru';
  if (isGru && to.target !== 'keras')
    to.refuse(node.op.name, "TensorFlow.js' GRU resets before the product", 'use lstm, or toKeras');
  requireZeros(node, to);
  const [samples, steps, units] = outputs[0].spec.shape as readonly [number, number, number];
  const [width, features] = [units * order.length, kernel.shape[0]];
  const [ofX, ofH] = [bias, shift].map((each) =>
    each ? byGates({ ...each, shape: [1, width] }, order) : zeros(width),
  );
  const config = {
    units,
    activation: attrs.cell === 'reluRnn' ? 'relu' : 'tanh',
    use_bias: true,
    go_backwards: attrs.reverse,
    ...(order.length > 1 && { recurrent_activation: 'sigmoid' }),
    ...(isGru && { reset_after: true }),
    ...(attrs.lengths && { zero_output_for_mask: true }),
  };
  const data = isGru ? Float32Array.of(...ofX, ...ofH) : ofX.map((number, unit) => number + ofH[unit]);
  const weights = [
    { name: 'kernel', within: 'cell', shape: [features, width], data: byGates(kernel, order) },
    { name: 'recurrent_kernel', within: 'cell', shape: [units, width], data: byGates(own, order) },
    { name: 'bias', within: 'cell', shape: isGru ? [2, width] : [width], data },
  ];
  const given = to.reshaped(to.loose(x), [samples, steps, features], node);
  return { className, config, weights, of: [kernel, own], x: given, named: maskOf(node, to) };
}

const recurrent: Write = (given, to) => {
  const node = given as Node<RecurrentAttrs>;
  const { outputs, attrs } = node;
  let made: Result | undefined;
  // Two directions that are joined are one layer, which is written where they are.
  const make = (): Result => {
    const { className, config, weights, of, x, named } = loopOf(node, to);
    const all = { ...config, return_sequences: true, return_state: true };
    made ??= to.layer(className, all, [x], outputs[0].spec.shape, weights, of, named);
    return made;
  };
  // Keras leaves the steps in the order in which they were taken.
  to.write(outputs[0], () => (attrs.reverse ? flipped(to, make()) : make()));
  outputs.slice(2).forEach((end, at) => to.write(end, () => ({ ...make(), tensor: at + 1, shape: end.spec.shape })));
};

/** Which of a loop's results two directions are joined by: all steps, or the last ones. */
const [STEPS, LAST] = [0, 2];

/** Two directions of one sequence, joined by their units, as one layer; undefined of other values. */
export function bothDirections({ inputs, attrs, outputs: [y] }: Node, to: KerasWriter): Result | undefined {
  const { axis } = attrs as { readonly axis: number };
  const [forwards, backwards] = inputs.map(({ node }) => node as Node<RecurrentAttrs>);
  const areLoops =
    inputs.length === 2 && inputs.every(({ node, index }) => node.op.name === 'recurrent' && index === inputs[0].index);
  if (!areLoops || axis !== y.spec.shape.length - 1 || ![STEPS, LAST].includes(inputs[0].index)) return undefined;
  const [first, second] = [forwards, backwards].map((node) => rowsOf(node, to).x);
  const isOne = unreshaped(first) === unreshaped(second) && forwards.attrs.cell === backwards.attrs.cell;
  if (!isOne || forwards.attrs.reverse || !backwards.attrs.reverse) return undefined;
  const [one, other] = [loopOf(forwards, to), loopOf(backwards, to)];
  const told = { return_sequences: inputs[0].index === STEPS, return_state: false };
  const inner = ({ className, config }: Loop, name: string): Config => ({
    module: 'keras.layers',
    class_name: className,
    config: { name, ...config, ...told },
    registered_name: null,
    build_config: { input_shape: [null, ...one.x.shape.slice(1)] },
  });
  const stem = one.className.toLowerCase();
  const config = {
    merge_mode: 'concat',
    layer: inner(one, to.target === 'keras' ? `forward_${stem}` : stem),
    ...(to.target === 'keras' && { backward_layer: inner(other, `backward_${stem}`) }),
  };
  const weights = [one, other].flatMap((loop, at) => {
    const place = ['forward_layer', 'backward_layer'][at];
    const sign = `${['forward', 'backward'][at]}_${stem}`;
    return loop.weights.map((weight) => ({ ...weight, name: `${sign}/${weight.name}`, within: `${place}/cell` }));
  });
  return to.layer('Bidirectional', config, [one.x], y.spec.shape, weights, [...one.of, ...other.of], one.named);
}

const flipped = (to: KerasWriter, x: Result): Result => to.operation('Flip', [x], x.shape, { axis: 1 });

/** An operand by its heads, out of what may hold others beside it. */
function headsOf(node: Node<AttentionAttrs>, to: KerasWriter, name: 'q' | 'k' | 'v'): Result {
  const { extents, from } = node.attrs;
  const { first, stride } = from[name];
  const value = node.inputs[['q', 'k', 'v'].indexOf(name)];
  const [steps, heads] = name === 'q' ? [extents.T, extents.H] : [extents.S, extents.keyHeads];
  const shape: Shape = [extents.N, steps, heads, extents.D];
  const width = heads * extents.D;
  const whole = to.loose(value);
  if (width === stride) return to.reshaped(whole, shape, node);
  const rows = to.reshaped(whole, [extents.N, steps, stride], node);
  return to.reshaped(partOf(to, rows, first, first + width), shape, node);
}

/** Which of some steps each sample has: `[N, steps]`. */
function within(to: KerasWriter, lengths: Value, steps: number): Result {
  const [samples] = lengths.spec.shape;
  const places = Array.from({ length: steps }, (_, at) => at);
  const array = { plain: { class_name: '__numpy__', config: { value: [places], dtype: 'int32' } } };
  const given = to.loose(lengths);
  const ends = to.layer('Reshape', { target_shape: [1] }, [given], [samples, 1]);
  return to.operation('Less', [array, ends], [samples, steps]);
}

const attention: Write = (given, to) => {
  const node = given as Node<AttentionAttrs>;
  const { T, S, H, keyHeads } = node.attrs.extents;
  const { left, right, scale } = node.attrs;
  const { lengths, mask } = optionalOf(node.inputs, node.attrs, FORWARD_INPUTS);
  if (mask) to.refuse(node.op.name, 'samples have masks of their own', 'write the model without them, or by toOnnx');
  const [q, k, v] = (['q', 'k', 'v'] as const).map((name) => headsOf(node, to, name));
  const isCausal = left >= T && right === 0 && T === S;
  const bounded = !isCausal && (left < T || right < S);
  const sight = Array.from({ length: T }, (_, t) =>
    Array.from({ length: S }, (__, j) => j >= t - left && j <= t + right),
  );
  const named: Record<string, Argument> = { scale: { plain: scale } };
  if (bounded && lengths) to.refuse(node.op.name, 'it has lengths and a window', 'write it by toOnnx');
  if (bounded) named['mask'] = { plain: { class_name: '__numpy__', config: { value: [[sight]], dtype: 'bool' } } };
  if (lengths) named['mask'] = to.reshaped(within(to, lengths, S), [q.shape[0], 1, 1, S], node);
  const shared = keyHeads === H ? [k, v] : [k, v].map((each) => repeated(to, each, H / keyHeads));
  const options = { module: 'nn', named };
  const found = to.operation(
    'DotProductAttention',
    [q, ...shared],
    node.outputs[0].spec.shape,
    { is_causal: isCausal },
    options,
  );
  to.write(node.outputs[0], found);
};

/** Each head as often as heads of queries share it. */
const repeated = (to: KerasWriter, x: Result, times: number): Result =>
  to.operation('Repeat', [x], x.shape.with(2, x.shape[2] * times), { repeats: times, axis: 2 });

/** Pairs of channels by an angle for each step. */
const rotary: Write = (node, to) =>
  to.refuse(node.op.name, 'Keras has no layer of it', 'use positions, or write the model by toOnnx');

export const sequenceWrites: Writes = { recurrent, attention, rotary };
