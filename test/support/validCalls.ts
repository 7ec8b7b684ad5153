// A valid call of every function that the package exports, for tests that then spoil it.

import { Tokenizer } from '@huggingface/tokenizers';
import { spec, type Dtype } from '../../src/core/shape.ts';
import {
  labelledLines,
  prepareSeries,
  prepareTable,
  readTable,
  readTokenizer,
  writeSafetensors,
} from '../../src/data/index.ts';
import {
  Random,
  adam,
  constant,
  createPredictor,
  createTrainer,
  crossEntropy,
  dataset,
  definePointwise,
  embedding,
  input,
  linear,
  logMel,
  mean,
  mul,
  randomNormal,
  relu,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { nodeOf, onnxFile } from './onnxFile.ts';
import { createNodeKey } from '../../src/flower/index.ts';
import { toTorch, writeNpy, writeNpz } from '../../src/interop/index.ts';
import { sharedDevice } from './device.ts';
import { leastTokenizerJson } from './huggingFace.ts';
import { leastKeras, leastLayersModel } from './kerasFile.ts';
import { wavOf } from './sounds.ts';
import { controlState } from '../../src/ops/training/control.ts';

/** Arguments by the function's name. */
type Call = () => readonly unknown[] | Promise<readonly unknown[]>;
export type Calls = Readonly<Record<string, Call>>;

const x = (shape: readonly number[] = [4, 3], dtype: Dtype = 'f32'): Value => input('x', spec(shape, dtype));
const pointwiseOp = definePointwise({ name: 'half', arity: 1, wgsl: { expression: 'a * 0.5' }, f: (a) => a / 2 });
const labels = (): Value => x([4], 'i32');
const images = (): Value => x([2, 4, 4, 3]);
const channels = (): Value => x([3]);
const control = controlState('control', 0);
const draws = { control, stream: 'stream', partCount: 0 };
const set = () => dataset({ point: { data: new Float32Array(24), shape: [3] }, label: new Uint8Array(8) });
const table = () => readTable('rows.csv', 'size,kind\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n');
const steps = () => readTable('steps.csv', `y\n${Array.from({ length: 20 }, (_, at) => (at * at) % 7).join('\n')}\n`);
const prepared = async () => prepareSeries(await steps(), { length: 3, horizon: 2 });
const lines = () => ['a', 'b'].map((label, at) => ({ label, text: label, line: at, file: 'f' }));
const form = async () => prepareTable(await table()).form;

/** A recording. */
const sounds = () => [{ name: 'a.wav', samples: new Float32Array(300), sampleRate: 8000, label: 0 }];

export const trainerOptions = (): TrainerOptions => ({
  model: linear(3, 2),
  loss: crossEntropy,
  optimizer: adam(),
  batchSize: 4,
  backend: 'cpu',
  data: set(),
});

const named = (names: string, call: Call): Calls => Object.fromEntries(names.split(' ').map((name) => [name, call]));

export const validCalls: Calls = {
  ...named(
    'exp expm1 log log1p sqrt sin cos erf floor ceil round sign sigmoid relu tanh selu silu softplus logSigmoid neg abs',
    () => [x()],
  ),
  ...named('softmax logSoftmax flatten stopGradient moments', () => [x()]),
  ...named('add sub mul div maximum minimum pow equal notEqual less lessEqual greater greaterEqual', () => [x(), x()]),
  ...named('sum mean max min', () => [x(), { axes: 0 }]),
  ...named('absoluteErrors binaryCrossEntropies kullbackLeiblerTerms squaredErrors', () => [x(), x()]),
  ...named('binaryCrossEntropy kullbackLeibler meanAbsoluteError meanSquaredError', () => [x(), x()]),
  ...named('rootMeanSquaredError rSquared', () => [x(), x()]),
  ...named('wordErrorRate characterErrorRate bleu', () => [['one two'], ['one']]),
  f1Scores: () => [[0, 1], [1, 1], 2],
  labelErrorRate: () => [[[1, 2]], { data: [1, 2, -1], shape: [1, 3] }],
  ...named('glorotUniform glorotNormal heUniform heNormal lecunUniform lecunNormal zeros ones', () => [
    [4, 3],
    new Random(1, 'stream'),
  ]),
  ...named('randomUniform randomNormal truncatedNormal', () => [0, 1]),
  ...named('adadelta adagrad adam adamw adamax lion muon nadam radam rmsprop sgd', () => [{ learningRate: 0.1 }]),
  ...named('cnn lenet', () => [{ classes: 3 }]),
  ...named('globalAveragePool2d globalMaxPool2d', () => [images()]),
  ...named('averagePool1d averagePool2d maxPool1d maxPool2d', () => [2, { stride: 1 }]),
  ...named('earlyStop keepBest reduceOnPlateau', () => [{ metric: 'loss' }]),
  ...named('layerNorm rmsNorm batchNorm', () => [3, { epsilon: 1e-5 }]),
  recurrentWeights: () => [
    { kind: 'rnn', from: 'pytorch', features: 1, units: 1 },
    { weight_ih: [1], weight_hh: [1], bias_ih: [1], bias_hh: [1] },
  ],
  ...named('lstm gru rnn', () => [3, 2, { layers: 2, returns: 'last' }]),
  ...named('dropout gaussianNoise spatialDropout', () => [0.5]),
  accuracy: () => [x(), labels(), { ignoreIndex: 0 }],
  affine: () => [x(), x([3, 2]), x([2])],
  apply: () => [relu(x()).node.op, [x()], { constants: [] }],
  argmax: () => [x(), 0],
  attention: () => [x([2, 3, 2, 4]), x([2, 3, 2, 4]), x([2, 3, 2, 4]), { causal: true, window: 2, scale: 0.5 }],
  augment: () => [{ shift: 1 }],
  augmentImages: () => [draws, images(), { shift: 1 }],
  augmentSequences: () => [{ shift: 1, timeMasks: { count: 1, longest: 2 } }],
  averagePool: () => [images(), 2, { stride: 1 }],
  beamSearch: () => [() => ({ data: [1, 2], shape: [1, 2] }), { begin: 0, end: 1, maximum: 1, beams: 1 }],
  broadcastTo: () => [x([1, 3]), [4, 3]],
  cast: () => [x(), 'i32'],
  checkpoints: () => [{ folder: 'run', every: { steps: 3 }, keep: 2, best: 'loss' }],
  checkOp: () => [relu, [[4, 3]], { backend: 'cpu', seed: 1 }],
  concat: () => [[x(), x()], 0],
  constant: () => [new Float32Array(3), spec([3])],
  constantValue: () => [0.5],
  conv1d: () => [3, 2, 3, { padding: 1 }],
  conv2d: () => [3, 2, 3, { padding: 1 }],
  convTranspose2d: () => [3, 2, 3, { padding: 1 }],
  convolve: () => [images(), x([3, 3, 3, 2]), { padding: 1 }],
  convolveTransposed: () => [images(), x([3, 3, 2, 3]), { padding: 1 }],
  createPredictor: () => [
    {
      model: linear(3, 2),
      outputs: 'classes',
      only: 'head',
      rename: (name: string) => name,
      data: { point: { shape: [3], dtype: 'f32', scale: null } },
      backend: 'cpu',
    },
  ],
  createTrainer: () => [trainerOptions()],
  crossEntropy: () => [x(), labels(), { labelSmoothing: 0.1 }],
  crossEntropyRows: () => [x(), labels(), { labelSmoothing: 0.1 }],
  ctc: () => [x([2, 4, 3]), x([2, 2], 'i32'), { labelLengths: x([2], 'i32') }],
  ctcBeamSearch: () => [{ data: new Float32Array(12), shape: [1, 4, 3] }, { beamWidth: 2 }],
  ctcGreedy: () => [x([2, 4, 3]), { lengths: x([2], 'i32') }],
  dataset: () => [{ point: { data: new Float32Array(24), shape: [3] }, label: new Uint8Array(8) }],
  definePointwise: () => [{ name: 'half', arity: 1, wgsl: { expression: 'a * 0.5' }, f: (a: number) => a / 2 }],
  defineLayer: () => [{ name: 'own', parameters: {}, apply: relu }],
  differentiate: () => [mean(mul(x(), 2)), [x()]],
  dropElements: () => [control, 'stream', x(), 0.5],
  embedding: () => [4, 3, { padding: 0 }],
  elu: () => [x(), { alpha: 2 }],
  f1Score: () => [x(), labels(), { average: 'micro' }],
  formatGraph: () => [{ outputs: { y: relu(x()) }, writes: [] }],
  fromValues: () => [[1, 2, 3]],
  async formatProfile() {
    const trainer = await createTrainer(trainerOptions());
    const profile = await trainer.profile(1, { data: set() });
    trainer.destroy();
    return [profile];
  },
  features: () => [sounds(), logMel({ sampleRate: 8000, mels: 10 }), { backend: 'cpu' }],
  fourierFeatures: () => [2, 3, { sigma: 4, seed: 1 }],
  frozen: () => [linear(3, 2)],
  gather: () => [x(), labels(), 0, { padding: 0 }],
  gelu: () => [x(), { approximate: 'tanh' }],
  translator: () => [{ vocabulary: 5, width: 4, heads: 2, layers: 1 }],
  gpt: () => [{ vocabulary: 5, context: 4, width: 4, heads: 2, layers: 1 }],
  groupNorm: () => [3, 3, { epsilon: 1e-5 }],
  huber: () => [x(), x(), { delta: 2 }],
  huberErrors: () => [x(), x(), 2],
  input: () => ['x', spec([3])],
  interpret: () => [{ outputs: { y: relu(constant(new Float32Array(3), spec([3]))) }, writes: [] }, {}],
  leakyRelu: () => [x(), { slope: 0.1 }],
  linear: () => [3, 2, { bias: false }],
  lora: () => [linear(3, 2), 2, 4],
  loraWeights: () => [{ 'layer.loraA': new Float32Array(3) }],
  mergedLora: () => [{ weight: new Float32Array(6), loraA: new Float32Array(6), loraB: new Float32Array(4) }, 4],
  logMel: () => [{ sampleRate: 8000, mels: 10 }],
  maskSequences: () => [draws, x(), { shift: 1 }],
  matmul: () => [x(), x([3, 2]), { transposeA: false }],
  maxPool: () => [images(), 2, { stride: 1 }],
  metric: () => [{ sums: { total: x() }, finish: ({ total }: { total: number }) => total }],
  multiHeadAttention: () => [4, 2, { causal: true }],
  normalizeBatch: () => [x(), channels(), channels(), 1e-5],
  normalizeBy: () => [x(), { mean: channels(), variance: channels() }, channels(), channels(), 1e-5],
  normalizeGroups: () => [x(), channels(), channels(), { epsilon: 1e-5 }],
  flatGrid: () => [100, 64],
  pointwise: () => [pointwiseOp, [x()], []],
  pad: () => [
    x(),
    [
      [1, 1],
      [0, 0],
    ],
  ],
  perplexity: () => [x(), labels(), { labelSmoothing: 0.1 }],
  bitsPerCharacter: () => [x(), labels(), { labelSmoothing: 0.1 }],
  pictureBuffer: async () => [await sharedDevice(), { shape: [4, 4, 1], samples: 2 }],
  positions: () => [4, 3, { weightInitial: randomNormal() }],
  random: () => [control, 'stream', [3], 'normal'],
  read: () => [control],
  recurrent: () => [({ state }: { state: Value }) => ({ output: state, state }), { initial: [3] }],
  requestDevice: () => [{ hardwareOnly: false }],
  reshape: () => [x(), [3, 4]],
  resnet: () => [8, { classes: 3 }],
  requiredFeatures: () => [{ features: new Set(['subgroups']), limits: {} }],
  requiredLimits: () => [{ features: new Set(), limits: {} }],
  rotary: () => [x([1, 2, 3, 4]), { base: 500 }],
  sequential: () => [linear(3, 2), relu],
  forecaster: () => [linear(3, 2), 0],
  simplify: () => [{ outputs: { y: relu(x()) }, writes: [] }],
  sinusoidalPositions: () => [4, { base: 500 }],
  slice: () => [x(), [{ start: 1 }, null]],
  swiglu: () => [x([4, 6])],
  take: () => [set(), 0, 4],
  tied: () => [embedding(4, 3)],
  torchUniform: () => [3],
  ...named('transformerEncoderLayer transformerDecoderLayer', () => [4, 2, { norm: 'pre' }]),
  transformerWeights: () => [{ 'linear1.weight': { shape: [1, 2], data: [1, 2] } }],
  transpose: () => [x(), [1, 0]],
  upsample: () => [images(), 2, { mode: 'bilinear' }],
  upsample2d: () => [2, { mode: 'bilinear' }],
  where: () => [x([4, 3], 'u32'), x(), x()],
};

const tensors = { weight: { shape: [2], data: Float32Array.of(1, 2) } };
/** An IDX file of three bytes. */
const heard = () => dataset({ x: { data: new Float32Array(12), shape: [3, 2] }, length: Int32Array.of(3, 1) });
const wav = () => wavOf([0, 0.5, -0.5]);
const idx = () => Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3);

