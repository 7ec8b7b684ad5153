import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { Value } from '../graph/graph.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { cells, type CellName } from '../ops/recurrent/cells.ts';
import type { Recurrence } from '../ops/recurrent/recurrent.ts';
import { concat, slice } from '../ops/shaping/pieces.ts';
import { requireForward } from './generation.ts';
import { defineLayer, type Layer } from './layer.ts';
import { asPlane, oneDirection } from './recurrentDirection.ts';
import { sequencesOf, type Sequences } from './sequences.ts';

/** All that a recurrent layer has to give. */
export interface Sequenced {
  /** The uppermost layer's h at each step, `[N, T, H · directions]`; 0 behind a sample's own steps. */
  readonly sequence: Value<'f32'>;
  /** h behind the last step, layer by layer, in each first the one that goes forward: `[layers · directions, N, H]`. */
  readonly hidden: Value<'f32'>;
  /** The same of an lstm's c. */
  readonly cell?: Value<'f32'>;
}

/** Options of `lstm` and `gru`. */
export interface LstmOptions {
  /** Layers one on the other: 1. */
  readonly layers?: number;
  /** Whether a second net reads the steps from the last to the first: its h stands behind the first one's. */
  readonly bidirectional?: boolean;
  /** The share of h that is dropped between layers, as by `dropout`: 0. */
  readonly dropout?: number;
  /**
   * What comes out. `sequence`, as if left out: h at each step, `[N, T, H · directions]`. `last`: h behind each sample's last
   * step, `[N, H · directions]`. `all`: see `Sequenced`.
   */
  readonly returns?: 'sequence' | 'last' | 'all';
  /** What is carried at first where nothing is given: `zeros`, as if left out, or a parameter, the same for all samples. */
  readonly initial?: 'zeros' | 'learned';
  /**
   * How many streams are read side by side, one by each sample of a batch: a step begins with what the one before left,
   * without a gradient. For long texts that are cut into pieces. In evaluation each batch begins with what training left.
   */
  readonly stateful?: number;
}

/** What `rnn` may be told. */
export interface RnnOptions extends LstmOptions {
  /** `tanh`, as if left out, or `relu`. */
  readonly activation?: 'tanh' | 'relu';
}

type Out<O extends LstmOptions> = O['returns'] extends 'all' ? Sequenced : Value<'f32'>;

/** A recurrent layer: from `[N, T, C]`, alone or with what belongs to it. */
export type RecurrentLayer<O = Value<'f32'>> = Layer<Value | Sequences, O>;

/**
 * Steps in order, each made of x and of the h before: a sigmoid's worth of four gates decides what is let in, kept and let
 * out. As PyTorch's `LSTM`: gates in the order input, forget, cell, output, each weight uniform in ±1 / √units at first,
 * and two biases. Keras has the same gates in the same order, one bias, whose part for the forget gate begins at 1, and
 * orthogonal recurrent weights; ONNX has the order input, output, forget, cell. `recurrentWeights` takes theirs over. Parameters
 * are `inputWeight` `[C, H, 4]`, `hiddenWeight` `[H, H, 4]`, `inputBias` and `hiddenBias` `[H, 4]`, a unit's gates side by side.
 *
 * All steps are one launch, however many there are. A sample's loop ends at its own length; the other direction begins there.
 * @param features C, the extent of x's last axis   @param units H
 * @throws ShapeError for another extent; DataError for lengths outside 1 … T
 * Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000
 */
export function lstm<const O extends LstmOptions = {}>(
  features: number,
  units: number,
  options?: O & LstmOptions,
): RecurrentLayer<Out<O>> {
  return recurrentLayer('lstm', 'lstm', features, units, options) as RecurrentLayer<Out<O>>;
}

/**
 * As `lstm`, with three gates, reset, update, new, and nothing carried but h. The reset lies behind the product with h, as in
 * PyTorch's `GRU` and Keras' with `reset_after`; Keras and ONNX have the order update, reset, new, and ONNX this form only
 * with `linear_before_reset`. Parameters as lstm's, of three gates.
 * @param features C, the extent of x's last axis   @param units H     Source: Cho et al. 2014
 */
export function gru<const O extends LstmOptions = {}>(
  features: number,
  units: number,
  options?: O & LstmOptions,
): RecurrentLayer<Out<O>> {
  return recurrentLayer('gru', 'gru', features, units, options) as RecurrentLayer<Out<O>>;
}

/**
 * The plain recurrent layer, h ← tanh(x · weights + h · weights + biases), as PyTorch's `RNN`, with all else as in `lstm`.
 * @param features C, the extent of x's last axis   @param units H     Source: Elman 1990
 */
