import { DataError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireFinite, requireKind } from '../core/argumentChecks.ts';
import { formatSpec, spec } from '../core/shape.ts';
import { floatsOf, specOf, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { convolve } from '../ops/convolution/convolution.ts';
import { add, div, maximum, sub } from '../ops/pointwise/arithmetic.ts';
import { squaredErrors } from '../ops/losses/distance.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { log } from '../ops/pointwise/elementary.ts';
import { affine } from '../ops/products/matmul.ts';
import { concat, pad, slice } from '../ops/shaping/pieces.ts';
import { reshape } from '../ops/shaping/views.ts';
import { defineLayer, type FloatLayer } from './layer.ts';
import { melFilters } from './melFilters.ts';

/** What `logMel` may be told. */
export interface LogMelOptions {
  /** Samples a second of what comes in. */
  readonly sampleRate: number;
  /** Of a frame, in milliseconds: 25. */
  readonly frame?: number;
  /** From one frame to the next, in milliseconds: 10. */
  readonly hop?: number;
  /** Filters: 40. */
  readonly mels?: number;
  /** The lowest pitch that is heard, in hertz: 20. */
  readonly low?: number;
  /** The highest, in hertz; half the sample rate if left out. */
  readonly high?: number;
  /** Points of the Fourier transform: the power of two that holds a frame. More of them tell low pitches better apart. */
  readonly points?: number;
  /** Power below which all is alike, 1e-6: with levelled sound some 60 dB below what is usual. */
  readonly floor?: number;
  /** How many times what changes from frame to frame is put behind the features: 0, 1 or 2. */
  readonly deltas?: 0 | 1 | 2;
}

/** The layer, and how many frames come of how many samples. */
export interface LogMel extends FloatLayer {
  /** Extent of the result's last axis: mels · (1 + deltas). */
  readonly features: number;
  /** Samples a second of what it hears. */
  readonly sampleRate: number;
  /** Samples from one frame to the next. */
  readonly hop: number;
  /** Samples beyond a sound that frames within it, or their slopes, see. */
  readonly reach: number;
  /** The features of a frame in which nothing is heard. */
  readonly silence: Float32Array;
  /** Frames that lie whole within so many samples, and at least one: `1 + ⌊(samples − frame) / hop⌋`. */
  framesOf(samples: number): number;
  /** The same of a field of lengths, for a model that takes sound: `[N]` integers to `[N]` i32. */
  framesOf(samples: Value): Value<'i32'>;
}

const DEFAULTS = {
  sampleRate: undefined,
  frame: 25,
  hop: 10,
  mels: 40,
  low: 20,
  high: undefined,
  points: undefined,
  floor: 1e-6,
  deltas: 0,
} as const;

/** All that the layer goes by, in samples and hertz. */
interface Form {
  readonly sampleRate: number;
  readonly frame: number;
  readonly hop: number;
  readonly mels: number;
  readonly low: number;
  readonly high: number;
  readonly points: number;
  readonly floor: number;
  readonly deltas: number;
}

const WHERE = 'logMel';

/** @throws DataError where an option is out of its range */
function formOf(options: LogMelOptions): Form {
  const given = optionsOf<LogMelOptions, typeof DEFAULTS>(WHERE, options, DEFAULTS);
  const { sampleRate, mels, low, floor, deltas, high = sampleRate / 2 } = given;
  const whole = (name: string, number: unknown, wanted: string): void =>
    requireKind(WHERE, name, number, Number.isInteger(number) && (number as number) > 0, wanted);
  whole('sampleRate', sampleRate, 'a whole number of samples a second, as 16000');
  whole('mels', mels, 'a whole number of filters, as 40');
  const samplesOf = (name: 'frame' | 'hop'): number => {
    const samples = Math.round((given[name] * sampleRate) / 1000);
    requireKind(WHERE, name, given[name], samples >= 1, `milliseconds, of a sample at least: ${DEFAULTS[name]}`);
    return samples;
  };
  const [frame, hop] = [samplesOf('frame'), samplesOf('hop')];
  const points = given.points ?? 2 ** Math.ceil(Math.log2(frame));
  requireKind(WHERE, 'points', points, Number.isInteger(points) && points >= frame, `at least ${frame}, a frame's`);
  requireFinite(WHERE, 'low', low, 0);
  const isHigh = high > low && high <= sampleRate / 2;
  requireKind(WHERE, 'high', high, isHigh, `above low, ${low}, and at most ${sampleRate / 2}, half the sample rate`);
  requireKind(WHERE, 'floor', floor, Number.isFinite(floor) && floor > 0, 'above 0, as 1e-6');
  requireKind(WHERE, 'deltas', deltas, [0, 1, 2].includes(deltas), '0, 1 or 2');
  return { sampleRate, frame, hop, mels, low, high, points, floor, deltas };
}

/** A filter for each bin that any filter hears, and what the filters hear of it. @throws DataError where one hears none */
function heardBins(form: Form): readonly { readonly bin: number; readonly shares: Float64Array }[] {
  const all = melFilters(form).map((shares, bin) => ({ bin, shares }));
  const deaf = Array.from({ length: form.mels }, (_, mel) => mel).find((mel) =>
    all.every(({ shares }) => shares[mel] === 0),
  );
  if (deaf !== undefined) {
    throw new DataError(
      `[logMel] filter ${deaf} of ${form.mels} lies between two of the ${form.points} points' pitches, which are ${form.sampleRate / form.points} Hz apart, and would hear nothing: take fewer mels, or more points`,
    );
  }
  return all.filter(({ shares }) => shares.some((share) => share > 0));
}

/** Kernels load and store four numbers at once where lines are such. */
const wholeFour = (count: number): number => 4 * Math.ceil(count / 4);

interface Constants {
  readonly waves: Value;
  readonly filters: Value;
  /** The distance from it is a square that joins the launch before, as a product of a value and itself does not. */
  readonly zero: Value;
  readonly blocks: number;
}

/*
 * Two products make it all. A row of `hop` samples is a block; a frame begins with a block and is a window of some blocks,
 * so that the first is a convolution over time whose channels are a block's samples, and its features the windowed cosines
 * and sines: no frame is stored. The second has the mel filters twice over, so that adding up both squares is part of it.
 */
function constantsOf(form: Form): Constants {
  const { frame, hop, points, mels } = form;
  const bins = heardBins(form);
  const columns = wholeFour(2 * bins.length);
  const blocks = Math.ceil(frame / hop);
  const waves = new Float32Array(blocks * hop * columns);
  const filters = new Float32Array(columns * mels);
  for (const [at, { bin, shares }] of bins.entries()) {
    for (let n = 0; n < frame; n++) {
      // Hann's, as it is for spectra: of a period of `frame`. The angle is taken within a turn, where it is exact.
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / frame);
      const angle = (2 * Math.PI * ((bin * n) % points)) / points;
      waves[n * columns + at] = window * Math.cos(angle);
      waves[n * columns + bins.length + at] = window * Math.sin(angle);
    }
    filters.set(shares, at * mels);
    filters.set(shares, (bins.length + at) * mels);
  }
  return {
    waves: constant(waves, spec([1, blocks, hop, columns])),
    filters: constant(filters, spec([columns, mels])),
    zero: constant(Float32Array.of(0), spec([])),
    blocks,
  };
}

