import { DataError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { formatSpec, type Numbers } from '../../core/shape.ts';
import { requireSet, type Dataset } from '../dataset.ts';

/** Of each feature, over many frames. */
export interface Statistics {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** A set's frames: `x` of `[frames, features]`, and how many of them each sample has. */
interface Frames {
  readonly x: Numbers;
  readonly length: Numbers;
  readonly frames: number;
  readonly features: number;
}

function framesIn(where: string, set: Dataset): Frames {
  requireSet(where, set);
  const { x, length } = set.fields as Partial<Dataset['fields']>;
  if (x?.dtype !== 'f32' || x.shape.length !== 2 || length?.shape.length !== 0) {
    const came = Object.entries(set.fields).map(([name, field]) => `${name} ${formatSpec(field)}`);
    throw new DataError(
      `[${where}] the set has ${came.join(', ')}, but must have x f32[frames, features] and length: give what features(…) made`,
    );
  }
  const [frames, features] = x.shape as [number, number];
  return { x: x.data, length: length.data, frames, features };
}

/** Of the frames of samples, from one to before another. */
function statisticsIn({ x, length, frames, features }: Frames, from: number, to: number): Statistics {
  const [sums, squares] = [new Float64Array(features), new Float64Array(features)];
  let count = 0;
  for (let sample = from; sample < to; sample++) count += Math.min(length[sample], frames);
  const forEach = (visit: (feature: number, value: number) => void): void => {
    for (let sample = from; sample < to; sample++) {
      const start = sample * frames * features;
      for (let at = 0; at < Math.min(length[sample], frames) * features; at++) visit(at % features, x[start + at]);
    }
  };
  forEach((feature, value) => (sums[feature] += value));
  const mean = Array.from(sums, (sum) => sum / Math.max(1, count));
  forEach((feature, value) => (squares[feature] += (value - mean[feature]) ** 2));
  return { mean, deviation: Array.from(squares, (sum) => Math.sqrt(sum / Math.max(1, count))) };
}

/**
 * Mean and deviation of each feature, over all frames that lie within the sounds: of training data, for these and others.
 * @param set what `features` made   @throws DataError for a set of another kind
 */
export function statisticsOf(set: Dataset<'x' | 'length'>): Statistics {
  return statisticsIn(framesIn('statisticsOf', set), 0, set.length);
}

/**
 * A set whose features have the mean 0 and the deviation 1; frames behind the end of a sound are 0. A feature that is always
 * the same becomes 0.
 * @param statistics of training data; if left out, each sound goes by its own, which takes away what a microphone or a room
 * does to all of it
 * @throws DataError for a set of another kind than `features` makes, or statistics of another number of features
 */
export function standardized<F extends string>(set: Dataset<F>, statistics?: Statistics): Dataset<F>;
export function standardized(set: Dataset, statistics?: Statistics): Dataset {
  const frames = framesIn('standardized', set);
  const { x, length, features } = frames;
  const areSo = (numbers: unknown): boolean => Array.isArray(numbers) && numbers.length === features;
  const is = statistics === undefined || (areSo(statistics?.mean) && areSo(statistics?.deviation));
  requireKind('standardized', 'statistics', statistics, is, `mean and deviation of ${features} features`);
  const data = new Float32Array(x.length);
  for (let sample = 0; sample < set.length; sample++) {
    const { mean, deviation } = statistics ?? statisticsIn(frames, sample, sample + 1);
    const start = sample * frames.frames * features;
    for (let at = 0; at < Math.min(length[sample], frames.frames) * features; at++) {
      const feature = at % features;
      data[start + at] = (x[start + at] - mean[feature]) / (deviation[feature] || 1);
    }
  }
  return { length: set.length, fields: { ...set.fields, x: { ...set.fields['x'], data } } };
}