export const validDataCalls: Calls = {
  bucketed: () => [
    [['ab', 'b']],
    { tokenizer: readTokenizer({ kind: 'bytes', special: ['padding', 'begin', 'end'] }), batchSize: 2 },
  ],
  bytePairTokenizer: () => ['ab ab', { size: 300 }],
  pairedLines: () => [
    { name: 'a', text: 'x' },
    { name: 'b', text: 'y' },
  ],
  concat: () => [set(), set()],
  answersOf: async () => [await form(), new Float32Array(4)],
  dataset: validCalls['dataset'],
  encodeTable: async () => [await form(), await table()],
  folds: () => [set(), 4, { seed: 1 }],
  featureCount: async () => [await form()],
  forecastsOf: async () => [(await prepared()).form, new Float32Array(4)],
  encodeTexts: () => [{ tokenizer: { kind: 'bytes', special: ['padding'] }, classes: ['a', 'b'], length: 3 }, ['a b']],
  files: () => [[new File([idx()], 'train.idx')]],
  lastWindow: async () => [(await prepared()).form, await steps()],
  levelled: () => [new Float32Array(3)],
  map: () => [set(), (sample: object) => sample],
  likeliest: () => [new Float32Array(4), 2],
  huggingFaceTokenizer: () => [Tokenizer, leastTokenizerJson],
  bucketedLines: () => [labelledLines(lines(), { length: 3 }), { batchSize: 2 }],
  labelledLines: () => [lines(), { length: 3 }],
  linesIn: () => ['a\nb\n'],
  linesOfTable: async () => [await table(), { text: 'kind', label: 'size' }],
  mono: () => [[new Float32Array(3), new Float32Array(3)]],
  namesColumns: async () => [await form(), ['size', 'kind']],
  onGround: () => [{ width: 1, height: 1, channels: 2, data: Uint8Array.of(9, 128) }, 255],
  outputCount: async () => [await form()],
  pick: () => [set(), ['point']],
  prepareSeries: async () => [await steps(), { length: 3, horizon: 2 }],
  prepareTable: async () => [await table(), { target: 'kind' }],
  readClassFiles: () => [[new File(['a'], 'a.x'), new File(['b'], 'a.y')]],
  readIdx: () => ['train.idx', idx()],
  readLabelledLines: () => ['f', '1 a\n2 b\n'],
  readLinesForm: () => [{ tokenizer: { kind: 'bytes', special: ['padding'] }, classes: ['a', 'b'], length: 3 }],
  readSafetensors: () => ['weights.safetensors', writeSafetensors({ tensors, metadata: {} })],
  readSeriesForm: async () => [(await prepared()).form],
  readTable: () => ['rows.csv', 'a,b\n1,2\n', { header: true }],
  readTableForm: async () => [await form()],
  readText: () => ['f', Uint8Array.of(97)],
  readTokenizer: () => [{ kind: 'words', special: ['unknown'], tokens: ['a', 'b'] }],
  readWav: () => ['sound.wav', wav()],
  resample: () => [new Float32Array(3), 8000, 16_000],
  rows: () => [set(), [1, 0]],
  soundOf: () => [{ sampleRate: 8000, channels: [new Float32Array(3)] }, 16_000],
  spokenStrings: () => [sounds(), { count: 2 }],
  split: () => [set(), 0.5, { seed: 1 }],
  standardized: () => [heard(), { mean: [0, 0], deviation: [1, 1] }],
  statisticsOf: () => [heard()],
  syntheticDigits: () => [{ train: 10, test: 10 }],
  take: validCalls['take'],
  textStream: () => [new Int32Array(40), { context: 3, heldOut: 0.2 }],
  tokenizer: () => ['a b', { kind: 'words', special: [] }],
  trimmed: () => [new Float32Array(3), 8000, { below: 40 }],
  waveforms: () => [sounds(), { samples: 9 }],
  windows: () => [
    { columns: ['y'], data: new Float32Array(9) },
    { length: 3, horizon: 2, stride: 1, targets: ['y'] },
  ],
  writeSafetensors: () => [{ tensors, metadata: {} }],
};

