// Examples of layers.

import {
  add,
  augment,
  augmentSequences,
  averagePool1d,
  averagePool2d,
  batchNorm,
  conv1d,
  conv2d,
  convTranspose2d,
  cnn,
  createTrainer,
  defineLayer,
  dropout,
  embedding,
  flatten,
  forecaster,
  fourierFeatures,
  frozen,
  gaussianNoise,
  globalAveragePool2d,
  globalMaxPool2d,
  gpt,
  groupNorm,
  gru,
  layerNorm,
  lenet,
  linear,
  logMel,
  lora,
  loraWeights,
  lstm,
  maxPool1d,
  maxPool2d,
  meanSquaredError,
  mergedLora,
  mul,
  multiHeadAttention,
  ones,
  positions,
  recurrent,
  recurrentWeights,
  relu,
  resnet,
  rmsNorm,
  rnn,
  sequential,
  sgd,
  sinusoidalPositions,
  spatialDropout,
  sum,
  tanh,
  tied,
  transformerDecoderLayer,
  transformerEncoderLayer,
  transformerWeights,
  translator,
  upsample2d,
  cast,
  type Context,
  type Value,
} from '../../../src/index.ts';
import { line, shapeOf, type Examples } from './stage.ts';

export const layers: Examples = {
  async linear() {
    console.log(await shapeOf(linear(3, 2), [4, 3])); // [4, 2]
  },
  async sequential() {
    console.log(await shapeOf(sequential(flatten, linear(784, 32), relu, linear(32, 10)), [4, 28, 28])); // [4, 10]
  },
  async defineLayer() {
    const scale = defineLayer({
      name: 'scale',
      parameters: { gamma: { shape: [3], initial: ones } },
      apply: (x: Value, { gamma }) => mul(x, gamma),
    });
    console.log(await shapeOf(scale, [4, 3])); // [4, 3]
  },
  async dropout() {
    console.log(await shapeOf(sequential(linear(3, 2), dropout(0.2)), [4, 3])); // [4, 2]
  },
  async spatialDropout() {
    console.log(await shapeOf(sequential(conv2d(1, 8, 3), spatialDropout(0.1)), [4, 28, 28, 1])); // [4, 26, 26, 8]
  },
  async gaussianNoise() {
    console.log(await shapeOf(sequential(gaussianNoise(0.1), linear(3, 2)), [4, 3])); // [4, 2]
  },
  async conv1d() {
    console.log(await shapeOf(conv1d(3, 8, 5, { padding: 'same' }), [4, 100, 3])); // [4, 100, 8]
  },
  async conv2d() {
    console.log(await shapeOf(conv2d(3, 8, 3, { stride: 2, padding: 1 }), [4, 32, 32, 3])); // [4, 16, 16, 8]
  },
  async convTranspose2d() {
    console.log(await shapeOf(convTranspose2d(8, 3, 2, { stride: 2 }), [4, 16, 16, 8])); // [4, 32, 32, 3]
  },
  async maxPool1d() {
    console.log(await shapeOf(maxPool1d(2), [4, 100, 3])); // [4, 50, 3]
  },
  async maxPool2d() {
    console.log(await shapeOf(maxPool2d(2), [4, 28, 28, 8])); // [4, 14, 14, 8]
  },
  async averagePool1d() {
    console.log(await shapeOf(averagePool1d(4, { stride: 2 }), [4, 100, 3])); // [4, 49, 3]
  },
  async averagePool2d() {
    console.log(await shapeOf(averagePool2d(3, { stride: 2, padding: 'same' }), [4, 28, 28, 8])); // [4, 14, 14, 8]
  },
  async globalAveragePool2d() {
    console.log(await shapeOf(sequential(conv2d(1, 8, 3), globalAveragePool2d), [4, 28, 28, 1])); // [4, 8]
  },
  async globalMaxPool2d() {
    console.log(await shapeOf(globalMaxPool2d, [4, 7, 7, 8])); // [4, 8]
  },
  async upsample2d() {
    console.log(await shapeOf(upsample2d(2, { mode: 'bilinear' }), [4, 7, 7, 8])); // [4, 14, 14, 8]
  },
  async batchNorm() {
    console.log(await shapeOf(sequential(conv2d(1, 8, 3), batchNorm(8), relu), [4, 28, 28, 1])); // [4, 26, 26, 8]
  },
  async layerNorm() {
    console.log(await shapeOf(layerNorm(64), [4, 10, 64])); // [4, 10, 64]
  },
  async rmsNorm() {
    console.log(await shapeOf(rmsNorm(64), [4, 10, 64])); // [4, 10, 64]
  },
  async groupNorm() {
    console.log(await shapeOf(groupNorm(2, 8), [4, 28, 28, 8])); // [4, 28, 28, 8]
  },
  async embedding() {
    const words = embedding(1000, 64, { padding: 0 });
    const net = (tokens: Value, context: Context) => context.apply(words, cast(tokens, 'i32'));
    console.log(await shapeOf(net, [4, 12])); // [4, 12, 64]
  },
  async tied() {
    const words = embedding(1000, 64);
    console.log(await shapeOf(tied(words), [4, 12, 64])); // [4, 12, 1000]
  },
  async positions() {
    console.log(await shapeOf(positions(12, 64), [4, 12, 64])); // [4, 12, 64]
  },
  async sinusoidalPositions() {
    console.log(await shapeOf(sinusoidalPositions(64), [4, 12, 64])); // [4, 12, 64]
  },
  async fourierFeatures() {
    const pixels = sequential(fourierFeatures(2, 64, { sigma: 10 }), linear(128, 3));
    console.log(await shapeOf(pixels, [4, 2])); // [4, 3]
  },
  async multiHeadAttention() {
    console.log(await shapeOf(multiHeadAttention(64, 4, { causal: true }), [2, 12, 64])); // [2, 12, 64]
  },
  async transformerEncoderLayer() {
    const layer = transformerEncoderLayer(64, 4, { feedForward: 256, norm: 'pre', dropout: 0 });
    console.log(await shapeOf(layer, [2, 12, 64])); // [2, 12, 64]
  },
  async transformerDecoderLayer() {
    const layer = transformerDecoderLayer(64, 4, { feedForward: 256 });
    const net = (x: Value, context: Context) => context.apply(layer, { x, memory: x });
    console.log(await shapeOf(net, [2, 12, 64])); // [2, 12, 64]
  },
  transformerWeights() {
    // A state dict of PyTorch's, as readSafetensors gives it.
    const given = { 'layer.linear1.weight': { shape: [1, 2], data: [1, 2] } };
    console.log(transformerWeights(given)); // { 'layer.linear1.weight': [1, 2] }
  },
  async lstm() {
    console.log(await shapeOf(lstm(8, 32, { layers: 2, returns: 'last' }), [4, 10, 8])); // [4, 32]
  },
  async gru() {
    console.log(await shapeOf(gru(8, 32, { bidirectional: true }), [4, 10, 8])); // [4, 10, 64]
  },
  async rnn() {
    console.log(await shapeOf(rnn(8, 32, { activation: 'relu' }), [4, 10, 8])); // [4, 10, 32]
  },
  recurrentWeights() {
    const given = { weight_ih: [1], weight_hh: [2], bias_ih: [3], bias_hh: [4] };
    const { hiddenWeight } = recurrentWeights({ kind: 'rnn', from: 'pytorch', features: 1, units: 1 }, given);
    console.log(hiddenWeight); // [2]
  },
  async recurrent() {
    const [ofX, ofH] = [linear(8, 16), linear(16, 16, { bias: false })];
    const net = recurrent(
      ({ x, state }, context) => {
        const h = tanh(add(context.apply(ofX, x), context.apply(ofH, state)));
        return { output: h, state: h };
      },
      { initial: [16], returns: 'last' },
    );
    console.log(await shapeOf(net, [4, 10, 8])); // [4, 16]
  },
  async logMel() {
    const front = logMel({ sampleRate: 8000, mels: 40 });
    console.log(await shapeOf(front, [2, 8000]), front.framesOf(8000)); // [2, 98, 40] 98
  },
  async augment() {
    const net = sequential(augment({ shift: 2, flip: true }), conv2d(1, 8, 3));
    console.log(await shapeOf(net, [4, 28, 28, 1])); // [4, 26, 26, 8]
  },
  async augmentSequences() {
    const net = sequential(augmentSequences({ shift: 2, timeMasks: { count: 1, longest: 5 } }), gru(40, 32));
    console.log(await shapeOf(net, [4, 50, 40])); // [4, 50, 32]
  },
  async frozen() {
    const body = linear(1, 8);
    const trainer = await createTrainer({
      model: sequential(frozen(body), relu, linear(8, 1)),
      loss: meanSquaredError,
      optimizer: sgd(),
      batchSize: 16,
      backend: 'cpu',
      data: line,
    });
    const before = (await trainer.readParameters())['layer0.weight'];
    await trainer.fit(line, { steps: 3 });
    const after = (await trainer.readParameters())['layer0.weight'];
    console.log(after.every((weight, i) => weight === before[i])); // true
    trainer.destroy();
  },
  async lora() {
    const known = sequential(linear(1, 8), relu, linear(8, 1));
    const trainer = await createTrainer({
      model: lora(known, 2, 4),
      loss: meanSquaredError,
      optimizer: sgd(),
      batchSize: 16,
      backend: 'cpu',
      data: line,
    });
    console.log(Object.keys(await trainer.readParameters()).filter((name) => name.startsWith('layer0'))); // ['layer0.loraA', 'layer0.loraB', 'layer0.weight', 'layer0.bias']
    trainer.destroy();
  },
  loraWeights() {
    const parameters = { weight: Float32Array.of(1), loraA: Float32Array.of(2), loraB: Float32Array.of(3) };
    console.log(Object.keys(loraWeights(parameters))); // ['loraA', 'loraB']
  },
  mergedLora() {
    const parameters = { weight: Float32Array.of(1), loraA: Float32Array.of(2), loraB: Float32Array.of(3) };
    console.log(mergedLora(parameters, 1)); // { weight: [7] }
  },
  async cnn() {
    console.log(await shapeOf(cnn({ classes: 10 }), [2, 28, 28])); // [2, 10]
  },
  async lenet() {
    console.log(await shapeOf(lenet(), [2, 28, 28])); // [2, 10]
  },
  async resnet() {
    console.log(await shapeOf(resnet(8, { classes: 10 }), [1, 16, 16, 3])); // [1, 10]
  },
  async gpt() {
    const model = gpt({ vocabulary: 65, context: 16, width: 32, heads: 2, layers: 1 });
    const net = (tokens: Value, context: Context) => context.apply(model, cast(tokens, 'i32'));
    console.log(await shapeOf(net, [2, 16])); // [2, 16, 65]
  },
  async translator() {
    const model = translator({ vocabulary: 65, width: 32, heads: 2, layers: 1 });
    const net = (numbers: Value, context: Context) => {
      const tokens = cast(numbers, 'i32');
      const sourceLength = cast(sum(mul(numbers, 0), { axes: 1 }), 'i32');
      return context.apply(model, { source: tokens, sourceLength: add(sourceLength, 8), input: tokens });
    };
    console.log(await shapeOf(net, [2, 8])); // [2, 8, 65]
  },
  async forecaster() {
    // What comes out is told from each window's last value of column 0.
    const net = forecaster(sequential(flatten, linear(12 * 3, 2)), 0);
    console.log(await shapeOf(net, [4, 12, 3])); // [4, 2, 1]
  },
};
