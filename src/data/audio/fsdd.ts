import { FormatError } from '../../core/errors.ts';
import { optionsOf, requireKind, requireName } from '../../core/argumentChecks.ts';
import { unpacked } from '../gzip.ts';
import type { CatalogueEntry } from '../download/catalogue.ts';
import type { Platform } from '../mnist/load.ts';
import { pagePlatform } from '../mnist/mnist.ts';
import { firstOf, type Origin, type Source } from '../fileSource.ts';
import { readTar } from '../tar.ts';
import { soundOf } from './level.ts';
import type { Recording } from './sounds.ts';
import { readWav } from './wav.ts';

/** Spoken digits, and where they came from. */
export interface Fsdd {
  /** Those that models learn from: of each speaker and digit the recordings from the sixth on, unless a speaker is left out. */
  readonly train: readonly Recording[];
  /** Those that they are judged by: the first five, or all of the speaker who is left out. */
  readonly test: readonly Recording[];
  /** Samples a second. */
  readonly sampleRate: number;
  /** What labels mean, in their order. */
  readonly classes: readonly string[];
  readonly origin: Origin;
}

/** What `fsdd` may be told. */
export interface FsddOptions {
  /** Its files, in place of the folder that the environment names. */
  readonly source?: Source | undefined;
  /** A speaker of whom nothing is learned, and all is to judge by, in place of the publishers' parts: `theo`. */
  readonly leaveOut?: string | undefined;
}

/** It is of files in a git repository, which no server gives as one with a sum: so there is nothing to download from. */
const entry: CatalogueEntry = { name: 'fsdd', title: 'FSDD', folder: 'fsdd', files: [], mirrors: [] };

/** Where a user finds it. */
export const FSDD_HOME = 'github.com/Jakobovski/free-spoken-digit-dataset';

const ARCHIVES = ['recordings.tar.gz', 'recordings.tar'];
const SPEAKERS = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'];
const [SAMPLE_RATE, DIGITS, TAKES] = [8000, 10, 50];
/** Recordings of each digit by each speaker that belong to the test, as its publishers say. */
const HELD_OUT = 5;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** The names of all files, as the set has them since 2020. */
const fileNames: readonly string[] = upTo(DIGITS).flatMap((digit) =>
  SPEAKERS.flatMap((speaker) => upTo(TAKES).map((take) => `${digit}_${speaker}_${take}.wav`)),
);

/** A file's name as digit, speaker and number. */
const NAME = /(?:^|\/)(\d)_(\w+?)_(\d+)\.wav$/;

/** The names by which the set is told: an archive's, a file's. */
const SIGNS = [...ARCHIVES, fileNames[0], `recordings/${fileNames[0]}`];

/** Whether a source has the set, or a part of it. */
export const hasFsdd = async (source: Source): Promise<boolean> => (await firstOf(source, SIGNS)) !== null;

/** The set's files by name, from an archive, or from a folder in which they are, or whose folder they are in. */
async function filesIn(source: Source): Promise<ReadonlyMap<string, Uint8Array>> {
  const [first] = fileNames;
  const found = await firstOf(source, SIGNS);
  if (!found) {
    throw new FormatError(
      `[fsdd] there is no ${ARCHIVES[0]}, nor ${first}, there or in recordings: give the folder of ${FSDD_HOME}`,
    );
  }
  if (ARCHIVES.includes(found.name))
    return readTar('fsdd', found.name, await unpacked('fsdd', found.name, found.bytes));
  const folder = found.name.slice(0, -first.length);
  const files = new Map<string, Uint8Array>();
  for (const name of fileNames) {
    const bytes = await source(folder + name);
    if (bytes) files.set(name, bytes);
  }
  return files;
}

/** A recording, and its number among those of its speaker and digit. */
interface Taken extends Recording {
  readonly take: number;
}

/** Recordings by the names of their files. @throws FormatError naming the file that is broken */
function recordingsOf(files: ReadonlyMap<string, Uint8Array>): readonly Taken[] {
  return [...files.keys()].sort().flatMap((path) => {
    const [, digit, speaker, take] = NAME.exec(path) ?? [];
    if (digit === undefined) return [];
    const name = path.slice(path.lastIndexOf('/') + 1);
    const samples = soundOf(readWav(name, files.get(path)!), SAMPLE_RATE);
    return [{ name, samples, sampleRate: SAMPLE_RATE, label: Number(digit), speaker, take: Number(take) }];
  });
}

/** FSDD from what was given, or else from a named folder. */
export async function loadFsdd(given: Source | FsddOptions, platform: Platform): Promise<Fsdd> {
  const said = typeof given === 'function' ? { source: given } : given;
  const none = { source: undefined, leaveOut: undefined };
  const { source, leaveOut } = optionsOf<FsddOptions, typeof none>('fsdd', said, none);
  const isSource = source === undefined || typeof source === 'function';
  requireKind('fsdd', 'source', source, isSource, "a function of a file's name, as files(…) or folder(…) makes it");
  if (leaveOut !== undefined) {
    requireKind('fsdd', 'leaveOut', leaveOut, typeof leaveOut === 'string', "a speaker's name, as theo");
    requireName('fsdd', 'speaker', leaveOut, SPEAKERS, 'has');
  }
  const named = source ?? (await platform.named(entry));
  if (typeof named === 'string') {
    throw new FormatError(
      `[fsdd] it is not downloaded, and ${named}: get it from ${FSDD_HOME}, and ${platform.remedy}`,
    );
  }
  const recordings = recordingsOf(await filesIn(named));
  const isHeldOut = ({ take, speaker }: Taken): boolean =>
    leaveOut === undefined ? take < HELD_OUT : speaker === leaveOut;
  const of = (isTest: boolean): Recording[] =>
    recordings.filter((one) => isHeldOut(one) === isTest).map(({ take: _take, ...recording }) => recording);
  const [train, test] = [of(false), of(true)];
  if (train.length === 0 || test.length === 0) {
    throw new FormatError(
      `[fsdd] there are ${train.length} recordings to learn from and ${test.length} to judge by, named as 7_theo_12.wav, where 0 … ${HELD_OUT - 1} are to judge by: take all of the set`,
    );
  }
  const origin = named.origin ?? { kind: 'given', text: 'the files given' };
  return { train, test, sampleRate: SAMPLE_RATE, classes: upTo(DIGITS).map(String), origin };
}

/**
 * The Free Spoken Digit Dataset: 3,000 recordings of digits by six speakers, levelled, at 8,000 samples a second, of which
 * its publishers hold out 300. Without a source it is, in Node, in the folder MILLRACE_DATA/fsdd; nothing is downloaded.
 * @param given a source of `recordings.tar.gz`, or of the repository's files; or options
 * @throws FormatError naming the file that is broken, or where to get the set
 * Source: github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0.
 */
export const fsdd = (given: Source | FsddOptions = {}): Promise<Fsdd> =>
  loadFsdd(given, {
    ...pagePlatform,
    remedy: 'give recordings.tar.gz or its files: files(…) makes a source of them',
  });
