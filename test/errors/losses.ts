import { spec } from '../../src/core/shape.ts';
import {
  adam,
  adamw,
  cast,
  createTrainer,
  crossEntropy,
  ctc,
  ctcBeamSearch,
  ctcGreedy,
  dataset,
  differentiate,
  f1Score,
  flatten,
  input,
  labelErrorRate,
  linear,
  lion,
  meanSquaredError,
  metric,
  muon,
  reduceOnPlateau,
  reshape,
  rSquared,
  schedules,
  sequential,
  sgd,
  slice,
  wordErrorRate,
  type BatchValues,
  type Loss,
  type Optimizer,
  type Trainer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { limited } from '../support/otherDevice.ts';
import type { Case } from '../support/provoke.ts';
import { clusters } from '../support/toy.ts';

const x = input('x', spec([4, 3]));
const labels = input('label', spec([4], 'i32'));
const set = clusters(16, 3);

/** A trainer of a small classifier on the CPU. */
const trainerOf = (options: Partial<LossOptions>): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: sgd(),
    batchSize: 4,
    backend: 'cpu',
    data: set,
    ...options,
  });

const step = async (optimizer: Optimizer): Promise<void> => {
  const trainer = await trainerOf({ optimizer });
  for await (const _ of trainer.fit(set, { steps: 4 }));
};

const fitTooManyLabels = async (): Promise<void> => {
  const trainer = await trainerOf({ model: linear(2, 2) });
  await trainer.fit(set).next();
};

const evaluateNoNumber = async (): Promise<void> => {
  const none = metric({ sums: { n: 1 }, finish: () => undefined as never });
  const trainer = await trainerOf({ loss: (y: Value, batch) => ({ loss: crossEntropy(y, batch['label']), none }) });
  await trainer.evaluate(set);
};

/** A step by CTC on two samples of three frames, under four logits. */
async function spell(texts: readonly number[], where: Partial<LossOptions> = {}): Promise<void> {
  const text = { data: Int32Array.from(texts), shape: [texts.length / 2] };
  const data = dataset({ sound: { data: new Float32Array(6), shape: [3, 1] }, text });
  const loss = (y: Value, batch: BatchValues): Value => ctc(y, batch['text']);
  const trainer = await trainerOf({ model: linear(1, 4), data, targets: 'text', loss, batchSize: 2, ...where });
  await trainer.fit(data).next();
}

const spellMuch = async (): Promise<void> => {
  const device = await limited({ maxComputeWorkgroupStorageSize: 1024 });
  await spell(
    Array.from({ length: 200 }, () => 1),
    { backend: 'webgpu', device },
  );
};

const trainPictureAsClasses = async (): Promise<void> => {
  const image = { data: Uint8Array.from({ length: 32 }, (_, at) => 8 * at), shape: [2, 2] };
  const data = dataset({ image, label: new Uint8Array(8) });
  const model = sequential(flatten, linear(4, 256));
  const loss = (y: Value, { image: pixels }: Readonly<Record<string, Value>>): Value =>
    crossEntropy(y, reshape(slice(cast(pixels, 'i32'), [null, { start: 0, end: 1 }, { start: 0, end: 1 }]), [-1]));
  await trainerOf({ model, data, loss });
};

