import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { isValue, type Value } from '../graph/graph.ts';
import { gelu, relu } from '../ops/pointwise/activations.ts';
import { add } from '../ops/pointwise/arithmetic.ts';
import { swiglu } from '../ops/pointwise/swiglu.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { zeros, type Initializer } from './initializers.ts';
import { linear } from './layers.ts';
import { defineLayer, type Context, type FloatLayer, type Layer } from './layer.ts';
import { multiHeadAttention, type AttendingOptions, type AttentionLayer } from './multiHeadAttention.ts';
import { layerNorm } from './normalization.ts';

const activations = {
  relu,
  gelu: (x: Value) => gelu(x),
  geluTanh: (x: Value) => gelu(x, { approximate: 'tanh' }),
  swiglu,
} as const;

/** Options of a transformer's layers. */
export interface TransformerLayerOptions extends AttendingOptions {
  /** Features between the two products that each step goes through: 2048. */
  readonly feedForward?: number;
  /** What stands between them: `relu`. `swiglu` makes the first product twice as wide. */
  readonly activation?: keyof typeof activations;
  /**
   * Where the norms stand: `post`, as if left out, behind each sum, as in the paper; `pre`, before attention and products, as
   * in GPT-2 and most since. Behind the last of such layers a norm is the caller's.
   */
  readonly norm?: 'post' | 'pre';
  /** Added to a variance: 1e-5. */
  readonly epsilon?: number;
  /** The share that is dropped in training of attention's weights, of what it gives, behind the activation, and of what the products give: 0.1. */
  readonly dropout?: number;
  /** Of all weights but those that follow, and then biases begin at 0; if left out, both are PyTorch's. */
  readonly weightInitial?: Initializer;
  /** Of the two weights that add to what goes past them: as the others if left out. */
  readonly residualInitial?: Initializer;
}

/** What `transformerDecoderLayer` may be told. */
export interface DecoderLayerOptions extends TransformerLayerOptions {
  /** Features of what the decoder attends to: its own width. */
  readonly memoryWidth?: number;
}

/** What an encoder's layer takes. */
export interface Encoded {
  /** `[N, T, width]`. */
  readonly x: Value;
  /** `[N]` integers: how many steps each sample has. All of them if left out. */
  readonly lengths?: Value;
  /** See `Attended`. */
  readonly mask?: Value;
}

/** What a decoder's layer takes. */
export interface Decoded extends Encoded {
  /** What an encoder made, `[N, S, memoryWidth]`. */
  readonly memory: Value;
  /** `[N]` integers: how many steps of the memory each sample has. */
  readonly memoryLengths?: Value;
}

/** A layer from steps, alone or with what belongs to them, to their like. */
export type EncoderLayer = Layer<Value | Encoded, Value<'f32'>>;
/** A layer from steps and a memory to their like. */
export type DecoderLayer = Layer<Decoded, Value<'f32'>>;

const usual = {
  keyHeads: undefined,
  causal: false,
  window: undefined,
  rotary: undefined,
  bias: true,
  feedForward: 2048,
  activation: 'relu',
  norm: 'post',
  epsilon: 1e-5,
  dropout: 0.1,
  weightInitial: undefined,
  residualInitial: undefined,
  memoryWidth: undefined,
} as const;

type Filled = ReturnType<typeof filledOf>;

function filledOf(where: string, options: DecoderLayerOptions, causal: boolean) {
  const filled = optionsOf<DecoderLayerOptions, Omit<typeof usual, 'causal'> & { causal: boolean }>(where, options, {
    ...usual,
    causal,
  });
  const { activation, norm, dropout } = filled;
  const known = Object.keys(activations);
  requireKind(where, 'activation', activation, known.includes(activation), `one of ${known.join(', ')}`);
  requireKind(where, 'norm', norm, norm === 'post' || norm === 'pre', '"post" or "pre"');
  requireDropRate(dropout, where);
  return filled;
}

/** x with a share of it dropped, in training. */
const dropped = (x: Value, stream: string, rate: number, context: Context): Value =>
  rate > 0 && context.mode === 'train' ? context.dropout(stream, x, rate) : x;

/** A part of a layer that adds to what goes past it. */
interface Branch {
  readonly norm: FloatLayer;
  readonly name: string;
  add(x: Value, context: Context): Value;
}

/** One branch behind the other, each with its norm before it or behind the sum. */
function through(branches: readonly Branch[], x: Value, { norm, dropout }: Filled, context: Context): Value<'f32'> {
  return branches.reduce((past, branch, at) => {
    const normed = (value: Value): Value => context.apply(branch.norm, value, `norm${at + 1}`);
    const own = (value: Value): Value => dropped(branch.add(value, context), branch.name, dropout, context);
    return norm === 'pre' ? add(past, own(normed(past))) : normed(add(past, own(past)));
  }, x) as Value<'f32'>;
}

