import type { Signal } from '../../core/globalTypes.ts';
import { joined, type Numbers } from '../../core/shape.ts';
import type { Submission, Supply } from './stepSupply.ts';
import type { FramePace } from './framePace.ts';
import type { SubmitLength } from './submitLength.ts';

/** While the GPU works on one submit, the next one waits behind it. */
const IN_FLIGHT = 2;

/** Steps that were submitted together, and what each of them recorded, row by row. */
export interface Chunk {
  readonly first: number;
  /** Of each step. */
  readonly samples: readonly number[];
  readonly rows: Numbers;
}

interface Submitted extends Submission {
  readonly first: number;
  readonly at: number;
  /** Milliseconds that submitting took: all of the work, on the CPU. */
  readonly submitting: number;
  /** When the GPU was done with it; 0 before, and where it was before this run went on. */
  arrived: number;
}

export interface SubmitQueueOptions {
  readonly supply: Supply;
  /** Steps that were reported before it goes on, and those that were submitted and not. */
  readonly done: number;
  readonly left: Submission | undefined;
  readonly submitLength: SubmitLength;
  /** Lets one submit through in each frame; all, if left out. */
  readonly pace?: FramePace | undefined;
  /** Whether a submit must end with this step. */
  cutAfter(done: number): boolean;
  /** Whether nothing may be submitted beyond this step until its report is out. */
  settleAfter(done: number): boolean;
  /** Told of each submit, by the last step in it. */
  submitted?(done: number): void;
  readonly signal: Signal | undefined;
}

/** Keeps two submits in flight, each of as many steps as its submit length allows, and hands them out in order. */
export class SubmitQueue {
  /** Seconds in which the GPU had nothing to do because there were no samples yet. */
  waited = 0;
  readonly #options: SubmitQueueOptions;
  readonly #pending: Submitted[] = [];
  /** Those that its owner may not be done with. */
  #handled: Submitted[] = [];
  #submitted: number;
  #lastArrival = 0;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SubmitQueueOptions) {
    this.#options = options;
    const { done, left } = options;
    this.#submitted = done + (left?.samples.length ?? 0);
    if (left) this.#add({ ...left, first: done, at: 0, submitting: 0, arrived: 0 });
  }

  #add(submitted: Submitted): void {
    this.#pending.push(submitted);
    this.#handled.push(submitted);
  }

  /** What was submitted behind a step, as one. */
  behind(done: number): Submission {
    const left = this.#handled.map(({ first, samples, rows }) => {
      const gone = Math.max(0, done - first);
      return {
        samples: samples.slice(gone),
        rows: rows.then((all) => all.subarray((gone * all.length) / samples.length)),
      };
    });
    return {
      samples: left.flatMap(({ samples }) => samples),
      rows: Promise.all(left.map(({ rows }) => rows)).then(joined),
    };
  }

  /** Its owner is done with all steps up to this one. */
  isDone(done: number): void {
    this.#handled = this.#handled.filter(({ first, samples }) => first + samples.length > done);
  }

  /** Goes on behind a step that was handed out, as if no other had been submitted; once those are over. */
  async goBack(done: number): Promise<void> {
    await Promise.allSettled(this.#pending.splice(0).map(({ rows }) => rows));
    this.#handled = [];
    this.#submitted = done;
  }

  /** Steps that were submitted so far. */
  get submitted(): number {
    return this.#submitted;
  }

  /** Lets no further steps begin. */
  stop(): void {
    this.#stopped = true;
  }

  async *chunks(): AsyncGenerator<Chunk, void, undefined> {
    const pending = this.#pending;
    try {
      for (;;) {
        while (this.#mayGoOn()) this.#submit();
        if (pending.length === 0) {
          if (this.#ended) break;
          if (this.#options.pace?.isOpen === false) await this.#options.pace.opened();
          else await this.#waitForData();
        } else if (await this.#arrival()) yield await this.#take();
      }
      const left = this.#stopped || this.#options.signal?.aborted;
      const failure = this.#failure ?? (left ? undefined : this.#options.supply.failure);
      if (failure) throw failure.error;
    } finally {
      this.#options.supply.close();
      await Promise.allSettled(pending.map(({ rows }) => rows));
    }
  }

  get #ended(): boolean {
    const { supply, signal } = this.#options;
    return (
      this.#stopped || signal?.aborted === true || this.#failure !== undefined || (supply.ready === 0 && !supply.more)
    );
  }

  #mayGoOn(): boolean {
    const { supply, settleAfter, submitLength, pace } = this.#options;
    const busy = this.#pending.length;
    if (pace?.isOpen === false || this.#ended || supply.ready === 0 || busy >= IN_FLIGHT) return false;
    if (busy > 0 && settleAfter(this.#submitted)) return false;
    // While the GPU has work, a submit may wait until it is worth its while.
    return busy === 0 || !supply.more || this.#count(submitLength.steps) <= supply.ready;
  }

  /** How many of so many steps one submit may take. */
  #count(most: number): number {
    let count = 1;
    while (count < most && !this.#options.cutAfter(this.#submitted + count)) count++;
    return count;
  }

  #submit(): void {
    const { supply, submitLength } = this.#options;
    const at = performance.now();
    const first = this.#submitted;
    const count = this.#count(Math.min(submitLength.steps, supply.ready));
    try {
      const submission = supply.submit(count);
      const submitted: Submitted = { ...submission, first, at, submitting: performance.now() - at, arrived: 0 };
      // Awaited by `chunks`; until then a failure must not count as unhandled.
      const arrive = (): void => void (submitted.arrived = performance.now());
      submission.rows.then(arrive, arrive);
      this.#add(submitted);
      this.#submitted += count;
      this.#options.pace?.close();
      this.#options.submitted?.(this.#submitted);
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Waits for the oldest submit, or for samples if there is room for another one. @returns whether the submit is done */
  async #arrival(): Promise<boolean> {
    const { supply, pace } = this.#options;
    const [oldest] = this.#pending;
    const wantsMore = this.#pending.length < IN_FLIGHT && !this.#ended && !this.#options.settleAfter(this.#submitted);
    const waits: Promise<unknown>[] = [oldest.rows.catch(() => {})];
    if (wantsMore && supply.more) waits.push(supply.changed());
    if (wantsMore && pace?.isOpen === false) waits.push(pace.opened());
    await Promise.race(waits);
    return oldest.arrived > 0 || oldest.at === 0;
  }

  async #take(): Promise<Chunk> {
    const { first, samples, rows: recorded, at, submitting, arrived } = this.#pending.shift()!;
    const rows = await recorded;
    if (arrived > 0) {
      // It began when it was submitted, or when the one before was done.
      const working = arrived - Math.max(at + submitting, this.#lastArrival);
      this.#lastArrival = arrived;
      this.#options.submitLength.took(samples.length, (submitting + working) / 1000);
    }
    return { first, samples, rows };
  }

  async #waitForData(): Promise<void> {
    const begun = performance.now();
    await this.#options.supply.changed();
    this.waited += (performance.now() - begun) / 1000;
  }
}
