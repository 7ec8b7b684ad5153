import { DataError } from '../../core/errors.ts';
import { isDataset, type Dataset } from '../../data/dataset.ts';
import type { Feed } from '../graphs/batchValues.ts';
import type { RunBefore } from '../runs/runParts.ts';
import type { Batches } from '../options.ts';
import type { Cursor } from '../checkpoints/progress.ts';
import type { StreamPlace } from '../checkpoints/moment.ts';

/** Where steps take their samples: from a whole set, once it is resident, or from where batches were brought. */
type Origin = Feed | { readonly data: Dataset; readonly shuffle: boolean };

/** Where in its data a trainer is: in each set's stream of samples, and in what was loaded to go on with. */
export class DataPosition {
  cursors = new WeakMap<Dataset, Cursor>();
  /** Of the last steps. */
  origin: Origin | undefined;
  /** A stream that was loaded, and goes on with the first set that fits it. */
  #loadedStream: StreamPlace | null = null;
  /** A run that was loaded, and goes on with the next call of fit. */
  #loadedRun: RunBefore | null = null;

  /** Of the set that was trained on last. */
  get stream(): StreamPlace | null {
    const set = this.origin && 'data' in this.origin ? this.origin.data : undefined;
    const cursor = set && this.cursors.get(set);
    return cursor ? { ...cursor, length: set.length } : this.#loadedStream;
  }

  /** What sets were trained on before says nothing any more. */
  goOnAt(stream: StreamPlace | null, run: RunBefore | null): void {
    this.#loadedStream = stream;
    this.#loadedRun = run;
    this.cursors = new WeakMap();
    this.origin = undefined;
  }

  #takeStream(data: Dataset): void {
    const stream = this.#loadedStream;
    if (stream?.length !== data.length || this.cursors.has(data)) return;
    this.cursors.set(data, { epoch: stream.epoch, position: stream.position });
    this.#loadedStream = null;
  }

  /** Where a set's stream is; it begins with the first call. */
  cursorOf(data: Dataset): Cursor {
    this.#takeStream(data);
    let cursor = this.cursors.get(data);
    if (!cursor) this.cursors.set(data, (cursor = { epoch: 0, position: 0 }));
    return cursor;
  }

  /** The run that goes on by this call, if one was loaded. @throws DataError if it was one over other data */
  resume(data: Dataset | Batches, wanted: boolean): RunBefore | undefined {
    const run = this.#loadedRun;
    const length = isDataset(data) ? data.length : undefined;
    if (isDataset(data)) this.#takeStream(data);
    if (!run || !wanted) {
      this.#loadedRun = null;
      return undefined;
    }
    const { over } = run.progress;
    const before = over === 'batches' ? undefined : over.length;
    if (before !== length) {
      throw new DataError(
        `[fit] the run that was loaded is over ${dataNamed(before)}, but this call has ${dataNamed(length)}: give what it was begun with, or resume: false for a run of its own`,
      );
    }
    this.#loadedRun = null;
    return run;
  }
}

/** @param samples of a set; undefined for batches */
const dataNamed = (samples: number | undefined): string =>
  samples === undefined ? 'an iterable of batches' : `a set of ${samples} samples`;
