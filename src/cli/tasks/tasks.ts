import type { TrainCommand } from '../command/commands.ts';
import { dialogues, loadDialogues } from './dialogues.ts';
import { images, loadImageSet } from './images.ts';
import { hasTurns } from './languageModel.ts';
import { isTranscribed, loadSpeech } from './recordings.ts';
import { loadSentiments, sentiments } from './sentiments.ts';
import { loadSeries, series } from './series.ts';
import { loadTable, tables } from './tables.ts';
import type { InputForm, LearningTask, Loading, Task } from './task.ts';
import { loadTexts, texts } from './texts.ts';
import { transcription } from './transcription.ts';
import { loadTranslations, translations } from './translations.ts';
import { words } from './words.ts';

/** What is learned from, by the kind that a form names. */
const kinds = {
  image: images,
  table: tables,
  series,
  sound: words,
  text: texts,
  lines: sentiments,
  translation: translations,
} as const;

export const taskKinds = Object.keys(kinds) as readonly InputForm['kind'][];

/** The task of a form. */
export function taskOf<I extends InputForm>(input: I): Task<I> {
  const task = isTranscribed(input) ? transcription : hasTurns(input) ? dialogues : kinds[input.kind];
  return task as unknown as Task<I>;
}

/**
 * Reads what is to be learned, from wherever it is.
 * @param like the input of a model that is gone on with, where a set's own would be another
 * @throws FormatError or DataError naming what is wrong with it
 */
export async function loadLearningTask(
  command: TrainCommand,
  loading: Loading,
  like?: InputForm,
): Promise<LearningTask> {
  const { dataset, sequence } = command;
  const imageSet = loadImageSet(command, loading);
  if (imageSet) return imageSet;
  if (dataset === 'speech') return loadSpeech(command);
  if (dataset === 'text') return loadTexts(command);
  if (dataset === 'sentiment') return loadSentiments(command);
  if (dataset === 'translation') return loadTranslations(command);
  if (dataset === 'dialogue') return loadDialogues(command);
  return sequence ? loadSeries(command, sequence) : loadTable(command, like);
}
