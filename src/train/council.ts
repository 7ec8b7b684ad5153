import { DataError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/given.ts';
import { quotedList } from '../core/wording.ts';
import type { Decision, Metrics } from './decisions.ts';
import { together, type Amount } from './figures.ts';
import type { Keeper } from './keeper.ts';
import type { Launcher } from './launcher.ts';
import { reported, type Prepared } from './prepared.ts';

const NO_VERDICT = { stop: false, rateFactor: undefined, keep: false, message: undefined };

interface CouncilOptions {
  readonly prepared: Prepared;
  readonly launcher: Launcher;
  readonly keeper: Keeper;
  isAlive(): boolean;
}

/** The decisions of one run: asks them all, and does what they say. */
export class Council {
  readonly #options: CouncilOptions;
  readonly #decisions: readonly Decision[];
  readonly #asked: readonly ReturnType<Decision['start']>[];
  /** The training figures of all samples since the decisions were last asked. */
  #heard: readonly Amount[] | undefined;

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
    this.#asked = decisions.map((decision) => {
      const ask = decision.start();
      requireKind(decision.name, 'what start() gives', ask, typeof ask === 'function', 'a function of metrics');
      return ask;
    });
  }

  /** @throws DeviceError if there is no room for the weights that are to be kept */
  async prepare(): Promise<void> {
    if (this.#decisions.some(({ keeps }) => keeps)) await this.#options.keeper.prepare();
  }

  /** Takes note of a training step. */
  hear(amounts: readonly Amount[]): void {
    if (this.#asked.length > 0) this.#heard = together(this.#options.prepared.figures, this.#heard, amounts);
  }

  /** @param validated the metrics to decide by; those of training if it is left out */
  decide(
    validated: Metrics | undefined,
    step: number,
  ): { readonly stop: boolean; readonly messages: readonly string[] } {
    const { launcher, keeper, prepared } = this.#options;
    const metrics = validated ?? (this.#heard ? reported(prepared, this.#heard) : {});
    this.#heard = undefined;
    let stop = false;
    const messages: string[] = [];
    for (const [at, ask] of this.#asked.entries()) {
      const { name, keeps } = this.#decisions[at];
      const given = ask(metrics, { step, learningRate: launcher.learningRate });
      if (!given) continue;
      const verdict = optionsOf(`${name}, verdict`, given, NO_VERDICT);
      if (verdict.keep) {
        requireKind(name, 'keeps', keeps, keeps === true, 'true where a verdict says keep');
        keeper.keep();
      }
      if (verdict.rateFactor !== undefined) launcher.scaleRates(verdict.rateFactor);
      stop ||= verdict.stop;
      if (verdict.message) messages.push(`${name}: ${verdict.message}`);
    }
    return { stop, messages };
  }

  /** The kept weights come back, however the run ended. */
  close(): void {
    const { keeper, isAlive } = this.#options;
    if (this.#decisions.some(({ keeps }) => keeps) && isAlive()) keeper.restore();
  }
}
