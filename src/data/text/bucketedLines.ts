import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { requireSeed } from '../../core/random.ts';
import type { Dataset, Field } from '../dataset.ts';
import { rows } from '../samples.ts';
import { bucketsOf } from './buckets.ts';
import type { LabelledLines } from './labelledLines.ts';
import { ngramsOf } from './ngrams.ts';
import { requireSize } from './tokenizer.ts';

/** What `bucketedLines` may be told. */
export interface BucketedLinesOptions {
  /** Lines of a batch. */
  readonly batchSize: number;
  /** Lengths at most that batches have: 4. Each is a program to compile, and the last, short batch another. */
  readonly shapes?: number | undefined;
  /** Fixes the order of lines and batches in each epoch: 0. */
  readonly seed?: number | undefined;
}

/** Batches of lines of like length, for `fit(batches, { epochs })`. Each epoch has an order of its own. */
export interface BucketedLines<F extends string = 'tokens' | 'length' | 'label'> extends Iterable<Dataset<F>> {
  /** Tokens of a row by bucket, the shortest first. */
  readonly shapes: readonly number[];
  /** Batches of an epoch. */
  readonly steps: number;
  /** The share of all tokens in an epoch's batches that is padding. */
  readonly padding: number;
  /** The batches of an epoch, counted from 0, behind the first `taken`. */
  epoch(number: number, taken?: number): Iterable<Dataset<F>>;
}

/** The first columns of a field's rows. */
function narrowed({ data, shape: [width], ...field }: Field, length: number, columns: number): Field {
  const cut = data.slice(0, length * columns);
  for (let row = 0; row < length; row++) cut.set(data.subarray(row * width, row * width + columns), row * columns);
  return { ...field, data: cut, shape: [columns] };
}

/**
 * Labelled lines in batches of a few lengths, so that little of what is computed is padding.
 *
 *     const lines = labelledLines(await readLabelledLines('sst.train', bytes));
 *     const batches = bucketedLines(lines, { batchSize: 50 });
 *     const trainer = await createTrainer({ model, loss, optimizer, batchSize: 50, data: lines.data });
 *     await trainer.fit(batches, { epochs: 6 });
 *
 * Within an epoch each line comes once; what is left of a bucket goes with the next longer one. An epoch follows from seed
 * and number alone, so that a run that goes on from a checkpoint ends in the same bits.
 * @throws DataError for what labelledLines did not give
 */
export function bucketedLines<F extends string>(
  lines: LabelledLines<F>,
  options: BucketedLinesOptions,
): BucketedLines<F>;
export function bucketedLines(lines: LabelledLines, options: BucketedLinesOptions): BucketedLines {
  const where = 'bucketedLines';
  const are = 'form' in Object(lines) && 'tokens' in Object(Object(Object(lines).data).fields);
  requireKind(where, 'what is given', lines, are, 'what labelledLines gave');
  const usual = { batchSize: undefined, shapes: 4, seed: 0 };
  const { batchSize, shapes, seed } = optionsOf<BucketedLinesOptions, typeof usual>(where, options, usual);
  for (const [name, count] of Object.entries({ batchSize, shapes })) requireSize(where, name, count);
  requireSeed(where, seed);
  const { data, form } = lines;
  const lengths = Array.from(data.fields.length.data, (length) => [length, 0] as const);
  const buckets = bucketsOf(lengths, { where, batchSize, shapes, seed });
  const made = (samples: readonly number[], length: number): Dataset => {
    const { fields, ...whole } = rows(data as Dataset, samples);
    const columns: Readonly<Record<string, number>> = {
      tokens: length,
      ...(form.ngrams && { ngrams: ngramsOf(length, form.ngrams.longest) }),
    };
    const cut = Object.entries(fields).map(([name, field]) => [
      name,
      name in columns ? narrowed(field, samples.length, columns[name]) : field,
    ]);
    return { ...whole, fields: Object.fromEntries(cut) as Dataset['fields'] };
  };
  const epoch = function* (number: number, taken = 0) {
    for (const { bucket, samples } of buckets.epoch(number).slice(taken))
      yield made(samples, buckets.shapes[bucket][0]);
  };
  return {
    shapes: buckets.shapes.map(([length]) => length),
    steps: buckets.steps,
    padding: buckets.padding,
    epoch,
    [Symbol.iterator]: () => epoch(0),
  };
}
