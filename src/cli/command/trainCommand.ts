import {
  imageSets,
  isRecurrent,
  isTextual,
  modelNames,
  recurrentNames,
  textModels,
  type ModelName,
  type TextKind,
  type TrainCommand,
} from './commands.ts';
import { nodeOptions, requireNoMore, type Values } from './options.ts';
import { backendOf, given, groundOf, isPositive, number, oneOf, whether, whole, widths } from './optionValues.ts';
import { sequenceWishes, tableOptions, tableWishes } from './tableOptions.ts';
import { textOptions, textWishes } from './textOptions.ts';
import { UsageError } from './usageError.ts';

const optimizers = ['adam', 'adamw', 'sgd'] as const;
const speechOptions = ['transcribe', 'leave-out'] as const;

/** Options of commands that ask a model, and of nodes. */
const notOfTraining = [
  'invert',
  'prompt',
  'tokens',
  'temperature',
  'top-k',
  'top-p',
  'beams',
  'reference',
  'shape',
  'opset',
  ...nodeOptions,
] as const;

/** @param who the command that learns, for messages */
export function trainCommand(words: readonly string[], values: Values, who: 'train' | 'node' = 'train'): TrainCommand {
  const other = notOfTraining.find((name) => values[name] !== undefined);
  if (other) throw new UsageError(`--${other} means nothing to ${who}`);
  const dataset = datasetIn(words, who);
  requireOwnOptions(dataset, values);
  const model = modelFor(dataset, values);
  requirePictures(dataset, values);
  requireFolder(dataset, values);
  requireOneEnd(values);
  const optimizer = optimizerFor(dataset, model, values);
  if (values.resume && values.checkpoint === undefined) {
    throw new UsageError('--resume goes on from a checkpoint: add --checkpoint DIR, the folder that they are in');
  }
  return {
    command: 'train',
    dataset,
    files: words.slice(1),
    text: textWishes(values),
    folds: foldsIn(dataset, words, values),
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
    from: values.from,
    save: values.save,
    checkpoint: values.checkpoint,
    resume: values.resume ?? false,
    report: values.report,
    pictures: values.pictures,
    profile: given(values.profile, (text) => whole('profile', text, 1)),
    quiet: values.quiet ?? false,
  };
}

const isImages = (dataset: string): boolean => imageSets.some((name) => name === dataset);
const isSpeech = (dataset: string): boolean => dataset === 'speech';
const isTable = (dataset: string): boolean => !isImages(dataset) && !isSpeech(dataset) && !isTextual(dataset);

/** The word for what is learned. */
function datasetIn(words: readonly string[], who: string): string {
  const [dataset] = words;
  if (dataset === undefined)
    throw new UsageError(
      `${who} what? Say mnist, fashion-mnist, cifar10, digits, speech, text, sentiment, translation, dialogue, or the path of a table`,
    );
  if (isTextual(dataset)) requireFiles(dataset, words, who);
  else requireNoMore(words, 1);
  if (isTable(dataset) && !/[./\\]/.test(dataset)) {
    throw new UsageError(
      `${who} what? "${dataset}" is not known: say ${imageSets.join(', ')}, speech, ${Object.keys(textModels).join(', ')}, or the path of a table`,
    );
  }
  return dataset;
}

/** What each kind of text is read from, least and most files. */
const textFiles: Readonly<Record<TextKind, readonly [what: string, least: number, most: number]>> = {
  text: ['the path of a text', 1, 1],
  dialogue: ['the path of a text of questions and answers', 1, 1],
  sentiment: [
    'the path of labelled lines, or of a folder with a file for each class, and, if they are apart, of those to judge by',
    1,
    2,
  ],
  translation: ['two paths, of sentences and of the same ones in another language, line by line', 2, 2],
};

function requireFiles(kind: TextKind, words: readonly string[], who: string): void {
  const [what, least, most] = textFiles[kind];
  if (words.length <= least) throw new UsageError(`${who} ${kind} of what? Give ${what}`);
  requireNoMore(words, 1 + most);
}

/** Options of which each part would have a file of its own. */
const ofOneRun = ['held-out', 'save', 'checkpoint', 'resume', 'pictures', 'profile'] as const;

