import { adam, createTrainer, mean, type Outputs, type Trainer, type Value } from '../index.ts';
import {
  answersOf,
  encodeTable,
  forecastsOf,
  lastWindow,
  namesColumns,
  type Dataset,
  type TableForm,
} from '../data/index.ts';
import { isValue } from '../graph/graph.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import { readImages } from './pictures/readImages.ts';
import { readModel } from './modelFile.ts';
import { networkOf, spokenInputs, type InputForm, type ModelForm, type SoundForm } from './network.ts';
import type { PredictCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { answersTo } from './evaluationReport.ts';
import { readSpeech } from './speech.ts';
import { openTable } from './learningTask.ts';
import { harmless, short } from './terminal.ts';
import { wordsIn, type Transcript } from './transcription.ts';

/** What a model is asked. */
interface Question {
  readonly data: Dataset;
  readonly notes: readonly string[];
}

/** Prints one line for each sample, as CSV: what the model says, and for classes how sure it is. Returns the exit code. */
export async function predict(command: PredictCommand): Promise<number> {
  const model = await readModel(command.model);
  const { form, bytes } = model;
  const { input } = form;
  const { data, notes } = await questionOf(command, form);
  for (const note of [...model.notes, ...notes]) process.stderr.write(`${harmless(note)}\n`);
  const inputs = spokenInputs(form);
  const trainer = await createTrainer({
    model: networkOf(form),
    // A trainer must have them; nothing is learned here.
    loss: (outputs: Value | Transcript) => mean(isValue(outputs) ? outputs : outputs.logits),
    ...(inputs && { inputs }),
    optimizer: adam(),
    batchSize: 1,
    backend: command.backend,
    kernels: kernelFiles(),
    data,
  });
  try {
    await trainer.loadWeights(bytes, command.model);
    const answers = (await linesFor(input, data, trainer)).join('\n');
    // A file gets the names of classes as they are.
    process.stdout.write(`${process.stdout.isTTY ? harmless(answers) : answers}\n`);
    return 0;
  } finally {
    trainer.destroy();
  }
}

async function questionOf(command: PredictCommand, form: ModelForm): Promise<Question> {
  const { input } = form;
  const { pictures } = command;
  if (input.kind === 'image') return readImages(command.input, input, pictures);
  if (pictures.ground !== undefined || pictures.invert !== undefined) {
    throw new UsageError(`--ground and --invert are for pictures, and ${command.model} takes none: leave them out`);
  }
  if (input.kind === 'sound') return { data: await readSpeech(command, input, spokenInputs(form)), notes: [] };
  if (input.kind === 'series') {
    const table = await openTable(command.input, command.table);
    return { data: lastWindow(input.series, table), notes: table.notes ?? [] };
  }
  return tableQuestion(input.table, command);
}

async function tableQuestion(form: TableForm, { input, table: wishes }: PredictCommand): Promise<Question> {
  const header = wishes.header ?? ((cells: readonly string[]) => namesColumns(form, cells));
  const { data, notes } = encodeTable(form, await openTable(input, { ...wishes, header }));
  const { features } = data.fields;
  return { data: { length: data.length, fields: { features } }, notes };
}

async function linesFor(input: InputForm, data: Dataset, trainer: Trainer): Promise<string[]> {
  if (input.kind === 'sound' && input.transcribes) return transcriptFor(input, data, trainer);
  const { data: outputs } = await trainer.predict(data);
  if (input.kind === 'series') {
    return [cell(input.series.target), ...forecastsOf(input.series, outputs).map((number) => short(number, DIGITS))];
  }
  if (input.kind === 'table' && input.table.target.kind === 'number') {
    return [
      cell(input.table.target.name),
      ...(answersOf(input.table, outputs) as readonly number[]).map((number) => short(number, DIGITS)),
    ];
  }
  const { name, classes } =
    input.kind === 'table' ? classTarget(input.table) : { name: 'class', classes: input.classes };
  const { answers, certainty } = answersTo(outputs, classes.length);
  return [
    `${cell(name)},probability`,
    ...answers.map((answer, at) => `${cell(classes[answer])},${certainty[at].toFixed(4)}`),
  ];
}

/** All words of a sound, and the probability of all ways to say them. */
async function transcriptFor(form: SoundForm, data: Dataset, trainer: Trainer): Promise<string[]> {
  const { outputs } = await trainer.predict(data);
  const found = wordsIn(data, outputs as Outputs<Transcript>, form);
  const lines = found.map(({ labels, logProbability }) => {
    const words = labels.map((label) => form.classes[label]).join(' ');
    return `${cell(words)},${Math.exp(logProbability).toFixed(4)}`;
  });
  return ['words,probability', ...lines];
}

function classTarget({ target }: TableForm): { readonly name: string; readonly classes: readonly string[] } {
  if (target.kind !== 'class') throw new Error('[predict] a number has no classes');
  return target;
}

/** Of f32. */
const DIGITS = 7;

/** A cell of CSV, quoted where it must be. Source: RFC 4180 */
const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
