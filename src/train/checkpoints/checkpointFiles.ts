import { DataError, FormatError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { quotedList } from '../../core/textFormat.ts';
import { requireWhole } from '../samples/dataChecks.ts';
import { isGrowing } from '../runs/decisions.ts';
import type { Report } from '../options.ts';
import { requireEvery, type CheckpointStore, type SavedAt, type SaveEvery } from './checkpointStore.ts';

/** Where files of checkpoints lie. */
export interface Files {
  names(): Promise<readonly string[]>;
  read(name: string): Promise<Bytes>;
  /** Once it is done the file is there for good; before, there is none of its name. */
  write(name: string, bytes: Bytes): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removes what was never finished. */
  tidy(): Promise<void>;
}

/** What `checkpoints` may be told. */
export interface CheckpointsOptions {
  /** The folder that they lie in; it comes to be with the first. */
  readonly folder: string;
  /** When a run is saved: each minute. */
  readonly every?: SaveEvery;
  /** So many of the newest stay: 3 */
  readonly keep?: number;
  /**
   * A metric of the reports, as `loss` or `validation.accuracy`: the checkpoint of the step at which it was best stays, too.
   * More is better where its name ends in accuracy, r2 or f1. It is looked at where the run validates, or would.
   */
  readonly best?: string;
}

/** Checkpoints of a run, newest and best. */
export interface Checkpoints extends CheckpointStore {
  /** The newest that is whole, for `trainer.load`; null where there is none. */
  newest(): Promise<Bytes | null>;
  /** That of the best step; null where there is none. */
  best(): Promise<Bytes | null>;
}

// Numbered as they are written: a run that is begun anew in the same folder has fewer steps than the one before.
const NEWEST = /^checkpoint-(\d+)-step-(\d+)\.safetensors$/;
const BEST = /^best-(.+)-step-(\d+)\.safetensors$/;

const DIGITS = 6;

/** The number in what has a name's form; undefined in another's. */
const numberIn = (form: RegExp, name: string): number | undefined => {
  const found = form.exec(name);
  return found ? Number(found[1]) : undefined;
};

/** @throws DataError for options that are none */
export function checkpointsIn(filesIn: (folder: string) => Files, given: CheckpointsOptions): Checkpoints {
  const where = 'checkpoints';
  const defaults = { folder: undefined, every: { seconds: 60 } as SaveEvery, keep: 3, best: undefined };
  const { folder, every, keep, best } = optionsOf(where, given, defaults);
  requireKind(where, 'folder', folder, typeof folder === 'string' && folder !== '', 'the name of a folder');
  requireEvery(every);
  requireWhole(where, 'keep', keep);
  requireKind(where, 'best', best, best === undefined || typeof best === 'string', 'the name of a metric');
  const files = filesIn(folder);
  let bestSoFar = NaN;
  /** By step, of those that are on their way. */
  const values = new Map<number, number>();

  const found = async (form: RegExp): Promise<string[]> => {
    const names = (await files.names()).filter((name) => form.test(name));
    return names.toSorted((a, b) => numberIn(form, b)! - numberIn(form, a)!);
  };
  /** The first that is whole. */
  const firstWhole = async (names: readonly string[]): Promise<Bytes | null> => {
    const [{ readHeader }, { requireWholeFile }] = await Promise.all([
      import('../../data/safetensorsHeader.ts'),
      import('./checkpoint.ts'),
    ]);
    for (const name of names) {
      try {
        const bytes = await files.read(name);
        requireWholeFile(bytes, name, readHeader(bytes, name).metadata);
        return bytes;
      } catch (error) {
        // It was cut short by something that no rename protects from: the one before it is older, and whole.
        if (!(error instanceof FormatError)) throw error;
      }
    }
    return null;
  };
  const ofBest = async (): Promise<string[]> => {
    const names = await found(BEST);
    return best !== undefined && isGrowing(best) ? names : names.toReversed();
  };

  const store: Checkpoints = {
    every,
    async begin(goesOn) {
      await files.tidy();
      const [name] = goesOn ? await ofBest() : [];
      bestSoFar = (name === undefined ? undefined : numberIn(BEST, name)) ?? NaN;
    },
    async put(bytes: Bytes, { step }: SavedAt) {
      const before = await found(NEWEST);
      const number = before.length > 0 ? numberIn(NEWEST, before[0])! + 1 : 1;
      await files.write(`checkpoint-${String(number).padStart(DIGITS, '0')}-step-${step}.safetensors`, bytes);
      for (const name of before.slice(keep - 1)) await files.remove(name);
    },
    newest: async () => firstWhole(await found(NEWEST)),
    best: async () => firstWhole(await ofBest()),
  };
  if (best === undefined) return store;
  return {
    ...store,
    isBest(report) {
      const metric = metricIn(report, best);
      const isBetter = isGrowing(best) ? metric > bestSoFar : metric < bestSoFar;
      if (Number.isNaN(metric) || !(Number.isNaN(bestSoFar) || isBetter)) return false;
      bestSoFar = metric;
      values.set(report.step, metric);
      return true;
    },
    async putBest(bytes, { step }) {
      const before = await found(BEST);
      const name = `best-${values.get(step)}-step-${step}.safetensors`;
      await files.write(name, bytes);
      for (const other of before) if (other !== name) await files.remove(other);
    },
  };
}

/** @throws DataError for a metric that a report does not have */
function metricIn({ metrics, validation }: Report, path: string): number {
  const all: Record<string, number> = { ...metrics };
  for (const [name, value] of Object.entries(validation ?? {})) all[`validation.${name}`] = value;
  if (Object.hasOwn(all, path)) return all[path];
  throw new DataError(
    `[checkpoints] best is "${path}", but a report has ${quotedList(Object.keys(all))}: name one of them`,
  );
}
