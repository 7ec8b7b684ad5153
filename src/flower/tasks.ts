import { DataError } from '../core/errors.ts';
import type { Signal } from '../core/globalTypes.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Evaluation } from '../train/options.ts';
import type { Trainer } from '../train/trainer.ts';
import type { Metadata } from './fleet_pb.ts';
import type { ArrayLayout } from './layouts/layoutOf.ts';
import type { FlowerAnswer, FlowerEvent, FlowerOptions, FlowerTask, NamedArrays } from './options.ts';
import type { Records } from './records.ts';

/** What a node does with a task, and answers. */
export interface Done extends FlowerAnswer {
  /** What it sends back; nothing where it only judged. */
  readonly arrays?: NamedArrays;
}

/** What a node needs for its tasks. */
export interface TaskOptions {
  readonly trainer: Trainer;
  readonly train: FlowerOptions['train'] | undefined;
  readonly evaluate: FlowerOptions['evaluate'] | undefined;
  readonly layout: ArrayLayout;
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly optimizer: 'reset' | 'keep';
  readonly tell: (event: FlowerEvent) => void;
}

/** What a config may ask of training, by name; each has one meaning. */
const amounts = { epochs: ['epochs', 'local-epochs', 'local_epochs'], steps: ['steps', 'local-steps', 'local_steps'] };
const rates = ['lr', 'learning-rate', 'learning_rate'];
/** What a config asks of training that is not done here: it would go wrong in silence. */
const refused: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^proximal[-_]mu$/, 'a proximal term, as FedProx has: take FedAvg, or a proximal-mu of 0'],
  [/^clipping_norm$/, 'clipping for differential privacy by the client: take the strategy that clips on the server'],
  [/^(?:secagg|stage$)/, 'secure aggregation: take a strategy without it'],
];

const kinds = ['train', 'evaluate', 'query'] as const;

/** What a message asks for. @throws DataError for what nodes are not asked */
export function taskOf({ runId, groupId, messageType }: Metadata, records: Records, signal: Signal): FlowerTask {
  const [word, action = 'default'] = messageType.split('.');
  const kind = kinds.find((each) => each === word);
  if (!kind) {
    throw new DataError(
      `[joinFlower] a message of the type "${messageType.slice(0, TOLD)}" came, and this node knows ${kinds.join(', ')}: write the ServerApp with flwr's message API`,
    );
  }
  const { arrays, config } = records;
  const named = Number(config['server-round'] ?? (groupId || NaN));
  const round = Number.isFinite(named) ? named : undefined;
  return { kind, action, run: String(runId), round, config, arrays, signal };
}

/** Of what others sent, so many characters are told. */
const TOLD = 40;

/** Does what a message asks for. @throws whatever training and judging throw; DataError for what cannot be done here */
export async function perform(task: FlowerTask, options: TaskOptions): Promise<Done> {
  const { layout, trainer } = options;
  if (task.kind === 'query') return { examples: lengthOf(options.train), arrays: await layout.give() };
  const given = options[task.kind];
  if (given === undefined) {
    throw new DataError(
      `[joinFlower] this node does not ${task.kind}, as it was given no samples to: join it with \`${task.kind}\``,
    );
  }
  if (typeof given === 'object') requireUnderstood(task);
  if (task.arrays.size === 0) {
    throw new DataError(
      `[joinFlower] a message of the type "${task.kind}" came without arrays: send the model as an ArrayRecord`,
    );
  }
  const plan = task.kind === 'train' ? planOf(task, options, typeof given === 'object') : undefined;
  await layout.take(task.arrays);
  if (!plan) return typeof given === 'function' ? given(task) : judgement(given, await trainer.evaluate(given));
  const { learningRate } = plan;
  if (options.optimizer === 'reset') await trainer.resetOptimizer(learningRate === undefined ? {} : { learningRate });
  const learned = typeof given === 'function' ? await given(task) : await learn(task, given, plan, options);
  return { ...learned, arrays: await layout.give(task.arrays) };
}

const lengthOf = (data: FlowerOptions['train']): number => (typeof data === 'object' ? data.length : 1);

/** @throws DataError for what a config asks for and is not done here */
function requireUnderstood({ config }: FlowerTask): void {
  for (const [name, value] of Object.entries(config)) {
    const found = refused.find(([pattern]) => pattern.test(name));
    if (!found || value === 0) continue;
    throw new DataError(`[joinFlower] the config's "${name}" asks for ${found[1]}`);
  }
}

/** A number that the config has under one of its names. @throws DataError for one that is none */
function numberOf({ config }: FlowerTask, names: readonly string[]): number | undefined {
  const name = names.find((each) => Object.hasOwn(config, each));
  if (name === undefined) return undefined;
  const value = config[name];
  if (typeof value === 'number' && value > 0) return value;
  throw new DataError(`[joinFlower] the config's "${name}" is ${String(value)} and must be a number above 0`);
}

/** How a round is trained. */
interface Plan {
  readonly amount: { readonly epochs: number } | { readonly steps: number };
  readonly learningRate: number | undefined;
}

/** What a config asks of training, or the node's options where it does not. @throws DataError for what cannot be had */
function planOf(task: FlowerTask, options: TaskOptions, isOwn: boolean): Plan {
  const asked = { epochs: numberOf(task, amounts.epochs), steps: numberOf(task, amounts.steps) };
  const { epochs = 1, steps } = asked.epochs === undefined && asked.steps === undefined ? options : asked;
  const learningRate = numberOf(task, rates);
  if (isOwn && options.optimizer === 'keep' && learningRate !== undefined) {
    throw new DataError(
      `[joinFlower] the config asks for a learning rate of ${learningRate}, but this node's optimizer goes on between rounds at its own: join with optimizer: 'reset', or leave the rate to the nodes`,
    );
  }
  return { amount: steps === undefined ? { epochs } : { steps }, learningRate };
}

async function learn(
  task: FlowerTask,
  data: Dataset,
  { amount }: Plan,
  { trainer, tell }: TaskOptions,
): Promise<FlowerAnswer> {
  let [sum, count] = [0, 0];
  for await (const report of trainer.fit(data, { ...amount, signal: task.signal, resume: false })) {
    sum += report.loss;
    count++;
    tell({ kind: 'step', task, report });
  }
  task.signal.throwIfAborted();
  return { examples: data.length, metrics: { train_loss: sum / count } };
}

/** An evaluation under the names that Flower's examples have. */
function judgement(data: Dataset, { loss, accuracy, ...others }: Evaluation): FlowerAnswer {
  const named = Object.entries(others).map(([name, value]) => [`eval_${name}`, value] as const);
  const metrics = {
    eval_loss: loss,
    ...(accuracy !== undefined && { eval_acc: accuracy }),
    ...Object.fromEntries(named),
  };
  return { examples: data.length, metrics };
}