export function rnn<const O extends RnnOptions = {}>(
  features: number,
  units: number,
  options?: O & RnnOptions,
): RecurrentLayer<Out<O>> {
  const { activation = 'tanh', ...others } = Object(options) as RnnOptions;
  requireKind('rnn', 'activation', activation, ['tanh', 'relu'].includes(activation), '"tanh" or "relu"');
  const given = options === undefined ? options : others;
  return recurrentLayer('rnn', activation === 'tanh' ? 'rnn' : 'reluRnn', features, units, given) as RecurrentLayer<
    Out<O>
  >;
}

const usual = {
  layers: 1,
  bidirectional: false,
  dropout: 0,
  returns: 'sequence',
  initial: 'zeros',
  stateful: undefined,
} as const;

function recurrentLayer(
  kind: string,
  cell: CellName,
  features: number,
  units: number,
  options: LstmOptions | undefined,
): RecurrentLayer<Value | Sequenced> {
  const filled = optionsOf<LstmOptions, typeof usual>(kind, options, usual);
  requireOptions(kind, { features, units, layers: filled.layers }, filled);
  const { layers, bidirectional, dropout, returns, initial, stateful } = filled;
  const directions = bidirectional ? [false, true] : [false];
  const nets = Array.from({ length: layers }, (_, at) => {
    const own = at === 0 ? features : units * directions.length;
    return directions.map((reverse) => oneDirection(kind, { cell, features: own, units, reverse, initial, stateful }));
  });
  const extents = { features, units, nets: layers * directions.length, hasCell: cells[cell].carried > 1 };
  return defineLayer({
    name: kind,
    apply(given: Value | Sequences, _, context): Value | Sequenced {
      const sequences = sequencesOf(kind, given, extents);
      if (bidirectional) requireForward(kind, context);
      let { x } = sequences;
      const ends: Recurrence[] = [];
      for (const [at, net] of nets.entries()) {
        if (at > 0 && dropout > 0 && context.mode === 'train') x = context.dropout(`between${at}`, x, dropout);
        const own = net.map((one, direction) => {
          const pass = { ...sequences, x, initial: initialOf(sequences, at * directions.length + direction) };
          return context.apply(one, pass, `layer${at}${direction === 1 ? 'Reverse' : ''}`);
        });
        ends.push(...own);
        x = joined(sequencesIn(own), 2);
      }
      if (returns === 'sequence') return x;
      return returns === 'last' ? joined(hiddenIn(ends.slice(-directions.length)), 1) : everything(x, ends);
    },
  });
}

type Checked = { readonly [K in keyof LstmOptions]-?: LstmOptions[K] | undefined };

/** @throws ShapeError or DataError for options that no layer has */
function requireOptions(kind: string, counts: Record<string, number>, options: Checked): void {
  const { dropout = 0, returns = 'sequence', initial = 'zeros', stateful, bidirectional } = options;
  for (const [name, count] of Object.entries({ ...counts, ...(stateful !== undefined && { stateful }) })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new ShapeError(
      `[${kind}] ${name} is ${described(count)}: a layer's numbers of things are whole and positive`,
    );
  }
  requireDropRate(dropout, kind);
  requireKind(kind, 'returns', returns, ['sequence', 'last', 'all'].includes(returns), '"sequence", "last" or "all"');
  requireKind(kind, 'initial', initial, ['zeros', 'learned'].includes(initial), '"zeros" or "learned"');
  if (stateful === undefined || !bidirectional) return;
  throw new DataError(
    `[${kind}] it is stateful and bidirectional: leave one out, for the end of a stream is not known when its pieces are read`,
  );
}

const sequencesIn = (all: readonly Recurrence[]): Value<'f32'>[] => all.map(({ sequence }) => sequence);
const hiddenIn = (all: readonly Recurrence[]): Value<'f32'>[] => all.map(({ hidden }) => hidden);

const joined = (values: readonly Value[], axis: number): Value<'f32'> =>
  (values.length === 1 ? values[0] : concat(values, axis)) as Value<'f32'>;

/** What was given to begin with in one direction of one layer, h and c in planes of their own. */
function initialOf({ hidden, cell }: Sequences, at: number): Value | undefined {
  const planes = [hidden, cell].flatMap((value) => (value ? slice(value, [{ start: at, end: at + 1 }]) : []));
  return planes.length > 0 ? joined(planes, 0) : undefined;
}

function everything(sequence: Value, ends: readonly Recurrence[]): Sequenced {
  const cell = ends.flatMap(({ c }) => c ?? []);
  return {
    sequence: sequence as Value<'f32'>,
    hidden: joined(hiddenIn(ends).map(asPlane), 0),
    ...(cell.length > 0 && { cell: joined(cell.map(asPlane), 0) }),
  };
}
