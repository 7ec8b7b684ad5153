import {
  add,
  checkpoints as ofOrigin,
  createTrainer,
  crossEntropy,
  dataset,
  earlyStop,
  keepBest,
  linear,
  log,
  mean,
  mul,
  reduceOnPlateau,
  sequential,
  sgd,
  type BatchValues,
  type Context,
  type Kernels,
  type Phase,
  type Samples,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { checkpoints } from '../../src/node.ts';
import { inFolder, type Case } from '../support/provoke.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(16, 3);
const batch: Samples = { point: set.fields['point'].data.slice(0, 8), label: set.fields['label'].data.slice(0, 4) };

/** Options in place of the usual ones. */
type Others = { readonly [name in keyof TrainerOptions]?: TrainerOptions[name] | undefined };

/** Work with a trainer of a small classifier on the CPU. */
const trained =
  (work: (trainer: Trainer) => unknown, options: Others = {}): Case[1] =>
  async () =>
    work(
      await createTrainer({
        model: linear(2, 3),
        loss: crossEntropy,
        optimizer: sgd(),
        batchSize: 4,
        backend: 'cpu',
        data: set,
        ...options,
      } as TrainerOptions),
    );

/** A generator: it runs once. */
function* once(): Generator<Samples> {
  yield batch;
}

async function all(reports: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of reports);
}

const dense = linear(2, 3);

/** A loss that calls its layer itself. */
const phases: readonly Phase[] = [
  {
    name: 'a',
    optimizer: sgd(),
    loss: (_, { point, label }, context) => crossEntropy(context.apply(dense, point), label),
  },
];

const twice: Others = { phases: [phases[0], phases[0]], model: undefined, loss: undefined, optimizer: undefined };

const named =
  (metric: string) =>
  (logits: Value, { label }: BatchValues) => ({ loss: crossEntropy(logits, label), [metric]: mean(logits) });

/** Two fields go in. */
const ofTwo: Partial<LossOptions> = {
  model: ({ a, b }: BatchValues, context: Context) => context.apply(dense, add(a, b)),
  data: dataset({ a: { data: [1, 2], shape: [2] }, b: { data: [1, 2], shape: [2] }, label: Uint8Array.of(1) }),
};

/** A step of it multiplies the weights by about 1e20. */
const explosive: Others = {
  loss: (y: Value) => mean(mul(y, y)),
  optimizer: sgd({ learningRate: 1e20 }),
};

/** What is told of a store that keeps nothing. */
async function untold(): Promise<string> {
  let told = '';
  const full = { every: { steps: 9 }, put: () => Promise.reject(new Error('no space left')) };
  await trained((trainer) => trainer.fit(set, { checkpoints: full }), { warn: (text) => (told = text) })();
  return told;
}

/** Saves in the middle of a run over some batches, and goes on over others. */
const goingOn = (data: unknown): Case[1] =>
  trained(async (trainer) => {
    let saved = new Uint8Array();
    for await (const { step } of trainer.fit(Array.from({ length: 9 }, () => batch)))
      if (step === 2) saved = await trainer.save();
    await trainer.load(saved);
    return trainer.fit(data as Samples[]);
  });
/** The logarithm of a mean that falls, until there is none. */
const sinking: Others = { loss: (y: Value) => log(mean(y)), optimizer: sgd({ learningRate: 1 }) };

