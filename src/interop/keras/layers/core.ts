import { sizeOf } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { mul, notEqual } from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { affine } from '../../../ops/products/matmul.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { broadcastTo } from '../../../ops/reductions/sum.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { activationIn } from '../activations.ts';
import { moving, sameMask, stepwise, type Definitions } from '../kerasLayer.ts';
import { alongLayout, channelsLast } from '../layouts.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { refuse } from '../refusal.ts';

/* Products, activations by name, and what only moves values. */

export const biasWhere = (
  has: boolean,
  extent: number | null,
): readonly { name: string; shape: (number | null)[] }[] => (has ? [{ name: 'bias', shape: [extent] }] : []);

/** Samples and axes behind them in another order; Keras counts those behind from 1. */
function permuted(x: Value, dims: readonly number[], where_: string): Value {
  const rank = x.spec.shape.length;
  if (dims.length !== rank - 1) {
    refuse(where_, `permutes ${dims.length} axes of what has ${rank - 1}`, 'each is named once');
  }
  return transpose(x, [0, ...dims]);
}

/** What `data_format` says of images. */
export const isChannelsFirst = (options: LayerOptions): boolean =>
  options.choice('data_format', ['channels_last', 'channels_first'], 'channels_last') === 'channels_first';

/** A mask of steps, for f32. @param like whose axes it is to have */
export function maskLike(mask: Value, like: Value): Value<'f32'> {
  const ones = like.spec.shape.slice(mask.spec.shape.length).map(() => 1);
  return cast(reshape(mask, [...mask.spec.shape, ...ones]), 'f32');
}

const noLora = (options: LayerOptions): void => {
  options.only('lora_rank', [], 'merge the adapter before the model is saved');
  options.pass('lora_alpha');
  options.only('quantization_config', [], 'save the model as it was before it was quantized');
};

export const coreDefinitions: Definitions = {
  Dense(options) {
    const [units, hasBias] = [options.count('units'), options.flag('use_bias', true)];
    const { f } = activationIn(options);
    noLora(options);
    return {
      weights: [{ name: 'kernel', shape: [null, units] }, ...biasWhere(hasBias, units)],
      apply: ({ x, weights: { kernel, bias } }) => f(affine(x, kernel, bias)),
      mask: sameMask,
    };
  },
  Activation(options) {
    const { name, f } = activationIn(options);
    const isRow = ['softmax', 'log_softmax', 'glu'].includes(name);
    return stepwise((x) => (isRow ? f(x) : alongLayout(x, f)));
  },
  Identity: () => stepwise((x) => x),
  ActivityRegularization(options) {
    const terms = ['l1', 'l2'].filter((name) => options.number(name, 0) !== 0);
    if (terms.length > 0) options.note(`its ${terms.join(' and ')} are no part of training here`);
    return stepwise((x) => x);
  },
  Masking(options) {
    const ignored = options.number('mask_value', 0);
    const counted = (x: Value): Value => max(cast(notEqual(x, ignored), 'f32'), { axes: -1 });
    return {
      weights: [],
      apply: ({ x }) => mul(x, maskLike(counted(x), x)),
      mask: ([{ value }]) => cast(counted(value), 'u32'),
    };
  },
  Flatten(options) {
    const isFirst = isChannelsFirst(options);
    return moving((x) => {
      const { shape } = x.spec;
      const last = isFirst && shape.length > 2 ? channelsLast(x) : x;
      return reshape(last, [shape[0], sizeOf(shape.slice(1))]);
    });
  },
  Reshape(options) {
    const target = options.integers('target_shape');
    return moving((x) => reshape(x, [x.spec.shape[0], ...target]));
  },
  Permute(options) {
    const dims = options.integers('dims');
    return moving((x) => permuted(x, dims, options.where));
  },
  RepeatVector(options) {
    const n = options.count('n');
    return moving((x) => {
      const [samples, features] = x.spec.shape as readonly [number, number];
      return broadcastTo(reshape(x, [samples, 1, features]), [samples, n, features]);
    });
  },
  Embedding(options) {
    const [rows, width] = [options.count('input_dim'), options.count('output_dim')];
    const masksZero = options.flag('mask_zero', false);
    // Keras 2 knows of it; a shorter input is refused where it comes in.
    options.pass('input_length');
    options.only('sparse', [false], 'a sparse gradient is one of other numbers');
    options.only('weights', [], 'the numbers lie in the file');
    noLora(options);
    return {
      weights: [{ name: 'embeddings', shape: [rows, width] }],
      apply: ({ x, weights: { embeddings } }) => gather(embeddings, wholeNumbers(x)),
      mask: ([{ value }]) => (masksZero ? notEqual(wholeNumbers(value), 0) : undefined),
    };
  },
};

/** Whole numbers, of which Keras takes those that lie in floats too. */
export const wholeNumbers = (x: Value): Value =>
  x.spec.dtype === 'f32' ? cast(x, 'i32') : x.spec.dtype === 'u8' ? cast(x, 'u32') : x;