function foldsIn(dataset: string, words: readonly string[], values: Values): number | undefined {
  if (values.folds === undefined) return undefined;
  const folds = whole('folds', values.folds, 2);
  if (dataset !== 'sentiment') throw new UsageError(`--folds is of sentiment, and ${dataset} is none: leave it out`);
  const other = ofOneRun.find((name) => values[name] !== undefined);
  if (other) throw new UsageError(`--folds trains ${folds} times, and --${other} is of one run: leave one of them out`);
  if (words.length > 2) {
    throw new UsageError(`--folds holds each part out in turn, but "${words[2]}" is held out: leave one of them out`);
  }
  return folds;
}

const kindsWithOptions = [
  ['tables', isTable, tableOptions],
  ['speech', isSpeech, speechOptions],
  ['text', isTextual, textOptions],
] as const;

/** Fails where an option is of tables or of speech alone, and what is learned is something else. */
function requireOwnOptions(dataset: string, values: Values): void {
  for (const [kind, isOne, options] of kindsWithOptions) {
    const other = isOne(dataset) ? undefined : options.find((name) => values[name] !== undefined);
    if (other) throw new UsageError(`--${other} is for ${kind}, and ${dataset} is none: leave it out`);
  }
}

/** Fails where a folder is named for what is drawn, or is a file. */
function requireFolder(dataset: string, { data }: Values): void {
  if (data !== undefined && (dataset === 'digits' || isTable(dataset))) {
    throw new UsageError(`--data names the folder of mnist, fashion-mnist, cifar10 or speech, not of ${dataset}`);
  }
}

/** Fails where an option is of pictures, and there are none. */
function requirePictures(dataset: string, values: Values): void {
  if (values.ground !== undefined && dataset !== 'cifar10') {
    throw new UsageError(
      `--ground is for PNG pictures, which cifar10 may be kept in, and ${dataset} has none: leave it out`,
    );
  }
}

function requireOneEnd({ epochs, steps }: Values): void {
  if (epochs !== undefined && steps !== undefined) {
    throw new UsageError('--epochs and --steps both say when to end: give one of them');
  }
}

/** The optimizer that is asked for. Fails where it leaves a wish without effect. */
function optimizerFor(dataset: string, model: ModelName, values: Values): TrainCommand['optimizer'] {
  const optimizer = given(values.optimizer, (text) => oneOf('optimizer', text, optimizers));
  const usual = isImages(dataset) && model === 'mlp' ? 'adam' : 'adamw';
  if (values['weight-decay'] !== undefined && (optimizer ?? usual) === 'adam') {
    throw new UsageError('--weight-decay is of adamw and sgd, not of adam: add --optimizer adamw');
  }
  return optimizer;
}

function modelFor(dataset: string, values: Values): ModelName {
  if (isTextual(dataset)) return textModelFor(dataset, values);
  const model = oneOf('model', values.model ?? 'mlp', [...modelNames, ...recurrentNames]);
  if (isSpeech(dataset)) requireOwnModel(values);
  else requireModel(model, dataset, values);
  return model;
}

function textModelFor(kind: TextKind, { model, hidden, augment }: Values): ModelName {
  const other = hidden === undefined ? (augment === undefined ? undefined : 'augment') : 'hidden';
  if (other) throw new UsageError(`--${other} means nothing to ${kind}`);
  const models: readonly ModelName[] = textModels[kind];
  return oneOf('model', model ?? models[0], models);
}

/** Fails where a model is chosen for what has its own. */
function requireOwnModel({ model, hidden, transcribe }: Values): void {
  const isOther = recurrentNames.some((name) => name === model) && !transcribe;
  if ((model === undefined || isOther) && hidden === undefined) return;
  throw new UsageError(
    '--model and --hidden are for images and tables, and speech has its own model: leave them out, or, without --transcribe, say --model lstm or gru',
  );
}

/** Fails where options do not go with the model, or the model does not go with tables. */
function requireModel(model: ModelName, dataset: string, values: Values): void {
  const ofTable = isTable(dataset);
  const reads = isRecurrent(model);
  if (reads && !values.sequence) {
    throw new UsageError(
      `--model ${model} reads step by step, and ${dataset} has no steps: leave it out; it is for speech, and tables with --sequence`,
    );
  }
  if (ofTable && !reads && model !== 'mlp') {
    throw new UsageError(`--model ${model} is for images, and a table has none: leave it out, or say --model mlp`);
  }
  if (ofTable && values.augment !== undefined) {
    throw new UsageError('--augment is for images, and a table has none: leave it out');
  }
  if (model !== 'mlp' && values.hidden !== undefined) {
    throw new UsageError(`--hidden is of mlp, and ${model} has layers of its own: leave one of the two out`);
  }
}
