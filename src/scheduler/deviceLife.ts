import type { Device } from '../core/globalTypes.ts';
import type { Backend } from './backend.ts';

/** How long a device may take to say that it was lost, once something on it has failed. */
const LOST_MS = 100;

/** On each device, those who are to be told of its end: a device that others own outlives many of them. */
const living = new WeakMap<Device, Set<DeviceLife>>();

function livingOn(device: Device): Set<DeviceLife> {
  let lives = living.get(device);
  if (!lives) {
    const all = new Set<DeviceLife>();
    living.set(device, (lives = all));
    void device.lost.then(({ message, reason }) => {
      for (const life of all) life.end(message || reason);
    });
  }
  return lives;
}

/** A backend for as long as its device lives. */
export class DeviceLife {
  readonly backend: Backend;
  /** Why its device is lost. */
  ended: string | undefined;
  /** Its owner wants no more of it: what it still brings is the last word. */
  isLast = false;
  /** Settles when it is over. */
  readonly over: Promise<void>;
  readonly #device: Device | null;
  #settle!: () => void;

  /** @param device null for a backend that cannot be lost */
  constructor(backend: Backend, device: Device | null) {
    this.backend = backend;
    this.over = new Promise((resolve) => (this.#settle = resolve));
    this.#device = device;
    if (device) livingOn(device).add(this);
  }

  end(reason: string): void {
    this.ended = reason;
    this.#settle();
  }

  /** Whether it is over, as a failure may be the first sign of. */
  async hasEnded(): Promise<boolean> {
    const late = new Promise<void>((resolve) => void setTimeout(resolve, LOST_MS));
    await Promise.race([this.over, late]);
    return this.ended !== undefined;
  }

  destroy(): void {
    if (this.#device) living.get(this.#device)?.delete(this);
    this.backend.destroy();
  }
}

/** What somebody waits for, whichever life of a backend may bring it. */
export class Asked<T> {
  readonly answer: Promise<T>;
  settled = false;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.answer = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  fail(error: unknown): void {
    this.settled = true;
    this.#reject(error);
  }

  /** Takes what a life brings; of one that is over by then, neither a value nor a failure counts. */
  async follow(work: Promise<T>, life: DeviceLife): Promise<void> {
    try {
      const value = await work;
      if ((life.ended !== undefined && !life.isLast) || this.settled) return;
      this.settled = true;
      this.#resolve(value);
    } catch (error) {
      if ((life.isLast || !(await life.hasEnded())) && !this.settled) this.fail(error);
    }
  }
}
