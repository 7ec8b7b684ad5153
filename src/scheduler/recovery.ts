import { DeviceError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';
import type { Numbers } from '../core/shape.ts';
import type { State } from '../graph/graph.ts';
import type { Backend } from './backend.ts';
import { Asked, type DeviceLife } from './deviceLife.ts';
import { Journal, type Entry } from './journal.ts';
import type { LastingProgram } from './lastingProgram.ts';

/** What else is to be known of the moment of a snapshot. */
export interface Note {
  /** Settles when it has all that it needs. */
  readonly ready: Promise<unknown>;
  /** A file of that moment. @param numbersOf what states held then */
  file(numbersOf: (state: State) => Numbers): Bytes;
}

/** What a backend needs to outlive its device. */
export interface Lifeline {
  /** Another life, once the last one is over; it fails where there is none to be had. */
  reopen(last: DeviceLife): Promise<DeviceLife>;
  /** What else is to be known at this moment to go on from it, asked for with each snapshot; null where it is none to go on from. */
  note(): Note | null;
  /** Told that training goes on, in a sentence. */
  recovered(how: string): void;
}

/** Between two snapshots: more where a snapshot itself takes long, less where much is to be kept until the next. */
const SNAPSHOT_MS = 2000;
const SNAPSHOT_SHARE = 50;
const JOURNAL_BYTES = 2 ** 26;
/** So many devices may be lost in a row without anything having come of them. */
const MOST_LOST = 3;

/** The work of a backend that outlives its device: all that is asked of it, done again on another one where the last is lost. */
export class Recovery {
  readonly programs = new Set<LastingProgram>();
  /** That have room. */
  readonly held = new Set<State>();
  /** That programs have written, or copies. */
  readonly changed = new Set<State>();
  readonly #lifeline: Lifeline;
  readonly #journal = new Journal();
  readonly #waiting = new Set<Asked<never>>();
  /** The last there was; over while another one is sought. */
  #life: DeviceLife;
  #recovery: Promise<void> | undefined;
  #failure: DeviceError | undefined;
  /** Of lives before. */
  #submitsBefore = 0;
  /** Devices lost since something came back. */
  #lost = 0;
  #note: Note | null = null;
  #snapshotAt = Date.now();
  #snapshotMs = 0;
  #isReading = false;
  #destroyed = false;

  constructor(life: DeviceLife, lifeline: Lifeline) {
    this.#lifeline = lifeline;
    this.#life = life;
    this.#watch(life);
  }

  /** Where it runs, or ran last. */
  get backend(): Backend {
    return this.#life.backend;
  }

  /** Where something is done that is not done again. @throws DeviceError while there is no device */
  backendNow(where: string): Backend {
    if (this.#failure) throw this.#failure;
    const { backend, ended } = this.#life;
    if (!this.#recovery && ended === undefined) return backend;
    throw new DeviceError(
      `[${where}] ${backend.adapter} was lost (${ended}), and another device is not ready yet: drop this encoder, and go on in a later frame, on the device that takes its place`,
    );
  }

  get submits(): number {
    return this.#submitsBefore + this.#life.backend.submits;
  }

  /** Whether nothing will be done any more. */
  get isOver(): boolean {
    return this.#destroyed || this.#failure !== undefined;
  }

  #watch(life: DeviceLife): void {
    void life.over.then(() => {
      if (life !== this.#life || this.#recovery || this.#destroyed) return;
      this.#recovery = this.#recover();
    });
  }

  /** Does something now, or, while there is no device, as soon as there is one. */
  do(entry: Entry): void {
    if (this.#failure) throw this.#failure;
    this.#journal.add(entry);
    if (this.#recovery) return;
    try {
      entry.do(this.#life);
    } catch (error) {
      if (this.#life.ended !== undefined) return;
      this.#journal.drop();
      throw error;
    }
  }

  /** The same with an answer. @param again what is done where the answer is there already */
  ask<T>(ask: (backend: Backend) => Promise<T>, again: (backend: Backend) => void): Promise<T> {
    const asked = new Asked<T>();
    const waiting = asked as unknown as Asked<never>;
    this.#waiting.add(waiting);
    const arrived = (): void => {
      this.#waiting.delete(waiting);
      this.#lost = 0;
      this.#maySnapshot();
    };
    asked.answer.then(arrived, () => this.#waiting.delete(waiting));
    try {
      this.do({
        do: (life) => {
          if (asked.settled) again(life.backend);
          else void asked.follow(ask(life.backend), life);
        },
      });
    } catch (error) {
      this.#waiting.delete(waiting);
      throw error;
    }
    return asked.answer;
  }

  /** Work of which nothing is left to be done again but what is there at a recovery. */
  async lasting<T>(work: (backend: Backend) => Promise<T>): Promise<T> {
    for (;;) {
      await this.#recovery;
      if (this.#failure) throw this.#failure;
      const life = this.#life;
      try {
        const made = await work(life.backend);
        if (life.ended === undefined) return made;
      } catch (error) {
        if (this.#destroyed || !(await life.hasEnded())) throw error;
      }
    }
  }

  #maySnapshot(): void {
    const { length, bytes } = this.#journal;
    if (this.#isReading || this.#recovery || this.#destroyed || length === 0) return;
    const since = Date.now() - this.#snapshotAt;
    // Clocks are put back, too.
    if (since < 0) this.#snapshotAt = Date.now();
    if (since < Math.max(SNAPSHOT_MS, SNAPSHOT_SHARE * this.#snapshotMs) && bytes < JOURNAL_BYTES) return;
    const note = this.#lifeline.note();
    if (note) void this.#snapshot(note);
  }

  async #snapshot(note: Note): Promise<void> {
    const begun = Date.now();
    const life = this.#life;
    const { length } = this.#journal;
    const states = [...this.changed];
    this.#isReading = true;
    try {
      // What it waits for is answered by this life, or by none.
      const [numbers] = await Promise.race([
        Promise.all([life.backend.readStates(states), note.ready]),
        life.over.then(() => [[]] as const),
      ]);
      if (life !== this.#life || life.ended !== undefined || this.#destroyed) return;
      this.#journal.settle(length, new Map(states.map((state, at) => [state, numbers[at]])));
      this.#note = note;
    } catch {
      // The device is lost, as others are told; or there is no room for a copy, and the journal goes on.
    } finally {
      this.#isReading = false;
      this.#snapshotAt = Date.now();
      this.#snapshotMs = this.#snapshotAt - begun;
    }
  }

  /** Brings another life to where the last one was. */
  async #recover(): Promise<void> {
    const begun = performance.now();
    const lost = this.#life;
    try {
      do {
        this.#life.destroy();
        if (++this.#lost > MOST_LOST) throw new Error(`${MOST_LOST} others were lost before anything came of them`);
        this.#submitsBefore += this.#life.backend.submits;
        this.#life = await this.#lifeline.reopen(this.#life);
      } while (!(await this.#restored(this.#life)));
    } catch (error) {
      this.#fail(lost, error);
      return;
    }
    this.#recovery = undefined;
    this.#watch(this.#life);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    const { adapter } = lost.backend;
    this.#lifeline.recovered(
      `${adapter} was lost (${lost.ended}): training goes on on ${this.#life.backend.adapter} after ${seconds} s`,
    );
  }

  /** @returns whether a life got there before it ended */
  async #restored(life: DeviceLife): Promise<boolean> {
    const { backend } = life;
    try {
      for (const program of this.programs) program.inner = await backend.compile(program.graph, program.plainly);
      await backend.hold('what was on a device that was lost', [...this.held]);
      for (const { inner, uploads } of this.programs) {
        for (const [field, numbers] of uploads) inner.upload(field, numbers);
      }
      this.#journal.replay(life);
      return life.ended === undefined;
    } catch (error) {
      if (await life.hasEnded()) return false;
      throw error;
    }
  }

  #fail({ backend: { adapter }, ended }: DeviceLife, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const { snapshot } = this.#journal;
    const checkpoint = this.#note?.file((state) => snapshot.get(state) ?? state.initial());
    this.#failure = new DeviceError(
      `[device] ${adapter} was lost (${ended}), and no other takes its place (${why}): create another trainer`,
      { cause, checkpoint },
    );
    this.#recovery = undefined;
    for (const asked of this.#waiting) asked.fail(this.#failure);
  }

  destroy(): void {
    this.#destroyed = true;
    this.#life.isLast = true;
    this.#life.destroy();
    if (!this.#recovery) return;
    // Nobody else will tell them.
    for (const asked of this.#waiting) asked.fail(new Error('[backend] it was destroyed while it was recovering'));
  }
}
