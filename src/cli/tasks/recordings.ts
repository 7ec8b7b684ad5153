import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { thousands } from '../../core/textFormat.ts';
import { hasFsdd } from '../../data/audio/fsdd.ts';
import {
  pick,
  readWav,
  soundOf,
  split,
  spokenStrings,
  standardized,
  statisticsOf,
  type Dataset,
  type Recording,
  type Sound,
  type Statistics,
  type Transcribed,
} from '../../data/index.ts';
import { dataset, features, FormatError, logMel, Random, type LogMel } from '../../index.ts';
import { fsdd } from '../../node/data.ts';
import { folder, recordings } from '../../node.ts';
import { isRecurrent, type PredictCommand, type TrainCommand } from '../command/commands.ts';
import { UsageError } from '../command/usageError.ts';
import { reasonOf } from '../outputPaths.ts';
import { areFinite, areNames } from './classification.ts';
import type { InputForm, LearningTask } from './task.ts';
import { roomy, shortened } from './transcriber.ts';

/** Sounds, as what `logMel` hears in them, and the classes that they are of. */
export interface SoundForm {
  readonly kind: 'sound';
  readonly classes: readonly string[];
  readonly sampleRate: number;
  /** Of a sample: what is longer loses its end. */
  readonly frames: number;
  /** Of the features that were learned from. */
  readonly statistics: Statistics;
  /** Whether words follow each other in a sound, and all are told; else it is of one class. */
  readonly transcribes?: true;
}

/** Whether a form is of sounds in which words follow each other. */
export const isTranscribed = (input: InputForm): input is SoundForm =>
  input.kind === 'sound' && input.transcribes === true;

/** The share of a folder's recordings that is held out. */
const HELD_OUT = 0.2;

/** The fewest and the most words of a string. */
const WORDS = [2, 6] as const;

/** What is heard in sound of a rate. */
const frontOf = (sampleRate: number): LogMel => logMel({ sampleRate });

/** Recordings of one word each, in two parts, and where they are from. */
interface Recorded {
  readonly from: string;
  readonly train: readonly Recording[];
  readonly test: readonly Recording[];
  /** Those of which a sample has room for the longest. */
  readonly measured: readonly Recording[];
  readonly classes: readonly string[];
  readonly sampleRate: number;
}

/** FSDD in the parts that its publishers made, or without a speaker. A sound that is longer than any that was learned from loses its end. */
async function spokenDigits(data: string | undefined, leaveOut: string | undefined): Promise<Recorded> {
  const { origin, ...set } = await fsdd({ source: data === undefined ? undefined : folder(data), leaveOut });
  return { ...set, measured: set.train, from: origin.text };
}

/** A folder of WAV files by class, of each of which a fifth is held out. */
async function ownRecordings(path: string, seed: number): Promise<Recorded> {
  const { recordings: all, ...set } = await recordings(path);
  const places = dataset({
    at: Int32Array.from(all, (_, at) => at),
    label: Int32Array.from(all, ({ label }) => label),
  });
  const parts = split(places, 1 - HELD_OUT, { seed, stratify: 'label' });
  const [train, test] = parts.map(({ fields }) => Array.from(fields.at.data, (at) => all[at]));
  return { ...set, train, test, measured: all, from: path };
}

/** Sounds to learn from and to judge by, and in words what is told of them. */
interface Told {
  readonly train: readonly (Recording | Transcribed)[];
  readonly test: readonly (Recording | Transcribed)[];
  readonly measured: readonly Sound[];
  readonly about: (frames: number) => string;
}

function wordsOf({ train, test, measured, classes }: Recorded): Told {
  const count = `${thousands(train.length)} to learn from and ${thousands(test.length)} held out`;
  const about = (frames: number): string =>
    `${count}; one of ${thousands(classes.length)} classes is told, from ${thousands(frames)} frames`;
  return { train, test, measured, about };
}

