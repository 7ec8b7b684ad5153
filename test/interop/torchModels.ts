// The models of python/torch_models.py, as they are said here.

import {
  batchNorm,
  conv1d,
  conv2d,
  convTranspose2d,
  embedding,
  flatten,
  gelu,
  groupNorm,
  gru,
  layerNorm,
  lenet,
  linear,
  lstm,
  maxPool,
  multiHeadAttention,
  relu,
  reshape,
  rmsNorm,
  rnn,
  sequential,
  transformerDecoderLayer,
  transformerEncoderLayer,
  type Context,
  type Module,
  type Value,
} from '../../src/index.ts';
import type { FromTorchOptions } from '../../src/interop/index.ts';

/** A model, and what PyTorch calls its layers where that is in doubt. */
export interface Twin {
  readonly model: Module;
  readonly options?: FromTorchOptions;
}

const stepwise = (net: Module, width: number): Module => {
  const head = linear(width, 3);
  return (x: Value, context: Context) => context.apply(head, context.apply(net, x, 'rnn'), 'head');
};

function encoder(w: number): Module {
  const tokens = embedding(7, 8 * w);
  const layer = () => transformerEncoderLayer(8 * w, 2, { feedForward: 12 * w, dropout: 0 });
  const layers = sequential(layer(), layer());
  const head = linear(8 * w, 7);
  return (x: Value, context: Context) =>
    context.apply(head, context.apply(layers, context.apply(tokens, x, 'tokens'), 'encoder'), 'head');
}

function cross(w: number): Module {
  const decoder = transformerDecoderLayer(4 * w, 2, { feedForward: 6 * w, dropout: 0 });
  const look = multiHeadAttention(4 * w, 2, { memoryWidth: 3 });
  const [memory, start, norm] = [linear(3, 4 * w), linear(3, 4 * w), rmsNorm(4 * w)];
  return (x: Value, context: Context) => {
    const given = { x: context.apply(start, x, 'start'), memory: context.apply(memory, x, 'memory') };
    const y = context.apply(decoder, given, 'decoder');
    return context.apply(norm, context.apply(look, { x: y, memory: x }, 'look'), 'norm');
  };
}

const batchNormed = (w: number): Module =>
  sequential(
    conv2d(3, 4 * w, 3, { padding: 1 }),
    batchNorm(4 * w),
    relu,
    conv2d(4 * w, 4 * w, 3, { groups: 4 * w, bias: false }),
    batchNorm(4 * w),
    relu,
    conv2d(4 * w, 6 * w, [1, 2], { groups: 2 }),
    groupNorm(2, 6 * w),
    (x: Value) => maxPool(x, [2, 1]),
    flatten,
    batchNorm(6 * w * 2 * 3),
    relu,
    linear(6 * w * 2 * 3, 3),
  );

const generator = (w: number): Module =>
  sequential(
    linear(5, 4 * w * 2 * 3),
    batchNorm(4 * w * 2 * 3),
    relu,
    (x: Value) => reshape(x, [-1, 2, 3, 4 * w]),
    convTranspose2d(4 * w, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
    layerNorm([4, 6, 6]),
    convTranspose2d(6, 2, 2, { stride: 2 }),
  );

/** Of models so many times as wide as the smallest. */
export const twins = (w: number): Readonly<Record<string, Twin>> => ({
  mlp: { model: sequential(linear(5, 7 * w), relu, linear(7 * w, 7 * w), gelu, linear(7 * w, 3)) },
  lstm: { model: stepwise(lstm(3, 4 * w, { layers: 2, bidirectional: true }), 8 * w) },
  gru: { model: stepwise(gru(3, 4 * w, { layers: 2 }), 4 * w) },
  rnn: { model: stepwise(rnn(3, 4 * w, { bidirectional: true }), 8 * w) },
  encoder: { model: encoder(w), options: { names: { encoder: 'encoder.layers' } } },
  cross: { model: cross(w) },
  batchNormed: {
    model: batchNormed(w),
    options: {
      names: {
        layer0: 'conv1',
        layer1: 'bn1',
        layer3: 'conv2',
        layer4: 'bn2',
        layer6: 'conv3',
        layer7: 'gn',
        layer10: 'bn3',
        layer12: 'fc',
      },
    },
  },
  generator: {
    model: generator(w),
    options: { names: { layer0: 'fc', layer1: 'bn', layer4: 'up1', layer5: 'norm', layer6: 'up2' } },
  },
  series: {
    model: sequential(conv1d(3, 4 * w, 3), relu, flatten, linear(4 * w * 6, 2)),
    options: { names: { layer0: 'conv', layer3: 'fc' } },
  },
  ...(w > 1 && { lenet: { model: lenet() } }),
});
