import { DataError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { quotedList } from '../../core/textFormat.ts';
import type { Decision, Metrics, Moment } from './decisions.ts';
import { together, type Amount } from '../graphs/recordedMetrics.ts';
import type { StateCopy } from './stateCopy.ts';
import type { StepSubmitter } from './stepSubmitter.ts';
import { reported, type Prepared } from '../graphs/preparedModel.ts';
import type { Heard, RunProgress } from '../checkpoints/progress.ts';

const NO_VERDICT = { stop: false, rateFactor: undefined, keep: false, message: undefined };

interface RunDecisionsOptions {
  readonly prepared: Prepared;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  isAlive(): boolean;
}

/** The decisions of one run: asks them all, and does what they say. */
export class RunDecisions {
  readonly #options: RunDecisionsOptions;
  readonly #decisions: readonly Decision[];
  readonly #asked: readonly ReturnType<Decision['start']>[];
  /** Each time that they were asked. */
  readonly #history: Heard['asked'][number][] = [];
  /** The training figures of all samples since then. */
  #heard: readonly Amount[] | undefined;

  /** @throws DataError if more than one of them keeps weights, for which there is one place */
  constructor(options: RunDecisionsOptions, decisions: readonly Decision[]) {
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

  /** @param before of the run that goes on  @throws DeviceError if there is no room for the weights that are to be kept */
  async prepare(before: RunProgress | undefined): Promise<void> {
    if (this.keeps) await this.#options.stateCopy.prepare(before?.keeps ?? false);
    if (before) this.#recall(before.heard);
  }

  /** Whether one of them keeps weights. */
  get keeps(): boolean {
    return this.#decisions.some(({ keeps }) => keeps);
  }

  /** What the decisions have seen; what it gives stays as it is. */
  get heard(): Heard {
    const since = this.#heard?.map(({ samples, numbers }) => ({ samples, numbers: [...numbers] }));
    return { asked: this.#history.slice(), since };
  }

  /** Has the decisions see what they saw before; what they then said was done. */
  #recall({ asked, since }: Heard): void {
    for (const { metrics, at } of asked) {
      // One that was not there then begins now.
      for (const [nth, moment] of at.entries()) this.#asked[nth]?.(metrics, moment);
    }
    this.#history.push(...asked);
    this.#heard = since?.map(({ samples, numbers }) => ({ samples, numbers: Float64Array.from(numbers) }));
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
    const { submitter, stateCopy, prepared } = this.#options;
    // Where all steps since the last decision were left out, there is nothing to decide by.
    if (!validated && !this.#heard) return { stop: false, messages: [] };
    const metrics = validated ?? (this.#heard ? reported(prepared, this.#heard) : {});
    this.#heard = undefined;
    let stop = false;
    const messages: string[] = [];
    const moments: Moment[] = [];
    this.#history.push({ metrics, at: moments });
    for (const [nth, ask] of this.#asked.entries()) {
      const { name, keeps } = this.#decisions[nth];
      const at = { step, learningRate: submitter.learningRate };
      moments.push(at);
      const given = ask(metrics, at);
      if (!given) continue;
      const verdict = optionsOf(`${name}, verdict`, given, NO_VERDICT);
      if (verdict.keep) {
        requireKind(name, 'keeps', keeps, keeps === true, 'true where a verdict says keep');
        stateCopy.keep();
      }
      if (verdict.rateFactor !== undefined) submitter.scaleRates(verdict.rateFactor);
      stop ||= verdict.stop;
      if (verdict.message) messages.push(`${name}: ${verdict.message}`);
    }
    return { stop, messages };
  }

  /** The kept weights come back, however the run ended. */
  close(): void {
    const { stateCopy, isAlive } = this.#options;
    if (this.keeps && isAlive()) stateCopy.restore();
  }
}