const predictorOnCpu = () =>
  createPredictor({ model: linear(3, 2), data: { x: { shape: [3], dtype: 'f32' } }, backend: 'cpu' });

/** A file of NumPy's, of two numbers. */
const npy = () => writeNpy({ shape: [2], data: Float32Array.of(1, 2) });

/** Anything that tells what a model computes. */
const predictor = () =>
  createPredictor({ model: linear(3, 2), data: { x: { shape: [3], dtype: 'f32', scale: null } }, backend: 'cpu' });
export const validInteropCalls: Calls = {
  externalFilesOf: () => [onnxFile({ node: [nodeOf('Relu', 'x', 'y')] })],
  fromKeras: () => [leastKeras()],
  fromLayersModel: () => [leastLayersModel()],
  toKeras: async () => [await predictor()],
  toLayersModel: async () => [await predictor()],
  inspectOnnx: () => [onnxFile({ node: [nodeOf('Relu', 'x', 'y')] })],
  fromTorch: async () => {
    const given = await predictor();
    return [given, await toTorch(given), { names: { '': '' }, strict: true, file: 'model.safetensors' }];
  },
  fromOnnx: () => [onnxFile({ node: [nodeOf('Relu', 'x', 'y')] })],
  readNpy: () => ['x.npy', npy()],
  readNpz: () => ['a.npz', writeNpz(tensors)],
  toOnnx: async () => [await predictorOnCpu(), { opset: 17, samples: 2 }],
  toTorch: async () => [await predictor(), { names: { '': 'fc' }, batches: 3 }],
  writeNpy: () => [tensors.weight],
  writeNpz: () => [tensors],
};

const LEFT = AbortSignal.abort();

export const validFlowerCalls: Calls = {
  createNodeKey: () => [],
  joinFlower: async () => [
    {
      superlink: 'http://127.0.0.1:9',
      key: await createNodeKey(),
      trainer: await createTrainer(trainerOptions()),
      train: set(),
      evaluate: () => Promise.resolve({ examples: 1 }),
      layout: 'torch',
      names: { '': 'fc' },
      steps: 3,
      optimizer: 'keep',
      runs: 1,
      patience: 1,
      heartbeat: 10,
      signal: LEFT,
      onEvent: () => {},
    },
  ],
  readNodeKey: async () => ['node.pem', (await createNodeKey()).privateKey],
};