/** The two products that each step goes through. */
function feedForwardOf(width: number, filled: Filled): (x: Value, context: Context) => Value {
  const { feedForward, activation, dropout, bias, weightInitial, residualInitial = weightInitial } = filled;
  const product = (from: number, to: number, weight: Initializer | undefined): FloatLayer =>
    linear(from, to, { bias, ...(weight && { weightInitial: weight, biasInitial: zeros }) });
  const linear1 = product(width, activation === 'swiglu' ? 2 * feedForward : feedForward, weightInitial);
  const linear2 = product(feedForward, width, residualInitial);
  return (x, context) => {
    const inner = activations[activation](context.apply(linear1, x, 'linear1'));
    return context.apply(linear2, dropped(inner, 'activation', dropout, context), 'linear2');
  };
}

/** Attention of a layer's own kind, to x or to a memory. */
function attentionOf(width: number, heads: number, filled: Filled, memoryWidth?: number): AttentionLayer {
  const { keyHeads, causal, window, rotary, bias, dropout, weightInitial, residualInitial = weightInitial } = filled;
  // What is said of steps is said of those of x.
  const ofSteps = memoryWidth === undefined ? { causal, window, rotary } : { memoryWidth };
  return multiHeadAttention(width, heads, {
    bias,
    dropout,
    ...given({ keyHeads, weightInitial, outputInitial: residualInitial, ...ofSteps }),
  });
}

/** Options without those that were left out. */
const given = <T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;

/**
 * A layer of a transformer's encoder: attention of the steps to each other, then two products that each step goes through,
 * each added to what goes past it, with layer norms. With `causal` it is a layer of GPT. As PyTorch's
 * `TransformerEncoderLayer` with `batch_first`, its defaults, names and first values; Keras has no such layer of its own,
 * KerasHub's `TransformerEncoder` Glorot's law for all weights and epsilon 1e-5.
 *
 * Parameters lie below `selfAttention` (see `multiHeadAttention`), `linear1`, `linear2`, `norm1` and `norm2`;
 * `transformerWeights` takes PyTorch's over.
 * @param width features of a step   @param heads of attention
 * @returns a layer from `[N, T, width]`, or `{ x, lengths, mask }`, to `[N, T, width]`
 * @throws ShapeError unless the heads divide the width; DataError for other options     Source: Vaswani et al. 2017, 3.1
 */
export function transformerEncoderLayer(
  width: number,
  heads: number,
  options: TransformerLayerOptions = {},
): EncoderLayer {
  const filled = filledOf('transformerEncoderLayer', options, false);
  const selfAttention = attentionOf(width, heads, filled);
  const feedForward = feedForwardOf(width, filled);
  const [norm1, norm2] = normsOf(2, width, filled);
  return defineLayer({
    name: 'transformerEncoderLayer',
    apply(input: Value | Encoded, _, context) {
      const { x, ...seen } = isValue(input) ? { x: input } : input;
      const attend = (value: Value, within: Context): Value =>
        within.apply(selfAttention, { x: value, ...seen }, 'selfAttention');
      const branches = [
        { norm: norm1, name: 'attention', add: attend },
        { norm: norm2, name: 'feedForward', add: feedForward },
      ];
      return through(branches, x, filled, context);
    },
  });
}

/**
 * A layer of a transformer's decoder: attention of the steps to those before, attention to a memory, which an encoder made,
 * and two products. As PyTorch's `TransformerDecoderLayer` with `batch_first`, but that it is causal unless it is told
 * otherwise, where PyTorch wants a mask. Options of steps (`causal`, `window`, `rotary`) are of the first attention.
 *
 * Parameters lie below `selfAttention`, `crossAttention`, `linear1`, `linear2`, `norm1`, `norm2` and `norm3`.
 * @param width features of a step   @param heads of attention
 * @returns a layer from `{ x, memory, lengths, memoryLengths, mask }` to `[N, T, width]`
 * @throws ShapeError unless the heads divide the width; DataError for other options     Source: Vaswani et al. 2017, 3.1
 */
export function transformerDecoderLayer(width: number, heads: number, options: DecoderLayerOptions = {}): DecoderLayer {
  const where = 'transformerDecoderLayer';
  const filled = filledOf(where, options, true);
  const selfAttention = attentionOf(width, heads, filled);
  const crossAttention = attentionOf(width, heads, filled, filled.memoryWidth ?? width);
  const feedForward = feedForwardOf(width, filled);
  const [norm1, norm2, norm3] = normsOf(3, width, filled);
  return defineLayer({
    name: where,
    apply(input: Decoded, _, context) {
      requireKind(where, 'what it is given', input, 'memory' in Object(input), '{ x, memory, lengths, memoryLengths }');
      const { x, memory, memoryLengths, ...seen } = input;
      const attend = (value: Value, within: Context): Value =>
        within.apply(selfAttention, { x: value, ...seen }, 'selfAttention');
      const look = (value: Value, within: Context): Value => {
        const attended = { x: value, memory, ...(memoryLengths && { lengths: memoryLengths }) };
        return within.apply(crossAttention, attended, 'crossAttention');
      };
      const branches = [
        { norm: norm1, name: 'attention', add: attend },
        { norm: norm2, name: 'memory', add: look },
        { norm: norm3, name: 'feedForward', add: feedForward },
      ];
      return through(branches, x, filled, context);
    },
  });
}

const normsOf = (count: number, width: number, { epsilon, bias }: Filled): FloatLayer[] =>
  Array.from({ length: count }, () => layerNorm(width, { epsilon, bias }));
