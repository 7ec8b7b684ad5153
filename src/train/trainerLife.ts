import { DeviceError } from '../core/errors.ts';

/** Until when a trainer is there: work that `destroy` cuts short fails in one way. */
export class TrainerLife {
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  /** A trainer's buffers may be gone, and a caller's device would be told of each use of them. */
  require(): void {
    if (this.#isOver) throw destroyedError();
  }

  /** Whatever fails once the trainer was destroyed fails because of it. */
  failureOf(error: unknown): unknown {
    return this.#isOver ? destroyedError(error) : error;
  }

  fail(error: unknown): never {
    throw this.failureOf(error);
  }

  /** What work gives, even where states that are gone left it something to work with: a failure, once it is over. */
  async while<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      if (!this.#isOver) return result;
    } catch (error) {
      throw this.failureOf(error);
    }
    throw destroyedError();
  }
}

export const destroyedError = (cause?: unknown): DeviceError =>
  new DeviceError('[trainer] it was destroyed: create another one', { cause });
