import { described, optionsOf } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { spec } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { embedding, tied } from '../nn/embedding.ts';
import { randomNormal } from '../nn/initializers.ts';
import { defineLayer, type Context, type Layer } from '../nn/layer.ts';
import { dropout as dropoutLayer } from '../nn/layers.ts';
import { layerNorm } from '../nn/normalization.ts';
import { sinusoidalPositions } from '../nn/positions.ts';
import { transformerDecoderLayer, transformerEncoderLayer } from '../nn/transformer.ts';
import { gather } from '../ops/indexing/gather.ts';
import { add, mul } from '../ops/pointwise/arithmetic.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { reshape } from '../ops/shaping/views.ts';

/** What `translator` may be told. */
export interface TranslatorOptions {
  /** How many tokens there are, of both languages: 0 … vocabulary − 1. */
  readonly vocabulary: number;
  /** The token that fills up short sentences: it is nothing, and learns nothing. */
  readonly padding?: number;
  /** Features of a token: 256. */
  readonly width?: number;
  /** Heads of attention: 4. */
  readonly heads?: number;
  /** Layers of the encoder, and as many of the decoder: 3. */
  readonly layers?: number;
  /** The share that is dropped in training: 0.1. */
  readonly dropout?: number;
}

/** What a translator is given. */
export interface Translated {
  /** `[N, S]` integers: the sentences. */
  readonly source: Value;
  /** `[N]` integers: how many tokens of each count. */
  readonly sourceLength: Value;
  /** `[N, T]` integers: what is told of each translation by now, from its beginning on. */
  readonly input: Value;
  /** `[N]` integers: the place behind which is told; behind all of them, if left out. */
  readonly place?: Value;
}

const usual = { vocabulary: undefined, padding: undefined, width: 256, heads: 4, layers: 3, dropout: 0.1 };

/**
 * Sentences in another language: an encoder reads the whole sentence, and a decoder tells, from that and from the tokens
 * before, a logit for each token that may follow. Both languages have one table of tokens, which is the output's as well;
 * positions are sinusoidal, norms in front, between the two products stands ReLU, and they are four times as wide.
 * @returns a layer from `{ source, sourceLength, input }` to logits `[N, T, vocabulary]`; with `place`, `[N, vocabulary]`
 * @throws ShapeError for numbers of things that are none; DataError, where batches are checked, for a token beyond the vocabulary
 * Source: Vaswani et al. 2017; norms in front, Xiong et al. 2020
 */
export function translator(options: TranslatorOptions): Layer<Translated, Value<'f32'>> {
  const filled = optionsOf<TranslatorOptions, typeof usual>('translator', Object(options) as TranslatorOptions, usual);
  const { vocabulary, padding, width, heads, layers, dropout } = filled;
  for (const [name, count] of Object.entries({ vocabulary, width, heads, layers })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new ShapeError(
      `[translator] ${name} is ${described(count)}: a model's numbers of things are whole and positive`,
    );
  }
  // Of deviation 1 behind the factor, and small enough for logits.
  const weightInitial = randomNormal(0, 1 / Math.sqrt(width));
  const table = embedding(vocabulary, width, { weightInitial, ...(padding !== undefined && { padding }) });
  const [places, drop, logits] = [sinusoidalPositions(width), dropoutLayer(dropout), tied(table)];
  const [encoderNorm, decoderNorm] = [layerNorm(width), layerNorm(width)];
  const layer = { feedForward: 4 * width, norm: 'pre', dropout } as const;
  const encoder = Array.from({ length: layers }, () => transformerEncoderLayer(width, heads, layer));
  const decoder = Array.from({ length: layers }, () => transformerDecoderLayer(width, heads, layer));
  const seen = (tokens: Value, context: Context, name: string): Value<'f32'> => {
    const words = mul(context.apply(table, tokens, 'tokens'), Math.sqrt(width));
    return context.apply(drop, context.apply(places, words, 'positions'), name);
  };
  return defineLayer({
    name: 'translator',
    apply({ source, sourceLength, input, place }: Translated, _, context) {
      const read = encoder.reduce(
        (x, block, at) => context.apply(block, { x, lengths: sourceLength }, `encoder${at}`),
        seen(source, context, 'sourceDropout'),
      );
      const memory = context.apply(encoderNorm, read, 'encoderNorm');
      const told = decoder.reduce(
        (x, block, at) => context.apply(block, { x, memory, memoryLengths: sourceLength }, `decoder${at}`),
        seen(input, context, 'inputDropout'),
      );
      const normed = context.apply(decoderNorm, place ? rowsAt(told, place) : told, 'decoderNorm');
      return context.apply(logits, normed, 'logits');
    },
  });
}

/** One step of each sample. @param x `[N, T, C]`   @param place `[N]`   @returns `[N, C]` */
function rowsAt(x: Value<'f32'>, place: Value): Value<'f32'> {
  const [N, T, C] = x.spec.shape;
  const first = constant(
    Int32Array.from({ length: N }, (_, n) => n * T),
    spec([N], 'i32'),
  );
  return gather(reshape(x, [-1, C]), add(first, cast(place, 'i32')));
}
