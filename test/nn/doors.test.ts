// What is handed in by a slip is told where it comes in, with the way out.

import { describe, expect, test } from 'vitest';
import { Registry } from '../../src/nn/registry.ts';
import { traced, Tracer } from '../../src/nn/tracer.ts';
import {
  Random,
  accuracy,
  averagePool1d,
  averagePool2d,
  batchNorm,
  binaryCrossEntropy,
  cnn,
  constant,
  constantValue,
  conv1d,
  conv2d,
  convTranspose2d,
  crossEntropy,
  defineLayer,
  differentiate,
  dropout,
  f1Score,
  formatGraph,
  fromValues,
  gaussianNoise,
  groupNorm,
  heNormal,
  huber,
  input,
  interpret,
  layerNorm,
  lenet,
  linear,
  maxPool1d,
  maxPool2d,
  mean,
  meanSquaredError,
  metric,
  ones,
  perplexity,
  rSquared,
  randomNormal,
  randomUniform,
  read,
  relu,
  resnet,
  rmsNorm,
  sequential,
  simplify,
  torchUniform,
  upsample2d,
  zeros,
  apply as applyOp,
  type Context,
  type Layer,
  type Module,
  type Value,
} from '../../src/index.ts';

const any = (given: unknown): never => given as never;
const x = input('x', { shape: [2, 3], dtype: 'f32' });
const labels = input('label', { shape: [2], dtype: 'i32' });
const tracer = (): Tracer => new Tracer(new Registry(1), 'train', null);
const apply = (model: unknown): Value => tracer().apply(model as Module, x, '');
const scaled = (weight: unknown): unknown => apply({ parameters: { weight }, apply: (given: Value) => given });

test.each<[string, () => unknown, string]>([
  ['a list of layers', () => sequential([linear(3, 2), relu] as never), '[sequential] layer 0 is an array of 2'],
  ['a value for a layer', () => sequential(relu(x) as never), '[sequential] layer 0 is a value of a graph'],
  ['nothing for a layer', () => apply(undefined), '[context.apply] what is applied is nothing'],
  ['an async model', () => apply(async () => x), '[model] what it gives is a promise'],
  ['a model that returns nothing', () => apply(() => {}), '[model] what it gives is nothing'],
  ['a model that returns a number', () => apply(() => 3), '[model] what it gives is 3'],
  ['a delta of 0', () => huber(x, x, { delta: 0 }), '[huber] delta is 0'],
  ['a delta that is NaN', () => huber(x, x, { delta: NaN }), '[huber] delta is NaN'],
  ['an option that there is not', () => huber(x, x, { dleta: 1 } as never), 'the nearest is "delta"'],
  ['a layer without apply', () => defineLayer(any({ parameters: {} })), '[defineLayer] apply is nothing'],
  ['no list for a shape', () => scaled({ shape: 3, initial: zeros }), '[model] shape of "weight" is 3'],
  [
    'a name for an initializer',
    () => scaled({ shape: [3], initial: 'ones' }),
    'initial of "weight" is the text "ones"',
  ],
  [
    'a shape to draw that is none',
    () => apply((_: Value, c: Context) => c.random('a', any(3))),
    '[context] shape is 3',
  ],
  [
    'nothing to drop of',
    () => apply((_: Value, c: Context) => c.dropout('a', any(null), 0.1)),
    '[context.dropout] x is null',
  ],
  ['features as a text', () => linear(any('784'), 10), '[linear] a layer from the text "784" to 10 features'],
  ['no features', () => (linear as () => unknown)(), '[linear] a layer from nothing to nothing features'],
  ['channels as a text', () => conv2d(any('3'), 2, 3), '[conv2d] inChannels is the text "3"'],
  ['a kernel as a text', () => conv2d(3, 2, any('3')), '[conv2d] kernelSize is the text "3"'],
  ['features of a norm as a text', () => batchNorm(any('3')), '[batchNorm] a layer of the text "3" features'],
  ['extents as a text', () => layerNorm(any('3')), '[layerNorm] a layer over [the text "3"]'],
  ['null for extents', () => rmsNorm(any(null)), '[rmsNorm] a layer over [null]'],
  ['groups as a text', () => groupNorm(any('3'), 6), '[groupNorm] the text "3" groups do not divide 6 features'],
  ['an epsilon as a text', () => layerNorm(3, { epsilon: any('1e-5') }), '[layerNorm] epsilon is the text "1e-5"'],
  ['a momentum as a text', () => batchNorm(3, { momentum: any('0.1') }), '[batchNorm] momentum is the text "0.1"'],
  ['a deviation as a text', () => gaussianNoise(any('0.1')), '[gaussianNoise] deviation is the text "0.1"'],
  ['a rate as a text', () => dropout(any('0.5')), '[dropout] rate is the text "0.5"'],
  ['a kernel of NaN', () => conv1d(3, 2, NaN), '[conv1d] kernelSize is NaN'],
  ['a depth as a text', () => resnet(any('8')), '[resnet] depth is the text "8"'],
])('%s', (_, slip, message) => {
  expect(slip).toThrow(message);
});

