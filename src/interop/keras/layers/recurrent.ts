import { isRecord } from '../../../data/safetensorsHeader.ts';
import { sizeOf, spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { add, mul } from '../../../ops/pointwise/arithmetic.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { affine } from '../../../ops/products/matmul.ts';
import { recurrentLoop } from '../../../ops/recurrent/recurrent.ts';
import { concat, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import { activationIn, type Activated } from '../activations.ts';
import {
  isHeld,
  type CallArgument,
  type Definition,
  type Definitions,
  type Given,
  type KerasLayer,
} from '../kerasLayer.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { unrolled, type CellParts, type Loop } from './cells.ts';
import { biasWhere } from './core.ts';
import { stepsOf } from './masks.ts';
import { refuse } from '../refusal.ts';

/* Recurrent layers: gates of Keras' order, brought into ours where the loop in one launch has the cell, else unrolled. */

type Kind = CellParts['kind'];

/** Which of Keras' gates stands at each place of ours. */
const orders = { SimpleRNN: [0], LSTM: [0, 1, 2, 3], GRU: [1, 0, 2] } as const;

interface Told {
  readonly kind: Kind;
  readonly units: number;
  readonly activation: Activated;
  readonly gate: Activated;
  readonly resetAfter: boolean;
  readonly goesBackwards: boolean;
  readonly returnsSequences: boolean;
  readonly returnsState: boolean;
  readonly zeroElsewhere: boolean;
  readonly dropout: number;
}

function toldOf(options: LayerOptions, kind: Kind): Told {
  const hasGates = kind !== 'SimpleRNN';
  // TensorFlow.js and Keras 2 before 2.3 begin with another function, which their files name.
  const usualGate = options.writer === 'tensorflow.js' ? 'hard_sigmoid' : 'sigmoid';
  options.only('stateful', [false], 'what a batch leaves for the next one is no part of a model here');
  options.only('time_major', [false], 'steps stand behind samples here');
  options.pass('unroll', 'implementation', 'use_cudnn', 'seed', 'unit_forget_bias', 'num_constants', 'return_runtime');
  const recurrentDropout = options.number('recurrent_dropout', 0);
  if (recurrentDropout > 0) options.note(`recurrent_dropout ${recurrentDropout} is no part of training here`);
  return {
    kind,
    units: options.count('units'),
    activation: activationIn(options, 'activation', 'tanh'),
    gate: hasGates
      ? activationIn(options, 'recurrent_activation', usualGate)
      : { name: 'sigmoid', f: (x) => x as Value<'f32'> },
    resetAfter: kind === 'GRU' && options.flag('reset_after', options.writer === 'keras 3'),
    goesBackwards: options.flag('go_backwards', false),
    returnsSequences: options.flag('return_sequences', false),
    returnsState: options.flag('return_state', false),
    zeroElsewhere: options.flag('zero_output_for_mask', false),
    dropout: options.number('dropout', 0),
  };
}

/** The cell of the loop in one launch; undefined where it has none. */
function cellOf({ kind, activation, gate, resetAfter }: Told): 'lstm' | 'gru' | 'rnn' | 'reluRnn' | undefined {
  if (kind === 'SimpleRNN')
    return activation.name === 'tanh' ? 'rnn' : activation.name === 'relu' ? 'reluRnn' : undefined;
  if (activation.name !== 'tanh' || gate.name !== 'sigmoid') return undefined;
  return kind === 'LSTM' ? 'lstm' : resetAfter ? 'gru' : undefined;
}

/** `[…, gates · H]` of Keras' order as `[…, H · gates]`, a unit's gates side by side. */
function asUnits(weight: Value, kind: Kind, units: number): Value {
  const order = orders[kind];
  const rows = sizeOf(weight.spec.shape.slice(0, -1));
  const gates = reshape(weight, [rows, order.length, units]);
  const isSame = order.every((gate, at) => gate === at);
  const placed = isSame
    ? gates
    : concat(
        order.map((gate) => slice(gates, [null, { start: gate, end: gate + 1 }])),
        1,
      );
  return reshape(transpose(placed, [0, 2, 1]), [rows, units * order.length]);
}

const zerosOf = (shape: readonly number[]): Value => constant(new Float32Array(sizeOf(shape)), spec(shape));

/** The biases of x and of h; of h none, where both are added up anyway. */
function biasesOf(
  { kind, resetAfter }: Told,
  bias: Value | undefined,
): readonly [Value | undefined, Value | undefined] {
  if (!bias || kind !== 'GRU' || !resetAfter) return [bias, undefined];
  const width = bias.spec.shape[1];
  return [0, 1].map((at) => reshape(slice(bias, [{ start: at, end: at + 1 }]), [width])) as [Value, Value];
}

type Weights = Given['weights'];

interface Sequence {
  readonly x: Value;
  readonly mask: Value | undefined;
  readonly initial: readonly Value[];
}

/** The loop in one launch. */
function inOneLaunch(told: Told, cell: NonNullable<ReturnType<typeof cellOf>>, weights: Weights, of: Sequence): Loop {
  const { kind, units, goesBackwards: reverse, zeroElsewhere } = told;
  const steps = of.mask && stepsOf(of.mask);
  const x = steps ? steps.packed(of.x) : of.x;
  const [bias, recurrentBias] = biasesOf(told, weights['bias']).map(
    (each) => each && reshape(asUnits(each, kind, units), [-1]),
  );
  const rows = affine(x, asUnits(weights['kernel'], kind, units), bias);
  const width = rows.spec.shape[2];
  const { sequence, hidden, c } = recurrentLoop(
    rows,
    asUnits(weights['recurrent_kernel'], kind, units),
    recurrentBias ?? zerosOf([width]),
    { cell, reverse, lengths: steps?.lengths, initial: planesOf(of.initial) },
  );
  const last = [hidden, ...(c ? [c] : [])];
  if (!steps) return { sequence, carried: last };
  // A sample without steps keeps what it begins with.
  const begun = (value: Value, at: number): Value =>
    of.initial[at]
      ? add(mul(value, steps.isAny), mul(of.initial[at], add(mul(steps.isAny, -1), 1)))
      : mul(value, steps.isAny);
  const spread = steps.spread(sequence, reverse, zeroElsewhere);
  return { sequence: mul(spread, reshape(steps.isAny, [-1, 1, 1])), carried: last.map(begun) };
}

const planesOf = (initial: readonly Value[]): Value | undefined => {
  const planes = initial.map((value) => reshape(value, [1, ...value.spec.shape]));
  return planes.length > 1 ? concat(planes) : planes[0];
};

function loopOf(told: Told, weights: Weights, of: Sequence): Loop {
  const cell = cellOf(told);
  if (cell) return inOneLaunch(told, cell, weights, of);
  const { kind, units, activation, gate, resetAfter, goesBackwards: isReverse, zeroElsewhere } = told;
  const [bias, recurrentBias] = biasesOf(told, weights['bias']);
  const begin = [0, 1]
    .slice(0, kind === 'LSTM' ? 2 : 1)
    .map((at) => of.initial[at] ?? zerosOf([of.x.spec.shape[0], units]));
  const parts = { kind, units, activation: activation.f, gate: gate.f, resetAfter, recurrentBias };
  return unrolled({ ...parts, recurrent: weights['recurrent_kernel'] }, affine(of.x, weights['kernel'], bias), begin, {
    isReverse,
    mask: of.mask,
    zeroElsewhere,
  });
}

/** Steps from the last to the first. */
function flipped(x: Value): Value {
  const T = x.spec.shape[1];
  const order = constant(
    Int32Array.from({ length: T }, (_, at) => T - 1 - at),
    spec([T], 'i32'),
  );
  return gather(x, order, 1);
}

/** What is carried at first: values behind the first one, or `initial_state`. */
function initialOf({ inputs, named }: Given): Value[] {
  const { initial_state: given = null } = named;
  const listed: readonly CallArgument[] = given === null ? inputs.slice(1) : Array.isArray(given) ? given : [given];
  return listed.filter(isHeld).map(({ value }) => value);
}

/** What a recurrent layer is, for one that has it within. */
interface Recurrent extends KerasLayer {
  readonly told: Told;
}

const onesOf = (shape: readonly number[]): Value => constant(new Float32Array(sizeOf(shape)).fill(1), spec(shape));

/** One use of a net. @param stream what its dropout draws by */
function run(told: Told, weights: Weights, given: Given, initial: readonly Value[], stream: string): Loop {
  const { inputs, context } = given;
  const [{ value: x, mask }] = inputs;
  const [samples, , features] = x.spec.shape as readonly [number, number, number];
  const drops = told.dropout > 0 && context.mode === 'train';
  // The same features at each step.
  const seen = drops ? mul(x, context.dropout(stream, onesOf([samples, 1, features]), told.dropout)) : x;
  return loopOf(told, weights, { x: seen, mask, initial });
}

const recurrent =
  (kind: Kind): ((options: LayerOptions) => Recurrent) =>
  (options) => {
    const told = toldOf(options, kind);
    const { units, resetAfter, returnsSequences, returnsState, goesBackwards } = told;
    const width = units * orders[kind].length;
    const bias = kind === 'GRU' && resetAfter ? [{ name: 'bias', shape: [2, width] }] : biasWhere(true, width);
    const weights = [
      { name: 'kernel', shape: [null, width] },
      { name: 'recurrent_kernel', shape: [units, width] },
      ...(options.flag('use_bias', true) ? bias : []),
    ];
    return {
      told,
      weights: weights.map((weight) => ({ ...weight, within: 'cell' })),
      named: ['initial_state'],
      apply(given) {
        const { sequence, carried } = run(told, given.weights, given, initialOf(given), 'dropout');
        const steps = goesBackwards ? flipped(sequence) : sequence;
        const output = returnsSequences ? steps : carried[0];
        return returnsState ? [output, ...carried] : output;
      },
      mask: ([first]) => (returnsSequences ? first.mask : undefined),
    };
  };

const readers = { SimpleRNN: recurrent('SimpleRNN'), LSTM: recurrent('LSTM'), GRU: recurrent('GRU') } as const;

/** The recurrent layer within another one's config. @throws FormatError for another */
function recurrentIn(options: LayerOptions, name: string): Recurrent {
  const { class_name: className, config } = Object(options.raw(name)) as Record<string, unknown>;
  if (isRecord(config) && typeof className === 'string' && Object.hasOwn(readers, className)) {
    const own = options.within(`${name} ${className}`, config);
    const read = readers[className as Kind](own);
    own.end();
    return read;
  }
  refuse(options.where, `has a ${name} that is ${String(className)}`, `${Object.keys(readers).join(', ')} are read`);
}

/** A layer's weights within another one. */
export const inside = (layer: KerasLayer, place: string): KerasLayer['weights'] =>
  layer.weights.map((weight) => ({
    ...weight,
    name: `${place}.${weight.name}`,
    within: weight.within === undefined ? place : `${place}/${weight.within}`,
  }));

/** What such a layer's weights are called by itself. */
export const ownWeights = (weights: Weights, place: string): Weights =>
  Object.fromEntries(
    Object.entries(weights).flatMap(([name, value]) =>
      name.startsWith(`${place}.`) ? [[name.slice(place.length + 1), value]] : [],
    ),
  );

const PLACES = ['forward_layer', 'backward_layer'] as const;

const bidirectional: Definition = (options) => {
  const modes = ['concat', 'sum', 'ave', 'mul'] as const;
  if (options.raw('merge_mode') === null) {
    refuse(options.where, 'has merge_mode null', `${modes.join(', ')} are read`);
  }
  const mode = options.choice('merge_mode', modes, 'concat');
  const forwards = recurrentIn(options, 'layer');
  const other = options.raw('backward_layer') ? recurrentIn(options, 'backward_layer') : undefined;
  const told = { ...forwards.told, goesBackwards: !forwards.told.goesBackwards };
  options.only('weights', [], 'the numbers lie in the file');
  options.pass('num_constants');
  const { returnsSequences, returnsState } = forwards.told;
  const nets = [forwards.told, other?.told ?? told].map((each) => ({ ...each, zeroElsewhere: returnsSequences }));
  return {
    weights: PLACES.flatMap((place) => inside(forwards, place)),
    named: ['initial_state'],
    apply(all) {
      const initial = initialOf(all);
      const half = initial.length / 2;
      const ends = nets.map((net, at) => {
        const weights = ownWeights(all.weights, PLACES[at]);
        return run(net, weights, all, initial.slice(at * half, (at + 1) * half), `dropout${at}`);
      });
      // Either direction's steps stand where they are in the sequence.
      const [y, z] = ends.map(({ sequence, carried }) => (returnsSequences ? sequence : carried[0]));
      const output =
        mode === 'concat' ? concat([y, z], -1) : mode === 'mul' ? mul(y, z) : mul(add(y, z), mode === 'ave' ? 0.5 : 1);
      return returnsState ? [output, ...ends.flatMap(({ carried }) => carried)] : output;
    },
    mask: ([first]) => (returnsSequences ? first.mask : undefined),
  };
};

export const recurrentDefinitions: Definitions = { ...readers, Bidirectional: bidirectional };
