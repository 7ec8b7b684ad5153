import type { Prepared } from './graphs/preparedModel.ts';
import { namesOfNothing, nothingCounts, type Amount } from './graphs/recordedMetrics.ts';
import type { TrainerOptions, Warn } from './options.ts';

/** What is told of a trainer once, and then no more. */
export class TrainerNotices {
  readonly warn: Warn;
  /** How training went on where the device was lost, for the next report to say. */
  recovered: string | undefined;
  #toldOfNothing = false;

  constructor({ warn = (text) => console.warn(text) }: TrainerOptions) {
    this.warn = warn;
  }

  takeRecovered(): string | undefined {
    const how = this.recovered;
    this.recovered = undefined;
    return how;
  }

  /** Once, for a data set may have many such steps. */
  tellOfNothing({ figures }: Prepared, amounts: readonly Amount[], step: number): void {
    if (this.#toldOfNothing) return;
    const names = namesOfNothing(figures, amounts);
    if (names.length === 0) return;
    this.#toldOfNothing = true;
    this.warn(`[fit] ${nothingCounts(names)} in step ${step} counts`);
  }
}
