// What a trainer says of what it cannot take, where it comes in: options of createTrainer, and arguments of its methods.

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  accuracy,
  adam,
  createTrainer,
  crossEntropy,
  DataError,
  earlyStop,
  formatProfile,
  linear,
  mean,
  relu,
  requestDevice,
  sgd,
  ShapeError,
  take,
  type BatchValues,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { folder } from '../../src/node.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(16, 3);
const batch = { point: set.fields['point'].data.slice(0, 8), label: set.fields['label'].data.slice(0, 4) };
const raw = { point: [[0, 1]], label: [0] };

/** Anything at all, as those without types give it. */
const any = (given: unknown): never => given as never;

const usual = { model: linear(2, 3), loss: crossEntropy, optimizer: sgd(), batchSize: 4, data: set };
const create = (others: object = {}): Promise<Trainer> => createTrainer({ ...usual, backend: 'cpu', ...others });

const phase = { name: 'a', loss: crossEntropy, optimizer: sgd() };
const phased = (phases: unknown): object => ({ phases, loss: undefined, optimizer: undefined });

describe('createTrainer', () => {
  test.each<[string, object, string]>([
    [
      'an unknown option',
      { batchsize: 4 },
      '[createTrainer] there is no option "batchsize", the nearest is "batchSize"',
    ],
    [
      'a maker of optimizers',
      { optimizer: adam },
      'optimizer is the function adam but must be an optimizer, as adam() gives one',
    ],
    [
      'a metric that is a loss of a batch whole',
      { loss: (y: Value, b: BatchValues) => ({ loss: crossEntropy(y, b.label), ce: crossEntropy(y, b) }) },
      'metric "ce" is an object of "loss", "accuracy" but must be a value or a metric',
    ],
    [
      'an output that is a number',
      { model: (x: Value) => ({ x, scale: 2 }), loss: (_: never, b: BatchValues) => mean(b.point) },
      'output "scale" is 2 but must be a value',
    ],
    [
      'a loss that has no gradient',
      { loss: (y: Value, { label }: BatchValues) => accuracy(y, label) },
      'no gradient of the loss of phase "train" reaches what it trains',
    ],
    [
      'a misspelt layer to train beside a right one',
      phased([{ ...phase, trains: ['weight', 'biass'] }]),
      'trains[1] of phase "a" is the text "biass", which has no parameter here: they are weight, bias',
    ],
    ['a name of an optimizer', { optimizer: 'adam' }, 'optimizer is the text "adam" but must be an optimizer'],
    [
      'a name of a loss',
      { loss: 'crossEntropy' },
      'loss is the text "crossEntropy" but must be a function, handed on and not called',
    ],
    ['a result of a loss', { loss: { loss: 1 } }, 'loss is an object of "loss" but must be a function'],
    [
      'layers in an array',
      { model: [linear(2, 3), relu] },
      'model is an array of 2 but must be a layer or a function, as sequential(…)',
    ],
    [
      'a promise of a model',
      { model: Promise.resolve(linear(2, 3)) },
      'model is a promise, which is to be awaited but must be',
    ],
    ['null for a model', { model: null }, 'model is null but must be a layer'],
    ['an empty device', { device: {} }, 'device is an empty object but must be a GPUDevice, as await requestDevice()'],
    ['raw arrays', { data: raw }, 'data is an object of "point", "label" but must be a data set'],
    ['an array', { data: [1, 2] }, 'data is an array of 2 but must be a data set'],
    ['another backend', { backend: 'gpu' }, 'backend is the text "gpu" but must be "webgpu", "wasm", "cpu" or "auto"'],
    ['a batch size as a text', { batchSize: '128' }, 'batchSize is the text "128" but must be a whole number above 0'],
    ['no batch size', { batchSize: undefined }, 'batchSize is nothing but must be'],
    ['parts as a text', { microBatches: '2' }, 'microBatches is the text "2" but must be'],
    ['a seed as a text', { seed: '7' }, 'seed is the text "7" but must be'],
    ['a memory limit as a text', { memoryLimit: '1GB' }, 'memoryLimit is the text "1GB" but must be'],
    ['a flag as a text', { fuse: 'no' }, 'fuse is the text "no" but must be true or false'],
    ['a flag as a number', { gradientNorm: 1 }, 'gradientNorm is 1 but must be true or false'],
    [
      'a decay alone',
      { averageWeights: 0.99 },
      '[createTrainer, averageWeights] the options are 0.99 but must be an object of decay',
    ],
    ['averages without a decay', { averageWeights: {} }, 'averageWeights.decay is nothing but must be'],
    ['a text that warns', { warn: 'yes' }, 'warn is the text "yes" but must be a function'],
    ['phases by name', phased({ a: phase }), 'phases is an object of "a" but must be an array of phases'],
    ['no phases', phased([]), 'phases is an array of 0 but must be an array of phases'],
    [
      'a phase with another member',
      phased([{ ...phase, train: [] }]),
      '[createTrainer, phases[0]] there is no option "train", the nearest is "trains"',
    ],
    [
      'a phase without a loss',
      phased([{ ...phase, loss: undefined }]),
      '[createTrainer, phases[0]] loss is nothing but must be a function',
    ],
    [
      'a phase that trains one',
      phased([{ ...phase, trains: 'a' }]),
      '[createTrainer, phases[0]] trains is the text "a" but must be an array',
    ],
  ])('refuses %s', async (_, options, words) => {
    const failure: unknown = await create(options).catch((error: unknown) => error);
    expect(failure).toSatisfy((error: unknown) => error instanceof DataError || error instanceof ShapeError);
    expect(String(failure)).toContain(words);
  });

  test.each([
    [undefined, 'give model, loss and optimizer'],
    [null, 'the options are null'],
    ['mlp', 'the options are the text "mlp"'],
    [linear(2, 3), 'there is no option "parameters"'],
  ])('refuses %s', async (options, words) => {
    await expect(createTrainer(any(options))).rejects.toThrow(`[createTrainer] ${words}`);
  });
});