/** As many strings as there are recordings; those to judge by are made of recordings that are held out. */
function stringsOf({ train, test, classes }: Recorded, seed: number): Told {
  // By the same seed they would say the same words in the same order as those that are learned from.
  const other = new Random(seed, 'held-out strings').word();
  const learned = spokenStrings(train, { count: train.length, seed, digits: WORDS });
  const judged = spokenStrings(test, { count: test.length, seed: other, digits: WORDS });
  const count = `strings of them, ${thousands(learned.length)} to learn from and ${thousands(judged.length)} held out`;
  const about = (frames: number): string =>
    `${count}; ${WORDS.join(' to ')} of ${thousands(classes.length)} words are told of each, from up to ${thousands(frames)} frames`;
  return { train: learned, test: judged, measured: [...learned, ...judged], about };
}

/** Recordings to tell apart, or to tell one after the other: of digits, or of whatever folders there are. @throws FormatError naming what is wrong with them */
export async function loadSpeech(command: TrainCommand): Promise<LearningTask<SoundForm>> {
  const { data, leaveOut, transcribe, model, seed, backend } = command;
  const isFsdd = data === undefined || (await hasFsdd(folder(data)));
  if (!isFsdd && leaveOut !== undefined) {
    throw new UsageError(
      `--leave-out is of FSDD, whose files name who speaks, and ${data} is another folder: leave it out`,
    );
  }
  const recorded = isFsdd ? await spokenDigits(data, leaveOut) : await ownRecordings(data, seed);
  const { from, classes, sampleRate } = recorded;
  const told = transcribe ? stringsOf(recorded, seed) : wordsOf(recorded);
  const front = frontOf(sampleRate);
  const frames = told.measured.reduce((most, { samples }) => Math.max(most, front.framesOf(samples.length)), 0);
  const heard = await features(told.train, front, { backend, frames });
  const judged = await features(told.test, front, { backend, frames });
  const statistics = statisticsOf(heard);
  const seen = (set: Dataset): Dataset => {
    const level = standardized(set, statistics);
    if (transcribe) return roomy(shortened(level), WORDS[1]);
    return pick(level, isRecurrent(model) ? ['x', 'length', 'label'] : ['x', 'label']);
  };
  return {
    about: `${isFsdd ? 'FSDD' : 'Recordings'} from ${from}: ${told.about(frames)}`,
    notes: [],
    from,
    train: seen(heard),
    test: seen(judged),
    input: { kind: 'sound', classes, sampleRate, frames, statistics, ...(transcribe && { transcribes: true }) },
  };
}

/** What a model hears in a WAV file. @param fields those that it takes: x alone if left out   @throws FormatError if the file is none */
export async function readSpeech(
  { input: path, backend }: PredictCommand,
  form: SoundForm,
  fields: readonly ('x' | 'length')[] = ['x'],
): Promise<Dataset> {
  const { sampleRate, statistics, transcribes } = form;
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[predict] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const name = basename(path);
  const recording: Recording = { name, samples: soundOf(readWav(path, bytes), sampleRate), sampleRate, label: 0 };
  const front = frontOf(sampleRate);
  // What is told word by word may be as long as it is.
  const frames = transcribes ? front.framesOf(recording.samples.length) : form.frames;
  const heard = standardized(await features([recording], front, { backend, frames }), statistics);
  return pick(transcribes ? shortened(heard) : heard, fields);
}

/** What a model's file says is heard, and how, and the names of classes. */
export function readSoundForm(given: Partial<SoundForm>, path: string): SoundForm {
  const { classes, sampleRate, frames, statistics, transcribes } = given;
  const { mean, deviation } = Object(statistics) as Partial<Statistics>;
  const areCounts = [sampleRate, frames].every((count) => Number.isSafeInteger(count) && count! > 0);
  const areSo = [mean, deviation].every((of) => Array.isArray(of) && of.length > 0 && areFinite(...of));
  if (!areNames(classes) || !areCounts || !areSo || mean!.length !== deviation!.length) {
    throw new FormatError(
      `[model] ${path} does not say what it hears: give a file that \`millrace train --save\` wrote`,
    );
  }
  const form = { kind: 'sound', classes, sampleRate: sampleRate!, frames: frames!, statistics: statistics! } as const;
  return transcribes === true ? { ...form, transcribes } : form;
}