export const losses: readonly Case[] = [
  ['[<loss>] the prediction is <spec> but the target', () => meanSquaredError(x, input('target', spec([4, 2])))],
  ['[<loss>] the prediction is <spec> but must be f32', () => crossEntropy(labels, x)],
  ['[crossEntropy] logits are', () => crossEntropy(x, input('label', spec([3], 'i32')))],
  ['[crossEntropy] there are', () => crossEntropy(x, labels, { classWeights: [1, 2] })],
  ['[crossEntropy] labelSmoothing', () => crossEntropy(x, labels, { labelSmoothing: 2 })],
  ['[<op>] "<field>"[<n>] is', fitTooManyLabels],
  ['[ctc] logits are', () => ctc(x, labels)],
  [
    '[ctc] <which lengths> are',
    () =>
      ctc(input('x', spec([4, 3, 2])), input('label', spec([4, 1], 'i32')), {
        inputLengths: input('lengths', spec([3], 'i32')),
      }),
  ],
  ['[ctc] sample <n> of "<field>": label', () => spell([1, 2, 1, 0])],
  ['[ctc] sample <n> of "<field>": <n> labels', () => spell([1, 2, 1, 2, 2, 1])],
  ['[ctc] there are up to', spellMuch],
  ['[ctcGreedy] logits are', () => ctcGreedy(x)],
  ['[ctcBeamSearch] there are', () => ctcBeamSearch({ data: [1, 2], shape: [1, 2] })],
  ['[ctcBeamSearch] frame', () => ctcBeamSearch({ data: [NaN, 2], shape: [1, 1, 2] })],
  ['[<rate>] there are', () => labelErrorRate([], [[1]])],
  ['[<rate>] what is expected', () => wordErrorRate([''], [''])],
  ['[differentiate] the loss', () => differentiate(x, [x])],
  ['[model] the loss is f32', () => trainerOf({ loss: (y: Value) => y })],
  [
    '[model] the loss is a metric',
    () => trainerOf({ loss: ((y: Value) => ({ loss: rSquared(y, y) })) as unknown as Loss }),
  ],
  ['[metric] sum "<name>" is', () => metric({ sums: { n: cast(labels, 'i32') }, finish: ({ n }) => n })],
  ['[metric] <from> gave', evaluateNoNumber],
  ['[trainer] "<field>" is a picture', trainPictureAsClasses],
  ['[f1Score] average is', () => f1Score(x, labels, { average: 'weighted' as 'macro' })],
  [
    '[model] metric "<name>" is',
    () =>
      trainerOf({
        loss: (y: Value, batch) => ({ loss: crossEntropy(y, batch['label']), label: cast(batch['label'], 'i32') }),
      }),
  ],
  ['[model] phase', () => trainerOf({ optimizer: adam({ groups: [{ match: /./, frozen: true }] }) })],
  ['[<optimizer>] group', () => trainerOf({ optimizer: adam({ groups: [{ match: 'layer9', frozen: true }] }) })],
  ['[<optimizer>] <option> is', () => adam({ learningRate: -1 })],
  ['[<optimizer>] <option> is', () => adam({ beta1: 1 })],
  ['[<optimizer>] <option> is', () => adam({ epsilon: NaN })],
  ['[<optimizer>] <option> is', () => adamw({ groups: [{ match: 'layer0', weightDecay: -1 }] })],
  ['[<optimizer>] <option> is', () => sgd({ momentum: Infinity })],
  ['[<optimizer>] <option> is', () => sgd({ momentum: 1.5 })],
  ['[<optimizer>] <option> is', () => reduceOnPlateau({ factor: 1 })],
  ['[<optimizer>] <option> is', () => sgd({ weightDecay: '0.1' as never })],
  ['[<optimizer>] <option> is', () => muon({ momentum: 1 })],
  ['[sgd] nesterov', () => sgd({ nesterov: true })],
  ['[muon] steps is', () => muon({ steps: 0 })],
  ['[muon] steps is', () => muon({ steps: 2.5 })],
  ['[muon] adjust is', () => muon({ adjust: 'match_rms_adamw' as 'original' })],
  ['[muon] match', () => trainerOf({ optimizer: muon({ match: ['weight', 'bias'] }) })],
  ['[<optimizer>] group', () => trainerOf({ optimizer: muon({ others: sgd({ groups: [{ match: 'layer9' }] }) }) })],
  ['[cosineRestarts]', () => schedules.cosineRestarts(1, { steps: 3, growth: 0.5 })],
  ['[<optimizer>] <option> is', () => schedules.cosine(0.1, { steps: -1 })],
  ['[<optimizer>] <option> is', () => schedules.polynomial(NaN, { steps: 10 })],
  ['[<optimizer>] <option> is', () => schedules.multiStep(0.1, { at: [3, -1] })],
  ['[<schedule>] <option> is', () => schedules.step(0.1, { every: 0 })],
  ['[<schedule>] <option> is', () => lion({ clip: { globalNorm: 0 } })],
  ['[<schedule>] <option> is', () => sgd({ clip: { norm: NaN } })],
  ['[<schedule>] <option> is', () => muon({ clip: { norm: -1 } })],
  ['[<schedule>] <option> is', () => schedules.oneCycle(0.1, { steps: 10, divisor: 0 })],
  ['[oneCycle] rise is', () => schedules.oneCycle(0.1, { steps: 10, rise: 1.5 })],
  ['[<optimizer>] the learning rate', () => step(sgd({ learningRate: (at) => (at < 2 ? 0.1 : NaN) }))],
  [
    '[<optimizer>] the learning rate',
    () =>
      step(
        sgd({
          learningRate: () => {
            throw new RangeError('no rate');
          },
        }),
      ),
  ],
  ['[<optimizer>] the learning rate', () => step(sgd({ learningRate: () => '0.1' as unknown as number }))],
  ['[<optimizer>] the learning rate', () => step(muon({ others: sgd({ learningRate: () => -1 }) }))],
  ['[<optimizer>] the learning rate', () => step(adam({ learningRate: (at) => 0.2 - at / 10 }))],
];