test.each<[string, (options: never) => unknown]>([
  ['linear', (options) => linear(3, 2, options)],
  ['conv1d', (options) => conv1d(3, 2, 3, options)],
  ['conv2d', (options) => conv2d(3, 2, 3, options)],
  ['convTranspose2d', (options) => convTranspose2d(3, 2, 3, options)],
  ['maxPool1d', (options) => maxPool1d(2, options)],
  ['maxPool2d', (options) => maxPool2d(2, options)],
  ['averagePool1d', (options) => averagePool1d(2, options)],
  ['averagePool2d', (options) => averagePool2d(2, options)],
  ['upsample2d', (options) => upsample2d(2, options)],
  ['batchNorm', (options) => batchNorm(3, options)],
  ['layerNorm', (options) => layerNorm(3, options)],
  ['rmsNorm', (options) => rmsNorm(3, options)],
  ['groupNorm', (options) => groupNorm(3, 3, options)],
  ['accuracy', (options) => accuracy(x, labels, options)],
  ['f1Score', (options) => f1Score(x, labels, options)],
  ['metric', (options) => metric(options)],
  ['cnn', (options) => cnn(options)],
  ['lenet', (options) => lenet(options)],
  ['resnet', (options) => resnet(8, options)],
  ['interpret', (options) => interpret({ outputs: {}, writes: [] }, options)],
])('%s takes no option that it does not have, and no options that are none', (name, call) => {
  expect(() => call(any({ learningRat: 1 }))).toThrow(`[${name}] there is no option "learningRat"`);
  expect(() => call(any(null))).toThrow(`[${name}] the options are null`);
});

describe('a layer that is used on no value', () => {
  const layers: readonly Layer[] = [
    linear(3, 2),
    conv1d(3, 2, 3),
    conv2d(3, 2, 3),
    convTranspose2d(3, 2, 3),
    maxPool1d(2),
    averagePool1d(2),
    maxPool2d(2),
    batchNorm(3),
    layerNorm(3),
    rmsNorm(3),
    groupNorm(3, 3),
  ];
  test.each(layers.map((layer) => [layer.name, layer] as const))('%s', (_, layer) => {
    expect(() => tracer().apply(layer, any([1, 2, 3]))).toThrow(/x is an array of 3 but must be a value/);
  });
});

