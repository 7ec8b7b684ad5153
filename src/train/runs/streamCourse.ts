import { described } from '../../core/argumentChecks.ts';
import { DataError, DeviceError } from '../../core/errors.ts';
import { RING_ROWS } from '../graphs/metricsRing.ts';
import type { Batches, Epochs } from '../options.ts';
import { bytesOf, tableSource, type Source } from '../samples/sampleSource.ts';
import type { Course } from './course.ts';
import type { FitSettings } from './fitOptions.ts';
import { begunBy, type RunParts } from './runParts.ts';
import { acceptedBatch } from '../samples/batchSizes.ts';
import { BatchForms } from '../samples/batchForms.ts';
import { countedBy } from '../samples/givenData.ts';
import { StreamSupply } from './streamSupply.ts';

const wholeNumber = (x: number | undefined): boolean => x === undefined || (Number.isInteger(x) && x >= 1);

/** Of a table of batches: enough of them for a submit, as long as they are small. */
const TABLE_BYTES = 2 ** 26;
const TABLE_STEPS = 64;

/** The way of a run over batches that come one by one. */
export async function streamCourse(parts: RunParts, batches: Batches, options: FitSettings): Promise<Course> {
  const { backend, programs, prepared, submitter, batchSize, feed, requireAlive } = parts;
  const { epochs, steps, stepsPerSubmit, validation, validateEvery, decisions } = options;
  const { fields } = prepared.traced;
  if (!wholeNumber(epochs) || !wholeNumber(steps) || (epochs !== undefined && steps !== undefined)) {
    throw new DataError(
      `[fit] epochs is ${described(epochs)}, steps is ${described(steps)}: for an iterable give at most one, a whole number above 0`,
    );
  }
  const bytes = bytesOf(tableSource(fields, prepared.names, batchSize));
  const most = Math.min(TABLE_BYTES, backend.largestBinding);
  const wanted = stepsPerSubmit === 'auto' ? TABLE_STEPS : Math.min(stepsPerSubmit, RING_ROWS);
  const slots = backend.kind !== 'webgpu' ? 1 : Math.max(1, Math.min(wanted, Math.floor(most / bytes)));
  const prepareTable = async (rows: number): Promise<Source> => {
    const source = programs.table(rows);
    await programs.step(batchSize, { source, shuffle: false });
    return source;
  };
  // Where there is no room for several batches, there is for one, as for `step`.
  const table = await prepareTable(slots * batchSize).catch((error: unknown) => {
    if (error instanceof DeviceError) return prepareTable(batchSize);
    throw error;
  });
  feed({ source: table, shuffle: false });
  const [forms, names] = [new BatchForms(prepared), countedBy(prepared)];
  const supply = new StreamSupply({
    batches,
    epochs,
    steps,
    batchSize,
    rows: table.length,
    // Whether the run pauses after a step must be known before another one is submitted.
    looksAhead:
      (validation !== undefined || decisions.length > 0) && (validateEvery === undefined || steps === undefined),
    signal: parts.run.signal,
    begun: begunBy(parts.before),
    epochEnds: parts.before?.progress.epochEnds ?? [],
    accept: (batch, index) => acceptedBatch(batch, index, { forms, names }, batchSize),
    // Batches of other shapes have a table of their own, of as many rows, so that one place serves all.
    async placeOf({ length, fields: own }) {
      const source = programs.table(table.length, own);
      return { table: source, programs: await programs.step(length, { source, shuffle: false }) };
    },
    write: (state, numbers) => backend.writeState(state, numbers),
    launch: (taken) => {
      requireAlive();
      submitter.moveTo({ epoch: 0, position: 0 }, { source: table, shuffle: false });
      return submitter.launch(taken);
    },
  });
  return {
    supply,
    get total() {
      return supply.total;
    },
    most: table.length / batchSize,
    epochEnds: supply.epochEnds,
    epochs(done) {
      const ends = supply.epochEnds.filter((end) => end <= done);
      const each = (batches as Partial<Epochs>).steps ?? ends[0] ?? Infinity;
      return ends.length + Math.min(1, (done - (ends.at(-1) ?? 0)) / each);
    },
    endsEpoch: (done) => supply.epochEnds.includes(done),
    async goBack(_, before, own) {
      if (own === undefined) return undefined;
      const position = before.reduce((total, samples) => total + samples, 0);
      submitter.moveTo({ epoch: 0, position }, { source: table, shuffle: false });
      return supply.programsOf(before.length);
    },
    goOnBehind: () => {},
    isPassing: true,
    release: () => {},
  };
}
