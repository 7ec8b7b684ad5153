import { Random } from '../../core/random.ts';
import { bucketShapes, type Lengths } from './bucketShapes.ts';

/** Some samples of one bucket, by number. */
export interface Batch {
  readonly bucket: number;
  readonly samples: readonly number[];
}

/** Samples by their lengths, in buckets of like ones. */
export interface Buckets {
  /** Lengths by bucket, the shortest first. */
  readonly shapes: readonly Lengths[];
  /** Batches of an epoch. */
  readonly steps: number;
  /** The share of all tokens in an epoch's batches that is padding. */
  readonly padding: number;
  /** The batches of an epoch, counted from 0: the same ones whenever they are asked for, in each epoch others. */
  epoch(number: number): readonly Batch[];
}

export interface BucketsOptions {
  /** Whose they are: each has an order of its own. */
  readonly where: string;
  readonly batchSize: number;
  /** Buckets at most. */
  readonly shapes: number;
  readonly seed: number;
}

const total = ([a, b]: Lengths): number => a + b;
const fits = ([a, b]: Lengths, [S, T]: Lengths): boolean => a <= S && b <= T;

/** Puts each sample into the first of a few shapes that holds it, chosen so that little is padding. */
export function bucketsOf(
  lengths: readonly Lengths[],
  { where, batchSize, shapes: most, seed }: BucketsOptions,
): Buckets {
  const shapes = bucketShapes(lengths, most);
  const buckets: number[][] = shapes.map(() => []);
  lengths.forEach((own, at) => buckets[shapes.findIndex((shape) => fits(own, shape))].push(at));
  const epoch = (number: number): Batch[] => batchesOf(buckets, batchSize, new Random(seed, where, number));
  const first = epoch(0);
  const room = first.reduce((sum, { bucket, samples: { length } }) => sum + length * total(shapes[bucket]), 0);
  return {
    shapes,
    steps: first.length,
    padding: 1 - lengths.reduce((sum, own) => sum + total(own), 0) / room,
    epoch,
  };
}

/** An epoch: whole batches of each bucket, what is left going on to the next one, in an order by chance. */
function batchesOf(buckets: readonly (readonly number[])[], batchSize: number, random: Random): Batch[] {
  const batches: Batch[] = [];
  let left: number[] = [];
  for (const [bucket, own] of buckets.entries()) {
    const order = [...left, ...random.shuffled(own)];
    const whole = order.length - (order.length % batchSize);
    for (let at = 0; at < whole; at += batchSize) batches.push({ bucket, samples: order.slice(at, at + batchSize) });
    left = order.slice(whole);
  }
  if (left.length > 0) batches.push({ bucket: buckets.length - 1, samples: left });
  return random.shuffled(batches);
}
