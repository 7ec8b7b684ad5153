// Models of every layer and op that a forward pass may have, to be written as ONNX and compared.

import { Random } from '../../src/core/random.ts';
import { allocate, sizeOf, spec, type Dtype, type Numbers, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import { storageOf, type State } from '../../src/graph/graph.ts';
import * as millrace from '../../src/index.ts';
import { atan, isNaN } from '../../src/ops/pointwise/special.ts';
import type { Context, Value } from '../../src/index.ts';
import { writeSafetensors } from '../../src/data/index.ts';
import type { Model } from '../../src/train/model.ts';

const {
  add,
  abs,
  argmax,
  attention,
  averagePool1d,
  averagePool2d,
  batchNorm,
  binaryCrossEntropies,
  broadcastTo,
  cast,
  ceil,
  cnn,
  concat,
  constant,
  conv1d,
  conv2d,
  convTranspose2d,
  cos,
  defineLayer,
  div,
  elu,
  embedding,
  equal,
  erf,
  exp,
  expm1,
  flatten,
  floor,
  forecaster,
  fourierFeatures,
  frozen,
  gather,
  gelu,
  globalAveragePool2d,
  globalMaxPool2d,
  gpt,
  greater,
  groupNorm,
  gru,
  huberErrors,
  kullbackLeiblerTerms,
  layerNorm,
  leakyRelu,
  lenet,
  less,
  linear,
  log,
  log1p,
  logMel,
  logSigmoid,
  logSoftmax,
  lora,
  lstm,
  matmul,
  max,
  maxPool1d,
  maxPool2d,
  maximum,
  mean,
  min,
  minimum,
  moments,
  mul,
  multiHeadAttention,
  neg,
  normalizeBatch,
  normalizeGroups,
  notEqual,
  pad,
  positions,
  pow,
  recurrent,
  relu,
  reshape,
  resnet,
  rmsNorm,
  rnn,
  rotary,
  round,
  selu,
  sequential,
  sigmoid,
  sign,
  silu,
  sin,
  sinusoidalPositions,
  slice,
  softmax,
  softplus,
  sqrt,
  squaredErrors,
  absoluteErrors,
  sub,
  sum,
  swiglu,
  tanh,
  tied,
  transformerDecoderLayer,
  transformerEncoderLayer,
  translator,
  transpose,
  upsample2d,
  where,
  greaterEqual,
  lessEqual,
  dropout,
  spatialDropout,
  gaussianNoise,
} = millrace;

/** A field of samples; integers, and real numbers, lie below `below`, and from `from` on. */
export interface Field {
  readonly shape: Shape;
  readonly dtype?: Dtype;
  readonly from?: number;
  readonly below?: number;
}

/** A model, and what it is asked of. */
export interface WrittenModel {
  readonly model: Model;
  readonly fields: Readonly<Record<string, Field>>;
  /** The number of samples that it takes, if it takes no other. */
  readonly samples?: number;
  /** Beside rounding. */
  readonly tolerance?: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- layers of values, and of several by name
type Made = any;

const on = (model: unknown, ...shape: number[]): WrittenModel => ({ model: model as Model, fields: { x: { shape } } });
const onFields = (model: unknown, fields: WrittenModel['fields']): WrittenModel => ({ model: model as Model, fields });

const image: Field = { shape: [9, 8, 4] };
const onImage = (...layers: Made[]): WrittenModel => onFields(sequential(...layers), { x: image });
const tokens = (below: number, ...shape: number[]): Field => ({ shape, dtype: 'i32', from: 0, below });
const lengthsUpTo = (steps: number, from = 1): Field => ({ shape: [], dtype: 'i32', from, below: steps + 1 });

type Two = { readonly a: Value; readonly b: Value };

/** Ops of f32 numbers, of one, and of two. */
const pointwise = ({ a, b }: Two): Record<string, Value> => {
  const near = mul(b, 0.5);
  const positive = add(abs(a), 0.1);
  const unary = { relu, sigmoid, tanh, softplus, selu, silu, logSigmoid, neg, abs, exp, expm1, sin, cos, erf, atan };
  const steps = { floor, ceil, round, sign };
  return {
    ...Object.fromEntries(Object.entries({ ...unary, ...steps }).map(([name, f]) => [name, f(a)])),
    ...Object.fromEntries(Object.entries({ log, log1p, sqrt }).map(([name, f]) => [name, f(positive)])),
    leakyRelu: leakyRelu(a, { slope: 0.2 }),
    elu: elu(a, { alpha: 0.7 }),
    gelu: gelu(a),
    geluTanh: gelu(a, { approximate: 'tanh' }),
    swiglu: swiglu(a),
    arithmetic: div(sub(add(a, b), mul(a, 3)), add(abs(b), 1)),
    extrema: add(maximum(a, b), minimum(a, 0.25)),
    pow: pow(positive, b),
    equal: cast(equal(round(a), round(b)), 'f32'),
    comparisons: [notEqual, less, lessEqual, greater, greaterEqual].reduce<Value>(
      (all, compare, at) => add(all, mul(cast(compare(round(a), round(b)), 'f32'), 2 ** at)),
      a,
    ),
    where: where(greater(a, b), a, mul(b, 2)),
    isNaN: cast(isNaN(log(a)), 'f32'),
    squared: squaredErrors(a, near),
    absolute: absoluteErrors(a, near),
    huber: huberErrors(a, near, 0.7),
    binary: binaryCrossEntropies(a, sigmoid(b)),
    kullback: kullbackLeiblerTerms(log(sigmoid(a)), relu(b)),
    broadcast: add(
      broadcastTo(slice(a, [null, { end: 1 }]), a.spec.shape),
      broadcastTo(slice(b, [null, null, { end: 1 }]), b.spec.shape),
    ),
  };
};

/** Arithmetic of u32, also with what does not fit into 32 bits. */
const unsigned = ({ a, b }: Two): Record<string, Value> => {
  const [u, v] = [cast(a, 'u32'), cast(b, 'u32')];
  return {
    arithmetic: add(mul(u, 2_000_000_000), mul(sub(v, 5), 3)),
    asFloat: cast(sub(u, 1), 'f32', { scale: 0.5, offset: -1 }),
    chosen: where(greaterEqual(sub(u, v), 5), u, v),
  };
};

const integers = ({ a, b }: Two): Record<string, Value> => {
  const [u, v] = [cast(a, 'u32'), cast(b, 'u32')];
  return {
    signed: sub(mul(a, b), add(neg(a), abs(b))),
    comparison: less(u, v),
    chosen: where(equal(u, v), 7, u),
    asInteger: cast(mul(cast(a, 'f32'), -1.5), 'i32'),
    moved: transpose(concat([u, where(less(u, v), u, v)], 1), [0, 1]),
    gathered: gather(constant(Uint32Array.of(5, 6, 7, 8), spec([4], 'u32')), a),
    padded: pad(
      a,
      [
        [0, 0],
        [1, 2],
      ],
      3,
    ),
  };
};

const reductions = (x: Value): Record<string, Value> => ({
  sum: sum(x, { axes: [1, 3] }),
  kept: sum(x, { axes: 2, keepDimensions: true }),
  mean: mean(x, { axes: [1, 2] }),
  overBatch: mean(x, { axes: 0 }),
  batchSum: sum(x, { axes: [0, 3] }),
  max: max(x, { axes: -1 }),
  min: min(x, { axes: [1, 2], keepDimensions: true }),
  argmax: argmax(x, 2),
  moments: moments(x).variance,
  nothing: sum(x, { axes: [] }),
});

const shapes = (x: Value): Record<string, Value> => {
  const [N, H, W, C] = x.spec.shape;
  const rows = reshape(x, [-1, C]);
  return {
    rows,
    back: reshape(rows, [N, H * W, C]),
    flat: flatten(x),
    turned: transpose(x, [0, 3, 2, 1]),
    reversed: transpose(x),
    byTime: transpose(reshape(x, [N, H, -1]), [1, 0, 2]),
    slices: slice(x, [null, { start: 1 }, { end: -1, step: 2 }]),
    everySecond: slice(rows, [{ start: 1, step: 2 }]),
    padded: pad(
      x,
      [
        [0, 0],
        [1, 0],
        [0, 2],
        [0, 0],
      ],
      0.5,
    ),
    joined: concat([x, constant(new Float32Array(N * H * W).fill(2), spec([N, H, W, 1]))], 3),
    alongBatch: concat([x, x], 0),
    wide: broadcastTo(reshape(x, [N, 1, H, W, C]), [N, 2, H, W, C]),
    places: add(
      rows,
      constant(
        Float32Array.from({ length: N * H * W }, (_, at) => 2 * at + 1),
        spec([N * H * W, 1]),
      ),
    ),
  };
};

const products = ({ a, b }: Two): Record<string, Value> => ({
  plain: matmul(a, b),
  bothTurned: matmul(b, a, { transposeA: true, transposeB: true }),
  similar: matmul(a, a, { transposeB: true }),
  ofSamples: matmul(flatten(a), flatten(a), { transposeA: true }),
});

/** Ops that a layer in front leaves with their channels in front. */
const between = [conv2d(4, 6, 3, { padding: 'same' }), conv2d(8, 3, 3)] as const;
const betweenConvolutions = (x: Value, context: Context): Value => {
  const first = relu(context.apply(between[0], x));
  const level = mean(first, { axes: [1, 2], keepDimensions: true });
  const scaled = add(mul(first, sigmoid(level)), constant(Float32Array.of(1, 2, 3, 4, 5, 6), spec([6])));
  const cut = slice(concat([scaled, first], 3), [null, null, null, { start: 2, end: 10 }]);
  const padded = pad(cut, [
    [0, 0],
    [1, 1],
    [0, 0],
    [0, 0],
  ]);
  const shares = softmax(padded);
  return context.apply(between[1], shares);
};

/** Ops of whose result the axes lie otherwise behind a convolution. */
const behind = conv2d(4, 6, 3);
const behindConvolution = (x: Value, context: Context): Record<string, Value> => {
  const y = context.apply(behind, x);
  return {
    rows: mean(y, { axes: 1 }),
    pixels: sum(y, { axes: 3 }),
    channels: max(y, { axes: [1, 2], keepDimensions: true }),
    likeliest: argmax(y, 1),
    turned: transpose(y, [0, 2, 1, 3]),
    flat: flatten(y),
    scaled: mul(y, slice(x, [null, { end: 1 }, { end: 1 }, { end: 1 }])),
    both: add(
      y,
      constant(
        new Float32Array(36).map((_, at) => at),
        spec([6, 6]),
      ),
    ),
    product: matmul(y, transpose(y, [0, 1, 3, 2])),
    sum: add(y, transpose(transpose(y, [0, 2, 1, 3]), [0, 2, 1, 3])),
  };
};

const stepCell = recurrent(
  ({ x, state }, context) => {
    const h = tanh(add(context.apply(ofX, x), context.apply(ofH, state)));
    return { output: h, state: h };
  },
  { initial: [5], returns: 'sequence' },
);
const ofX = linear(3, 5);
const ofH = linear(5, 5, { bias: false });

const attentions = ({ q, k, v, lengths, mask }: Record<string, Value>): Record<string, Value> => ({
  plain: attention(q, k, v),
  causal: attention(q, k, v, { causal: true, scale: 0.3 }),
  window: attention(q, k, v, { window: [1, 2] }),
  lengths: attention(q, k, v, { lengths }),
  mask: attention(q, k, v, { mask: reshape(mask, [mask.spec.shape[0], 1, 4, 4]), causal: true }),
  both: attention(q, k, v, {
    mask: reshape(slice(mask, [null, { end: 1 }]), [mask.spec.shape[0], 1, 1, 4]),
    lengths,
    window: 2,
    causal: true,
  }),
});

const sequences: Field = { shape: [6, 3] };
const withLengths = (layer: Made) => onFields(layer, { x: sequences, lengths: lengthsUpTo(6) });

/** Every model, by name. */
export const writtenModels = (): Readonly<Record<string, WrittenModel>> => ({
  linear: on(linear(5, 3), 5),
  linearSteps: on(sequential(linear(5, 7, { bias: false }), relu, linear(7, 3)), 4, 5),
  pointwise: onFields(pointwise, { a: { shape: [3, 4] }, b: { shape: [3, 4] } }),
  integers: onFields(integers, { a: tokens(4, 5), b: tokens(4, 5) }),
  unsigned: onFields(unsigned, { a: tokens(4, 5), b: tokens(4, 5) }),
  reductions: on(reductions, 3, 4, 5),
  shapes: on(shapes, 2, 4, 3),
  products: onFields(products, { a: { shape: [3, 4] }, b: { shape: [4, 2] } }),
  conv2d: onImage(conv2d(4, 6, 3)),
  convPadded: onImage(conv2d(4, 6, [3, 2], { stride: 2, padding: 'same', dilation: 2, bias: false }), relu),
  convGroups: onImage(
    conv2d(4, 8, 3, {
      groups: 2,
      padding: [
        [2, 0],
        [1, 3],
      ],
      stride: [2, 1],
    }),
  ),
  convDepthwise: onImage(conv2d(4, 4, 3, { groups: 4 }), conv2d(4, 2, 1)),
  convSingle: on(sequential(conv2d(1, 3, 3), relu, flatten, linear(126, 4)), 9, 8),
  conv1d: on(
    sequential(
      conv1d(4, 6, 3, { padding: [2, 0] }),
      relu,
      batchNorm(6),
      conv1d(6, 5, 2, { stride: 2, groups: 1, dilation: 2 }),
    ),
    12,
    4,
  ),
  convTranspose: onImage(convTranspose2d(4, 3, 3, { stride: 2, padding: 1, outputPadding: 1 })),
  convTransposeSame: onImage(convTranspose2d(4, 6, [2, 3], { stride: [3, 2], padding: 'same', groups: 2 }), relu),
  convTransposeLonger: onImage(convTranspose2d(4, 3, 2, { stride: [1, 2], dilation: 3, outputPadding: [2, 1] }), relu),
  betweenConvolutions: onFields(betweenConvolutions, { x: image }),
  behindConvolution: onFields(behindConvolution, { x: image }),
  maxPool: onImage(maxPool2d(2), maxPool2d([3, 2], { stride: [1, 2], padding: 'same' })),
  averagePool: onImage(
    averagePool2d(3, { stride: 2, padding: 1 }),
    averagePool2d(2, { padding: 1, countPadding: true }),
  ),
  pools1d: on(sequential(maxPool1d(3, { stride: 2, padding: 1 }), averagePool1d(2, { padding: 'same' })), 11, 4),
  globalPools: onFields((x: Value) => concat([globalAveragePool2d(x), globalMaxPool2d(x)], 1), { x: image }),
  upsample: onImage(conv2d(4, 3, 1), upsample2d([2, 3])),
  upsampleBilinear: onImage(upsample2d([2, 3], { mode: 'bilinear' }), conv2d(4, 3, 3)),
  batchNorm: on(batchNorm(5), 5),
  batchNormImages: onImage(conv2d(4, 6, 3), batchNorm(6), relu, batchNorm(6, { affine: false })),
  batchOwn: on(
    (x: Value) => {
      const one = (number: number): Value => constant(new Float32Array(5).fill(number), spec([5]));
      return normalizeBatch(x, one(2), one(1), 1e-3).y;
    },
    3,
    5,
  ),
  layerNorm: on(sequential(layerNorm(5), linear(5, 4), layerNorm(4, { bias: false, epsilon: 1e-3 })), 3, 5),
  layerNormAxes: on(layerNorm([4, 5], { affine: false }), 3, 4, 5),
  rmsNorm: on(sequential(rmsNorm(5), linear(5, 4), rmsNorm(4, { affine: false })), 3, 5),
  groupNorm: onImage(conv2d(4, 6, 3), groupNorm(3, 6), relu, groupNorm(1, 6, { affine: false })),
  groupNormSteps: on(groupNorm(2, 4), 7, 4),
  groupNormRows: on(groupNorm(2, 6), 6),
  rows: on(
    (x: Value) => {
      const one = (number: number): Value =>
        constant(
          Float32Array.from({ length: 6 }, (_, at) => number + at),
          spec([6]),
        );
      return normalizeGroups(x, one(1), one(-1), {
        samples: x.spec.shape[0],
        groups: 2,
        epsilon: 1e-3,
        centered: false,
      });
    },
    4,
    6,
  ),
  softmax: on(sequential(linear(5, 4), softmax), 5),
  logSoftmax: onImage(conv2d(4, 6, 3), logSoftmax),
  embedding: onFields(embedding(11, 4), { x: tokens(11, 5) }),
  embeddingPadded: onFields(embedding(11, 4, { padding: 0 }), { x: { ...tokens(4, 5), dtype: 'u8' } }),
  embeddingUnsigned: onFields(embedding(11, 4), { x: { ...tokens(11, 5), dtype: 'u32' } }),
  tied: onFields(
    (() => {
      const table = embedding(11, 4);
      return sequential(table, linear(4, 4), tied(table));
    })(),
    { x: tokens(11, 5) },
  ),
  gatherComputed: on((x: Value) => {
    const table = constant(Float32Array.of(1, 2, 3, 4, 5, 6), spec([3, 2]));
    return gather(table, cast(mul(x, 3), 'i32'));
  }, 4),
  lstm: on(lstm(3, 5), 6, 3),
  lstmDeep: on(lstm(3, 5, { layers: 2, bidirectional: true, returns: 'all' }), 6, 3),
  lstmLengths: withLengths(lstm(3, 5, { bidirectional: true, returns: 'all', initial: 'learned' })),
  lstmInitial: onFields(
    ((layer) =>
      defineLayer({
        apply: ({ x, h, c }: Record<string, Value>, _, context) =>
          context.apply(layer, { x, hidden: transpose(h, [1, 0, 2]), cell: transpose(c, [1, 0, 2]) }, 'lstm'),
      }))(lstm(3, 5, { returns: 'last' })),
    { x: sequences, h: { shape: [1, 5] }, c: { shape: [1, 5] } },
  ),
  gru: on(gru(3, 5, { layers: 2, initial: 'learned' }), 6, 3),
  gruLengths: withLengths(gru(3, 5, { bidirectional: true, returns: 'last' })),
  rnn: on(rnn(3, 5, { returns: 'all' }), 6, 3),
  rnnRelu: withLengths(rnn(3, 5, { activation: 'relu', bidirectional: true })),
  stateful: { ...on(lstm(3, 5, { stateful: 4 }), 6, 3), samples: 4 },
  unrolled: on(stepCell, 4, 3),
  attention: onFields(attentions, {
    q: { shape: [4, 4, 3] },
    k: { shape: [4, 4, 3] },
    v: { shape: [4, 4, 3] },
    lengths: lengthsUpTo(4, 0),
    mask: tokens(2, 4, 4),
  }),
  attentionGrouped: onFields(attentions, {
    q: { shape: [4, 4, 3] },
    k: { shape: [4, 2, 3] },
    v: { shape: [4, 2, 3] },
    lengths: lengthsUpTo(4, 0),
    mask: tokens(2, 4, 4),
  }),
  rotary: on((x: Value) => concat([rotary(x), rotary(x, { heads: 2, base: 100 })], 2), 5, 3, 4),
  multiHead: on(multiHeadAttention(8, 2), 5, 8),
  multiHeadCausal: on(
    multiHeadAttention(8, 4, { keyHeads: 2, causal: true, window: 3, rotary: true, bias: false }),
    5,
    8,
  ),
  multiHeadMemory: onFields(multiHeadAttention(8, 2, { memoryWidth: 6 }), {
    x: { shape: [5, 8] },
    memory: { shape: [7, 6] },
    lengths: lengthsUpTo(7),
  }),
  encoder: on(transformerEncoderLayer(8, 2, { feedForward: 16, activation: 'gelu' }), 5, 8),
  encoderSwiglu: on(transformerEncoderLayer(8, 2, { feedForward: 16, activation: 'swiglu', norm: 'pre' }), 5, 8),
  decoder: onFields(transformerDecoderLayer(8, 2, { feedForward: 16 }), {
    x: { shape: [5, 8] },
    memory: { shape: [7, 8] },
    memoryLengths: lengthsUpTo(7),
  }),
  positions: on(sequential(positions(9, 4), sinusoidalPositions(4)), 5, 4),
  fourierFeatures: on(sequential(fourierFeatures(2, 6), linear(12, 3)), 2),
  logMel: { ...on(logMel({ sampleRate: 800, mels: 6, deltas: 1 }), 200), tolerance: 1e-3 },
  lora: on(lora(sequential(linear(5, 6), relu, linear(6, 3)), 2, 4), 5),
  frozen: on(sequential(frozen(linear(5, 6)), linear(6, 3)), 5),
  absent: on(sequential(linear(5, 6), dropout(0.5), gaussianNoise(1), spatialDropout(0.3)), 4, 5),
  byName: on((x: Value) => ({ x: relu(x), twice: mul(x, 2), again: x, same: mul(x, 2) }), 5),
  pictures: onFields(lenet({ size: 16, classes: 4 }), { image: { shape: [16, 16], dtype: 'u8', from: 0, below: 256 } }),
  cnn: onFields(cnn({ size: 16, classes: 4 }), { image: { shape: [16, 16], dtype: 'u8', from: 0, below: 256 } }),
  resnet: onFields(resnet(8, { channels: 3, classes: 5, width: 8 }), {
    image: { shape: [12, 12, 3], dtype: 'u8', from: 0, below: 256 },
  }),
  gpt: onFields(gpt({ vocabulary: 13, context: 9, width: 16, heads: 2, layers: 2 }), { text: tokens(13, 7) }),
  gptBias: onFields(gpt({ vocabulary: 13, context: 7, width: 16, heads: 2, layers: 1, bias: true }), {
    text: { ...tokens(13, 7), dtype: 'u8' },
  }),
  forecaster: on(forecaster(sequential(flatten, linear(24, 3)) as never, 1), 8, 3),
  translator: onFields(translator({ vocabulary: 17, padding: 0, width: 16, heads: 2, layers: 1 }), {
    source: tokens(17, 6),
    sourceLength: lengthsUpTo(6),
    input: tokens(17, 5),
    place: tokens(5),
  }),
});

/** As many samples of each field, drawn. */
export function drawn({ fields }: WrittenModel, samples: number, seed = 1): Record<string, Numbers> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { shape, dtype = 'f32', from, below }]) => {
      const random = new Random(seed, name);
      const size = samples * sizeOf(shape);
      const low = from ?? 0;
      const number = (): number =>
        below === undefined ? random.normal() : Math.floor(low + random.uniform() * (below - low));
      const numbers = Array.from({ length: size }, number);
      const kinds = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, u8: Uint8Array };
      return [name, kinds[dtype].from(numbers)] as const;
    }),
  );
}

