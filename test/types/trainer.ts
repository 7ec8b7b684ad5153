// Models, losses, trainers and their answers say what they are without being asked.

import {
  adam,
  add,
  argmax,
  createTrainer,
  crossEntropy,
  dataset,
  defineLayer,
  linear,
  mean,
  meanSquaredError,
  mul,
  relu,
  sequential,
  sgd,
  type BatchValues,
  type Context,
  type Dataset,
  type Layer,
  type Loss,
  type LossOptions,
  type Model,
  type Module,
  type Output,
  type Report,
  type Trainer,
  type TrainerOptions,
  type Value,
} from 'millrace';

const set = dataset({ x: { data: [1, 2], shape: [2] }, label: new Uint8Array([1]) });
const plain: Dataset = set;
const optimizer = sgd();
const first = linear(2, 4);
const second = linear(4, 3);

// A model, a function of its own, a loss that reads the batch.
const trainer = await createTrainer({
  model: (x, context) => context.apply(second, relu(context.apply(first, x))),
  loss: (logits, batch) => crossEntropy(logits, batch.label),
  optimizer,
  batchSize: 1,
  data: set,
});
const logits: Float32Array = (await trainer.predict({ x: [1, 2] })).data;
const same: Float32Array = (await trainer.predict([1, 2])).outputs.output.data;
for await (const { loss, metrics, validation } of trainer.fit(set, { epochs: 1, validation: plain })) {
  const total: number = loss + metrics.loss + (validation?.loss ?? 0) + (metrics['accuracy'] ?? 0);
  said(total, logits, same);
}
const { loss, accuracy } = await trainer.evaluate(plain);
const measured: [number, number | undefined] = [loss, accuracy];
const last: Report = await trainer.fit([{ x: [1, 2], label: [1] }, set]);

// Several outputs, by name.
const both = await createTrainer({
  model: (x: Value, context) => ({ logits: context.apply(first, x), best: argmax(x) }),
  loss: (outputs, { label }) => ({ loss: crossEntropy(outputs.logits, label), size: mean(outputs.logits) }),
  optimizer,
  batchSize: 1,
  data: set,
});
const { outputs, ...answer } = await both.predict(plain);
const scores: Float32Array = outputs.logits.data;
const classes: Int32Array | Uint32Array = outputs.best.data;
if (answer.dtype === 'f32') said(0, answer.data, scores);

// Phases: a GAN.
const [make, judge] = [linear(2, 2), linear(2, 1)];
const gan = await createTrainer({
  batchSize: 1,
  data: set,
  phases: [
    {
      name: 'judge',
      loss: (_, batch, context) => meanSquaredError(context.apply(judge, batch.x), batch.label),
      optimizer,
      trains: [judge],
    },
    {
      name: 'make',
      loss: (_, { x }, context) => mean(context.apply(judge, context.apply(make, x))),
      optimizer: adam(),
      trains: [make],
    },
  ],
});

// A layer with a state; functions among layers.
const ones = (): Float32Array => new Float32Array(4).fill(1);
const counting = defineLayer({
  name: 'counting',
  parameters: { gain: { shape: [4], initial: ones } },
  state: { seen: { shape: [], initial: ones } },
  apply(x, { gain, seen }, context) {
    context.update('seen', add(seen, 1));
    return mul(x, gain);
  },
});
const stack = sequential(first, (x) => relu(x), counting, second);
const ofStack: Layer<Value, Value<'f32'>> = stack;

// What is not known beforehand goes everywhere, and what is annotated stays so.
const own: Loss<Value> = (y, batch: BatchValues<'label'>) => crossEntropy(y, batch.label);
const more: Partial<LossOptions> = { seed: 3, ...(last.step > 0 && { microBatches: 1 }) };
const anyModel: Model = stack;
const options: TrainerOptions = { model: anyModel, loss: own, optimizer, batchSize: 1 };
const trainers: readonly Trainer[] = [
  trainer,
  both,
  gan,
  await createTrainer({ ...options, ...more } as TrainerOptions),
];
const step = (each: Trainer): Promise<Report> => each.step(plain);
const apply = (module: Module, x: Value, context: Context): Value => context.apply(module, x, 'named');
const unknown: Output = await (await createTrainer(options)).predict(plain);
said(
  0,
  ofStack,
  measured,
  classes,
  trainers,
  step,
  apply,
  unknown,
  await createTrainer({ ...options, device: undefined }),
);

function said(..._: readonly unknown[]): void {}

// What does not compile.
await createTrainer({
  model: stack,
  // @ts-expect-error Property 'labl' does not exist on type 'BatchValues<
  loss: (y, batch) => crossEntropy(y, batch.labl),
  optimizer,
  batchSize: 1,
  data: set,
});

// @ts-expect-error Argument of type 'Dataset<"x">' is not assignable to parameter of type 'Dataset<
await trainer.evaluate(dataset({ x: { data: [1, 2], shape: [2] } }));

// @ts-expect-error 'labels' does not exist in type
await trainer.step({ x: [1, 2], labels: [1] });

// @ts-expect-error 'y' does not exist in type
await trainer.predict({ y: [1, 2] });

// @ts-expect-error Type '"y"' is not assignable to type
await createTrainer({ model: stack, loss: crossEntropy, optimizer, batchSize: 1, data: set, inputs: 'y' });

// @ts-expect-error Type 'Float32Array
export const whole: Int32Array = (await trainer.predict([1, 2])).data;

// @ts-expect-error Property 'third' does not exist
void outputs.third;

// @ts-expect-error Property 'gian' does not exist
defineLayer({ parameters: { gain: { shape: [4], initial: ones } }, apply: (x, { gian }) => mul(x, gian) });
