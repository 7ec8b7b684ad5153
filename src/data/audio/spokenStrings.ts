import { optionsOf, requireFinite, requireKind } from '../../core/argumentChecks.ts';
import { Random, requireSeed } from '../../core/random.ts';
import { levelled, LOUDNESS } from './level.ts';
import { requireSounds, type Recording, type Transcribed } from './sounds.ts';

/** What `spokenStrings` may be told. */
export interface SpokenStringsOptions {
  /** How many strings: 1,000. */
  readonly count?: number;
  /** 0 if left out. Each string is drawn by itself: the first hundred of a thousand are a hundred's. */
  readonly seed?: number;
  /** The fewest and the most recordings that follow each other: 2 to 6. */
  readonly digits?: readonly [fewest: number, most: number];
  /** The shortest and the longest pause, in seconds, before, between and behind them: 0.05 to 0.3. */
  readonly pause?: readonly [shortest: number, longest: number];
  /** How loud the noise is that lies under all of it, as a share of the speech: 0.02, some 34 dB below. */
  readonly noise?: number;
}

const USUAL = { count: 1000, seed: 0, digits: [2, 6], pause: [0.05, 0.3], noise: 0.02 } as const;

const isRange = (given: readonly number[]): boolean =>
  Array.isArray(given) && given.length === 2 && given.every(Number.isFinite) && given[0] <= given[1];

/** Parts of a string: recordings, and as zeros what is between them. */
function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

/**
 * Strings of words for transcription: recordings drawn one behind the other, with pauses, under noise, levelled as a whole.
 * Give recordings that nothing was learned from to judge by.
 *
 *     spokenStrings(train, { count: 2000, seed: 1 }); // and spokenStrings(test, { count: 200 })
 *
 * 1,000 strings of FSDD's digits are 40 minutes, 80 MB; `features` makes sets of them, as `waveforms` does.
 * @throws DataError for what is no list of recordings, or an option out of its range
 */
export function spokenStrings(recordings: readonly Recording[], options: SpokenStringsOptions = {}): Transcribed[] {
  const where = 'spokenStrings';
  requireSounds(where, recordings);
  requireKind(where, 'what is given', recordings, 'label' in recordings[0], 'recordings of one word each');
  const { count, seed, digits, pause, noise } = optionsOf<SpokenStringsOptions, typeof USUAL>(where, options, USUAL);
  requireKind(where, 'count', count, Number.isInteger(count) && count > 0, 'a whole number of strings');
  requireSeed(where, seed);
  const areDigits = isRange(digits) && digits.every(Number.isInteger) && digits[0] > 0;
  requireKind(where, 'digits', digits, areDigits, 'the fewest and the most, as [2, 6]');
  requireKind(where, 'pause', pause, isRange(pause) && pause[0] >= 0, 'the shortest and the longest, as [0.05, 0.3]');
  requireFinite(where, 'noise', noise, 0);
  const [{ sampleRate }] = recordings;
  return Array.from({ length: count }, (_, item) => {
    const random = new Random(seed, where, item);
    const between = (): Float32Array => new Float32Array(Math.round(random.uniform(...pause) * sampleRate));
    const said = Array.from({ length: Math.floor(random.uniform(digits[0], digits[1] + 1)) }, () => {
      return recordings[Math.floor(random.uniform(0, recordings.length))];
    });
    const whole = joined([between(), ...said.flatMap(({ samples }) => [samples, between()])]);
    const heard = noise > 0 ? whole.map((sample) => sample + noise * LOUDNESS * random.bell()) : whole;
    return { samples: levelled(heard), sampleRate, labels: said.map(({ label }) => label) };
  });
}