export const training: readonly Case[] = [
  ['[fit] the iterable has <n> batches', goingOn([batch])],
  ['[fit] the run that was loaded', goingOn(set)],
  ['[fit] the checkpoint of step', untold],
  ["[checkpoints] an origin's own files", () => ofOrigin({ folder: 'run' }).newest()],
  [
    '[checkpoints] best is',
    () =>
      inFolder(async (folder) =>
        trained((trainer) => trainer.fit(set, { checkpoints: checkpoints({ folder, best: 'f1' }) }))(),
      ),
  ],
  [
    '[createTrainer] give',
    () => createTrainer({ model: linear(2, 3), loss: crossEntropy, batchSize: 4 } as unknown as TrainerOptions),
  ],
  [
    '[<model or loss>] the fields are',
    trained(() => null, { data: dataset({ x: { data: [1, 2], shape: [2] }, y: [1] }) }),
  ],
  ['[<loss>] there are several targets', trained(() => null, { ...ofTwo, inputs: ['a', 'b'], targets: ['a', 'b'] })],
  ['[createTrainer] batchSize', trained(() => null, { batchSize: 2.5 })],
  [
    '[trainer] the shapes',
    async () => {
      const options = { model: linear(2, 3), loss: crossEntropy, optimizer: sgd(), batchSize: 4 };
      return (await createTrainer({ ...options, backend: 'cpu' })).readParameters();
    },
  ],
  [
    '[<call>] <other call> is still running',
    trained(async (trainer) => {
      await trainer.fit(set).next();
      return trainer.fit(set).next();
    }),
  ],
  [
    '[<call>] <other call> is still running',
    trained(async (trainer) => {
      await trainer.fit(set).next();
      return trainer.step(batch);
    }),
  ],
  [
    '[<call>] <verify or profile> is still running',
    trained(async (trainer) => {
      const [, evaluated] = await Promise.allSettled([trainer.verify(batch), trainer.evaluate(set)]);
      if (evaluated.status === 'rejected') throw evaluated.reason;
    }),
  ],
  ['[fit] epochs is <n>, steps is <n>: give', trained((trainer) => trainer.fit(set, { epochs: 1, steps: 1 }).next())],
  ['[fit] epochs is <n>, steps is <n>: give', trained((trainer) => trainer.fit(set, { epochs: 0 }).next())],
  ['[fit] epochs is <n>, steps is <n>: give', trained((trainer) => trainer.fit(set, { epochs: '3' as never }))],
  ['[fit] the run was ended', trained((trainer) => trainer.fit(set, { signal: AbortSignal.abort() }))],
  ['[fit] <what> is <n>', trained((trainer) => trainer.fit(set, { epochs: 2 }), explosive)],
  ['[fit] <loss> is <n>', trained((trainer) => trainer.fit(set, { epochs: 60 }), sinking)],
  ['[fit] epochs is <n>, steps is <n>: for', trained((trainer) => trainer.fit([batch], { epochs: 1.5 }).next())],
  [
    '[fit] epochs is <n>, steps is <n>: for',
    trained((trainer) => trainer.fit([batch], { epochs: 1, steps: 1 }).next()),
  ],
  ['[<call>] <option> is', trained((trainer) => trainer.fit(set, { every: 0 }).next())],
  ['[<call>] <option> is', trained((trainer) => trainer.fit(set, { stepsPerSubmit: 2.5 }).next())],
  ['[<call>] <option> is', trained((trainer) => trainer.fit(set, { validateEvery: NaN }).next())],
  [
    '[model] trains[<n>] of phase "<name>" is',
    trained(() => {}, { loss: undefined, optimizer: undefined, phases: [{ ...phases[0], trains: ['none'] }] }),
  ],
  ['[model] no gradient of the loss of phase', trained(() => {}, { loss: (_, { point }) => mean(point) })],
  ['[fit] the iterable gave no', trained((trainer) => trainer.fit([]).next())],
  ['[fit] the iterable ended', trained((trainer) => all(trainer.fit(once(), { steps: 3 })))],
  ['[fit] the iterable ended', trained((trainer) => all(trainer.fit(once(), { epochs: 2 })))],
  [
    '[fit, batch <n>] the batch has',
    trained((trainer) => all(trainer.fit([batch, { point: new Float32Array(10), label: new Uint8Array(5) }]))),
  ],
  [
    '[fit] the decisions',
    trained((trainer) => trainer.fit(set, { decisions: [keepBest(), earlyStop({ restoreBest: true })] }).next()),
  ],
  ['[createTrainer] two phases', trained(() => {}, twice)],
  ['[model] a metric is called', trained(() => {}, { loss: named('learningRate') })],
  ['[model] a metric is called', trained(() => {}, { loss: named('gradientNorm') })],
  ['[createTrainer] microBatches', trained(() => {}, { microBatches: 5 })],
  ['[createTrainer] microBatches', trained(() => {}, { microBatches: 0 })],
  ['[<createTrainer>] kernels', trained(() => {}, { kernels: 'fast' as Kernels })],
  ['[<createTrainer>] kernels', trained(() => {}, { kernels: null as unknown as Kernels })],
  ['[<createTrainer>] kernels', trained(() => {}, { kernels: { adapter: 'a card' } as Kernels })],
  ['[createTrainer] seed', trained(() => {}, { seed: NaN })],
  ['[createTrainer] seed', trained(() => {}, { seed: -1 })],
  ['[<optimizer>] <option> is', trained(() => {}, { averageWeights: { decay: 1 } })],
  ['[<call>] batchSize is', trained((trainer) => trainer.fit(clusters(3, 3)).next())],
  ['[<call>] batchSize is', trained((trainer) => trainer.profile(1, { data: clusters(3, 3) }))],
  ['[<call>] <option> is', trained((trainer) => trainer.profile(0))],
  ['[profile] there are no samples', trained((trainer) => trainer.profile(1))],
  ['[profile] peak', trained((trainer) => trainer.profile(1, { data: set, peak: { bytes: NaN } }))],
  ['[<decision>] <option> is', () => earlyStop({ patience: -1 })],
  ['[<decision>] <option> is', () => reduceOnPlateau({ cooldown: 1.5 })],
  [
    '[<decision>] there is no metric',
    () => keepBest({ metric: 'accuracy' }).start()({ loss: 1 }, { step: 1, learningRate: 0.1 }),
  ],
  ['[<call>] the model was traced', trained((trainer) => trainer.fit(dataset({ label: Uint8Array.of(1, 2) })).next())],
  ['[<call>] field "<name>" was traced', trained((trainer) => trainer.evaluate(clusters(8, 3, 1, 5)))],
  [
    '[<call>] the model sees',
    trained((trainer) => {
      const point = { data: set.fields['point'].data, shape: [2], scale: 2 };
      return trainer.evaluate(dataset({ point, label: set.fields['label'].data }));
    }),
  ],
  [
    '[<call>] the array of',
    trained((trainer) => {
      const other = dataset({ point: { data: new Float32Array(8), shape: [2] }, label: new Uint8Array(4) });
      structuredClone(null, { transfer: [other.fields['point'].data.buffer as ArrayBuffer] });
      return trainer.evaluate(other);
    }),
  ],
  [
    '[<call>] "<name>"[<n>] is <number>, but <dtype>',
    trained((trainer) => trainer.step({ ...batch, label: [0, 1, 0, 0.5] })),
  ],
  [
    '[refresh]',
    trained(async (trainer) => {
      await trainer.fit(set).next();
      return trainer.refresh(set);
    }),
  ],
  ['[<call>] the batch has no field', trained((trainer) => trainer.step({ point: batch['point'] }))],
  ['[<call>] field "<name>" has <n> numbers', trained((trainer) => trainer.predict(new Float32Array(3)))],
  [
    '[<call>] field "<name>" has <n> samples',
    trained((trainer) => trainer.step({ ...batch, label: new Uint8Array(3) })),
  ],
  ['[<call>] the batch has <n> samples', trained((trainer) => trainer.verify(set))],
  [
    '[predict] the trainer has phases',
    trained((trainer) => trainer.predict(new Float32Array(2)), {
      model: undefined,
      loss: undefined,
      optimizer: undefined,
      phases,
    }),
  ],
  ['[predict] the model reads', trained((trainer) => trainer.predict(new Float32Array(2)), ofTwo)],
  [
    '[predict] output',
    trained((trainer) => trainer.predict(new Float32Array(2)), {
      model: sequential(linear(2, 3), (x: Value) => mean(x, { axes: 0, keepDimensions: true })),
      loss: (y: Value) => mean(y),
    }),
  ],
];