type Computing = Pick<millrace.Predictor, 'forward' | 'loadWeights'>;

/** A trainer, for what takes batches of one size only. */
const trainerOf = async (
  given: Pick<millrace.PredictorOptions, 'model' | 'data' | 'backend' | 'inputs'>,
  batchSize: number,
): Promise<Computing> =>
  await millrace.createTrainer({
    ...given,
    batchSize,
    loss: (y: Value) => mean(y),
    optimizer: millrace.sgd({ learningRate: 0.1 }),
  });

/** What computes a model on the CPU, its weights as they begin. @param asBytes whether bytes are what they are, and no picture */
export async function asItBegins({ model, fields, samples }: WrittenModel, asBytes = false): Promise<Computing> {
  const data = Object.fromEntries(
    Object.entries(fields).map(([name, { shape, dtype = 'f32' }]) => {
      return [name, { shape, dtype, ...(asBytes && { scale: null }) }] as const;
    }),
  );
  const given = { model: model as never, data, backend: 'cpu', inputs: Object.keys(fields) } as const;
  return samples === undefined ? await millrace.createPredictor(given) : await trainerOf(given, samples);
}

/** The same with weights that are drawn: none is 0 or 1 by its beginning. */
export async function withDrawnWeights(written: WrittenModel, seed = 7): Promise<Computing> {
  const predictor = await asItBegins(written);
  const { tensors } = await predictor.forward();
  const weights = Object.entries(tensors).map(([name, { shape }]) => {
    const random = new Random(seed, name);
    const size = sizeOf(shape);
    const drawnNumber = name.endsWith('Variance') ? () => 0.5 + random.uniform() : () => random.normal(0, 0.4);
    return [name, { shape, data: Float32Array.from({ length: size }, drawnNumber) }] as const;
  });
  if (weights.length > 0) {
    await predictor.loadWeights(writeSafetensors({ tensors: Object.fromEntries(weights), metadata: {} }));
  }
  return predictor;
}

/** What a forward pass gives for a batch, by the references. */
export function computed(forward: millrace.Forward, samples: number, batch: Record<string, Numbers>) {
  const graph = forward.graph(samples);
  const states = new Map<State, Numbers>();
  for (const { outputs } of orderOf(graph)) {
    const [value] = outputs;
    const leaf = forward.leafOf(value);
    if (!leaf || !('tensor' in leaf) || !(leaf.tensor in forward.tensors)) continue;
    const { root, offset } = storageOf(value);
    const { state } = root.node.attrs as { readonly state: State };
    if (!states.has(state)) states.set(state, allocate(state.spec));
    (states.get(state) as Float32Array).set(forward.tensors[leaf.tensor].data, offset);
  }
  const { outputs } = interpret(graph, { batch, states });
  return Object.entries(graph.outputs).map(
    ([
      name,
      {
        spec: { shape },
      },
    ]) => ({ name, shape, numbers: outputs[name] }),
  );
}