/** x with so many samples: cut off, or zeros, behind its end. */
function withLength(x: Value, samples: number): Value {
  const own = x.spec.shape[1];
  if (own === samples) return x;
  return own > samples
    ? slice(x, [null, { end: samples }])
    : pad(x, [
        [0, 0],
        [0, samples - own],
      ]);
}

/** Frames to either side that a change is told from. */
const REACH = 2;

/** The slope of a line through each frame and its neighbours, those at the ends repeated. Source: "The HTK Book", 5.9 */
function deltaOf(x: Value): Value<'f32'> {
  const [count, frames, features] = x.spec.shape as [number, number, number];
  const steps = Array.from({ length: 2 * REACH + 1 }, (_, at) => at - REACH);
  const scale = steps.reduce((total, step) => total + step * step, 0);
  const slopes = Float32Array.from(
    { length: steps.length * features },
    (_, at) => steps[Math.floor(at / features)] / scale,
  );
  const [first, last] = [slice(x, [null, { end: 1 }, null]), slice(x, [null, { start: frames - 1 }, null])];
  const beyond = (end: Value): Value[] => Array.from({ length: REACH }, () => end);
  const padded = concat([...beyond(first), x, ...beyond(last)], 1);
  const rows = reshape(padded, [count, 1, frames + 2 * REACH, features]);
  const slope = convolve(rows, constant(slopes, spec([1, steps.length, 1, features])), { groups: features });
  return reshape(slope, [count, frames, features]);
}

