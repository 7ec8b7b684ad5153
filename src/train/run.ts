import type { Numbers } from '../core/shape.ts';
import { RING_ROWS } from './model.ts';

/** The work between two readings of the ring: longer makes reports late, shorter makes the GPU wait. */
const CHUNK_SECONDS = 0.05;
/** Two chunks are in flight, and neither may overwrite the other's rows of the ring. */
const LONGEST_CHUNK = RING_ROWS / 4;
const IN_FLIGHT = 2;

/** Steps that were submitted together, and the ring as the last of them left it. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly rows: Numbers;
}

interface Submitted {
  readonly first: number;
  readonly count: number;
  readonly ring: Promise<Numbers>;
  /** Milliseconds that submitting took: all of the work, on the CPU. */
  readonly submitting: number;
}

export interface RunOptions {
  readonly total: number;
  /** Whether nothing may be submitted beyond this many steps until their reports are out. */
  cutAfter(done: number): boolean;
  /** Submits the next step; the last one of a chunk answers with the ring. */
  submit(last: boolean): Promise<Numbers> | null;
  readonly signal: AbortSignal | undefined;
}

/** Keeps two chunks of steps in flight, each as long as its time allows, and hands them out in order. */
export class Run {
  readonly #options: RunOptions;
  #submitted = 0;
  #length = 1;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  cutAfter(done: number): boolean {
    return this.#options.cutAfter(done);
  }

  async *chunks(): AsyncGenerator<Chunk, void, undefined> {
    const pending: Submitted[] = [];
    try {
      for (;;) {
        while (pending.length < IN_FLIGHT && this.#mayGoOn(pending.length)) pending.push(this.#submitChunk());
        const chunk = pending.shift();
        if (!chunk) return;
        const waited = performance.now();
        const rows = await chunk.ring;
        this.#adapt((chunk.submitting + performance.now() - waited) / 1000);
        yield { first: chunk.first, count: chunk.count, rows };
      }
    } finally {
      await Promise.allSettled(pending.map(({ ring }) => ring));
    }
  }

  #mayGoOn(pending: number): boolean {
    const { total, signal } = this.#options;
    if (this.#submitted >= total || signal?.aborted) return false;
    return pending === 0 || !this.cutAfter(this.#submitted);
  }

  #submitChunk(): Submitted {
    const begun = performance.now();
    const first = this.#submitted;
    const end = Math.min(this.#options.total, first + this.#length);
    for (;;) {
      this.#submitted++;
      const last = this.#submitted === end || this.cutAfter(this.#submitted);
      const ring = this.#options.submit(last);
      if (!ring) continue;
      // Awaited by `chunks`; until then a failure must not count as unhandled.
      ring.catch(() => {});
      return { first, count: this.#submitted - first, ring, submitting: performance.now() - begun };
    }
  }

  /** Doubles or halves the chunk towards its time. */
  #adapt(seconds: number): void {
    if (seconds < CHUNK_SECONDS / 2) this.#length = Math.min(LONGEST_CHUNK, this.#length * 2);
    else if (seconds > CHUNK_SECONDS * 2) this.#length = Math.max(1, this.#length >> 1);
  }
}
