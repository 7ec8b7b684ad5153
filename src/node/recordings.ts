import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { soundOf } from '../data/audio/level.ts';
import { requireRate } from '../data/audio/resample.ts';
import type { Recording } from '../data/audio/sounds.ts';
import { readWav, type Wav } from '../data/audio/wav.ts';
import { isFolder } from './folder.ts';

/** What `recordings` may be told. */
export interface RecordingsOptions {
  /**
   * Samples a second that all are brought to. If left out, 16,000, which holds all of speech, or the lowest rate among the
   * files where that is less: what a file does not hold is not made up.
   */
  readonly sampleRate?: number;
}

/** What a folder of recordings holds. */
export interface RecordingsFolder {
  /** In the order of their classes and names. */
  readonly recordings: readonly Recording[];
  /** The folders' names, sorted: what labels mean, in their order. */
  readonly classes: readonly string[];
  readonly sampleRate: number;
}

/** Samples a second. */
const ALL_OF_SPEECH = 16_000;

/** Names in a folder, sorted; those that begin with a point are the system's. */
async function namesIn(path: string, folders: boolean): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const wanted = entries.filter((entry) => !entry.name.startsWith('.') && entry.isDirectory() === folders);
  return wanted.map(({ name }) => name).sort();
}

/**
 * Recordings in a folder in which each class has a folder of its WAV files, `DIR/CLASS/*.wav`: channels mixed, resampled to
 * one rate, levelled. Other files are passed over.
 * @throws FormatError if there is no such folder, a class has no files, or one of them is broken
 */
export async function recordings(path: string, options: RecordingsOptions = {}): Promise<RecordingsFolder> {
  requireKind('recordings', 'the path', path, typeof path === 'string', 'a text');
  const { sampleRate } = optionsOf('recordings', options, { sampleRate: undefined });
  if (sampleRate !== undefined) requireRate('recordings', 'sampleRate', sampleRate);
  if (!(await isFolder(path))) {
    throw new FormatError(
      `[recordings] ${path} is no folder: give one that holds a folder of WAV files for each class`,
    );
  }
  const classes = await namesIn(path, true);
  if (classes.length === 0) {
    throw new FormatError(
      `[recordings] ${path} holds no folders: put the WAV files of each class into a folder of its name`,
    );
  }
  const all: (Omit<Recording, 'samples' | 'sampleRate'> & { readonly wav: Wav })[] = [];
  for (const [label, name] of classes.entries()) {
    const files = (await namesIn(join(path, name), false)).filter((file) => file.toLowerCase().endsWith('.wav'));
    if (files.length === 0) {
      throw new FormatError(
        `[recordings] ${join(path, name)} holds no WAV files, so that nothing is known of the class "${name}": put some there, or remove the folder`,
      );
    }
    for (const file of files) {
      const whole = join(path, name, file);
      all.push({ name: `${name}/${file}`, wav: readWav(whole, await readFile(whole)), label });
    }
  }
  const rate = sampleRate ?? all.reduce((lowest, { wav }) => Math.min(lowest, wav.sampleRate), ALL_OF_SPEECH);
  const made = all.map(({ wav, ...rest }) => ({ ...rest, samples: soundOf(wav, rate), sampleRate: rate }));
  return { recordings: made, classes, sampleRate: rate };
}
