import { sizeOf } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { attention } from '../../../ops/attention/attention.ts';
import { mul, where } from '../../../ops/pointwise/arithmetic.ts';
import { sigmoid } from '../../../ops/pointwise/activations.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { affine } from '../../../ops/products/matmul.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { pad, slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { broadcastTo, mean } from '../../../ops/reductions/sum.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import {
  isHeld,
  type CallArgument,
  type Definition,
  type Definitions,
  type Given,
  type Held,
  type Weight,
} from '../kerasLayer.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { refuse } from '../refusal.ts';

/* Attention in heads: a matrix of each for queries, keys and values, and one that brings together what all have found. */

interface Told {
  readonly heads: number;
  readonly keyHeads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly dropout: number;
  readonly window: number | null;
  readonly hasGate: boolean;
  readonly hasBias: boolean;
}

const named = ({ named: all }: Given, name: string): Held | undefined => {
  const given: CallArgument | undefined = all[name];
  return isHeld(given) ? given : undefined;
};

/** `[N, T, C]` by a kernel `[C, heads, D]`. */
function byHeads(x: Value, kernel: Value, bias: Value | undefined): Value {
  const [features, count, width] = kernel.spec.shape as readonly [number, number, number];
  const y = affine(x, reshape(kernel, [features, count * width]), bias && reshape(bias, [count * width]));
  return reshape(y, [...x.spec.shape.slice(0, -1), count, width]);
}

/** The last axis with zeros behind it, so that keys and values are of one width. */
const widened = (x: Value, width: number): Value => {
  const own = x.spec.shape.at(-1)!;
  return own === width ? x : pad(x, [...x.spec.shape.slice(0, -1).map(() => [0, 0] as const), [0, width - own]]);
};

/** What is seen: keys by queries, and which queries ask at all. */
interface Sight {
  /** Integers `[N, 1 or H, T or 1, S]`. */
  readonly keys: Value | undefined;
  /** Integers `[N, T]`. */
  readonly queries: Value | undefined;
}

const asKeys = (mask: Value): Value => reshape(cast(mask, 'f32'), [mask.spec.shape[0], 1, 1, mask.spec.shape[1]]);

function sightOf(given: Given, [query, value, key]: readonly [Held, Held, Held]): Sight {
  const maskOf = (name: string, held: Held): Value | undefined => named(given, name)?.value ?? held.mask;
  const own = [maskOf('value_mask', value), key === value ? undefined : maskOf('key_mask', key)];
  const masks = own.flatMap((mask) => (mask ? [asKeys(mask)] : []));
  const told = named(given, 'attention_mask')?.value;
  if (told) {
    const { shape } = told.spec;
    masks.push(reshape(cast(told, 'f32'), shape.length === 3 ? [shape[0], 1, shape[1], shape[2]] : shape));
  }
  const keys =
    masks.length > 0
      ? cast(
          masks.reduce((a, b) => mul(a, b)),
          'u32',
        )
      : undefined;
  return { keys, queries: maskOf('query_mask', query) };
}

/** What a query that sees nothing is given: the mean of all values, as in Keras, or 0, as there where some are dropped. */
function whereSeen(found: Value, { keys, queries }: Sight, values: Value, isZero: boolean): Value {
  if (!keys && !queries) return found;
  const [N, T, heads, width] = found.spec.shape as readonly [number, number, number, number];
  const asks = queries ? reshape(cast(queries, 'f32'), [N, T, 1, 1]) : undefined;
  // [N, heads, T] as [N, T, heads, 1].
  const finds = keys && transpose(max(cast(keys, 'f32'), { axes: -1, keepDimensions: true }), [0, 2, 1, 3]);
  const sees = cast(asks && finds ? mul(asks, finds) : (asks ?? finds!), 'u32');
  if (isZero) return where(sees, found, 0);
  const keyHeads = values.spec.shape[2];
  const average = reshape(mean(values, { axes: 1 }), [N, 1, keyHeads, 1, width]);
  const shared = broadcastTo(average, [N, 1, keyHeads, heads / keyHeads, width]);
  return where(sees, found, reshape(shared, [N, 1, heads, width]));
}

const NAMES = [
  'query',
  'key',
  'value',
  'query_mask',
  'value_mask',
  'key_mask',
  'attention_mask',
  'use_causal_mask',
  'return_attention_scores',
];

/** What asks, what is found, and by what it is found. */
function operandsOf(given: Given, where_: string): readonly [Held, Held, Held] {
  const [first, second, third] = given.inputs;
  const query = named(given, 'query') ?? first;
  const value = named(given, 'value') ?? second;
  if (!query || !value) refuse(where_, 'is called without a query or a value', 'it takes both');
  return [query, value, named(given, 'key') ?? third ?? value];
}

const place = {
  query: 'query_dense',
  key: 'key_dense',
  value: 'value_dense',
  attention_output: 'output_dense',
  gate: 'gate_dense',
};

