import { optionsOf, requireFinite } from '../../core/argumentChecks.ts';
import { requireRate, requireSamples } from './resample.ts';

/** What `trimmed` may be told. */
export interface TrimOptions {
  /** How far below its loudest part a sound may be and still be heard, in decibels: 30. */
  readonly below?: number;
  /** What is kept before and behind, in seconds: 0.05, since words begin and end softly. */
  readonly margin?: number;
}

const USUAL = { below: 30, margin: 0.05 } as const;

/** Over which loudness is told, in seconds: a period of a deep voice. */
const PART = 0.01;

/** The mean square of each part of a sound. */
function powersOf(samples: Float32Array, part: number): Float64Array {
  const powers = new Float64Array(Math.ceil(samples.length / part));
  samples.forEach((sample, at) => (powers[Math.floor(at / part)] += sample ** 2 / part));
  return powers;
}

/**
 * A sound without the silence before and behind it: from the first part of it to the last that is nearly as loud as the
 * loudest, as librosa's `effects.trim`. Pauses within it stay, and so does what is silent all through. It is to have no
 * offset, which would be loud everywhere: `levelled` takes it away.
 * @param sampleRate samples a second   @returns a part of the same memory
 * @throws DataError for what is no row of samples, no rate, or an option out of its range
 */
export function trimmed(samples: Float32Array, sampleRate: number, options: TrimOptions = {}): Float32Array {
  const where = 'trimmed';
  requireSamples(where, samples);
  requireRate(where, 'sampleRate', sampleRate);
  const { below, margin } = optionsOf<TrimOptions, typeof USUAL>(where, options, USUAL);
  requireFinite(where, 'below', below, 0);
  requireFinite(where, 'margin', margin, 0);
  const part = Math.ceil(PART * sampleRate);
  const powers = powersOf(samples, part);
  const least = powers.reduce((most, power) => Math.max(most, power), 0) * 10 ** (-below / 10);
  const isHeard = (power: number): boolean => power >= least;
  const kept = Math.round(margin * sampleRate);
  const first = powers.findIndex(isHeard) * part - kept;
  return samples.subarray(Math.max(0, first), (powers.findLastIndex(isHeard) + 1) * part + kept);
}
