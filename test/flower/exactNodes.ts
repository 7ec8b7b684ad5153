// Two nodes whose arithmetic is exact, in any order and on any backend: a linear model of small dyadic numbers that learns a
// step a round. What they send is the same to the last bit wherever they run.

import { readFile } from 'node:fs/promises';
import {
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  sequential,
  sgd,
  type Dataset,
  type Trainer,
  type TrainerOptions,
} from '../../src/index.ts';
import {
  joinFlower,
  readNodeKey,
  type FlowerAnswer,
  type FlowerEvent,
  type FlowerOptions,
  type FlowerSummary,
} from '../../src/flower/index.ts';

/** `known` has a key of its own and a data set; `passing` is known for this time alone, trains by a function, and judges nothing. */
export type NodeName = 'known' | 'passing';

export const nodeNames: readonly NodeName[] = ['known', 'passing'];
/** One of three times the other's weight, so that averages have a fraction of two bits. */
export const examplesOf: Readonly<Record<NodeName, number>> = { known: 4, passing: 12 };
export const ROUNDS = 2;

const BATCH = 4;
const rows = { x: [1, 1, 0, 1, -1, 1, 0, 1, 1, -1, 0, 1], target: [1, 2, -1, 1, 0, 3, 2, -2] };

function samplesOf(name: NodeName): Dataset {
  const times = examplesOf[name] / BATCH;
  const repeated = ({ length }: ArrayLike<number>, at: (place: number) => number) =>
    Float32Array.from({ length: times * length }, (_, place) => at(place % length));
  const sign = name === 'known' ? 1 : -1;
  return dataset({
    x: { data: repeated(rows.x, (at) => rows.x[at]), shape: [3] },
    target: { data: repeated(rows.target, (at) => sign * rows.target[at]), shape: [2] },
  });
}

/** A trainer of the two nodes' model, and the step that each takes in a round. */
export async function exactTrainer(name: NodeName, backend: TrainerOptions['backend'] = 'cpu') {
  const data = samplesOf(name);
  const trainer = await createTrainer({
    model: sequential(linear(3, 2)),
    loss: meanSquaredError,
    optimizer: sgd({ learningRate: 0.5 }),
    batchSize: BATCH,
    backend,
    data,
  });
  await trainer.writeParameters({
    'layer0.weight': [1, -1, 0.5, 0, -0.5, 2],
    'layer0.bias': [0.25, -1],
  });
  const learn = async (): Promise<FlowerAnswer> => {
    const { loss } = await trainer.fit(data, { steps: 1, shuffle: false, resume: false });
    return { examples: examplesOf[name], metrics: { train_loss: loss } };
  };
  return { trainer, data, learn };
}

/** What became of a node. */
export interface Left {
  readonly summary: FlowerSummary;
  readonly events: readonly FlowerEvent[];
  readonly weights: Awaited<ReturnType<Trainer['readParameters']>>;
}

/** Has a node take part in one run. */
export async function takePart(
  name: NodeName,
  superlink: string,
  options: Pick<FlowerOptions, 'patience'> & Pick<TrainerOptions, 'backend'> = {},
): Promise<Left> {
  const { backend, ...rest } = options;
  const { trainer, data, learn } = await exactTrainer(name, backend);
  const key = new URL('../goldens/flower/keys/ecdsa384', import.meta.url);
  const own: Partial<FlowerOptions> =
    name === 'known'
      ? { train: data, evaluate: data, key: await readNodeKey('ecdsa384', await readFile(key, 'utf8')) }
      : { train: learn };
  const events: FlowerEvent[] = [];
  try {
    const summary = await joinFlower({
      ...rest,
      ...own,
      superlink,
      trainer,
      steps: 1,
      runs: 1,
      heartbeat: 10,
      layout: 'torch',
      onEvent: (event) => void events.push(event),
    });
    return { summary, events, weights: await trainer.readParameters() };
  } finally {
    trainer.destroy();
  }
}
