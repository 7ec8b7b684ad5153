import { spec, type Dtype, type Shape } from '../../src/core/shape.ts';
import {
  attention,
  add,
  affine,
  apply,
  argmax,
  averagePool,
  augment,
  augmentImages,
  batchNorm,
  broadcastTo,
  cast,
  cnn,
  concat,
  constant,
  createTrainer,
  differentiate,
  dropout,
  exp,
  fromValues,
  groupNorm,
  gru,
  input,
  interpret,
  layerNorm,
  lenet,
  fourierFeatures,
  linear,
  lstm,
  matmul,
  max,
  maxPool,
  maxPool1d,
  mean,
  moments,
  normalizeBatch,
  normalizeGroups,
  pad,
  recurrent,
  recurrentWeights,
  relu,
  requestDevice,
  reshape,
  resnet,
  rmsNorm,
  rnn,
  sequential,
  sgd,
  slice,
  softmax,
  spatialDropout,
  sum,
  tanh,
  transpose,
  upsample,
  zeros,
  type AugmentOptions,
  type Context,
  type Layer,
  type Model,
  type Op,
  type RecurrentLayer,
  type Sequences,
  type Value,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { controlState } from '../../src/ops/training/control.ts';
import type { Case } from '../support/provoke.ts';

const x = (shape: Shape, dtype: Dtype = 'f32'): Value => input('x', spec(shape, dtype));
const heads = x([2, 3, 4, 8]);
const draws = { control: controlState('control', 1), stream: 'draws', partCount: 0 };

/** Traces a model for numbers in pairs, on the CPU, and predicts. */
async function predict(model: Model): Promise<void> {
  const fields = { x: { shape: [2], dtype: 'f32', scale: null } } as const;
  const trainer = await createTrainer({
    model,
    loss: (y: Value) => mean(y),
    optimizer: sgd(),
    batchSize: 2,
    backend: 'cpu',
    data: fields,
  });
  await trainer.predict(new Float32Array(4));
}

/** A layer with a running average that it updates as it likes. */
const keeping = (update: (context: Context, value: Value) => void): Model => {
  const layer: Layer = {
    parameters: {},
    state: { average: { shape: [2], initial: zeros } },
    apply(value, _, context) {
      update(context, value);
      return value;
    },
  };
  return sequential(linear(2, 2), layer);
};

const flat = (value: Value): Value => reshape(value, [-1]);

const first = linear(2, 2);
const second = linear(2, 2);

const augmented = (shape: Shape, options: AugmentOptions, given = x(shape)): Value =>
  augmentImages(draws, given, options);

const aGru = { kind: 'gru', from: 'keras', features: 2, units: 3 } as const;

/** What a recurrent layer makes of what it is given. */
const sequences = (layer: RecurrentLayer, given: Sequences): Value =>
  new Tracer(new Registry(1), 'train', null).apply(layer, given);

/** Has a layer more when it is evaluated than when it trains. */
const growing: Model = (value: Value, context: Context) => {
  const hidden = context.apply(first, value, 'first');
  return context.mode === 'train' ? hidden : context.apply(second, hidden, 'second');
};

/** A kernel that is no WGSL. */
const broken: Op<null> = {
  name: 'broken',
  infer: ([given]) => [given],
  cpu: ([from], [to]) => to.set(from),
  gpu: () => [{ kernel: { name: 'broken', source: 'fn main() -> nothing' }, grid: [1, 1, 1] }],
  vjp: ([dY]) => [dY],
};

async function compileBroken(): Promise<void> {
  // Not the shared device, which throws at what it is told of.
  const device = await requestDevice();
  device.addEventListener('uncapturederror', (event) => event.preventDefault());
  try {
    const options = { optimizer: sgd(), batchSize: 2, device, loss: (y: Value) => mean(y) };
    const model = sequential(linear(2, 2), (value: Value) => apply(broken, [value], null)[0]);
    const trainer = await createTrainer({ ...options, model });
    await trainer.prepare({ x: { shape: [2], dtype: 'f32', scale: null } });
  } finally {
    device.destroy();
  }
}

const nineAxes = (): unknown => {
  const y = transpose(x([2, 2, 2, 2, 2, 2, 2, 2, 2]));
  return interpret({ outputs: { y }, writes: [] }, { batch: { x: new Float32Array(512) } });
};

const twice = (): unknown => {
  const given = x([3]);
  const [gradient] = differentiate(sum(tanh(given)), [given]);
  return differentiate(sum(gradient!), [given]);
};

export const shapes: readonly Case[] = [
  ['[<op>] <spec> and <spec> do not broadcast', () => add(x([2, 3]), x([2, 4]))],
  ['[<op>] <spec> and <spec> differ in dtype', () => add(x([2]), x([2], 'i32'))],
  ['[<op>] <name> is <spec> but must be', () => exp(x([2], 'i32'))],
  ['[<op>] axis <n> is not an axis', () => sum(x([2, 2]), { axes: 5 })],
  ['[<op>] axes [<axes>] name one axis', () => sum(x([2, 3]), { axes: [1, -1] })],
  ['[<op>] <spec> has no elements to choose from', () => max(x([0]))],
  ['[<op>] <spec> has no elements to choose from', () => argmax(x([2, 0]))],
  ['[<op>] <spec> has no last axis', () => softmax(x([]))],
  ['[<op>] walks', nineAxes],
  ['[arithmetic]', () => add(x([2], 'i32'), 1.5)],
  ['[matmul] <name> is', () => matmul(x([3]), x([3, 2]))],
  ['[matmul] a has', () => matmul(x([2, 3]), x([4, 5]))],
  ['[matmul] a has', () => matmul(x([3, 2]), x([5, 4]), { transposeA: true, transposeB: true })],
  ['[matmul] the leading axes', () => matmul(x([2, 2, 3]), x([3, 3, 2]))],
  ['[matmul] bias is', () => affine(x([2, 3]), x([3, 4]), x([3]))],
  ['[mean]', () => mean(x([0]))],
  ['[moments]', () => moments(x([0, 2]))],
  ['[batchNorm] <name> is', () => normalizeBatch(x([4, 3]), x([2]), x([3]), 1e-5)],
  ['[attention] q is', () => attention(x([2, 3, 4, 8]), x([2, 5, 3, 8]), x([2, 5, 3, 8]))],
  ['[attention] q is', () => attention(x([2, 3, 8]), x([2, 3, 8]), x([2, 3, 8]))],
  ['[attention] lengths', () => attention(heads, heads, heads, { lengths: x([3], 'i32') })],
  ['[attention] the mask', () => attention(heads, heads, heads, { mask: x([2, 3], 'u8') })],
  ['[<op>] <name> is <spec> but must be <dtypes>', () => attention(heads, heads, heads, { mask: x([2, 1, 3, 3]) })],
  ['[<dropout>] rate', () => attention(heads, heads, heads, { dropout: { rate: 1, draws } })],
  ['[normalizeGroups]', () => normalizeGroups(x([4, 3]), x([3]), x([3]), { groups: 2, epsilon: 1e-5 })],
  ['[broadcastTo]', () => broadcastTo(x([2, 3]), [3])],
  ['[reshape] <spec> has', () => reshape(x([6]), [4])],
  ['[reshape] [<shape>] is no shape', () => reshape(x([6]), [1.5, 4])],
  ['[reshape] <spec> does not fit', () => reshape(x([6]), [4, -1])],
  ['[transpose]', () => transpose(x([2, 3]), [0, 0])],
  ['[slice] <n> ranges', () => slice(x([2]), [{}, {}])],
  ['[slice] <start>', () => slice(x([2]), [{ start: 1, end: 1 }])],
  [
    '[pad] <spec> has more',
    () =>
      pad(
        x([1, 1, 1, 1, 1, 1, 1, 1, 1]),
        Array.from({ length: 9 }, () => [1, 1]),
      ),
  ],
  ['[pad] <spec> needs', () => pad(x([2, 2]), [[1, 1]])],
  ['[concat] there are no', () => concat([])],
  ['[concat] value', () => concat([x([2, 3]), x([3, 3])], 1)],
  ['[cast] u8', () => cast(x([2]), 'u8' as 'u32')],
  ['[cast] scale', () => cast(x([2], 'u8'), 'i32', { scale: 2 })],
  ['[<op>] x is <spec> but must be images', () => maxPool(x([4, 4]), 2)],
  ['[<op>] a <size> <window> does not fit', () => maxPool(x([1, 5, 5, 1]), 7)],
  ['[<op>] a <size> <window> does not fit', () => averagePool(x([1, 5, 5, 1]), [2, 8], { padding: 1 })],
  ['[<op>] <what> is <value>', () => upsample(x([1, 5, 5, 1]), 1.5)],
  ['[<op>] <what> is <value>', () => maxPool(x([1, 5, 5, 1]), 2, { stride: 0 })],
  ['[<op>] padding is "<text>"', () => maxPool(x([1, 5, 5, 1]), 2, { padding: 'full' as 'same' })],
  [
    '[<op>] padding is <padding>, so',
    () =>
      averagePool(x([1, 5, 5, 1]), 2, {
        padding: [
          [0, 0],
          [2, 0],
        ],
      }),
  ],
  ['[upsample] mode', () => upsample(x([1, 5, 5, 1]), 2, { mode: 'cubic' as 'nearest' })],
  ['[<layer>] x is <spec> but must be sequences', () => predict(maxPool1d(2))],
  ['[<model>] images of', () => lenet({ size: 11 })],
  ['[<model>] images of', () => cnn({ size: [28, 3] })],
  ['[resnet] depth', () => resnet(10)],
  ['[linear] a layer', () => linear(0, 3)],
  ['[fourierFeatures] a layer', () => fourierFeatures(2, 0)],
  ['[fourierFeatures] x is', () => predict(sequential(linear(2, 3), fourierFeatures(2, 4)))],
  ['[linear] x is', () => predict(sequential(linear(2, 3), relu, linear(4, 1)))],
  ['[<norm>] a layer of', () => batchNorm(2.5)],
  ['[<norm>] a layer over', () => rmsNorm([])],
  ['[<norm>] epsilon', () => groupNorm(1, 2, { epsilon: -1 })],
  ['[<norm>] x is <spec> with', () => predict(sequential(linear(2, 2), groupNorm(1, 3)))],
  ['[<norm>] x is <spec>, but', () => predict(sequential(linear(2, 2), layerNorm(3)))],
  [
    '[<layer>] x is <spec> but must be [N',
    () => predict(sequential(linear(2, 2), (value: Value) => mean(value, { axes: 0 }), batchNorm(2))),
  ],
  [
    '[<layer>] x is <spec> but must be [N',
    () => predict(sequential(linear(2, 2), (value: Value) => mean(value, { axes: 0 }), spatialDropout())),
  ],
  ['[batchNorm] momentum', () => batchNorm(2, { momentum: -0.1 })],
  [
    '[batchNorm] x is <spec>, one value',
    () => predict(sequential(linear(2, 2), (value: Value) => slice(value, [{ end: 1 }]), batchNorm(2))),
  ],
  ['[groupNorm] <n> groups', () => groupNorm(4, 6)],
  [
    '[recurrent] x is',
    () =>
      predict(
        sequential(
          flat,
          recurrent(({ state }) => ({ output: state, state }), { initial: [2] }),
        ),
      ),
  ],
  ['[recurrent] the cell', () => predict(recurrent(({ x: now }) => ({ output: now, state: now }), { initial: [2] }))],
  ['[recurrentWeights] "<name>"', () => recurrentWeights(aGru, { kernels: [] })],
  [
    '[recurrentWeights] <name> has',
    () => recurrentWeights(aGru, { kernel: new Float32Array(18), recurrent_kernel: new Float32Array(27), bias: [1] }),
  ],
  ['[<kind>] <name> is <n>', () => lstm(2, 0)],
  ['[<kind>] it is stateful', () => gru(2, 3, { stateful: 4, bidirectional: true })],
  ['[<kind>] a batch of', () => sequences(lstm(2, 3, { stateful: 5 }), { x: x([4, 6, 2]) })],
  ['[<kind>] x is <spec> but must be [N, T', () => sequences(rnn(2, 3), { x: x([4, 2]) })],
  ['[<kind>] <name> is <spec> but must be a', () => sequences(gru(2, 3), { x: x([4, 6, 2]), lengths: x([4]) })],
  ['[<kind>] what it begins with', () => sequences(lstm(2, 3), { x: x([4, 6, 2]), hidden: x([1, 4, 3]) })],
  ['[<kind>] <name> is <spec> but must be f32', () => sequences(gru(2, 3), { x: x([4, 6, 2]), hidden: x([4, 3]) })],
  ['[<dropout>] rate', () => spatialDropout(1)],
  ['[<dropout>] rate', () => dropout(1)],
  ['[<dropout>] rate', () => predict((value: Value, context: Context) => context.dropout('mask', value, -0.1))],
  ['[augment] <option>', () => augment({ rotate: 200 })],
  ['[augment] nothing', () => augment({})],
  ['[augment] x is', () => augmented([3, 4], { flip: true })],
  ['[augment] a shift', () => augmented([3, 4, 5], { shift: 4 })],
  ['[augment] a cutout', () => augmented([3, 4, 5], { cutout: 6 })],
  [
    '[augment] x depends',
    () => {
      const given = x([3, 4, 5]);
      differentiate(sum(augmented([3, 4, 5], { flip: true }, given)), [given]);
    },
  ],
  ['[<op>] there are', () => constant(Float32Array.of(1), spec([2]))],
  ['[fromValues]', () => predict(linear(2, 2, { weightInitial: fromValues([1, 2]) }))],
  [
    '[model] two layers',
    () => predict((value: Value, context: Context) => context.apply(linear(2, 2), value, 'dense')),
  ],
  ['[model] <reason>: a layer', () => predict((value: Value) => (linear(2, 2) as never as (x: Value) => Value)(value))],
  [
    '[model] "<name>" is a parameter and a state',
    () => {
      const kept = { shape: [2], initial: zeros };
      return predict({ parameters: { kept }, state: { kept }, apply: (value) => relu(value) });
    },
  ],
  ['[model] "<name>" appears', () => predict(growing)],
  ['[model] "<name>" is no state', () => predict(keeping((context, value) => context.update('mean', value)))],
  ['[assign]', () => predict(keeping((context, value) => context.update('average', value)))],
  ['[interpret]', () => interpret({ outputs: { y: x([3]) }, writes: [] }, { batch: { x: new Float32Array(2) } })],
  ['[interpret]', () => interpret({ outputs: { y: x([3]) }, writes: [] })],
  ['[differentiate] <op> has no derivative', twice],
  ['[pipeline]', compileBroken],
];
