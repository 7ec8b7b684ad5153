import { described, requireKind } from '../core/argumentChecks.ts';
import { DataError, DeviceError } from '../core/errors.ts';
import type { Signal } from '../core/globalTypes.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Evaluation } from '../train/options.ts';
import type { Trainer } from '../train/trainer.ts';
import type { Metadata } from './fleet_pb.ts';
import type { ArrayLayout } from './layouts/layoutOf.ts';
import { millraceLayout } from './layouts/millraceLayout.ts';
import type { FlowerAnswer, FlowerEvent, FlowerOptions, FlowerTask, NamedArrays } from './options.ts';
import { EXAMPLES, type Records } from './records.ts';

/** What a node does with a task, and answers. */
export interface Done extends FlowerAnswer {
  /** What it sends back; nothing where it only judged. */
  readonly arrays?: NamedArrays;
  /** Puts back what the trainer had before. */
  undo(): Promise<void>;
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
/** Of batches, which a trainer has for good. */
const sizes = ['batch-size', 'batch_size'];
const rates = ['lr', 'learning-rate', 'learning_rate'];
/** What a config asks of training that is not done here: it would go wrong in silence. */
const refused: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^proximal[-_]mu$/, 'a proximal term, as FedProx has: take FedAvg, or a proximal-mu of 0'],
  [/^clipping_norm$/, 'clipping for differential privacy by the client: take the strategy that clips on the server'],
  [/^(?:momentum|weight[-_]decay)$/, 'another optimizer: its learning rate alone may be said, as lr'],
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
  if (task.kind === 'query') {
    requireNoAction(task, 'a ServerApp that knows its nodes');
    return { examples: lengthOf(options.train), arrays: await layout.give(), undo: async () => {} };
  }
  const given = options[task.kind];
  if (given === undefined) {
    throw new DataError(
      `[joinFlower] this node does not ${task.kind}, as it was given no samples to: join it with \`${task.kind}\``,
    );
  }
  const isOwn = typeof given === 'object';
  if (isOwn) requireUnderstood(task, trainer.batchSize);
  if (task.arrays.size === 0) {
    throw new DataError(
      `[joinFlower] a message of the type "${task.kind}" came without arrays: send the model as an ArrayRecord`,
    );
  }
  const plan = task.kind === 'train' ? planOf(task, options, isOwn) : undefined;
  if (isOwn) tellUnused(task, options.tell);
  const before = millraceLayout(trainer);
  const had = await before.give();
  const undo = async () => {
    await before.take(had);
    if (options.optimizer === 'keep' && plan) await trainer.resetOptimizer();
  };
  try {
    return { ...(await work(task, given, plan, options)), undo };
  } catch (error) {
    if (!(error instanceof DeviceError)) await undo();
    throw error;
  }
}

type Given = NonNullable<FlowerOptions['train']>;

/** Does it. Where it fails, the trainer is left in the middle. */
async function work(
  task: FlowerTask,
  given: Given,
  plan: Plan | undefined,
  options: TaskOptions,
): Promise<Omit<Done, 'undo'>> {
  const { layout, trainer } = options;
  await layout.take(task.arrays);
  if (!plan)
    return typeof given === 'function' ? answerOf(await given(task)) : judgement(given, await trainer.evaluate(given));
  const { learningRate } = plan;
  if (options.optimizer === 'reset') await trainer.resetOptimizer(learningRate === undefined ? {} : { learningRate });
  const learned = typeof given === 'function' ? answerOf(await given(task)) : await learn(task, given, plan, options);
  return { ...learned, arrays: await layout.give(task.arrays) };
}

/** What a function of the user's answered. @throws DataError for what is no answer */
function answerOf(given: FlowerAnswer): FlowerAnswer {
  const { examples, metrics = {} } = Object(given) as Partial<FlowerAnswer>;
  const isCount = Number.isSafeInteger(examples) && Number(examples) >= 0;
  const wanted = 'how many samples there were, by which averages are weighted: return { examples, metrics }';
  requireKind('joinFlower', 'examples of an answer', examples, isCount, wanted);
  for (const [name, value] of Object.entries(metrics)) {
    const are = [value].flat().every((number) => typeof number === 'number');
    requireKind(
      'joinFlower',
      `the metric "${name}" of an answer`,
      value,
      are && name !== EXAMPLES,
      'a number, or a list of them, and no num-examples, which examples is',
    );
  }
  return { examples: Number(examples), metrics };
}

/** Tells what a config says and training here does not ask for. */
function tellUnused(task: FlowerTask, tell: TaskOptions['tell']): void {
  const used = ['server-round', ...Object.values(amounts).flat(), ...rates, ...sizes];
  const names = Object.keys(task.config).filter((name) => !used.includes(name) && task.config[name] !== 0);
  if (names.length > 0) tell({ kind: 'unused', task, names });
}

const lengthOf = (data: FlowerOptions['train']): number => (typeof data === 'object' ? data.length : 1);

/** @throws DataError for what a message asks for and is not done here */
function requireUnderstood(task: FlowerTask, batchSize: number): void {
  requireNoAction(task, `a function as \`${task.kind}\``);
  for (const [name, value] of Object.entries(task.config)) {
    const found = refused.find(([pattern]) => pattern.test(name));
    if (!found || value === 0) continue;
    throw new DataError(`[joinFlower] the config's "${name}" asks for ${found[1]}`);
  }
  const size = numberOf(task, sizes);
  if (size === undefined || size === batchSize) return;
  throw new DataError(
    `[joinFlower] the config asks for batches of ${size}, and this node's trainer was made for ${batchSize}: make it for ${size}, or leave it out of the config`,
  );
}

/** @throws DataError for an action that nobody here knows */
function requireNoAction({ kind, action }: FlowerTask, remedy: string): void {
  if (action === 'default') return;
  throw new DataError(
    `[joinFlower] a message asks for "${kind}.${action.slice(0, TOLD)}", and this node does ${kind} alone: send "${kind}", or join it with ${remedy}`,
  );
}

/** A number that the config has under one of its names. @throws DataError for one that is none, or two that differ */
function numberOf({ config }: FlowerTask, names: readonly string[]): number | undefined {
  const found = names.filter((each) => Object.hasOwn(config, each));
  if (found.length === 0) return undefined;
  for (const name of found) {
    const value = config[name];
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) continue;
    throw new DataError(
      `[joinFlower] the config's "${name}" is ${described(value)} and must be a number above 0, no text and no list`,
    );
  }
  const [first, other] = found;
  if (other === undefined || config[first] === config[other]) return Number(config[first]);
  throw new DataError(
    `[joinFlower] the config says "${first}" and "${other}", which are one thing, and differ: leave one out`,
  );
}

/** How a round is trained. */
interface Plan {
  readonly amount: { readonly epochs: number } | { readonly steps: number };
  readonly learningRate: number | undefined;
}

/** What a config asks of training, or the node's options where it does not. @throws DataError for what cannot be had */
function planOf(task: FlowerTask, options: TaskOptions, isOwn: boolean): Plan {
  const asked = { epochs: numberOf(task, amounts.epochs), steps: numberOf(task, amounts.steps) };
  if (asked.epochs !== undefined && asked.steps !== undefined) {
    throw new DataError(
      `[joinFlower] the config says ${asked.epochs} epochs and ${asked.steps} steps, and a round has one or the other: leave one out`,
    );
  }
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