/**
 * What is heard in a sound, frame by frame, as networks for speech take it: `[N, samples]` to `[N, frames, mels]`. Each frame
 * is weighed by Hann's window; the power of its pitches is gathered by `mels` triangular filters, evenly spaced on HTK's mel
 * scale; of that the natural logarithm. It is the logarithm of torchaudio's `MelSpectrogram` with `center=False`, where a
 * frame fills the transform. Frames begin with the first sample, and none reaches beyond the last one, but that the sound is
 * shorter than one frame: then zeros follow. With `deltas`, slopes over five frames stand behind, and slopes of these.
 *
 * ```ts
 * const front = logMel({ sampleRate: 8000 });
 * sequential(front, …) // or, computed once for all of a set: await features(recordings, front)
 * ```
 *
 * On the GPU it is two launches, both products: nothing of a frame is stored but its spectrum.
 * @throws DataError where an option is out of its range, or a filter would hear nothing; ShapeError unless x is `[N, samples]`
 * Source: Davis and Mermelstein 1980.
 */
export function logMel(options: LogMelOptions): LogMel {
  const form = formOf(options);
  const { frame, hop, mels, floor, deltas } = form;
  const { waves, filters, zero, blocks } = constantsOf(form);
  function framesOf(samples: number): number;
  function framesOf(samples: Value): Value<'i32'>;
  function framesOf(samples: number | Value): number | Value<'i32'> {
    if (typeof samples === 'number') return Math.max(1, 1 + Math.floor((samples - frame) / hop));
    specOf('framesOf', 'samples', samples);
    // Half a sample more, so that no division's rounding matters.
    return cast(maximum(add(div(sub(cast(samples, 'f32'), frame - 0.5), hop), 1), 1), 'i32');
  }
  const layer = defineLayer({
    name: WHERE,
    apply(given): Value<'f32'> {
      const x = floatsOf(WHERE, 'x', given);
      const [count, samples] = x.spec.shape;
      if (x.spec.shape.length !== 2 || samples === 0) {
        throw new ShapeError(
          `[logMel] x is ${formatSpec(x.spec)} but must be sounds, [N, samples]: reshape it, or mix channels to one`,
        );
      }
      const frames = framesOf(samples);
      const rows = frames + blocks - 1;
      const spectrum = convolve(reshape(withLength(x, rows * hop), [count, 1, rows, hop]), waves);
      const power = affine(reshape(squaredErrors(spectrum, zero), [count, frames, filters.spec.shape[0]]), filters);
      const parts: Value<'f32'>[] = [log(maximum(power, floor))];
      for (let order = 0; order < deltas; order++) parts.push(deltaOf(parts.at(-1)!));
      return parts.length === 1 ? parts[0] : concat(parts, 2);
    },
  });
  const silence = new Float32Array(mels * (1 + deltas)).fill(Math.log(floor), 0, mels);
  const reach = frame + REACH * deltas * hop;
  return { ...layer, features: silence.length, sampleRate: form.sampleRate, hop, reach, silence, framesOf };
}
