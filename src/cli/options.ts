import { parseArgs } from 'node:util';
import type { Ground } from '../data/index.ts';
import type { OnNaN } from '../index.ts';

/** A mistake in the command itself: it is answered by one line and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The models that can be named; all but the first are convolutional. */
export const modelNames = ['mlp', 'cnn', 'lenet', 'resnet8', 'resnet14', 'resnet18'] as const;
export type ModelName = (typeof modelNames)[number];

/** What a run of training is asked for; what is undefined depends on the data. */
export interface TrainCommand {
  readonly command: 'train';
  /** `mnist`, `fashion-mnist`, `cifar10`, `digits`, `speech`, or the path of a table. */
  readonly dataset: string;
  readonly data: string | undefined;
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly learningRate: number | undefined;
  readonly weightDecay: number | undefined;
  readonly optimizer: 'adam' | 'adamw' | 'sgd' | undefined;
  readonly schedule: 'cosine' | 'constant';
  readonly model: ModelName;
  /** Of an mlp. */
  readonly hidden: readonly number[] | undefined;
  /** Whether images are changed at random, as is usual for their set; undefined: where the model gains by it. */
  readonly augment: boolean | undefined;
  /** What lies behind what is transparent in pictures. */
  readonly ground: Ground | undefined;
  readonly backend: 'webgpu' | 'cpu' | 'auto';
  readonly seed: number;
  /** What becomes of a step in which a number is NaN or infinite. */
  readonly onNaN: OnNaN;
  readonly table: TableWishes;
  /** How a table whose rows follow each other in time is to be forecast; undefined: its rows stand for themselves. */
  readonly sequence: SequenceWishes | undefined;
  /** Whether strings of spoken words are learned, and not one word at a time. */
  readonly transcribe: boolean;
  /** The speaker of FSDD of whom nothing is learned, and who is judged by. */
  readonly leaveOut: string | undefined;
  readonly save: string | undefined;
  /** The folder of checkpoints. */
  readonly checkpoint: string | undefined;
  /** Whether the newest of them is gone on from. */
  readonly resume: boolean;
  readonly report: string | undefined;
  /** The folder for pictures of what was learned. */
  readonly pictures: string | undefined;
  /** Steps to time, once all are taken. */
  readonly profile: number | undefined;
  readonly quiet: boolean;
}

/** How a table is to be read, where its cells do not tell. */
export interface TableWishes {
  readonly target: string | number | undefined;
  readonly task: 'classification' | 'regression' | undefined;
  readonly heldOut: number | undefined;
  readonly drop: readonly (string | number)[] | undefined;
  readonly header: boolean | undefined;
  readonly delimiter: string | undefined;
  readonly decimal: '.' | ',' | undefined;
  readonly missing: readonly string[] | undefined;
}

/** How many steps are seen and told; what is undefined is usual. */
export interface SequenceWishes {
  readonly length: number | undefined;
  readonly horizon: number | undefined;
}

export interface PredictCommand {
  readonly command: 'predict';
  /** The file that `train --save` wrote. */
  readonly model: string;
  /** A table, or images: IDX, PNG, or a batch of CIFAR-10's binary form. */
  readonly input: string;
  readonly backend: 'webgpu' | 'cpu' | 'auto';
  readonly table: TableWishes;
  readonly pictures: PictureWishes;
}

/** How a picture is to be seen, where it does not tell itself. */
export interface PictureWishes {
  /** What lies behind what is transparent; what the model was trained on, if left out. */
  readonly ground?: Ground | undefined;
  /** Whether it becomes its negative; only where nothing is seen otherwise, if left out. */
  readonly invert?: boolean | undefined;
}

export interface DevicesCommand {
  readonly command: 'devices';
}

export type Command = TrainCommand | PredictCommand | DevicesCommand;

