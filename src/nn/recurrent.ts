import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf, requireFinite, requireKind } from '../core/given.ts';
import { formatSpec, sizeOf } from '../core/shape.ts';
import { isValue, specOf, type Value } from '../graph/graph.ts';
import { integerDtypes } from '../ops/data/integers.ts';
import { mul, sub } from '../ops/pointwise/arithmetic.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { affine } from '../ops/products/matmul.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { cells, type CellName } from '../ops/recurrent/cells.ts';
import { recurrentLoop, type Recurrence } from '../ops/recurrent/recurrent.ts';
import { broadcastTo } from '../ops/reductions/reduce.ts';
import { concat, reshape, slice, stopGradient } from '../ops/shaping/window.ts';
import { torchUniform, zeros } from './initializers.ts';
import { defineLayer, type Context, type Layer, type ParameterDefinition, type StateDefinition } from './layer.ts';

/** What a recurrent layer takes: the steps alone, or with what belongs to them. */
export interface Sequences {
  /** `[N, T, C]`. */
  readonly x: Value;
  /** `[N]` integers of 1 … T: how many steps each sample has. All have T if left out. */
  readonly lengths?: Value;
  /** h before the first step, `[layers · directions, N, H]`; 0 if left out. */
  readonly hidden?: Value;
  /** The same of an lstm's c. */
  readonly cell?: Value;
  /** `[N]`: 1 where a stream begins anew, else 0; of a layer that is `stateful`. */
  readonly reset?: Value;
}

/** All that a recurrent layer has to give. */
export interface Sequenced {
  /** The uppermost layer's h at each step, `[N, T, H · directions]`; 0 behind a sample's own steps. */
  readonly sequence: Value<'f32'>;
  /** h behind the last step, layer by layer, in each first the one that goes forward: `[layers · directions, N, H]`. */
  readonly hidden: Value<'f32'>;
  /** The same of an lstm's c. */
  readonly cell?: Value<'f32'>;
}