describe('an initializer', () => {
  const random = new Random(1, 'weight');

  test.each<[string, () => unknown, string]>([
    [
      'that is called',
      () => (heNormal as () => unknown)(),
      '[initializer] shape is nothing but must be a list of whole numbers',
    ],
    ['of no shape', () => ones(any('3'), random), '[initializer] shape is the text "3"'],
    ['without numbers by chance', () => heNormal([3], any(7)), '[initializer] random is 7 but must be a Random'],
    ['of a text', () => constantValue(any('1')), '[constantValue] value is the text "1"'],
    ['of NaN', () => constantValue(NaN), '[constantValue] value is NaN but must be a finite number'],
    ['between texts', () => randomUniform(0, any('1')), '[randomUniform] high is the text "1"'],
    ['between exchanged bounds', () => randomUniform(1, 0), '[randomUniform] high is 0 but must be at least 1'],
    ['with a deviation below 0', () => randomNormal(0, -1), '[randomNormal] deviation is -1 but must be at least 0'],
    ['of no values', () => fromValues([]), '[fromValues] values is an array of 0'],
    ['of rows', () => fromValues(any([[1], [2]])), '[fromValues] values is an array of 2'],
    ['of a text', () => fromValues(any('12')), '[fromValues] values is the text "12"'],
    ['of no inputs', () => torchUniform(0), '[torchUniform] fanIn is 0 but must be at least 1'],
  ])('%s', (_, slip, message) => {
    expect(slip).toThrow(message);
  });

  test('that gives too few values, or too many', () => {
    const registry = new Registry(1);
    const weight = { shape: [3], initial: () => Float32Array.of(1, 2) };
    new Tracer(registry, 'train', null).apply(defineLayer({ parameters: { weight }, apply: (given) => given }), x, '');
    const ranges = [{ name: 'weight', shape: [3], offset: 0, size: 3 }];
    expect(() => registry.initialValues({ ranges, size: 3 })).toThrow(
      '[model] what initial of "weight" gives is of the kind Float32Array but must be 3 numbers',
    );
  });

  test('a stream is of a seed, and has a name', () => {
    expect(() => new Random(any('1'), 'weight')).toThrow('[Random] seed is the text "1"');
    expect(() => new Random(1, any(2))).toThrow('[random] the stream is 2');
    expect(() => new Random(1, 'weight', -1)).toThrow('[Random] item is -1');
    expect(() => random.shuffled(any(3))).toThrow('[Random] what is shuffled is 3');
  });
});

describe('a loss or a score', () => {
  const measures = { accuracy, binaryCrossEntropy, crossEntropy, f1Score, huber, meanSquaredError, rSquared };

  test.each(Object.entries(measures))('%s names what came for its prediction and its target', (name, given) => {
    const measure = given as (...args: readonly unknown[]) => unknown;
    expect(() => measure(undefined, x)).toThrow(`[${name}] the prediction is nothing but must be a value`);
    expect(() => measure(x, [1, 2])).toThrow(
      `[${name}] the target is an array of 2 but must be a value, as batch.label`,
    );
    expect(() => measure(x, { lr: 1 })).toThrow(`[${name}] the target is an object of "lr"`);
  });

  test.each(Object.entries(measures))('%s is told that its arguments were exchanged', (name, given) => {
    const measure = given as (...args: readonly unknown[]) => unknown;
    expect(() => measure(labels, x)).toThrow(
      `[${name}] the prediction is i32[2] but must be f32: it comes first, and the target behind it`,
    );
  });

  test('a field that is not there is told with those that are', () => {
    const batch: Readonly<Record<string, Value>> = { image: x, label: labels };
    const loss = (): unknown => traced(batch, () => crossEntropy(x, batch['labels']));
    expect(loss).toThrow(/\[crossEntropy\] the target is nothing but .* \(the batch has image, label\)$/);
    expect(() => traced(batch, () => perplexity(x, batch['labels']))).toThrow('(the batch has image, label)');
  });

  test('accuracy takes its labels from a batch, as losses do', () => {
    expect(accuracy(x, { image: x, label: labels }).spec).toEqual({ shape: [], dtype: 'f32' });
  });

  test('a metric has sums, and functions of them', () => {
    expect(() => metric(any({ finish: () => 1 }))).toThrow('[metric] sums is nothing');
    expect(() => metric(any({ sums: [x], finish: () => 1 }))).toThrow('[metric] sums is an array of 1');
    expect(() => metric({ sums: {}, finish: () => 1 })).toThrow('[metric] sums is an empty object');
    expect(() => metric(any({ sums: { n: 1 } }))).toThrow('[metric] finish is nothing');
    expect(() => metric(any({ sums: { n: 1 }, merge: 3, finish: () => 1 }))).toThrow('[metric] merge is 3');
    expect(() => metric(any({ sums: { n: '1' }, finish: () => 1 }))).toThrow('[metric] sum "n" is the text "1"');
  });
});

