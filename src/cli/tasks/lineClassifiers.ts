import { spec } from '../../core/shape.ts';
import {
  add,
  cast,
  concat,
  constant,
  conv1d,
  defineLayer,
  div,
  dropout as dropoutLayer,
  embedding,
  gru,
  layerNorm,
  less,
  linear,
  lstm,
  max,
  mul,
  notEqual,
  randomUniform,
  relu,
  reshape,
  sequential,
  sinusoidalPositions,
  sum,
  transformerEncoderLayer,
  where,
  zeros,
  type Context,
  type Layer,
  type Value,
} from '../../index.ts';
import type { RecurrentName } from '../command/commands.ts';

/** Tokens `[N, T]`, how many of them are each line's own, `[N]`, and which runs of them are known, `[N, R]`. */
export interface Line {
  readonly tokens: Value;
  readonly length: Value;
  readonly ngrams: Value;
}

/** A network that tells a class of each line: `[N, classes]`. */
export type LineClassifier = Layer<Line, Value<'f32'>>;

interface Options {
  readonly vocabulary: number;
  readonly padding: number;
  /** The token for words that are not in the vocabulary. */
  readonly unknown: number;
  /** Runs of tokens that are known. */
  readonly ngrams: number;
  readonly classes: number;
  readonly width: number;
  readonly dropout: number;
}

/** Words that become unknown in training, others at each step: so what is unknown means something, and no word is all. */
const WORDS_DROPPED = 0.2;
/** Of what words are made of, in training. */
const FEATURES_DROPPED = 0.3;

/** A vector for each word, small at first: what is learned of it is then most of it. `[N, T]` to `[N, T, width]` */
function wordsOf({ vocabulary, padding, unknown, width }: Options): Layer<Value, Value<'f32'>> {
  const table = embedding(vocabulary, width, { padding, weightInitial: randomUniform(-0.1, 0.1) });
  const drop = dropoutLayer(FEATURES_DROPPED);
  return defineLayer({
    name: 'words',
    apply(tokens: Value, _, context) {
      const { mode } = context;
      const known = mode === 'train' ? withUnknown(tokens, { padding, unknown }, context) : tokens;
      return context.apply(drop, context.apply(table, known, ''), 'dropout');
    },
  });
}

function withUnknown(tokens: Value, { padding, unknown }: Pick<Options, 'padding' | 'unknown'>, context: Context) {
  const isDropped = less(context.random('unknown', tokens.spec.shape), WORDS_DROPPED);
  return where(mul(isDropped, notEqual(tokens, padding)), unknown, tokens);
}

/** Words that a filter sees, and filters of each kind. Source: Kim 2014, 3.1, who has 100 */
const [SEEN, FILTERS] = [[3, 4, 5], 64];

/** Convolutions over words, of each of whose filters the largest answer tells, and the mean. Source: Kim 2014, CNN-rand */
export function convolutionsOverWords(options: Options): LineClassifier {
  const { classes, width, dropout } = options;
  const words = wordsOf(options);
  const filters = SEEN.map((taps) => conv1d(width, FILTERS, taps, { padding: 'same' }));
  const head = sequential(dropoutLayer(dropout), linear(2 * SEEN.length * FILTERS, classes));
  return defineLayer({
    name: 'convolutionsOverWords',
    apply({ tokens, length }: Line, _, context) {
      const x = context.apply(words, tokens, 'words');
      const own = ownSteps(x, length);
      const found = filters.flatMap((filter, at) => {
        // Behind a line's end there is nothing to find, not even a bias.
        const answers = mul(relu(context.apply(filter, x, `filters${SEEN[at]}`)), own);
        return [max(answers, { axes: 1 }), meanOver(answers, length)];
      });
      return context.apply(head, concat(found, 1), 'head');
    },
  });
}

/** How much faster weights of runs learn than others: most of them are met in a few lines only. */
const RUNS_RATE = 3;

/** The classes that a classifier tells, with a weight in each for each run of words that is known. Source: Wang and Manning 2012 */
export function withNgrams(classifier: LineClassifier, { ngrams, classes }: Options): LineClassifier {
  const weights = embedding(ngrams + 1, classes, { padding: 0, weightInitial: zeros });
  return defineLayer({
    name: 'withNgrams',
    apply(line: Line, _, context) {
      const told = context.apply(classifier, line, '');
      return add(told, mul(sum(context.apply(weights, line.ngrams, 'ngrams'), { axes: 1 }), RUNS_RATE));
    },
  });
}

/** A recurrent net of both directions, of each of which the last h tells. */
export function recurrentReader(options: Options & { cell: RecurrentName; layers: number }): LineClassifier {
  const { classes, width, dropout, cell, layers } = options;
  const words = wordsOf(options);
  const net = { lstm, gru }[cell](width, width, { layers, dropout, bidirectional: true, returns: 'last' });
  const head = sequential(dropoutLayer(dropout), linear(2 * width, classes));
  return defineLayer({
    name: 'recurrentReader',
    apply({ tokens, length }: Line, _, context) {
      const x = context.apply(words, tokens, 'words');
      return context.apply(head, context.apply(net, { x, lengths: length }, cell), 'head');
    },
  });
}

/** Layers of a transformer, of whose answers the mean over a line's own words tells. */
export function attentiveReader(options: Options & { heads: number; layers: number }): LineClassifier {
  const { classes, width, dropout, heads, layers } = options;
  const words = wordsOf(options);
  const places = sinusoidalPositions(width);
  const blocks = Array.from({ length: layers }, () =>
    transformerEncoderLayer(width, heads, { feedForward: 4 * width, norm: 'pre', activation: 'gelu', dropout }),
  );
  const head = sequential(layerNorm(width), dropoutLayer(dropout), linear(width, classes));
  return defineLayer({
    name: 'attentiveReader',
    apply({ tokens, length }: Line, _, context) {
      const seen = context.apply(places, context.apply(words, tokens, 'words'), 'places');
      const made = blocks.reduce((x, block, at) => context.apply(block, { x, lengths: length }, `block${at}`), seen);
      return context.apply(head, meanOver(mul(made, ownSteps(made, length)), length), 'head');
    },
  });
}

/** 1 for each sample's own steps, and 0 behind them, `[N, T, 1]`. @param x `[N, T, C]`   @param lengths `[N]` */
function ownSteps(x: Value, lengths: Value): Value<'f32'> {
  const [samples, steps] = x.spec.shape;
  const places = constant(
    Int32Array.from({ length: steps }, (_, at) => at),
    spec([1, steps], 'i32'),
  );
  const own = less(places, reshape(cast(lengths, 'i32'), [samples, 1]));
  return reshape(cast(own, 'f32'), [samples, steps, 1]);
}

/** The mean over each sample's own steps. @param x `[N, T, C]`, 0 behind them   @param lengths `[N]`   @returns `[N, C]` */
const meanOver = (x: Value<'f32'>, lengths: Value): Value<'f32'> =>
  div(sum(x, { axes: 1 }), reshape(cast(lengths, 'f32'), [-1, 1]));