/** Weights of one product, which Keras has as a layer within. */
const product = (
  name: keyof typeof place,
  shape: readonly (number | null)[],
  bias: readonly (number | null)[],
  hasBias: boolean,
): Weight[] => [
  { name: `${name}.kernel`, shape, within: place[name] },
  ...(hasBias ? [{ name: `${name}.bias`, shape: bias, within: place[name] }] : []),
];

function attentionLayer(
  options: LayerOptions,
  told: Told,
  places: (name: keyof typeof place) => string,
): ReturnType<Definition> {
  const { hasBias, hasGate, dropout, window } = told;
  const weights = [
    ...product('query', [null, told.heads, told.keyWidth], [told.heads, told.keyWidth], hasBias),
    ...product('key', [null, told.keyHeads, told.keyWidth], [told.keyHeads, told.keyWidth], hasBias),
    ...(hasGate ? product('gate', [null, told.heads, told.valueWidth], [told.heads, told.valueWidth], hasBias) : []),
    ...product('value', [null, told.keyHeads, told.valueWidth], [told.keyHeads, told.valueWidth], hasBias),
    ...product('attention_output', [told.heads, told.valueWidth, null], [null], hasBias),
  ];
  return {
    weights: weights.map((weight) => ({ ...weight, within: places(weight.name.split('.')[0] as keyof typeof place) })),
    named: NAMES,
    apply(given) {
      const [query, value, key] = operandsOf(given, options.where);
      const { context, weights: bound } = given;
      const of = (name: string, held: Held): Value =>
        byHeads(held.value, bound[`${name}.kernel`], bound[`${name}.bias`]);
      if (given.named['return_attention_scores'] === true) {
        refuse(options.where, 'is asked for its scores, which are never stored here', 'leave them out');
      }
      const width = Math.max(told.keyWidth, told.valueWidth);
      const [q, k, v] = [of('query', query), of('key', key), of('value', value)].map((each) => widened(each, width));
      const sight = sightOf(given, [query, value, key]);
      const causal = given.named['use_causal_mask'] === true;
      const found = attention(q, k, v, {
        causal,
        scale: 1 / Math.sqrt(told.keyWidth),
        ...(sight.keys && { mask: sight.keys }),
        ...(window !== null && { window: causal ? window : window - 1 }),
        ...(dropout > 0 &&
          context.mode === 'train' && {
            dropout: { rate: dropout, draws: context.draws('weights', [q.spec.shape[0], told.heads, q.spec.shape[1]]) },
          }),
      });
      const all = whereSeen(found, sight, v, dropout > 0 && options.writer === 'keras 3');
      const own = width === told.valueWidth ? all : slice(all, [null, null, null, { end: told.valueWidth }]);
      const gated = hasGate ? mul(own, sigmoid(of('gate', query))) : own;
      const kernel = bound['attention_output.kernel'];
      const features = kernel.spec.shape.slice(2);
      const rows = reshape(gated, [...gated.spec.shape.slice(0, 2), told.heads * told.valueWidth]);
      const flat = reshape(kernel, [told.heads * told.valueWidth, sizeOf(features)]);
      const y = affine(rows, flat, bound['attention_output.bias'] && reshape(bound['attention_output.bias'], [-1]));
      return y;
    },
    mask: ([query]) => query?.mask,
  };
}

export const attentionDefinitions: Definitions = {
  MultiHeadAttention(options) {
    const [count, keyWidth] = [options.count('num_heads'), options.count('key_dim')];
    options.only('output_shape', [], 'as many features as the query has are read');
    options.only('attention_axes', [[1]], 'attention along the steps is read');
    options.pass('flash_attention', 'seed', 'query_shape', 'key_shape', 'value_shape');
    const told: Told = {
      heads: count,
      keyHeads: count,
      keyWidth,
      valueWidth: options.raw('value_dim') === null ? keyWidth : options.count('value_dim', keyWidth),
      dropout: options.number('dropout', 0),
      window: options.numberOrNone('sliding_window'),
      hasGate: options.flag('use_gate', false),
      hasBias: options.flag('use_bias', true),
    };
    return attentionLayer(options, told, (name) => place[name]);
  },
  GroupQueryAttention(options) {
    const width = options.count('head_dim');
    options.pass('flash_attention', 'seed');
    const told: Told = {
      heads: options.count('num_query_heads'),
      keyHeads: options.count('num_key_value_heads'),
      keyWidth: width,
      valueWidth: width,
      dropout: options.number('dropout', 0),
      window: options.numberOrNone('sliding_window'),
      hasGate: options.flag('use_gate', false),
      hasBias: options.flag('use_bias', true),
    };
    return attentionLayer(options, told, (name) => (name === 'attention_output' ? '_output_dense' : `_${place[name]}`));
  },
};
