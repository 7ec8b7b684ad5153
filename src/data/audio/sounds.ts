import { DataError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { dataset, type Dataset, type FieldInput } from '../dataset.ts';

/** One channel of sound. */
export interface Sound {
  readonly samples: Float32Array;
  /** Samples a second. */
  readonly sampleRate: number;
}

/** A sound of one class: a word, a digit. */
export interface Recording extends Sound {
  /** The file's. */
  readonly name: string;
  /** The number of its class. */
  readonly label: number;
  /** Who speaks, where that is known: so that models can be judged by a speaker of whom they have heard nothing. */
  readonly speaker?: string;
}

/** A sound in which several classes follow each other. */
export interface Transcribed extends Sound {
  readonly labels: readonly number[];
}

/** Fields of a set of recordings, by what they say. */
export type FieldsOf<S extends Sound> = S extends Transcribed ? 'labels' | 'labelLength' : 'label';

/** What is said in each: its `label`; or its `labels`, zeros behind them up to the most that any has, and how many they are. */
export function saidIn(sounds: readonly (Recording | Transcribed)[]): Record<string, FieldInput> {
  if ('label' in sounds[0]) {
    return { label: { data: Int32Array.from(sounds as readonly Recording[], ({ label }) => label) } };
  }
  const labels = (sounds as readonly Transcribed[]).map((sound) => sound.labels);
  const most = Math.max(1, ...labels.map(({ length }) => length));
  const data = new Int32Array(sounds.length * most);
  labels.forEach((own, at) => data.set(own, at * most));
  return {
    labels: { data, shape: [most] },
    labelLength: { data: Int32Array.from(labels, ({ length }) => length) },
  };
}

const isSound = (given: unknown): boolean => {
  const { samples, sampleRate, label, labels } = Object(given) as Partial<Recording & Transcribed>;
  const isRow = samples instanceof Float32Array && samples.length > 0;
  return isRow && typeof sampleRate === 'number' && (typeof label === 'number' || Array.isArray(labels));
};

/** @throws DataError for what is no list of sounds, of one rate, all with a label or all with labels */
export function requireSounds(where: string, sounds: readonly (Recording | Transcribed)[]): void {
  const are = Array.isArray(sounds) && sounds.length > 0;
  requireKind(where, 'what is given', sounds, are, 'a list of recordings, as fsdd() gives them in train and test');
  sounds.forEach((sound, at) =>
    requireKind(where, `sound ${at}`, sound, isSound(sound), 'an object of samples, sampleRate, and label or labels'),
  );
  const [first] = sounds;
  const other = sounds.findIndex((one) => one.sampleRate !== first.sampleRate || 'label' in one !== 'label' in first);
  if (other < 0) return;
  const told = (one: Recording | Transcribed): string =>
    `has ${one.sampleRate} samples a second and ${'label' in one ? 'a label' : 'labels'}`;
  throw new DataError(
    `[${where}] sound 0 ${told(first)}, but sound ${other} ${told(sounds[other])}: give sounds of one kind, resampled to one rate`,
  );
}

/** What `waveforms` may be told. */
export interface WaveformsOptions {
  /** Of each sound: those of the longest if left out. What is longer loses its end. */
  readonly samples?: number | undefined;
}

/**
 * Recordings as training data, for models that begin with `logMel` or take sound itself: `x` of `[samples]`, zeros behind
 * what is shorter, `length`, how many of them are the sound's, and `label`; or, of strings, `labels` and `labelLength`. All
 * of FSDD are 219 MB so, since two of its recordings are five times as long as most; its `features` are half of that.
 * @throws DataError for what is no list of recordings of one rate
 */
export function waveforms<S extends Recording | Transcribed>(
  sounds: readonly S[],
  options: WaveformsOptions = {},
): Dataset<'x' | 'length' | FieldsOf<S>> {
  requireSounds('waveforms', sounds);
  const { samples } = optionsOf<WaveformsOptions, { samples: undefined }>('waveforms', options, { samples: undefined });
  const longest = sounds.reduce((most, sound) => Math.max(most, sound.samples.length), 0);
  const extent = samples ?? longest;
  requireKind('waveforms', 'samples', extent, Number.isInteger(extent) && extent > 0, 'a whole number, as 16000');
  const data = new Float32Array(sounds.length * extent);
  sounds.forEach((sound, at) => data.set(sound.samples.subarray(0, extent), at * extent));
  const length = Int32Array.from(sounds, (sound) => Math.min(extent, sound.samples.length));
  return dataset({ x: { data, shape: [extent] }, length, ...saidIn(sounds) }) as Dataset;
}
