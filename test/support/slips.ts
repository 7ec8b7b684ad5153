// What people write by mistake, and what is said of it: the error's kind, what was wrong, and the way out.

import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  earlyStop,
  huber,
  input,
  linear,
  matmul,
  relu,
  schedules,
  sequential,
  sgd,
  take,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { readIdx, readSafetensors, readTable } from '../../src/data/index.ts';
import { spec } from '../../src/core/shape.ts';

const x = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
const label = Uint8Array.from({ length: 8 }, (_, i) => i % 2);
const set = dataset({ point: { data: x, shape: [3] }, label });
const batch = take(set, 0, 4);
const options: TrainerOptions = {
  model: sequential(linear(3, 4), relu, linear(4, 2)),
  loss: crossEntropy,
  optimizer: adam(),
  batchSize: 4,
  backend: 'cpu',
};
const value = (shape: readonly number[]): Value => input('x', spec(shape));

/** Anything, where a type would not have it. */
// oxlint-disable-next-line typescript/no-explicit-any -- slips are what types refuse
const any = (given: unknown): any => given;

/** A trainer with other options, and what is done with it. */
async function trained(
  others: object,
  work: (trainer: Trainer) => unknown = (trainer) => trainer.fit(set, { steps: 2 }),
) {
  const trainer = await createTrainer(any({ ...options, ...others }));
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}
const using = (work: (trainer: Trainer) => unknown) => () => trained({}, work);
const model = (made: unknown) => () => trained({ model: made });
const loss = (made: unknown) => () => trained({ loss: made });

