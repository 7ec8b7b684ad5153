import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { Launch, Submission, Supply } from './stepSupply.ts';

interface ResidentOptions {
  /** Samples of the run, and of a step. */
  readonly samples: number;
  readonly batchSize: number;
  readonly whole: readonly StepProgram[];
  /** Of the last step, which takes what is left. */
  readonly last: readonly StepProgram[];
  readonly launch: Launch;
  /** Steps that were taken before it goes on. */
  readonly begun: number;
}

/** Steps over a data set that lies on the GPU: all of them are ready from the start. */
export class ResidentSupply implements Supply {
  readonly more = false;
  readonly failure = undefined;
  readonly #options: ResidentOptions;
  #taken = 0;

  constructor(options: ResidentOptions) {
    this.#options = options;
    this.goBack(options.begun);
  }

  get ready(): number {
    const { samples, batchSize } = this.#options;
    return Math.ceil((samples - this.#taken) / batchSize);
  }

  changed(): Promise<void> {
    return Promise.resolve();
  }

  /** Goes on behind so many steps. */
  goBack(done: number): void {
    const { samples, batchSize } = this.#options;
    this.#taken = Math.min(samples, done * batchSize);
  }

  submit(count: number): Submission {
    const { samples, batchSize, whole, last, launch } = this.#options;
    const before = this.#taken;
    this.#taken = Math.min(samples, before + count * batchSize);
    const isShort = this.#taken - before < count * batchSize;
    const programs = Array.from({ length: count }, (_, at) => (isShort && at === count - 1 ? last : whole));
    const sizes = Array.from({ length: count }, (_, at) => Math.min(batchSize, samples - before - at * batchSize));
    return { samples: sizes, rows: launch({ programs, samples: this.#taken - before }) };
  }

  close(): void {}
}
