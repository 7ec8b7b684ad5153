import {
  files,
  levelled,
  readWav,
  resample,
  mono,
  trimmed,
  type NamedFile,
  type Recording,
} from '../../src/data/index.ts';

/** A file's name as digit, speaker and number: `7_theo_12.wav`. */
const NAME = /^(\d)_.*\.wav$/i;

/** The label of what has no name that tells a digit. */
export const UNKNOWN = -1;

/** What is in a sound for a net: its word alone, at one loudness. */
export const wordIn = (samples: Float32Array, sampleRate: number): Float32Array =>
  levelled(trimmed(levelled(samples), sampleRate));

/** A WAV file's sound at a rate. @throws FormatError naming what is wrong with the file */
export async function recordingOf(file: NamedFile, sampleRate: number): Promise<Recording> {
  const { name } = file;
  const wav = readWav(name, (await files([file])(name))!);
  const samples = wordIn(resample(mono(wav.channels), wav.sampleRate, sampleRate), sampleRate);
  return { name, samples, sampleRate, label: Number(NAME.exec(name)?.[1] ?? UNKNOWN) };
}

/** Recordings to learn from and to judge by, every fifth of each digit. */
export interface Recordings {
  readonly train: readonly Recording[];
  readonly test: readonly Recording[];
  /** What they are, in a sentence. */
  readonly origin: string;
}

/** The share that is held out. */
const ONE_IN = 5;

/**
 * Recordings that are named by their digits, as those of the Free Spoken Digit Dataset: 7_theo_12.wav.
 * @throws FormatError naming a broken file; Error in words for visitors where no names tell digits
 */
export async function recordingsIn(given: readonly NamedFile[], sampleRate: number): Promise<Recordings> {
  const named = given.filter(({ name }) => NAME.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const all: Recording[] = [];
  for (const file of named) all.push(await recordingOf(file, sampleRate));
  const [test, train] = [true, false].map((isTest) => all.filter((_, at) => (at % ONE_IN === 0) === isTest));
  if (train.length < 1) {
    throw new Error(
      `Of ${given.length} files ${named.length} are named as 7_theo_12.wav, by the digit that is said in them: give two at least.`,
    );
  }
  const count = `${train.length.toLocaleString('en')} of your recordings`;
  return { train, test, origin: `Learns from ${count}; ${test.length.toLocaleString('en')} are held out.` };
}
