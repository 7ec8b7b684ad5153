import { requireKind } from '../../core/argumentChecks.ts';

/** Zero crossings of the filter to either side, and the share of the band that it lets pass: a step from 16 to 8 kHz keeps all below 3.8 kHz. */
const [CROSSINGS, ROLLOFF] = [16, 0.95];

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** What a sample of the result is made of: so many of the source, from a place on that is counted from its own. */
interface Phase {
  readonly first: number;
  readonly weights: Float64Array;
}

/** A sinc under a Hann window, at a distance in zero crossings. */
function windowedSinc(distance: number): number {
  if (Math.abs(distance) >= CROSSINGS) return 0;
  const x = Math.PI * distance;
  return (x === 0 ? 1 : Math.sin(x) / x) * Math.cos(x / (2 * CROSSINGS)) ** 2;
}

/** The weights for a place between two samples, `part` of the way from one to the next. @param band zero crossings in a sample's time */
function phaseAt(part: number, band: number): Phase {
  const reach = CROSSINGS / band;
  const first = Math.ceil(part - reach);
  const weights = new Float64Array(Math.floor(part + reach) - first + 1);
  for (let at = 0; at < weights.length; at++) weights[at] = band * windowedSinc((first + at - part) * band);
  return { first, weights };
}

/** @throws DataError for what is no number of samples a second */
export function requireRate(where: string, name: string, rate: unknown): void {
  const is = Number.isInteger(rate) && (rate as number) > 0;
  requireKind(where, name, rate, is, 'a whole number of samples a second, as 16000');
}

/** @throws DataError for what is no row of samples */
export const requireSamples = (where: string, given: unknown): void =>
  requireKind(where, 'samples', given, given instanceof Float32Array, "a Float32Array: one of a WAV file's channels");

/**
 * Sound at another rate, by a windowed sinc: of each phase that there is, of `to` / gcd(`from`, `to`), the weights are
 * reckoned once, and sums are in f64. It is torchaudio's `resample` with a `lowpass_filter_width` of 16 and a `rolloff` of
 * 0.95, here without the zeros that it multiplies by. Beyond its ends a sound is 0.
 * @param from samples a second   @param to samples a second of the result
 * @returns ⌈length · to / from⌉ samples; the same array where nothing changes
 * Source: Smith, "Digital Audio Resampling", ccrma.stanford.edu/~jos/resample
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  requireSamples('resample', samples);
  requireRate('resample', 'from', from);
  requireRate('resample', 'to', to);
  if (from === to) return samples;
  const common = divisor(from, to);
  const [step, phases] = [from / common, to / common];
  // What the slower of the two cannot hold is left out, so that it is not heard as something else.
  const band = ROLLOFF * Math.min(1, to / from);
  const table = new Map<number, Phase>();
  const resampled = new Float32Array(Math.ceil((samples.length * phases) / step));
  for (let at = 0; at < resampled.length; at++) {
    const remainder = (at * step) % phases;
    let phase = table.get(remainder);
    if (!phase) table.set(remainder, (phase = phaseAt(remainder / phases, band)));
    resampled[at] = weighed(samples, (at * step - remainder) / phases + phase.first, phase.weights);
  }
  return resampled;
}

function weighed(samples: Float32Array, first: number, weights: Float64Array): number {
  const end = Math.min(weights.length, samples.length - first);
  let total = 0;
  for (let at = Math.max(0, -first); at < end; at++) total += weights[at] * samples[first + at];
  return total;
}
