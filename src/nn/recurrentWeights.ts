import { DataError, ShapeError } from '../core/errors.ts';
import { described, nearest, optionsOf, requireKind } from '../core/argumentChecks.ts';

/** One direction of one recurrent layer's parameters, to be given to `writeParameters` under its names. */
export interface RecurrentWeights {
  /** `[C, H, gates]`. */
  readonly inputWeight: Float32Array;
  /** `[H, H, gates]`. */
  readonly hiddenWeight: Float32Array;
  /** `[H, gates]`. */
  readonly inputBias: Float32Array;
  readonly hiddenBias: Float32Array;
}

/** Where weights come from: what they are called there, and how they lie. */
interface Framework {
  /** Of the weights of x, of h, and of the biases; without biases these are 0. */
  readonly names: { readonly input: string; readonly hidden: string; readonly biases: readonly string[] };
  /** Whether a weight is `[gates · H, C]` rather than its transpose. */
  readonly rowsOfGates: boolean;
  /** At which place there each gate of ours stands. */
  readonly places: Readonly<Record<'lstm' | 'gru' | 'rnn', readonly number[]>>;
}

const frameworks: Readonly<Record<'pytorch' | 'keras' | 'onnx', Framework>> = {
  pytorch: {
    names: { input: 'weight_ih', hidden: 'weight_hh', biases: ['bias_ih', 'bias_hh'] },
    rowsOfGates: true,
    places: { lstm: [0, 1, 2, 3], gru: [0, 1, 2], rnn: [0] },
  },
  keras: {
    names: { input: 'kernel', hidden: 'recurrent_kernel', biases: ['bias'] },
    rowsOfGates: false,
    places: { lstm: [0, 1, 2, 3], gru: [1, 0, 2], rnn: [0] },
  },
  onnx: {
    names: { input: 'W', hidden: 'R', biases: ['B'] },
    rowsOfGates: true,
    places: { lstm: [0, 2, 3, 1], gru: [1, 0, 2], rnn: [0] },
  },
};

/** What is taken over. */
export interface RecurrentSource {
  readonly kind: 'lstm' | 'gru' | 'rnn';
  /**
   * `pytorch`: weight_ih, weight_hh, bias_ih, bias_hh of one layer and direction. `keras`: kernel, recurrent_kernel, bias.
   * `onnx`: W, R, B of one direction.
   */
  readonly from: 'pytorch' | 'keras' | 'onnx';
  /** C and H. */
  readonly features: number;
  readonly units: number;
}

/**
 * Another framework's weights of a recurrent layer in the order that `lstm`, `gru` and `rnn` have. A GRU's reset lies behind the
 * product with h: Keras' `reset_after`, its default, and ONNX' `linear_before_reset = 1`; the other form has no equal here.
 * @param given flat numbers, row by row, by the names that they have there; biases may be left out
 * @throws ShapeError for another number of them; DataError for a name that is not known there
 */
export function recurrentWeights(
  source: RecurrentSource,
  given: Readonly<Record<string, ArrayLike<number>>>,
): RecurrentWeights {
  const where = 'recurrentWeights';
  const none = { kind: undefined, from: undefined, features: undefined, units: undefined };
  const { kind, from, features, units } = optionsOf<RecurrentSource, typeof none>(where, Object(source), none);
  requireKind(where, 'what is taken over', given, typeof given === 'object' && given !== null, 'numbers by name');
  requireKind(where, 'from', from, Object.hasOwn(frameworks, from), 'pytorch, keras or onnx');
  const { names, rowsOfGates, places: all } = frameworks[from];
  requireKind(where, 'kind', kind, Object.hasOwn(all, kind), 'lstm, gru or rnn');
  const known = [names.input, names.hidden, ...names.biases];
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw new DataError(
      `[recurrentWeights] "${name}" is no weight of a recurrent layer of ${from}: did you mean ${nearest(name, known)}?`,
    );
  }
  const places = all[kind];
  const width = places.length * units;
  const numbers = (name: string, count: number): ArrayLike<number> => {
    const own = given[name];
    if (own?.length === count) return own;
    throw new ShapeError(
      `[recurrentWeights] ${name} has ${described(own?.length)} numbers but ${count} are wanted for ${features} features and ${units} units: see the layer's own numbers, and, of a GRU, that its reset lies behind the product`,
    );
  };
  const weight = (name: string, rows: number): Float32Array => {
    const theirs = numbers(name, rows * width);
    const at = (row: number, column: number): number =>
      theirs[rowsOfGates ? column * rows + row : row * width + column];
    return Float32Array.from({ length: rows * width }, (_, i) => {
      const [row, unit, gate] = [Math.floor(i / width), Math.floor((i % width) / places.length), i % places.length];
      return at(row, places[gate] * units + unit);
    });
  };
  const bias = (theirs: ArrayLike<number> | undefined, first: number): Float32Array =>
    Float32Array.from({ length: width }, (_, i) => {
      const [unit, gate] = [Math.floor(i / places.length), i % places.length];
      return theirs ? theirs[first + places[gate] * units + unit] : 0;
    });
  // Two biases in arrays of their own, in one array, or, of Keras but for its GRU, a single one.
  const isSingle = from === 'keras' && kind !== 'gru';
  const [one, other] = names.biases.map((name) =>
    given[name] === undefined ? undefined : numbers(name, names.biases.length === 2 || isSingle ? width : 2 * width),
  );
  return {
    inputWeight: weight(names.input, features),
    hiddenWeight: weight(names.hidden, units),
    inputBias: bias(one, 0),
    hiddenBias: names.biases.length === 2 ? bias(other, 0) : bias(isSingle ? undefined : one, width),
  };
}
