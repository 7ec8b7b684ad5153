// What people write by mistake.

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
  type Context,
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

export const slips: Readonly<Record<string, () => unknown>> = {
  'a model that returns nothing': model((h: Value) => void relu(h)),
  'a model that returns a number': model(() => 3),
  'an async model': model(async (h: Value) => relu(h)),
  'a layer called as a function': model((h: Value) => any(linear(3, 2))(h)),
  'a layer called as a function in a model': model((h: Value, context: Context) =>
    any(context.apply(linear(3, 2), h))(h),
  ),
  'a list of layers': () => sequential(any([linear(3, 2), relu])),
  'an op called where it is handed on': () => sequential(linear(3, 2), any(relu)()),
  'no model': () => trained({ model: undefined }),
  'a model as text': model('mlp'),
  'an optimizer that was not made': () => trained({ optimizer: adam }),
  'an optimizer as text': () => trained({ optimizer: 'adam' }),
  'a loss as text': loss('crossEntropy'),
  'a loss that was called': loss(any(() => value([]))()),
  'a loss that returns nothing': loss(() => {}),
  'a loss that returns a number': loss(() => 0.5),
  'an async loss': loss(async (y: Value, fields: never) => crossEntropy(y, fields)),
  'a loss that reads a field that is not there': loss((y: Value, { labl }: Record<string, Value>) =>
    crossEntropy(y, labl),
  ),
  'a loss that looks into a field that is not there': loss((y: Value, { labl }: Record<string, Value>) =>
    crossEntropy(y, any(labl).spec),
  ),
  'metrics without a loss': loss((y: Value, fields: Record<string, Value>) => ({
    accuracy: any(crossEntropy(y, fields)).accuracy,
  })),
  'a number where a value belongs': () => matmul(value([2, 3]), any(3)),
  'an array where a value belongs': () => relu(any([1, 2, 3])),
  'logits and labels exchanged': loss((y: Value, fields: Record<string, Value>) => crossEntropy(fields['label'], y)),
  'a misspelt option of an optimizer': () => adam(any({ lr: 0.1 })),
  'a rate in place of options': () => adam(any(0.1)),
  'a misspelt option of fit': using((trainer) => trainer.fit(set, any({ epoch: 3 }))),
  'a misspelt option of createTrainer': () => trained({ batch_size: 4 }),
  'a batch size as text': () => trained({ batchSize: '4' }),
  'no arguments of createTrainer': () => any(createTrainer)(),
  'no arguments of fit': using((trainer) => any(trainer).fit()),
  'a raw object in fit': using((trainer) => trainer.fit(any({ point: x, label }))),
  'a raw array in fit': using((trainer) => trainer.fit(any(x))),
  'a raw object in evaluate': using((trainer) => trainer.evaluate(any({ point: x, label }))),
  'a raw object as validation': using((trainer) => trainer.fit(set, any({ validation: { point: x, label } }))),
  'a raw object as data': () => trained({ data: { point: x, label } }),
  'a set that was not awaited': using((trainer) => trainer.fit(any(Promise.resolve(set)))),
  'decisions that were not made': using((trainer) => trainer.fit(set, any({ decisions: [earlyStop] }))),
  'a controller as signal': using((trainer) => trainer.fit(set, any({ signal: new AbortController() }))),
  'weights that were not awaited': using(async (trainer) => {
    await trainer.prepare(set);
    return trainer.loadWeights(any(trainer.saveWeights()));
  }),
  'a text as weights': using(async (trainer) => {
    await trainer.prepare(set);
    return trainer.loadWeights(any('weights.safetensors'));
  }),
  'exchanged arguments of readSafetensors': () => readSafetensors(any(new Uint8Array(9)), any('a.safetensors')),
  'exchanged arguments of readIdx': () => readIdx(any(new Uint8Array(9)), any('a.idx')),
  'exchanged arguments of readTable': () => readTable(any(new Uint8Array(9)), any(3)),
  'an empty object as device': () => trained({ device: {}, backend: 'webgpu' }),
  'another backend': () => trained({ backend: 'gpu' }),
  'a scale as text': () => dataset({ image: any({ data: new Uint8Array(8), shape: [2, 2], scale: '1/255' }) }),
  'a misspelt member of a field': () => dataset({ image: any({ data: new Uint8Array(8), shap: [2, 2] }) }),
  'a shape that is a number': () => dataset({ image: any({ data: new Uint8Array(8), shape: 4 }) }),
  'a delta of 0': () => huber(value([2]), value([2]), { delta: 0 }),
  'a negative delta': () => huber(value([2]), value([2]), { delta: -1 }),
  'a momentum above 1': () => sgd({ momentum: 1.5 }),
  'Nesterov without momentum': () => sgd({ nesterov: true }),
  'a norm of 0 to clip by': () => adam({ clip: { globalNorm: 0 } }),
  'a number to clip by': () => adam({ clip: any(5) }),
  'a schedule that was not made': () => trained({ optimizer: adam({ learningRate: any(schedules.cosine) }) }),
  'texts as sizes': () => linear(any('3'), 2),
  'a prediction of nothing': using(async (trainer) => {
    await trainer.prepare(set);
    return any(trainer).predict();
  }),
  'a prediction by a field of another name': using(async (trainer) => {
    await trainer.prepare(set);
    return trainer.predict({ pont: x });
  }),
  'a step of single numbers': using(async (trainer) => {
    await trainer.prepare(set);
    return trainer.step(any({ point: 1, label: 0 }));
  }),
  'a run that goes to NaN': () =>
    trained({ optimizer: sgd({ learningRate: 1e30 }) }, (trainer) => trainer.fit(set, { steps: 30 })),
  'two runs at once': using(async (trainer) => {
    const first = trainer.fit(set, { steps: 5 });
    await first.next();
    await trainer.fit(set, { steps: 5 });
  }),
  'verify of a set of another size': using(async (trainer) => {
    await trainer.prepare(set);
    return trainer.verify(take(batch, 0, 3));
  }),
};