export const help = `millrace trains neural networks on WebGPU.

  millrace train mnist | fashion-mnist | cifar10 | digits | speech | FILE.csv   [options]
  millrace predict MODEL FILE                                                   [options]
  millrace devices

train learns, and says how well it does on samples that it has not seen.
  mnist, fashion-mnist   from --data, MILLRACE_DATA, the cache, or the network
  cifar10                from the same; its form is binary, or PNG with a row for each image
  digits                 synthetic ones, which mnist also falls back to
  speech                 spoken words, told apart: --data names FSDD, or a folder with one of WAV files for each word
  FILE.csv               a table, gzipped or not; its last column is learned

  --data DIR          the folder of the set's files
  --transcribe        of speech: tells all words of a recording in which several follow each other
  --leave-out NAME    of FSDD: a speaker of whom nothing is learned, to judge by instead of the publishers' part
  --model NAME        mlp, or of images cnn, lenet, resnet8, resnet14, resnet18   (mlp)
  --epochs N          passes over the training set           (by the model, see below)
  --steps N           so many steps instead
  --batch N           samples a step                         (128; cnn: 64; tables, speech: 32; --transcribe: 16)
  --hidden N[,N…]     widths of an mlp's hidden layers; 0: none   (128; tables: 64,32)
  --augment YES|NO    changes images at random, other ways at each step   (auto: no for mlp, yes for others)
  --optimizer NAME    adam, adamw or sgd (momentum 0.9)      (by the model)
  --lr X              learning rate                          (3e-3; sgd: 0.1)
  --weight-decay X    of adamw and sgd                       (by the model; else adamw: 0.01)
  --schedule NAME     cosine to 0, or constant               (cosine)
  --backend NAME      webgpu, cpu, or auto: the CPU where there is no adapter  (auto)
  --seed N            fixes weights, order, and which rows are held out        (1)
  --on-nan NAME       where a number is NaN or infinite: stop, skip the step, or rewind up to 100 steps  (stop)
  --save FILE         keeps the model, for predict           (safetensors)
  --checkpoint DIR    keeps there, each minute and at the end, all that training goes on from
  --resume            goes on from the newest of --checkpoint, in the same bits; anew where there is none
  --report FILE.json  writes what came of it
  --pictures DIR      draws there what the first layer looks for, and what is taken for what
  --profile N         times every launch of N more steps, which change nothing
  --quiet             prints the last line only

what a model is, and how it learns unless it is told
  mlp                 linear layers with ReLU; 4 epochs of adam; of a table 960 / √rows of adamw, decay 0.1
  lenet               LeNet-5, in today's form; 8 epochs of adamw, decay 0.01
  cnn                 two 3×3 convolutions with batch norm, a dense layer; 12 epochs of adamw, decay 0.05
  resnet8, 14, 18     residual networks; 30 epochs of sgd, decay 5e-4; 18 is large: it wants a GPU
  speech              two convolutions over time; 20 epochs of adamw, decay 0.01; a fifth of a folder's files is held out
    --transcribe      of strings of 2 to 6 words: two convolutions, a GRU of both directions, CTC; 10 epochs of adamw
  Augmented, digits are shifted by 2 pixels, turned by 10° and scaled by 10 %, each way at most; clothes (fashion-mnist)
  are shifted by 1 and mirrored, photographs (cifar10) shifted by 4 and mirrored; speech is shifted by 50 ms, and masked.

of a table
  --target COLUMN     what is learned: a name, or a number from 1, -1 the last  (-1)
  --task NAME         classification or regression           (told by its cells)
  --held-out X        the share of the rows to test on       (0.2)
  --drop COLUMN[,…]   what to leave out
  --header YES|NO     whether line 1 has the columns' names  (told by its cells)
  --delimiter C       between cells: a character, or tab     (told by its lines)
  --decimal . | ,     before fractions, where a column's cells leave it open
  --sequence          its rows follow each other in time: the last of them are forecast from those before
  --length N          steps that a forecast sees             (24)
  --horizon N         steps that it tells                    (12)
  --missing WORD[,…]  what reads as missing besides an empty cell; none: nothing  (NA, N/A, NaN, null, ?, -, --, .)

predict prints one line for each row of a table, image of an IDX, PNG or CIFAR-10 batch file, or WAV file.
  --ground G          behind what is transparent: a grey of 0 … 255, or R,G,B   (what the model was trained on)
  --invert YES|NO     takes negatives of the images          (only where nothing is seen otherwise)
  train cifar10 takes --ground too, for sets of PNG pictures.
devices prints what WebGPU finds here, and what to install where it finds nothing.

NO_COLOR turns colours off. Exit codes: 0 done, 1 failed, 2 a wrong command, 130 stopped by Ctrl-C.
`;

