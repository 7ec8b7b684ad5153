import { DataError } from '../core/errors.ts';
import { RunInHand, trainingRun, type TrainingRun } from './runs/trainingRun.ts';

/** Calls that change the states for as long as they run, and put them back, or bring others. */
const PASSING = ['verify', 'profile', 'inspect', 'load'];

/** What is to be done as a call takes over, and behind it. */
interface Turns {
  taken(): Promise<void> | undefined;
  left(): void;
}

/** Whose turn it is to change a trainer's states, and which runs there are to be ended. */
export class TrainerLock {
  #held: { readonly by: string; readonly run: RunInHand | undefined } | undefined;
  /** Begun and not ended. */
  readonly #runs = new Set<RunInHand>();
  // Where nobody can ask for a run's reports any more, nobody can leave its loop either. Some engines do not tell.
  readonly #forgotten =
    'FinalizationRegistry' in globalThis
      ? new FinalizationRegistry<RunInHand>((run) => this.#runs.has(run) && void run.stop())
      : null;

  readonly #turns: Turns;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** @param begin gives the reports of a run, and keeps nothing of what this gives */
  run(begin: ConstructorParameters<typeof RunInHand>[0]): TrainingRun {
    const hand = new RunInHand(begin);
    const run = trainingRun(hand);
    this.#forgotten?.register(run, hand);
    return run;
  }

  /** @throws DataError while another call has it */
  async take(what: string, run?: RunInHand): Promise<void> {
    // A run that was told to end is about to.
    while (this.#held?.run?.ending) await this.#held.run.ending;
    this.requireFree(what);
    this.#held = { by: what, run };
    try {
      await this.#turns.taken();
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  get isFree(): boolean {
    return this.#held === undefined;
  }

  requireFree(what: string): void {
    if (!this.#held) return;
    throw new DataError(
      `[${what}] ${this.#held.by} is still running on this trainer: await it, leave its loop, or call stop(), first`,
    );
  }

  /** The run that has it. */
  get running(): RunInHand | undefined {
    return this.#held?.run;
  }

  /** Whether the states are as training left them, and not as a call has changed them for a while. */
  get isSettled(): boolean {
    return !PASSING.includes(this.#held?.by ?? '');
  }

  leave(): void {
    this.#held = undefined;
    this.#turns.left();
  }

  requireSettled(what: string): void {
    if (this.isSettled) return;
    throw new DataError(`[${what}] ${this.#held!.by} is still running on this trainer: await it first`);
  }

  /** From here on `stop` and its caller's signal reach a run. @returns what is to be called at its end */
  begin(run: RunInHand, signal: AbortSignal | undefined): () => void {
    const stop = (): void => void run.stop();
    this.#runs.add(run);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    return () => {
      signal?.removeEventListener('abort', stop);
      this.#runs.delete(run);
      if (this.#held?.run === run) this.leave();
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => run.stop()));
  }
}
