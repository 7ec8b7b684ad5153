/** Runs of tokens that are known, so that each has a weight of its own beside its words'. Plain data, as JSON. */
export interface NgramsForm {
  /** Tokens of a run at most. */
  readonly longest: number;
  /** The tokens of run i + 1: 0 stands for none. */
  readonly known: readonly (readonly number[])[];
}

const keyOf = (run: ArrayLike<number>): string => Array.prototype.join.call(run, ' ');

/** How many runs a row of so many tokens has at most. */
export const ngramsOf = (length: number, longest: number): number =>
  Array.from({ length: longest }, (_, n) => Math.max(0, length - n)).reduce((sum, count) => sum + count, 0);

/** Each run of a row, each once, by key. */
function runsOf(row: Int32Array, longest: number): Map<string, Int32Array> {
  const runs = new Map<string, Int32Array>();
  for (let size = 1; size <= longest; size++) {
    for (let at = 0; at + size <= row.length; at++) {
      const run = row.subarray(at, at + size);
      runs.set(keyOf(run), run);
    }
  }
  return runs;
}

/** The runs that so many rows have, in the order in which they come. */
export function ngramsIn(rows: readonly Int32Array[], longest: number, minCount: number): NgramsForm {
  const counts = new Map<string, { readonly run: readonly number[]; count: number }>();
  for (const row of rows) {
    for (const [key, run] of runsOf(row, longest)) {
      const known = counts.get(key);
      if (known) known.count++;
      else counts.set(key, { run: [...run], count: 1 });
    }
  }
  return { longest, known: [...counts.values()].filter(({ count }) => count >= minCount).map(({ run }) => run) };
}

/** The runs of rows by their numbers, each once, with 0 behind them. @param width of a row */
export function ngramRows(
  { longest, known }: NgramsForm,
  rows: readonly Int32Array[],
  width: number,
): { readonly data: Int32Array; readonly shape: readonly [number] } {
  const places = new Map(known.map((run, at) => [keyOf(run), at + 1]));
  const data = new Int32Array(rows.length * width);
  rows.forEach((row, at) => {
    const own = [...runsOf(row, longest).keys()].map((key) => places.get(key) ?? 0).filter((place) => place > 0);
    data.set(own, at * width);
  });
  return { data, shape: [width] };
}

/** Whether something that was read back is such a form. */
export function isNgramsForm(given: unknown): given is NgramsForm {
  const { longest, known } = Object(given) as Partial<NgramsForm>;
  const isRun = (run: unknown): boolean =>
    Array.isArray(run) && run.length > 0 && run.length <= longest! && run.every((token) => Number.isSafeInteger(token));
  return Number.isSafeInteger(longest) && longest! > 0 && Array.isArray(known) && known.every(isRun);
}