const options = {
  data: { type: 'string' },
  epochs: { type: 'string' },
  steps: { type: 'string' },
  batch: { type: 'string' },
  model: { type: 'string' },
  hidden: { type: 'string' },
  augment: { type: 'string' },
  ground: { type: 'string' },
  invert: { type: 'string' },
  optimizer: { type: 'string' },
  lr: { type: 'string' },
  'weight-decay': { type: 'string' },
  schedule: { type: 'string' },
  backend: { type: 'string' },
  seed: { type: 'string' },
  'on-nan': { type: 'string' },
  save: { type: 'string' },
  checkpoint: { type: 'string' },
  resume: { type: 'boolean' },
  report: { type: 'string' },
  pictures: { type: 'string' },
  profile: { type: 'string' },
  quiet: { type: 'boolean' },
  target: { type: 'string' },
  task: { type: 'string' },
  'held-out': { type: 'string' },
  drop: { type: 'string' },
  header: { type: 'string' },
  delimiter: { type: 'string' },
  decimal: { type: 'string' },
  missing: { type: 'string' },
  sequence: { type: 'boolean' },
  transcribe: { type: 'boolean' },
  'leave-out': { type: 'string' },
  length: { type: 'string' },
  horizon: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flag = 'quiet' | 'resume' | 'sequence' | 'transcribe' | 'help';
type Values = Readonly<Partial<Record<Exclude<keyof typeof options, Flag>, string>>> & {
  readonly quiet?: boolean;
  readonly resume?: boolean;
  readonly sequence?: boolean;
  readonly transcribe?: boolean;
};

const readOptions = ['header', 'delimiter', 'decimal', 'missing'] as const;
const sequenceOptions = ['length', 'horizon'] as const;
const tableOptions = ['target', 'task', 'held-out', 'drop', 'sequence', ...sequenceOptions, ...readOptions] as const;
const predictOptions: readonly string[] = ['backend', 'ground', 'invert', ...readOptions];

/** Sets of images; any other word is a file. */
export const imageSets = ['mnist', 'fashion-mnist', 'cifar10', 'digits'] as const;
export type ImageSet = (typeof imageSets)[number];

function number(name: string, text: string, fits: (n: number) => boolean, wanted: string): number {
  const n = Number(text);
  if (text.trim() === '' || !fits(n)) throw new UsageError(`--${name} is "${text}" but must be ${wanted}`);
  return n;
}

const whole = (name: string, text: string, least: number): number =>
  number(name, text, (n) => Number.isSafeInteger(n) && n >= least, `a whole number of at least ${least}`);

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((other) => other === text);
  if (choice === undefined) throw new UsageError(`--${name} is "${text}" but must be ${choices.join(' or ')}`);
  return choice;
}

const given = <T>(text: string | undefined, read: (text: string) => T): T | undefined =>
  text === undefined ? undefined : read(text);

const optimizers = ['adam', 'adamw', 'sgd'] as const;

/** Wider layers hardly fit a buffer. */
const WIDEST = 16_384;

const isPositive = (n: number): boolean => n > 0 && n < Infinity;

/** Reads a command; null asks for help. @throws UsageError */
export function parseCommand(args: readonly string[]): Command | null {
  const joined = withValues(args);
  requireOptions(joined);
  const { values, positionals } = parseArgs({ args: joined, options, allowPositionals: true });
  const [command, ...words] = positionals;
  if (values.help || command === undefined || command === 'help') return null;
  if (command === 'train') return trainCommand(words, values);
  if (command === 'predict') return predictCommand(words, values);
  if (command !== 'devices') throw new UsageError(`there is no command "${command}": use train, predict or devices`);
  requireNoMore(words, 0);
  requireOnly('devices', values, []);
  return { command };
}

