import { spec } from '../../core/shape.ts';
import {
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
  randomUniform,
  relu,
  reshape,
  sequential,
  sinusoidalPositions,
  sum,
  transformerEncoderLayer,
  type Layer,
  type Value,
} from '../../index.ts';
import type { RecurrentName } from '../command/commands.ts';

/** Tokens `[N, T]`, and how many of them are each line's own, `[N]`. */
export interface Line {
  readonly tokens: Value;
  readonly length: Value;
}

/** A network that tells a class of each line: `[N, classes]`. */
export type LineClassifier = Layer<Line, Value<'f32'>>;

interface Options {
  readonly vocabulary: number;
  readonly padding: number;
  readonly classes: number;
  readonly width: number;
  readonly dropout: number;
}

/** A vector for each word. Small at first: what is learned of it is then most of it. Source: Kim 2014, 3.1 */
const wordsOf = ({ vocabulary, padding, width }: Options) =>
  embedding(vocabulary, width, { padding, weightInitial: randomUniform(-0.25, 0.25) });

/** Words that a filter sees, and filters of each kind. Source: Kim 2014, 3.1 */
const [SEEN, FILTERS] = [[3, 4, 5], 100];

/** Convolutions over words, of each of whose filters the largest answer tells. Source: Kim 2014, CNN-rand */
export function convolutionsOverWords(options: Options): LineClassifier {
  const { classes, width, dropout } = options;
  const words = wordsOf(options);
  const filters = SEEN.map((taps) => conv1d(width, FILTERS, taps, { padding: 'same' }));
  const head = sequential(dropoutLayer(dropout), linear(SEEN.length * FILTERS, classes));
  return defineLayer({
    name: 'convolutionsOverWords',
    apply({ tokens, length }: Line, _, context) {
      const x = context.apply(words, tokens, 'words');
      const own = ownSteps(x, length);
      // Behind a line's end there is nothing to find, not even a bias.
      const found = filters.map((filter, at) =>
        max(mul(relu(context.apply(filter, x, `filters${SEEN[at]}`)), own), { axes: 1 }),
      );
      return context.apply(head, concat(found, 1), 'head');
    },
  });
}

/** A recurrent net of both directions, of each of which the last h tells. */
export function recurrentReader(options: Options & { cell: RecurrentName; layers: number }): LineClassifier {
  const { classes, width, dropout, cell, layers } = options;
  const words = wordsOf(options);
  const net = { lstm, gru }[cell](width, width, { layers, dropout, bidirectional: true, returns: 'last' });
  const [drop, head] = [dropoutLayer(dropout), sequential(dropoutLayer(dropout), linear(2 * width, classes))];
  return defineLayer({
    name: 'recurrentReader',
    apply({ tokens, length }: Line, _, context) {
      const x = context.apply(drop, context.apply(words, tokens, 'words'), 'dropout');
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
      return context.apply(head, meanOfOwn(made, length), 'head');
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

/** The mean over each sample's own steps. @param x `[N, T, C]`   @param lengths `[N]`   @returns `[N, C]` */
function meanOfOwn(x: Value<'f32'>, lengths: Value): Value<'f32'> {
  const total = sum(mul(x, ownSteps(x, lengths)), { axes: 1 });
  return div(total, reshape(cast(lengths, 'f32'), [-1, 1]));
}
