import { DataError } from '../core/errors.ts';
import { quotedList } from '../core/wording.ts';
import type { Decision, Metrics } from './decisions.ts';
import type { Keeper } from './keeper.ts';
import type { Launcher } from './launcher.ts';

interface CouncilOptions {
  readonly launcher: Launcher;
  readonly keeper: Keeper;
  isAlive(): boolean;
}

/** The decisions of one run: asks them all, and does what they say. */
export class Council {
  readonly #options: CouncilOptions;
  readonly #decisions: readonly Decision[];
  readonly #asked: readonly ReturnType<Decision['start']>[];
  /** Sums of the training metrics since the decisions were last asked. */
  #heard: Record<string, number> = {};
  #steps = 0;

  /** @throws DataError if more than one of them keeps weights, for which there is one place */
  constructor(options: CouncilOptions, decisions: readonly Decision[]) {
    const keeping = decisions.filter(({ keeps }) => keeps).map(({ name }) => name);
    if (keeping.length > 1) {
      throw new DataError(
        `[fit] the decisions ${quotedList(keeping)} all keep weights, but only one set of them can come back: let one of them`,
      );
    }
    this.#options = options;
    this.#decisions = decisions;
    this.#asked = decisions.map((decision) => decision.start());
  }

  /** @throws DeviceError if there is no room for the weights that are to be kept */
  async prepare(): Promise<void> {
    if (this.#decisions.some(({ keeps }) => keeps)) await this.#options.keeper.prepare();
  }

  /** Takes note of a training step's metrics. */
  hear(metrics: Metrics): void {
    if (this.#asked.length === 0) return;
    this.#steps++;
    for (const [name, number] of Object.entries(metrics)) this.#heard[name] = (this.#heard[name] ?? 0) + number;
  }

  /** @param validated the metrics to decide by; those of training if it is left out */
  decide(
    validated: Metrics | undefined,
    step: number,
  ): { readonly stop: boolean; readonly messages: readonly string[] } {
    const { launcher, keeper } = this.#options;
    const means = Object.entries(this.#heard).map(([name, sum]) => [name, sum / this.#steps] as const);
    const metrics = validated ?? Object.fromEntries(means);
    this.#heard = {};
    this.#steps = 0;
    let stop = false;
    const messages: string[] = [];
    for (const [at, ask] of this.#asked.entries()) {
      const verdict = ask(metrics, { step, learningRate: launcher.learningRate });
      if (!verdict) continue;
      if (verdict.keep) keeper.keep();
      if (verdict.rateFactor !== undefined) launcher.scaleRates(verdict.rateFactor);
      stop ||= verdict.stop === true;
      if (verdict.message) messages.push(`${this.#decisions[at].name}: ${verdict.message}`);
    }
    return { stop, messages };
  }

  /** The kept weights come back, however the run ended. */
  close(): void {
    const { keeper, isAlive } = this.#options;
    if (this.#decisions.some(({ keeps }) => keeps) && isAlive()) keeper.restore();
  }
}
