import { allocate, type Numbers } from '../core/shape.ts';
import { gatherRows, type Dataset } from '../data/dataset.ts';
import type { SampleStream } from '../data/order.ts';
import type { Executable } from '../scheduler/backend.ts';

/** Brings chosen samples of a set to programs, through arrays that are made once. */
export class Feed {
  readonly #data: Dataset;
  readonly #stream: SampleStream;
  readonly #rows: Uint32Array;
  readonly #staging: ReadonlyMap<string, Numbers>;
  readonly #firstRow: number;

  constructor(data: Dataset, names: readonly string[], stream: SampleStream, n: number, firstRow = 0) {
    this.#data = data;
    this.#stream = stream;
    this.#rows = new Uint32Array(n);
    this.#firstRow = firstRow;
    this.#staging = new Map(
      names.map((name) => {
        const { shape, dtype } = data.fields[name];
        return [name, allocate({ shape: [n, ...shape], dtype })];
      }),
    );
  }

  load(step: number, programs: readonly Executable[]): void {
    if (this.#firstRow === 0) this.#stream.batch(step, this.#rows);
    else this.#rows.forEach((_, row) => (this.#rows[row] = (this.#firstRow + row) % this.#data.length));
    for (const [name, numbers] of this.#staging) {
      gatherRows(this.#data.fields[name], this.#rows, numbers);
      for (const program of programs) if (program.fields.has(name)) program.upload(name, numbers);
    }
  }
}
