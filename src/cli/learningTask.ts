import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { thousands } from '../core/textFormat.ts';
import { drawn } from '../data/mnist/load.ts';
import { syntheticMnist } from '../data/mnist/mnist.ts';
import { FormatError } from '../index.ts';
import {
  cifar10Classes,
  prepareSeries,
  prepareTable,
  readTable,
  type SyntheticDigitsOptions,
  type Dataset,
  type Mnist,
  type MnistOptions,
  type Table,
  type TableOptions,
} from '../data/index.ts';
import { cifar10, fashionMnist, mnist } from '../node/data.ts';
import { folder } from '../node.ts';
import { levelsOf } from './pictures/negatives.ts';
import type { InputForm } from './network.ts';
import type { SequenceWishes, TableWishes, TrainCommand } from './command/commands.ts';
import { reasonOf } from './outputPaths.ts';
import { decodePng } from './pictures/png.ts';
import { Amount } from './progress.ts';
import { loadSpeech } from './speech.ts';
import type { Terminal } from './terminal.ts';

/** What is to be learned. */
export interface LearningTask {
  /** In one line: what it is, where it came from, how much of it there is. */
  readonly about: string;
  /** What a user would not expect of it. */
  readonly notes: readonly string[];
  /** Where it came from, for reports. */
  readonly from: string;
  readonly train: Dataset;
  readonly test: Dataset;
  readonly input: InputForm;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));

/** Source: github.com/zalandoresearch/fashion-mnist */
const CLOTHES = 'T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot'.split(',');

export interface Loading {
  readonly signal: AbortSignal;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
}

/** Reads what is to be learned, from wherever it is. @throws FormatError or DataError naming what is wrong with it */
export async function loadLearningTask(command: TrainCommand, loading: Loading): Promise<LearningTask> {
  const { dataset, table, seed } = command;
  switch (dataset) {
    case 'mnist':
      return loadImages('MNIST', DIGITS, mnist, command, loading);
    case 'fashion-mnist':
      return loadImages('Fashion-MNIST', CLOTHES, fashionMnist, command, loading);
    case 'cifar10': {
      // Nothing is drawn in its place.
      const load = ({ synthetic: _synthetic, ...options }: MnistOptions): Promise<Mnist> =>
        cifar10({ ...options, decode: decodePng, ground: command.ground });
      return loadImages('CIFAR-10', cifar10Classes, load, command, loading);
    }
    case 'speech':
      return loadSpeech(command);
    case 'digits':
      return images('Synthetic digits', DIGITS, await drawn(syntheticMnist, toDraw(seed, loading)));
    default:
      return command.sequence ? loadSeries(dataset, table, command.sequence) : loadTable(dataset, table, seed);
  }
}

/** As many digits as MNIST has, under the run's own seed. */
function toDraw(seed: number, { signal, terminal }: Loading): SyntheticDigitsOptions {
  const amount = new Amount(terminal);
  const progress = (done: number, total: number): void =>
    amount.show(done, total, `drawing  ${thousands(done)} of ${thousands(total)} digits`);
  return { train: 60_000, test: 10_000, seed, progress, signal };
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

async function loadImages(
  title: string,
  classes: readonly string[],
  load: (options: MnistOptions) => Promise<Mnist>,
  { data, seed }: TrainCommand,
  loading: Loading,
): Promise<LearningTask> {
  const download = new Amount(loading.terminal);
  const set = await load({
    source: data === undefined ? undefined : folder(data),
    signal: loading.signal,
    progress: ({ received, total }) =>
      download.show(received, total, `downloading  ${megabytes(received)} of ${megabytes(total)} MB`),
    // Said even to those who want one line only: digits of another kind are another result.
    warn: (text) => void process.stderr.write(`${text}\n`),
    synthetic: toDraw(seed, loading),
  }).finally(() => download.close());
  return images(set.origin.kind === 'synthetic' ? 'Synthetic digits' : title, classes, set);
}

function images(title: string, classes: readonly string[], { train, test, origin }: Mnist): LearningTask {
  const { data, shape, scale } = train.fields['image'];
  return {
    about: `${title} from ${origin.text}: ${thousands(train.length)} training and ${thousands(test.length)} test images`,
    notes: [],
    from: origin.text,
    train,
    test,
    input: {
      kind: 'image',
      shape,
      classes,
      ...(scale && { scaling: scale }),
      levels: levelsOf(data as Uint8Array, shape),
    },
  };
}

async function loadTable(path: string, wishes: TableWishes, seed: number): Promise<LearningTask> {
  const { target: which, task: wished, drop, heldOut } = wishes;
  const table = await openTable(path, wishes);
  const { train, test, form, notes } = prepareTable(table, { target: which, task: wished, drop, heldOut, seed });
  const { target } = form;
  const task = target.kind === 'class' ? `one of ${thousands(target.classes.length)} classes` : 'a number';
  return {
    about: `${basename(path)}: ${thousands(train.length)} rows to learn from and ${thousands(test.length)} held out; "${target.name}" is told, ${task}, from ${thousands(form.features.length)} columns`,
    notes,
    from: path,
    train,
    test,
    input: { kind: 'table', table: form },
  };
}

async function loadSeries(path: string, wishes: TableWishes, sequence: SequenceWishes): Promise<LearningTask> {
  const { target, drop, heldOut } = wishes;
  const table = await openTable(path, wishes);
  const { train, test, form, season, notes } = prepareSeries(table, { ...sequence, target, drop, heldOut });
  const told = test.length * form.horizon;
  return {
    about: `${basename(path)}: ${thousands(table.rows.length)} steps, the last ${thousands(told)} held out; "${form.target}" is forecast for ${form.horizon} steps from the ${form.length} before, ${thousands(train.length)} windows to learn from`,
    notes,
    from: path,
    train,
    test,
    input: { kind: 'series', series: form, season },
  };
}

/**
 * @param header whether line 1 names the columns, if that is known
 * @throws FormatError if there is no such file, or it holds no table
 */
export async function openTable(path: string, { header, delimiter, decimal, missing }: TableOptions): Promise<Table> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[table] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  return readTable(basename(path), bytes, { header, delimiter, decimal, missing });
}

/** Whether numbers are learned, and not classes. */
export const isRegression = ({ input }: LearningTask): boolean =>
  input.kind === 'series' || (input.kind === 'table' && input.table.target.kind === 'number');
