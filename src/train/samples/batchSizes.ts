import { DataError, ShapeError } from '../../core/errors.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { GivenSamples } from '../options.ts';
import type { BatchForms } from './batchForms.ts';
import { copyOfSamples, inBatch, samplesOf } from './givenData.ts';

/* How many samples there must be for a step. */

/** @throws DataError for a set that has fewer than a step takes */
export function requireBatch(where: string, { length }: Dataset, batchSize: number): void {
  if (batchSize <= length) return;
  throw new DataError(
    `[${where}] batchSize is ${batchSize} but the data set has ${length} samples: use a batch size of at most ${length}`,
  );
}

/** Samples as a step takes them. @throws ShapeError for others */
export function requireWholeBatch(where: string, samples: Dataset, batchSize: number): Dataset {
  if (samples.length === batchSize) return samples;
  throw new ShapeError(
    `[${where}] the batch has ${samples.length} samples but batchSize is ${batchSize}: give as many`,
  );
}

/** A batch of an iterable, copied. @throws DataError or ShapeError if it is not sound, or too large */
export function acceptedBatch(
  batch: GivenSamples | Dataset,
  index: number,
  { forms, names }: { readonly forms: BatchForms; readonly names: readonly string[] },
  batchSize: number,
): Dataset {
  const samples = inBatch(index, (where) => {
    const copy = copyOfSamples(where, batch);
    return samplesOf(where, copy, forms.of(batch), names);
  });
  if (samples.length <= batchSize) return samples;
  throw new ShapeError(
    `[fit, batch ${index}] the batch has ${samples.length} samples but batchSize is ${batchSize}: give at most as many`,
  );
}