export const slips: Readonly<Record<string, readonly [slip: () => unknown, says: string]>> = {
  'a model that returns nothing': [
    model((h: Value) => void relu(h)),
    'DataError: [model] what it gives is nothing but must be a value, or several by name, returned at once: what is traced cannot wait (the batch has point, label)',
  ],
  'a model that returns a number': [
    model(() => 3),
    'DataError: [model] what it gives is 3 but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'an async model': [
    model(async (h: Value) => relu(h)),
    'DataError: [model] what it gives is a promise, which is to be awaited but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'a layer called as a function': [
    model((h: Value) => {
      const layer = any(linear(3, 2));
      return layer(h);
    }),
    'ShapeError: [model] layer is not a function: a layer is used by context.apply(layer, x), and the batch has point, label',
  ],
  'a list of layers': [
    () => sequential(any([linear(3, 2), relu])),
    'DataError: [sequential] layer 0 is an array of 2 but must be a layer or a function, by itself and not called: sequential(linear(2, 3), relu)',
  ],
  'an op called where it is handed on': [
    () => sequential(linear(3, 2), any(relu)()),
    'ShapeError: [relu] the input is nothing but must be a value: what a layer or an op gave, a field of the batch, or constant(…)',
  ],
  'no model': [
    () => trained({ model: undefined }),
    'ShapeError: [createTrainer] give model, loss and optimizer, or phases, each with a loss and an optimizer',
  ],
  'a model as text': [
    model('mlp'),
    'DataError: [createTrainer] model is the text "mlp" but must be a layer or a function, as sequential(…) makes one of several',
  ],
  'an optimizer that was not made': [
    () => trained({ optimizer: adam }),
    'DataError: [createTrainer] optimizer is the function adam but must be an optimizer, as adam() gives one',
  ],
  'an optimizer as text': [
    () => trained({ optimizer: 'adam' }),
    'DataError: [createTrainer] optimizer is the text "adam" but must be an optimizer, as adam() gives one',
  ],
  'a loss as text': [
    loss('crossEntropy'),
    'DataError: [createTrainer] loss is the text "crossEntropy" but must be a function, handed on and not called, as crossEntropy',
  ],
  'a loss that was called': [
    loss(any(() => value([]))()),
    'DataError: [createTrainer] loss is a value of a graph but must be a function, handed on and not called, as crossEntropy',
  ],
  'a loss that returns nothing': [
    loss(() => {}),
    'DataError: [model] what the loss gives is nothing but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'a loss that returns a number': [
    loss(() => 0.5),
    'DataError: [model] what the loss gives is 0.5 but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'an async loss': [
    loss(async (y: Value, fields: never) => crossEntropy(y, fields)),
    'DataError: [model] what the loss gives is a promise, which is to be awaited but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'a loss that reads a field that is not there': [
    loss((y: Value, { labl }: Record<string, Value>) => crossEntropy(y, labl)),
    'DataError: [crossEntropy] the target is nothing but must be a value, as batch.label, or the batch itself (the batch has point, label)',
  ],
  'a loss that looks into a field that is not there': [
    loss((y: Value, { labl }: Record<string, Value>) => crossEntropy(y, any(labl).spec)),
    "ShapeError: [model] Cannot read properties of undefined (reading 'spec'): a layer is used by context.apply(layer, x), and the batch has point, label",
  ],
  'metrics without a loss': [
    loss((y: Value, fields: Record<string, Value>) => ({
      accuracy: any(crossEntropy(y, fields)).accuracy,
    })),
    'DataError: [model] `loss` of what the loss gives is nothing but must be a value, or several by name, returned at once: what is traced cannot wait',
  ],
  'a number where a value belongs': [
    () => matmul(value([2, 3]), any(3)),
    'ShapeError: [matmul] input 1 is 3 but must be a value: what a layer or an op gave, a field of the batch, or constant(…)',
  ],
  'an array where a value belongs': [
    () => relu(any([1, 2, 3])),
    'ShapeError: [relu] the input is an array of 3 but must be a value: what a layer or an op gave, a field of the batch, or constant(…)',
  ],
  'logits and labels exchanged': [
    loss((y: Value, fields: Record<string, Value>) => crossEntropy(fields['label'], y)),
    'ShapeError: [crossEntropy] the prediction is u8[4] but must be f32: it comes first, and the target behind it',
  ],
  'a misspelt option of an optimizer': [
    () => adam(any({ lr: 0.1 })),
    'DataError: [adam] there is no option "lr", the nearest is "learningRate": it takes learningRate, weightDecay, groups, clip, beta1, beta2, epsilon',
  ],
  'a rate in place of options': [
    () => adam(any(0.1)),
    'DataError: [adam] the options are 0.1 but must be an object of learningRate, weightDecay, groups, clip, beta1, beta2, epsilon',
  ],
  'a misspelt option of fit': [
    using((trainer) => trainer.fit(set, any({ epoch: 3 }))),
    'DataError: [fit] there is no option "epoch", the nearest is "epochs": it takes epochs, steps, validation, validateEvery, decisions, stepsPerSubmit, budgetMs, frame, every, signal, shuffle, onNaN, stopOnNaN, resume, checkpoints',
  ],
  'a misspelt option of createTrainer': [
    () => trained({ batch_size: 4 }),
    'DataError: [createTrainer] there is no option "batch_size", the nearest is "batchSize": it takes model, loss, optimizer, phases, batchSize, microBatches, averageWeights, gradientNorm, exposes, memoryLimit, fuse, kernels, seed, backend, threads, relaxed, device, onDeviceLost, data, inputs, targets, warn',
  ],
  'a batch size as text': [
    () => trained({ batchSize: '4' }),
    'ShapeError: [createTrainer] batchSize is the text "4" but must be a whole number above 0',
  ],
  'no arguments of createTrainer': [
    () => any(createTrainer)(),
    'ShapeError: [createTrainer] give model, loss and optimizer, or phases, each with a loss and an optimizer',
  ],
  'no arguments of fit': [
    using((trainer) => any(trainer).fit()),
    'DataError: [fit] what to train on is nothing but must be a data set, as dataset({ … }) makes one, or an iterable of batches',
  ],
  'a raw object in fit': [
    using((trainer) => trainer.fit(any({ point: x, label }))),
    'DataError: [fit] what to train on is an object of "point", "label" but must be a data set, as dataset({ … }) makes one, or an iterable of batches',
  ],
  'a raw array in fit': [
    using((trainer) => trainer.fit(any(x))),
    'DataError: [fit] what to train on is of the kind Float32Array but must be a data set, as dataset({ … }) makes one, or an iterable of batches',
  ],
  'a raw object in evaluate': [
    using((trainer) => trainer.evaluate(any({ point: x, label }))),
    'DataError: [evaluate] the set is an object of "point", "label" but must be a data set: dataset({ … }) makes one of arrays',
  ],
  'a raw object as validation': [
    using((trainer) => trainer.fit(set, any({ validation: { point: x, label } }))),
    'DataError: [validation] the set is an object of "point", "label" but must be a data set: dataset({ … }) makes one of arrays',
  ],
  'a raw object as data': [
    () => trained({ data: { point: x, label } }),
    'DataError: [createTrainer] data is an object of "point", "label" but must be a data set, as dataset({ … }) makes one',
  ],
  'a set that was not awaited': [
    using((trainer) => trainer.fit(any(Promise.resolve(set)))),
    'DataError: [fit] what to train on is a promise, which is to be awaited but must be a data set, as dataset({ … }) makes one, or an iterable of batches',
  ],
  'decisions that were not made': [
    using((trainer) => trainer.fit(set, any({ decisions: [earlyStop] }))),
    'DataError: [fit] decisions[0] is the function earlyStop but must be a decision, as earlyStop() gives one',
  ],
  'a controller as signal': [
    using((trainer) => trainer.fit(set, any({ signal: new AbortController() }))),
    'DataError: [fit] signal is of the kind AbortController but must be an AbortSignal, as controller.signal',
  ],
  'weights that were not awaited': [
    using((trainer) => trainer.loadWeights(any(Promise.resolve(new Uint8Array(9))))),
    "DataError: [loadWeights] what was given is a promise, which is to be awaited but must be a file's bytes, as await response.arrayBuffer()",
  ],
  'a text as weights': [
    using((trainer) => trainer.loadWeights(any('weights.safetensors'))),
    'DataError: [loadWeights] what was given is the text "weights.safetensors" but must be a file\'s bytes, as await response.arrayBuffer()',
  ],
  'exchanged arguments of readSafetensors': [
    () => readSafetensors(any(new Uint8Array(9)), any('a.safetensors')),
    "DataError: [safetensors] the name is of the kind Uint8Array but must be the file's, in front of what it holds",
  ],
  'exchanged arguments of readIdx': [
    () => readIdx(any(new Uint8Array(9)), any('a.idx')),
    "DataError: [idx] the name is of the kind Uint8Array but must be the file's, in front of what it holds",
  ],
  'exchanged arguments of readTable': [
    () => readTable(any(new Uint8Array(9)), any(3)),
    "DataError: [table] the name is of the kind Uint8Array but must be the file's, in front of what it holds",
  ],
  'an empty object as device': [
    () => trained({ device: {}, backend: 'webgpu' }),
    'DataError: [createTrainer] device is an empty object but must be a GPUDevice, as await requestDevice()',
  ],
  'another backend': [
    () => trained({ backend: 'gpu' }),
    'DataError: [createTrainer] backend is the text "gpu" but must be "webgpu", "wasm", "cpu" or "auto"',
  ],
  'a scale as text': [
    () => dataset({ image: any({ data: new Uint8Array(8), shape: [2, 2], scale: '1/255' }) }),
    'DataError: [dataset, "image"] scale is the text "1/255" but must be a number other than 0, as 1 / 255',
  ],
  'a misspelt member of a field': [
    () => dataset({ image: any({ data: new Uint8Array(8), shap: [2, 2] }) }),
    'DataError: [dataset, "image"] there is no option "shap", the nearest is "shape": it takes data, shape, stride, scale, offset',
  ],
  'a shape that is a number': [
    () => dataset({ image: any({ data: new Uint8Array(8), shape: 4 }) }),
    'DataError: [dataset, "image"] shape is 4 but must be one sample\'s extents, as [28, 28]',
  ],
  'a delta of 0': [
    () => huber(value([2]), value([2]), { delta: 0 }),
    'DataError: [huber] delta is 0 but must be a number above 0, in the unit of the target',
  ],
  'a negative delta': [
    () => huber(value([2]), value([2]), { delta: -1 }),
    'DataError: [huber] delta is -1 but must be a number above 0, in the unit of the target',
  ],
  'a momentum above 1': [
    () => sgd({ momentum: 1.5 }),
    'DataError: [sgd] momentum is 1.5 but must be at least 0 and below 1',
  ],
  'Nesterov without momentum': [
    () => sgd({ nesterov: true }),
    'DataError: [sgd] nesterov needs a momentum above 0: give one, as 0.9',
  ],
  'a norm of 0 to clip by': [
    () => adam({ clip: { globalNorm: 0 } }),
    'DataError: [adam] clip.globalNorm is 0 but must be above 0 and finite',
  ],
  'a number to clip by': [
    () => adam({ clip: any(5) }),
    'DataError: [adam, clip] the options are 5 but must be an object of value, norm, globalNorm',
  ],
  'a schedule that was not made': [
    () => trained({ optimizer: adam({ learningRate: any(schedules.cosine) }) }),
    'DataError: [adam] the learning rate at step 0 is DataError: [cosine] steps is nothing but must be at least 0 and below Infinity but must be at least 0 and finite: look at the function that gives it',
  ],
  'texts as sizes': [
    () => linear(any('3'), 2),
    'ShapeError: [linear] a layer from the text "3" to 2 features: both must be whole and positive',
  ],
  'a prediction of nothing': [
    using(async (trainer) => {
      await trainer.prepare(set);
      return any(trainer).predict();
    }),
    'DataError: [predict] what was given is nothing but must be numbers by field, or a data set',
  ],
  'a prediction by a field of another name': [
    using(async (trainer) => {
      await trainer.prepare(set);
      return trainer.predict({ pont: x });
    }),
    'ShapeError: [predict] the batch has no field "point", the nearest is "pont": it must have "point"',
  ],
  'a step of single numbers': [
    using(async (trainer) => {
      await trainer.prepare(set);
      return trainer.step(any({ point: 1, label: 0 }));
    }),
    'DataError: [step] field "label" holds no plain numbers: give a typed array, or a flat array of numbers',
  ],
  'a run that goes to NaN': [
    () => trained({ optimizer: sgd({ learningRate: 1e30 }) }, (trainer) => trainer.fit(set, { steps: 30 })),
    "DataError: [fit] loss is Infinity at step 2, from which no further step recovers, so it was left out: the first bad number is -Infinity, number 0 of %4 f32[4, 2] = matmul(%3, layer2.weight, layer2.bias) {transposeA: false, transposeB: false}, and the gradient of layer0.weight is NaN; take a smaller learning rate, clip the gradients, look at the data, or give onNaN: 'skip'",
  ],
  'two runs at once': [
    using(async (trainer) => {
      const first = trainer.fit(set, { steps: 5 });
      await first.next();
      await trainer.fit(set, { steps: 5 });
    }),
    'DataError: [fit] fit is still running on this trainer: await it, leave its loop, or call stop(), first',
  ],
  'verify of a set of another size': [
    using(async (trainer) => {
      await trainer.prepare(set);
      return trainer.verify(take(batch, 0, 3));
    }),
    'ShapeError: [verify] the batch has 3 samples but batchSize is 4: give as many',
  ],
};