describe('a graph', () => {
  const y = relu(x);

  test.each<[string, () => unknown, string]>([
    ['of numbers for a spec', () => constant(Float32Array.of(1), any([1])), '[constant] spec.shape is nothing'],
    [
      'of a dtype that there is not',
      () => input('x', any({ shape: [1], dtype: 'f16' })),
      '[input] spec.dtype is the text "f16"',
    ],
    [
      'of other numbers',
      () => constant(Int32Array.of(1), { shape: [1], dtype: 'f32' }),
      '[constant] numbers is of the kind Int32Array but must be a Float32Array',
    ],
    [
      'of plain numbers',
      () => constant(any([1]), { shape: [1], dtype: 'i32' }),
      '[constant] numbers is an array of 1 but must be a Int32Array',
    ],
    [
      'of too few numbers',
      () => constant(Float32Array.of(1), { shape: [2], dtype: 'f32' }),
      '[constant] there are 1 numbers for f32[2]: give 2',
    ],
    ['of a nameless field', () => input(any(3), { shape: [1], dtype: 'f32' }), '[input] label is 3'],
    ['of no state', () => read(any(y)), '[read] state is a value of a graph but must be a state'],
    [
      'of a state of no numbers',
      () => read(any({ name: 's', spec: 3, initial: zeros })),
      '[read] spec.shape is nothing',
    ],
    [
      'of a layer for an op',
      () => applyOp(any(linear(3, 2)), [x], null),
      '[apply] what is applied is a layer but must be an op',
    ],
    [
      'of a value for its list',
      () => applyOp(y.node.op, any(x), null),
      '[relu] input is a value of a graph but must be a list',
    ],
    [
      'of an op that infers nothing',
      () => applyOp(any({ name: 'none', infer: () => {} }), [x], null),
      '[none] what infer gives is nothing',
    ],
    [
      'by a value alone',
      () => formatGraph(any(y)),
      '[graph] the graph is a value of a graph but must be values by name',
    ],
    [
      'by a list of values',
      () => simplify(any({ outputs: { y: [y] }, writes: [] })),
      '[graph] the graph is an object of "outputs", "writes"',
    ],
    ['on no batch', () => interpret({ outputs: { y }, writes: [] }, { batch: any(null) }), '[interpret] batch is null'],
    [
      'from states by name',
      () => interpret({ outputs: { y }, writes: [] }, { states: any({}) }),
      '[interpret] states is an empty object',
    ],
    [
      'of a precision that there is not',
      () => interpret({ outputs: { y }, writes: [] }, { precision: any('f16') }),
      "'f32' or 'f64'",
    ],
    ['that writes no state', () => simplify(any({ outputs: { y }, writes: [3] })), '[graph] the graph is an object of'],
    ['from no loss', () => differentiate(any(3), [x]), '[differentiate] the loss is 3 but must be a value'],
    [
      'from a value for its list',
      () => differentiate(mean(y), any(x)),
      '[differentiate] value is a value of a graph but must be a list',
    ],
  ])('%s', (_, slip, message) => {
    expect(slip).toThrow(message);
  });
});

test('a field that is not there is told with those that are', () => {
  const batch: Readonly<Record<string, Value>> = { image: x, label: x };
  expect(() => traced(batch, () => batch['labl'].spec)).toThrow('the batch has image, label');
  expect(() => traced(batch, () => relu(batch['labl']))).toThrow('(the batch has image, label)');
});