/** `--target -1` has a value that looks like an option: it becomes `--target=-1`. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^-\d/.test(arg) && before?.startsWith('--') && !before.includes('=')) joined.push(`${joined.pop()}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** Finds what parseArgs would throw at, to say it with a remedy. */
function requireOptions(args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const known = Object.entries(options).find(([other]) => other === name)?.[1];
    if (!known) throw new UsageError(`there is no option ${rawName}`);
    if (known.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value, but "${value}" came: leave it out`);
    } else if (value === undefined) {
      throw new UsageError(`${rawName} needs a value: write it behind the option`);
    } else if (!inlineValue && /^-./.test(value)) {
      throw new UsageError(
        `${rawName} needs a value, but "${value}" follows: if that is it, write ${rawName}=${value}`,
      );
    }
  }
}

function requireNoMore(words: readonly string[], expected: number): void {
  if (words.length > expected)
    throw new UsageError(`"${words[expected]}" is one word too many: leave it out, or quote what belongs together`);
}

function requireOnly(what: string, values: Values, allowed: readonly string[]): void {
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other) throw new UsageError(`--${other} means nothing to ${what}`);
}

function trainCommand(words: readonly string[], values: Values): TrainCommand {
  const [dataset] = words;
  if (dataset === undefined)
    throw new UsageError('train what? Say mnist, fashion-mnist, cifar10, digits, speech, or the path of a table');
  requireNoMore(words, 1);
  const isImages = imageSets.some((name) => name === dataset);
  const isSpeech = dataset === 'speech';
  const isTable = !isImages && !isSpeech;
  if (isTable && !/[./\\]/.test(dataset)) {
    throw new UsageError(
      `train what? "${dataset}" is not known: say ${imageSets.join(', ')}, speech, or the path of a table`,
    );
  }
  if (!isTable) {
    const other = tableOptions.find((name) => values[name] !== undefined);
    if (other) throw new UsageError(`--${other} is for tables, and ${dataset} is none`);
  }
  const ofSpeech = (['transcribe', 'leave-out'] as const).find((name) => values[name] !== undefined);
  if (ofSpeech !== undefined && !isSpeech) {
    throw new UsageError(`--${ofSpeech} is for speech, and ${dataset} is none: leave it out`);
  }
  const model = oneOf('model', values.model ?? 'mlp', modelNames);
  if (isSpeech) requireOwnModel(values);
  else requireModel(model, isImages, values);
  requirePictures(dataset, values);
  if (values.data !== undefined && (dataset === 'digits' || isTable)) {
    throw new UsageError(`--data names the folder of mnist, fashion-mnist, cifar10 or speech, not of ${dataset}`);
  }
  if (values.epochs !== undefined && values.steps !== undefined) {
    throw new UsageError('--epochs and --steps both say when to end: give one of them');
  }
  const optimizer = given(values.optimizer, (text) => oneOf('optimizer', text, optimizers));
  if (
    values['weight-decay'] !== undefined &&
    (optimizer ?? (isImages && model === 'mlp' ? 'adam' : 'adamw')) === 'adam'
  ) {
    throw new UsageError('--weight-decay is of adamw and sgd, not of adam: add --optimizer adamw');
  }
  if (values.resume && values.checkpoint === undefined) {
    throw new UsageError('--resume goes on from a checkpoint: add --checkpoint DIR, the folder that they are in');
  }
  return {
    command: 'train',
    dataset,
    data: values.data,
    epochs: given(values.epochs, (text) => number('epochs', text, isPositive, 'above 0')),
    steps: given(values.steps, (text) => whole('steps', text, 1)),
    batch: given(values.batch, (text) => whole('batch', text, 1)),
    learningRate: given(values.lr, (text) => number('lr', text, isPositive, 'above 0')),
    weightDecay: given(values['weight-decay'], (text) =>
      number('weight-decay', text, (n) => n >= 0 && n < Infinity, '0 or above'),
    ),
    optimizer,
    schedule: oneOf('schedule', values.schedule ?? 'cosine', ['cosine', 'constant']),
    model,
    hidden: given(values.hidden, widths),
    augment: given(values.augment, (text) => whether('augment', text)),
    ground: given(values.ground, groundOf),
    backend: backendOf(values),
    seed: whole('seed', values.seed ?? '1', 0),
    onNaN: oneOf('on-nan', values['on-nan'] ?? 'stop', ['stop', 'skip', 'rewind']),
    table: tableWishes(values),
    sequence: sequenceWishes(values),
    transcribe: values.transcribe ?? false,
    leaveOut: values['leave-out'],
    save: values.save,
    checkpoint: values.checkpoint,
    resume: values.resume ?? false,
    report: values.report,
    pictures: values.pictures,
    profile: given(values.profile, (text) => whole('profile', text, 1)),
    quiet: values.quiet ?? false,
  };
}

/** Fails where an option is of pictures, and there are none. */
function requirePictures(dataset: string, values: Values): void {
  if (values.invert !== undefined) throw new UsageError('--invert means nothing to train');
  if (values.ground !== undefined && dataset !== 'cifar10') {
    throw new UsageError(
      `--ground is for PNG pictures, which cifar10 may be kept in, and ${dataset} has none: leave it out`,
    );
  }
}

/** Fails where a model is chosen for what has its own. */
function requireOwnModel({ model, hidden }: Values): void {
  if (model === undefined && hidden === undefined) return;
  throw new UsageError('--model and --hidden are for images and tables, and speech has its own model: leave them out');
}

/** Fails where options do not go with the model, or the model does not go with tables. */
function requireModel(model: ModelName, isImages: boolean, values: Values): void {
  if (!isImages && model !== 'mlp') {
    throw new UsageError(`--model ${model} is for images, and a table has none: leave it out, or say --model mlp`);
  }
  if (!isImages && values.augment !== undefined) {
    throw new UsageError('--augment is for images, and a table has none: leave it out');
  }
  if (model !== 'mlp' && values.hidden !== undefined) {
    throw new UsageError(`--hidden is of mlp, and ${model} has layers of its own: leave one of the two out`);
  }
}

function predictCommand(words: readonly string[], values: Values): PredictCommand {
  const [model, input] = words;
  if (model === undefined || input === undefined) {
    throw new UsageError('predict needs two files: a model that train --save wrote, and a table or a file of images');
  }
  requireNoMore(words, 2);
  requireOnly('predict', values, predictOptions);
  return {
    command: 'predict',
    model,
    input,
    backend: backendOf(values),
    table: tableWishes(values),
    pictures: {
      ground: given(values.ground, groundOf),
      invert: given(values.invert, (text) => yesOrNo('invert', text)),
    },
  };
}

/** Undefined is what is asked for by "auto". */
function whether(name: string, text: string): boolean | undefined {
  const choice = oneOf(name, text.toLowerCase(), ['yes', 'no', 'auto']);
  return choice === 'auto' ? undefined : choice === 'yes';
}

const yesOrNo = (name: string, text: string): boolean => oneOf(name, text.toLowerCase(), ['yes', 'no']) === 'yes';

/** A grey, or red, green and blue. */
function groundOf(text: string): Ground {
  const levels = text
    .split(',')
    .map((part) =>
      number('ground', part, (n) => Number.isInteger(n) && n >= 0 && n <= 255, 'a grey of 0 … 255, or red,green,blue'),
    );
  const [red, green, blue] = levels;
  if (levels.length === 1) return red;
  if (levels.length === 3) return [red, green, blue];
  throw new UsageError(`--ground is "${text}" but must be a grey of 0 … 255, or red,green,blue`);
}

const backendOf = (values: Values): 'webgpu' | 'cpu' | 'auto' =>
  oneOf('backend', values.backend ?? 'auto', ['webgpu', 'cpu', 'auto']);

const widths = (text: string): readonly number[] =>
  text
    .split(',')
    .map((width) =>
      number('hidden', width, (n) => Number.isInteger(n) && n >= 0 && n <= WIDEST, `whole numbers up to ${WIDEST}`),
    )
    .filter((width) => width > 0);

/** A column by number if it reads as one. */
const column = (text: string): string | number => (/^-?\d+$/.test(text) ? Number(text) : text);

/** `none` alone is no word. */
const words = (text: string): readonly string[] =>
  text === 'none' ? [] : text.split(',').flatMap((word) => word.trim() || []);

const tableWishes = (values: Values): TableWishes => ({
  target: given(values.target, column),
  task: given(values.task, (text) => oneOf('task', text, ['classification', 'regression'])),
  heldOut: given(values['held-out'], (text) =>
    number('held-out', text, (n) => n > 0 && n < 1, 'a share between 0 and 1'),
  ),
  drop: given(values.drop, (text) => text.split(',').map(column)),
  header: given(values.header, (text) => yesOrNo('header', text)),
  delimiter: given(values.delimiter, (text) => (text === 'tab' || text === '\\t' ? '\t' : text)),
  decimal: given(values.decimal, (text) => oneOf('decimal', text, ['.', ','])),
  missing: given(values.missing, words),
});

function sequenceWishes(values: Values): SequenceWishes | undefined {
  if (!values.sequence) {
    const other = sequenceOptions.find((name) => values[name] !== undefined);
    if (other) throw new UsageError(`--${other} is of a series: add --sequence if the rows follow each other in time`);
    return undefined;
  }
  if (values.task !== undefined) throw new UsageError('--task means nothing to --sequence');
  const [length, horizon] = sequenceOptions.map((name) => given(values[name], (text) => whole(name, text, 1)));
  return { length, horizon };
}
