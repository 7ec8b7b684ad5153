import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { thousands } from '../core/textFormat.ts';
import { hasFsdd } from '../data/audio/fsdd.ts';
import {
  pick,
  readWav,
  soundOf,
  split,
  standardized,
  statisticsOf,
  type Dataset,
  type Recording,
} from '../data/index.ts';
import { features, FormatError, logMel, type LogMel } from '../index.ts';
import { fsdd } from '../node/data.ts';
import { folder, recordings } from '../node.ts';
import type { LearningTask } from './learningTask.ts';
import type { SoundForm } from './network.ts';
import type { PredictCommand, TrainCommand } from './options.ts';
import { reasonOf } from './outputPaths.ts';

/** The share of a folder's recordings that is held out. */
const HELD_OUT = 0.2;

/** What is heard in sound of a rate. */
const frontOf = (sampleRate: number): LogMel => logMel({ sampleRate });

/** Features of recordings, in two parts, and where they are from. */
interface Heard {
  readonly from: string;
  readonly train: Dataset<'x' | 'length' | 'label'>;
  readonly test: Dataset<'x' | 'length' | 'label'>;
  readonly classes: readonly string[];
  readonly sampleRate: number;
}

/** FSDD in the parts that its publishers made. */
async function spokenDigits({ data, backend }: TrainCommand): Promise<Heard> {
  const { train, test, classes, sampleRate, origin } = await fsdd(data === undefined ? {} : folder(data));
  const front = frontOf(sampleRate);
  const heard = await features(train, front, { backend });
  // A sound that is longer than any that was learned from loses its end.
  const [frames] = heard.fields.x.shape;
  return {
    from: origin.text,
    train: heard,
    test: await features(test, front, { backend, frames }),
    classes,
    sampleRate,
  };
}

/** A folder of WAV files by class, of each of which a fifth is held out. */
async function ownRecordings(path: string, { backend, seed }: TrainCommand): Promise<Heard> {
  const { recordings: all, classes, sampleRate } = await recordings(path);
  const heard = await features(all, frontOf(sampleRate), { backend });
  const [train, test] = split(heard, 1 - HELD_OUT, { seed, stratify: 'label' });
  return { from: path, train, test, classes, sampleRate };
}

/** Recordings to tell apart: of digits, or of whatever folders there are. @throws FormatError naming what is wrong with them */
export async function loadSpeech(command: TrainCommand): Promise<LearningTask> {
  const { data } = command;
  const isFsdd = data === undefined || (await hasFsdd(folder(data)));
  const { from, train, test, classes, sampleRate } = isFsdd
    ? await spokenDigits(command)
    : await ownRecordings(data, command);
  const statistics = statisticsOf(train);
  const [frames] = train.fields.x.shape as [number, number];
  const seen = (set: Dataset): Dataset => pick(standardized(set, statistics), ['x', 'label']);
  return {
    about: `${isFsdd ? 'FSDD' : 'Recordings'} from ${from}: ${thousands(train.length)} to learn from and ${thousands(test.length)} held out; one of ${thousands(classes.length)} classes is told, from ${thousands(frames)} frames`,
    notes: [],
    from,
    train: seen(train),
    test: seen(test),
    input: { kind: 'sound', classes, sampleRate, frames, statistics },
  };
}

/** What a model hears in a WAV file. @throws FormatError if it is none */
export async function readSpeech({ input: path, backend }: PredictCommand, form: SoundForm): Promise<Dataset> {
  const { sampleRate, frames, statistics } = form;
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[predict] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const name = basename(path);
  const recording: Recording = { name, samples: soundOf(readWav(path, bytes), sampleRate), sampleRate, label: 0 };
  return pick(standardized(await features([recording], frontOf(sampleRate), { backend, frames }), statistics), 'x');
}
