import { described, optionsOf } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import type { Value } from '../graph/graph.ts';
import { embedding, tied } from '../nn/embedding.ts';
import { randomNormal } from '../nn/initializers.ts';
import { defineLayer, type Layer } from '../nn/layer.ts';
import { dropout as dropoutLayer } from '../nn/layers.ts';
import { layerNorm } from '../nn/normalization.ts';
import { positions } from '../nn/positions.ts';
import { transformerEncoderLayer } from '../nn/transformer.ts';

/** What `gpt` may be told. */
export interface GptOptions {
  /** How many tokens there are: 0 … vocabulary − 1. */
  readonly vocabulary: number;
  /** Tokens that the model sees at most: 64. */
  readonly context?: number;
  /** Features of a token: 128. */
  readonly width?: number;
  /** Heads of attention: 4. */
  readonly heads?: number;
  /** Layers one on the other: 4. */
  readonly layers?: number;
  /** The share that is dropped in training: 0. */
  readonly dropout?: number;
  /** Whether products and norms have biases, as GPT-2's. False, as in what trains nanoGPT: a bit better, and faster. */
  readonly bias?: boolean;
}

const usual = { vocabulary: undefined, context: 64, width: 128, heads: 4, layers: 4, dropout: 0, bias: false };

/** The deviation of weights at first. Source: Radford et al. 2018, 4.1 */
const DEVIATION = 0.02;

/**
 * A language model: of each token, a logit for each that may follow. As nanoGPT, whose settings for a CPU are the defaults:
 * positions that are learned, layers with their norms in front and GELU, a norm behind the last, and the output tied to the
 * tokens' table. Weights begin as N(0, 0.02), those that add to what goes past them by √(2 · layers) smaller, biases at 0.
 * With dropout, some is dropped behind GELU too, where nanoGPT drops nothing. 804,096 parameters of 65 characters, 128
 * features and 4 layers.
 * @returns a layer from integers `[N, T]`, T up to the context, to logits `[N, T, vocabulary]`
 * @throws ShapeError for longer texts; DataError, where batches are checked, for a token beyond the vocabulary
 * Source: Radford et al. 2019; Karpathy 2022, nanoGPT
 */
export function gpt(options: GptOptions): Layer<Value, Value<'f32'>> {
  const filled = optionsOf<GptOptions, typeof usual>('gpt', Object(options) as GptOptions, usual);
  const { vocabulary, context: most, width, heads, layers, dropout, bias } = filled;
  for (const [name, count] of Object.entries({ vocabulary, context: most, width, heads, layers })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new ShapeError(`[gpt] ${name} is ${described(count)}: a model's numbers of things are whole and positive`);
  }
  const weightInitial = randomNormal(0, DEVIATION);
  const table = embedding(vocabulary, width, { weightInitial });
  const places = positions(most, width, { weightInitial });
  const drop = dropoutLayer(dropout);
  const blocks = Array.from({ length: layers }, () =>
    transformerEncoderLayer(width, heads, {
      feedForward: 4 * width,
      activation: 'gelu',
      norm: 'pre',
      causal: true,
      dropout,
      bias,
      weightInitial,
      residualInitial: randomNormal(0, DEVIATION / Math.sqrt(2 * layers)),
    }),
  );
  const norm = layerNorm(width, { bias });
  const logits = tied(table);
  return defineLayer({
    name: 'gpt',
    apply(tokens: Value, _, context) {
      const placed = context.apply(places, context.apply(table, tokens, 'tokens'), 'positions');
      const seen = context.apply(drop, placed, 'dropout');
      const made = blocks.reduce((x, block, at) => context.apply(block, x, `block${at}`), seen);
      return context.apply(logits, context.apply(norm, made, 'norm'), 'logits');
    },
  });
}