describe('a trainer', () => {
  test.each<[string, (trainer: Trainer) => unknown, string]>([
    ['fit of nothing', (t) => t.fit(any(undefined)), '[fit] what to train on is nothing but must be a data set'],
    [
      'fit of raw arrays',
      (t) => t.fit(any(raw)),
      '[fit] what to train on is an object of "point", "label" but must be a data set',
    ],
    ['fit of a text', (t) => t.fit(any('mnist')), '[fit] what to train on is the text "mnist" but'],
    [
      'fit of a promise',
      (t) => t.fit(any(Promise.resolve(set))),
      '[fit] what to train on is a promise, which is to be awaited',
    ],
    [
      'fit of a function that makes batches',
      (t) => t.fit(any(function* batches() {})),
      '[fit] what to train on is the function batches but must be a data set, as dataset({ … }) makes one, or an iterable',
    ],
    ['fit the other way round', (t) => t.fit(any({ epochs: 1 }), any(set)), '[fit] there is no option "length"'],
    [
      'fit of numbers as batches',
      (t) => t.fit(any([1, 2])),
      '[fit] what to train on is an array of 2 but must be a data set',
    ],
    [
      'fit of pairs as batches',
      (t) => t.fit(any([[[0, 1], [0]]])),
      '[fit, batch 0] what was given is an array of 2 but must be',
    ],
    ['fit of a number', (t) => t.fit(set, any(3)), '[fit] the options are 3 but must be'],
    ['fit of epoch', (t) => t.fit(set, any({ epoch: 3 })), '[fit] there is no option "epoch", the nearest is "epochs"'],
    [
      'fit of epochs as a text',
      (t) => t.fit(set, any({ epochs: '3' })),
      '[fit] epochs is the text "3", steps is nothing: give one of them',
    ],
    [
      'fit of null epochs',
      (t) => t.fit(set, any({ epochs: null })),
      '[fit] epochs is null, steps is nothing: give one of them',
    ],
    [
      'fit that validates by raw arrays',
      (t) => t.fit(set, any({ validation: raw })),
      '[validation] the set is an object of "point", "label" but must be a data set',
    ],
    [
      'fit that validates by null',
      (t) => t.fit(set, any({ validation: null })),
      '[validation] the set is null but must be a data set',
    ],
    [
      'fit with a maker of decisions',
      (t) => t.fit(set, any({ decisions: earlyStop })),
      '[fit] decisions is the function earlyStop but must be an array',
    ],
    [
      'fit with makers of decisions',
      (t) => t.fit(set, any({ decisions: [earlyStop] })),
      '[fit] decisions[0] is the function earlyStop but must be a decision, as earlyStop() gives one',
    ],
    [
      'fit with a controller',
      (t) => t.fit(set, any({ signal: new AbortController() })),
      '[fit] signal is of the kind AbortController but must be an AbortSignal, as controller.signal',
    ],
    [
      'fit with a flag as a text',
      (t) => t.fit(set, any({ shuffle: 'no' })),
      '[fit] shuffle is the text "no" but must be true or false',
    ],
    [
      'fit that reports every text',
      (t) => t.fit(set, any({ every: '2' })),
      '[fit] every is the text "2" but must be a whole number above 0',
    ],
    ['evaluate of nothing', (t) => t.evaluate(any(undefined)), '[evaluate] the set is nothing but must be a data set'],
    ['evaluate of raw arrays', (t) => t.evaluate(any(raw)), '[evaluate] the set is an object of "point", "label"'],
    [
      'evaluate of batches',
      (t) => t.evaluate(any([batch])),
      '[evaluate] the set is an array of 1 but must be a data set',
    ],
    [
      'predict of nothing',
      (t) => t.predict(any(undefined)),
      '[predict] what was given is nothing but must be numbers by field',
    ],
    ['predict of null', (t) => t.predict(any(null)), '[predict] what was given is null but must be'],
    ['predict of rows', (t) => t.predict(any([[0, 1]])), '[predict] field "point" holds no plain numbers'],
    [
      'predict of a promise',
      (t) => t.predict(any(Promise.resolve(batch))),
      '[predict] what was given is a promise, which is to be awaited',
    ],
    ['step of nothing', (t) => t.step(any(undefined)), '[step] what was given is nothing but must be numbers by field'],
    ['step of a text', (t) => t.step(any('batch')), '[step] what was given is the text "batch" but must be'],
    ['verify of nothing', (t) => t.verify(any(undefined)), '[verify] what was given is nothing but must be'],
    ['inspect of nothing', (t) => t.inspect(any(undefined)), '[inspect] what was given is nothing but must be'],
    [
      'inspect with an unknown option',
      (t) => t.inspect(batch, any({ updates: true })),
      '[inspect] there is no option "updates", the nearest is "update"',
    ],
    [
      'profile of options alone',
      (t) => t.profile(any({ data: set })),
      '[profile] steps is an object of "data" but must be a whole number',
    ],
    [
      'profile of raw arrays',
      (t) => t.profile(1, any({ data: raw })),
      '[profile] the set is an object of "point", "label"',
    ],
    [
      'profile with an unknown peak',
      (t) => t.profile(1, any({ data: set, peak: { flop: 1 } })),
      '[profile, peak] there is no option "flop", the nearest is "flops"',
    ],
    [
      'profile with a peak as a text',
      (t) => t.profile(1, any({ data: set, peak: { flops: '1' } })),
      '[profile] peak.flops is the text "1" but must be above 0',
    ],
    ['refresh of nothing', (t) => t.refresh(any(undefined)), '[refresh] the set is nothing but must be a data set'],
    [
      'prepare of raw arrays',
      async (t) => t.prepare(any(raw)),
      '[prepare] data is an object of "point", "label" but must be a data set',
    ],
    ['prepare of null', async (t) => t.prepare(any(null)), '[prepare] data is null but must be a data set'],
    [
      'writeParameters of nothing',
      (t) => t.writeParameters(any(undefined)),
      '[writeParameters] what was given is nothing but must be numbers by name',
    ],
    [
      'writeParameters of a promise',
      (t) => t.writeParameters(any(t.readParameters())),
      '[writeParameters] what was given is a promise, which is to be awaited',
    ],
    [
      'writeParameters of null numbers',
      (t) => t.writeParameters(any({ bias: null })),
      '[writeParameters] bias is null but must be an array of numbers',
    ],
    [
      'saveWeights of a text',
      (t) => t.saveWeights(any('file')),
      '[saveWeights] metadata is the text "file" but must be texts by name',
    ],
    [
      'saveWeights of numbers',
      (t) => t.saveWeights(any({ epoch: 3 })),
      '[saveWeights] metadata is an object of "epoch" but must be texts by name',
    ],
    [
      'loadWeights of nothing',
      (t) => t.loadWeights(any(undefined)),
      "[loadWeights] what was given is nothing but must be a file's bytes",
    ],
    [
      'loadWeights of a path',
      (t) => t.loadWeights(any('w.safetensors')),
      '[loadWeights] what was given is the text "w.safetensors" but must be',
    ],
    [
      'parameters in a map',
      (t) => t.writeParameters(any(new Map([['bias', [1, 2, 3]]]))),
      '[writeParameters] what was given is of the kind Map but must be',
    ],
    [
      'a parameter that is NaN',
      (t) => t.writeParameters({ bias: [0, NaN, 0] }),
      '"bias" is NaN at sample 0, element 1',
    ],
    [
      'a verdict that is true',
      (t) => t.fit(set, { epochs: 1, decisions: [{ name: 'mine', start: () => () => any(true) }] }),
      '[mine, verdict] the options are true but must be an object of stop, rateFactor, keep, message',
    ],
    [
      'a verdict that keeps without saying so before',
      (t) => t.fit(set, { epochs: 1, decisions: [{ name: 'mine', start: () => () => ({ keep: true }) }] }),
      '[mine] keeps is nothing but must be true where a verdict says keep',
    ],
    [
      'a decision that starts nothing',
      (t) => t.fit(set, { epochs: 1, decisions: [{ name: 'mine', start: () => any(3) }] }),
      '[mine] what start() gives is 3 but must be a function of metrics',
    ],
    [
      'loadWeights of a response',
      (t) => t.loadWeights(any(new Response())),
      '[loadWeights] what was given is of the kind Response but must be',
    ],
    [
      'loadWeights of other numbers',
      (t) => t.loadWeights(any(new Float32Array(4))),
      '[loadWeights] what was given is of the kind Float32Array but must be',
    ],
  ])('refuses %s', async (_, work, words) => {
    const trainer = await create();
    const failure: unknown = await (async () => work(trainer))().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataError);
    expect(String(failure)).toContain(words);
  });

  test.each(['step', 'verify'] as const)('knows by the set that %s is given what its fields are', async (call) => {
    const trainer = await createTrainer({ ...usual, data: undefined, backend: 'cpu' } as never);
    await expect(trainer[call](batch)).rejects.toThrow('the shapes of the data are not known yet');
    await trainer[call](take(set, 0, 4));
    await trainer[call](batch);
    trainer.destroy();
  });

  test('tells of a bad number in which batch it is, once', async () => {
    const trainer = await create();
    const bad = { ...batch, label: [0, 1, 0, 0.5] };
    const failure: unknown = await trainer.fit([bad]).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/^DataError: \[fit, batch 0\] "label"\[3\] is 0\.5[^()]*$/);
    const broken: unknown = await trainer
      .fit([{ ...batch, point: new Float32Array(8).fill(NaN) }])
      .catch((error: unknown) => error);
    expect(String(broken)).toMatch(/\(in batch 0\)$/);
  });

  test('takes the bytes of a file in all forms that they come in', async () => {
    const trainer = await create();
    const bytes = await trainer.saveWeights();
    const before = await trainer.readParameters();
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    const foreign = runInNewContext(`new Uint8Array([${bytes.join()}]).buffer`) as ArrayBuffer;
    for (const given of [bytes, bytes.buffer, Buffer.from(bytes), shared, foreign]) {
      await trainer.writeParameters({ bias: [1, 2, 3] });
      await trainer.loadWeights(given);
      expect(await trainer.readParameters()).toEqual(before);
    }
  });
});

test.each<[string, () => unknown, string]>([
  ['requestDevice of a text', () => requestDevice(any('fast')), '[requestDevice] the options are the text "fast"'],
  [
    'requestDevice of another preference',
    () => requestDevice(any({ powerPreference: 'fast' })),
    '[requestDevice] powerPreference is the text "fast" but must be "high-performance" or "low-power"',
  ],
  [
    'requestDevice of one option for Dawn',
    () => requestDevice(any({ dawn: 'x' })),
    '[requestDevice] dawn is the text "x" but must be an array',
  ],
  [
    'requestDevice of seconds below none',
    () => requestDevice({ retrySeconds: -1 }),
    '[requestDevice] retrySeconds is -1 but must be at least 0 and finite',
  ],
  ['folder of nothing', () => folder(any(undefined)), '[folder] the path is nothing but must be a text'],
  [
    'formatProfile of a promise',
    () => formatProfile(any(Promise.resolve())),
    '[formatProfile] the profile is a promise, which is to be awaited',
  ],
])('%s is refused', async (_, work, words) => {
  await expect((async () => work())()).rejects.toThrow(words);
});
