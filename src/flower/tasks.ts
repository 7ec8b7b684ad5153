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
  await layout.take(task.arrays);
  if (task.kind === 'evaluate') {
    const judged = typeof given === 'function' ? await given(task) : judgement(given, await trainer.evaluate(given));
    return judged;
  }
  const learned = typeof given === 'function' ? await given(task) : await learn(task, given, options);
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

async function learn(task: FlowerTask, data: Dataset, options: TaskOptions): Promise<FlowerAnswer> {
  const asked = { epochs: numberOf(task, amounts.epochs), steps: numberOf(task, amounts.steps) };
  const { epochs, steps } = asked.epochs || asked.steps ? asked : options;
  const amount = steps === undefined ? { epochs: epochs ?? 1 } : { steps };
  let [sum, count] = [0, 0];
  for await (const report of options.trainer.fit(data, { ...amount, signal: task.signal, resume: false })) {
    sum += report.loss;
    count++;
    options.tell({ kind: 'step', task, report });
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