export interface RecurrentOptions {
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

export interface RnnOptions extends RecurrentOptions {
  /** `tanh`, as if left out, or `relu`. */
  readonly activation?: 'tanh' | 'relu';
}

type Out<O extends RecurrentOptions> = O['returns'] extends 'all' ? Sequenced : Value<'f32'>;

/** A recurrent layer: from `[N, T, C]`, alone or with what belongs to it. */
export type RecurrentLayer<O = Value<'f32'>> = Layer<Value | Sequences, O>;

type Kind = 'lstm' | 'gru' | 'rnn';

/** What a direction of one layer is given and gives. */
interface Pass {
  readonly x: Value;
  readonly lengths: Value | undefined;
  /** `[1 or 2, N, H]`. */
  readonly initial: Value | undefined;
  readonly reset: Value | undefined;
}

const parts = ['x', 'lengths', 'hidden', 'cell', 'reset'] as const;

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
export function lstm<const O extends RecurrentOptions = {}>(
  features: number,
  units: number,
  options?: O & RecurrentOptions,
): RecurrentLayer<Out<O>> {
  return stacked('lstm', 'lstm', features, units, options as RecurrentOptions) as RecurrentLayer<Out<O>>;
}

/**
 * As `lstm`, with three gates, reset, update, new, and nothing carried but h. The reset lies behind the product with h, as in
 * PyTorch's `GRU` and Keras' with `reset_after`; Keras and ONNX have the order update, reset, new, and ONNX this form only
 * with `linear_before_reset`. Parameters as lstm's, of three gates.
 * @param features C, the extent of x's last axis   @param units H     Source: Cho et al. 2014
 */
export function gru<const O extends RecurrentOptions = {}>(
  features: number,
  units: number,
  options?: O & RecurrentOptions,
): RecurrentLayer<Out<O>> {
  return stacked('gru', 'gru', features, units, options as RecurrentOptions) as RecurrentLayer<Out<O>>;
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
  return stacked('rnn', activation === 'tanh' ? 'rnn' : 'reluRnn', features, units, given) as RecurrentLayer<Out<O>>;
}

const usual = {
  layers: 1,
  bidirectional: false,
  dropout: 0,
  returns: 'sequence',
  initial: 'zeros',
  stateful: undefined,
} as const;

function stacked(
  kind: Kind,
  cell: CellName,
  features: number,
  units: number,
  options: RecurrentOptions | undefined,
): RecurrentLayer<Value | Sequenced> {
  const filled = optionsOf<RecurrentOptions, typeof usual>(kind, options, usual);
  const { layers, bidirectional, dropout, returns, initial, stateful } = filled;
  for (const [name, count] of Object.entries({ features, units })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new ShapeError(`[${kind}] ${name} is ${described(count)} but must be whole and positive`);
  }
  requireFinite(kind, 'layers', layers, 1);
  requireDropRate(dropout, kind);
  requireKind(kind, 'returns', returns, ['sequence', 'last', 'all'].includes(returns), '"sequence", "last" or "all"');
  requireKind(kind, 'initial', initial, ['zeros', 'learned'].includes(initial), '"zeros" or "learned"');
  if (stateful !== undefined) {
    requireFinite(kind, 'stateful', stateful, 1);
    if (bidirectional)
      throw new DataError(
        `[${kind}] stateful and bidirectional exclude each other: the end of a stream is not known when its pieces are read`,
      );
  }
  const directions = bidirectional ? 2 : 1;
  const nets = Array.from({ length: layers }, (_, at) =>
    Array.from({ length: directions }, (__, direction) =>
      oneDirection(kind, cell, at === 0 ? features : units * directions, units, {
        reverse: direction === 1,
        initial,
        stateful,
      }),
    ),
  );
  return defineLayer({
    name: kind,
    apply(given: Value | Sequences, _, context): Value | Sequenced {
      const sequences = sequencesOf(kind, given, {
        features,
        units,
        count: layers * directions,
        carried: cells[cell].carried,
      });
      let { x } = sequences;
      const all: Recurrence[] = [];
      for (const [at, net] of nets.entries()) {
        if (at > 0 && dropout > 0 && context.mode === 'train') x = context.dropout(`between${at}`, x, dropout);
        const own = net.map((one, direction) => {
          const pass = {
            x,
            lengths: sequences.lengths,
            reset: sequences.reset,
            initial: initialOf(sequences, all.length + direction),
          };
          return context.apply(one, pass, `layer${at}${direction === 1 ? 'Reverse' : ''}`);
        });
        all.push(...own);
        x = joined(
          own.map(({ sequence }) => sequence),
          2,
        );
      }
      if (returns === 'sequence') return x as Value<'f32'>;
      if (returns === 'last')
        return joined(
          all.slice(-directions).map(({ hidden }) => hidden),
          1,
        );
      const stackedUp = (each: readonly Value<'f32'>[]): Value<'f32'> =>
        joined(
          each.map((value) => reshape(value, [1, ...value.spec.shape])),
          0,
        );
      const ends = all.flatMap(({ c }) => c ?? []);
      return {
        sequence: x as Value<'f32'>,
        hidden: stackedUp(all.map(({ hidden }) => hidden)),
        ...(ends.length > 0 && { cell: stackedUp(ends) }),
      };
    },
  });
}

const joined = (values: readonly Value<'f32'>[], axis: number): Value<'f32'> =>
  values.length === 1 ? values[0] : concat(values, axis);

/** What was given to begin with in one direction of one layer, h and c in planes of their own. */
function initialOf({ hidden, cell }: Sequences, at: number): Value | undefined {
  const planes = [hidden, cell].flatMap((value) => (value ? slice(value, [{ start: at, end: at + 1 }]) : []));
  return planes.length > 0 ? joined(planes as Value<'f32'>[], 0) : undefined;
}

function oneDirection(
  kind: Kind,
  cell: CellName,
  features: number,
  units: number,
  {
    reverse,
    initial,
    stateful,
  }: { readonly reverse: boolean; readonly initial: 'zeros' | 'learned'; readonly stateful: number | undefined },
): Layer<Pass, Recurrence> {
  const { gates, carried } = cells[cell];
  const first = torchUniform(units);
  const weight = (rows: number): ParameterDefinition => ({ shape: [rows, units, gates], initial: first });
  const bias: ParameterDefinition = { shape: [units, gates], initial: first, decays: false };
  return defineLayer({
    name: kind,
    parameters: {
      inputWeight: weight(features),
      hiddenWeight: weight(units),
      inputBias: bias,
      hiddenBias: bias,
      ...(initial === 'learned' && { initial: { shape: [carried, 1, units], initial: zeros, decays: false } }),
    } as Record<'inputWeight' | 'hiddenWeight' | 'inputBias' | 'hiddenBias', ParameterDefinition> & {
      initial?: ParameterDefinition;
    },
    state: {
      ...(stateful !== undefined && { carried: { shape: [carried, stateful, units], initial: zeros } }),
    } as Record<never, StateDefinition>,
    apply({ x, lengths, initial: given, reset }: Pass, bound, context) {
      const [samples, steps] = x.spec.shape;
      const width = units * gates;
      const rows = affine(
        reshape(x, [samples * steps, features]),
        reshape(bound.inputWeight, [features, width]),
        reshape(bound.inputBias, [width]),
      );
      const states = bound as Readonly<Record<string, Value<'f32'>>>;
      const begin = given ?? beginning(kind, states, [carried, samples, units], reset);
      const result = recurrentLoop(
        reshape(rows, [samples, steps, width]),
        reshape(bound.hiddenWeight, [units, width]),
        reshape(bound.hiddenBias, [width]),
        {
          cell,
          reverse,
          lengths,
          initial: begin,
        },
      );
      if (stateful !== undefined) keep(context, result);
      return result;
    },
  }) as Layer<Pass, Recurrence>;
}

/** What a direction begins with where nothing is given: what it kept, or learned; else nothing. */
function beginning(
  kind: Kind,
  { carried, initial }: Readonly<Record<string, Value | undefined>>,
  shape: readonly number[],
  reset: Value | undefined,
): Value | undefined {
  if (!carried) return initial && broadcastTo(initial, shape);
  const [, streams] = carried.spec.shape;
  if (shape[1] !== streams) {
    throw new ShapeError(
      `[${kind}] a batch of ${shape[1]} samples, but the layer is stateful for ${streams} streams: give one sample of each, in the last step too`,
    );
  }
  if (!reset) return carried;
  const goes = sub(1, cast(reset, 'f32'));
  return mul(carried, reshape(goes, [1, streams, 1]));
}

/** Keeps h and c for the next step, without a gradient. */
function keep(context: Context, { hidden, c }: Recurrence): void {
  const planes = [hidden, ...(c ? [c] : [])].map((value) => reshape(value, [1, ...value.spec.shape]));
  context.update('carried', stopGradient(joined(planes, 0)));
}

/** Fails unless what is given fits the layer and each other. */
function sequencesOf(
  kind: Kind,
  given: Value | Sequences,
  {
    features,
    units,
    count,
    carried,
  }: { readonly features: number; readonly units: number; readonly count: number; readonly carried: number },
): Sequences {
  const sequences = isValue(given) ? { x: given } : given;
  const known =
    typeof sequences === 'object' &&
    sequences !== null &&
    Object.keys(sequences).every((name) => (parts as readonly string[]).includes(name));
  requireKind(
    kind,
    'what it is given',
    sequences,
    known,
    `a value [N, T, ${features}], or { x, lengths, hidden, cell, reset }`,
  );
  const x = specOf(kind, 'x', sequences.x);
  const [samples, steps, width] = x.shape;
  if (x.shape.length !== 3 || width !== features || steps === 0) {
    throw new ShapeError(
      `[${kind}] x is ${formatSpec(x)} but must be [N, T, ${features}], samples, steps, features: reshape it`,
    );
  }
  for (const name of ['lengths', 'reset'] as const) {
    const value = sequences[name];
    if (value === undefined) continue;
    const own = specOf(kind, name, value);
    const fits =
      sizeOf(own.shape) === samples &&
      own.shape[0] === samples &&
      (name === 'reset' || integerDtypes.includes(own.dtype));
    if (!fits)
      throw new ShapeError(
        `[${kind}] ${name} is ${formatSpec(own)} but x has ${samples} samples: it must be [${samples}]${name === 'lengths' ? ' and integers' : ''}`,
      );
  }
  for (const name of ['hidden', 'cell'] as const) {
    const value = sequences[name];
    const isPart = name === 'hidden' || carried > 1;
    if (value === undefined) {
      if (name === 'cell' && isPart && sequences.hidden)
        throw new DataError(`[${kind}] hidden is given without cell: give both`);
      continue;
    }
    const own = specOf(kind, name, value);
    const wanted = [count, samples, units];
    if (!isPart || own.shape.join() !== wanted.join()) {
      throw new ShapeError(
        `[${kind}] ${name} is ${formatSpec(own)}, ${isPart ? `but must be [${wanted.join(', ')}]` : 'which a layer of this kind does not carry'}`,
      );
    }
    if (name === 'cell' && !sequences.hidden) throw new DataError(`[${kind}] cell is given without hidden: give both`);
  }
  return sequences;
}
