import { describe, expect, test } from 'vitest';
import type { Numbers } from '../../src/core/shape.ts';
import { SubmitLength } from '../../src/train/runs/submitLength.ts';
import { SubmitQueue, type Chunk, type SubmitQueueOptions } from '../../src/train/runs/submitQueue.ts';
import type { Submission, Supply } from '../../src/train/runs/stepSupply.ts';

/** Steps whose submits are done when told. */
class Scripted implements Supply {
  ready: number;
  more = false;
  failure: { readonly error: unknown } | undefined;
  closed = 0;
  readonly submits: number[] = [];
  readonly #open: (() => void)[] = [];
  readonly #refuses: number;
  #wake = (): void => {};
  #changed = Promise.resolve();

  /** @param refuses the submit, counted from 0, that fails at once */
  constructor(ready: number, { more = false, refuses = -1 } = {}) {
    this.ready = ready;
    this.more = more;
    this.#refuses = refuses;
    this.#renew();
  }

  #renew(): void {
    this.#changed = new Promise((resolve) => (this.#wake = resolve));
  }

  changed(): Promise<void> {
    return this.#changed;
  }

  /** So many more steps; or, with none, the end. */
  bring(steps: number, failure?: unknown): void {
    this.ready += steps;
    this.more = steps > 0;
    if (failure) this.failure = { error: failure };
    const wake = this.#wake;
    this.#renew();
    wake();
  }

  submit(count: number): Submission {
    if (this.submits.length === this.#refuses) throw new Error('refused');
    this.submits.push(count);
    this.ready -= count;
    const rows = new Promise<Numbers>((resolve) => this.#open.push(() => resolve(new Float32Array(1))));
    return { samples: new Array<number>(count).fill(1), rows };
  }

  /** The oldest submit is done. */
  finish(): void {
    this.#open.shift()!();
  }

  get inFlight(): number {
    return this.#open.length;
  }

  close(): void {
    this.closed++;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function runOf(
  supply: Supply,
  more: Partial<SubmitQueueOptions> = {},
): { run: SubmitQueue; chunks: AsyncGenerator<Chunk> } {
  const never = () => false;
  const run = new SubmitQueue({
    supply,
    submitLength: new SubmitLength(4),
    done: 0,
    left: undefined,
    cutAfter: never,
    settleAfter: never,
    signal: undefined,
    ...more,
  });
  return { run, chunks: run.chunks() };
}

const counts = async (chunks: AsyncIterable<Chunk>, supply: Scripted): Promise<number[]> => {
  const found: number[] = [];
  const finishing = setInterval(() => supply.inFlight > 0 && supply.finish(), 0);
  try {
    for await (const { samples } of chunks) found.push(samples.length);
  } finally {
    clearInterval(finishing);
  }
  return found;
};

describe('a run', () => {
  test('has two submits in flight, and no third before the first is done and taken', async () => {
    const supply = new Scripted(20);
    const { chunks } = runOf(supply);
    const first = chunks.next();
    await pause();
    expect(supply.submits).toEqual([4, 4]);
    supply.finish();
    expect((await first).value).toMatchObject({ first: 0, samples: [1, 1, 1, 1] });
    await pause();
    expect(supply.submits).toEqual([4, 4]);
    void chunks.next();
    await pause();
    expect(supply.submits).toEqual([4, 4, 4]);
  });

  test('cuts its submits where it is told, and at the end', async () => {
    const supply = new Scripted(14);
    const { chunks } = runOf(supply, { cutAfter: (done) => done === 6 || done === 7 });
    expect(await counts(chunks, supply)).toEqual([4, 2, 1, 4, 3]);
  });

  test('submits nothing beyond a step that must settle until its chunk was taken and the next is asked for', async () => {
    const supply = new Scripted(12);
    const { chunks } = runOf(supply, { cutAfter: (done) => done === 4, settleAfter: (done) => done === 4 });
    const first = chunks.next();
    await pause();
    supply.finish();
    await first;
    expect(supply.submits).toEqual([4]);
    void chunks.next();
    await pause();
    expect(supply.submits).toEqual([4, 4, 4]);
  });

  test('hands out what was submitted before it throws what a submit threw', async () => {
    const supply = new Scripted(12, { refuses: 1 });
    const { chunks } = runOf(supply);
    const first = chunks.next();
    await pause();
    supply.finish();
    expect((await first).value).toMatchObject({ samples: [1, 1, 1, 1] });
    await expect(chunks.next()).rejects.toThrow('refused');
    expect(supply.closed).toBe(1);
  });

  test('hands out all that came before what ended the supply', async () => {
    const supply = new Scripted(2, { more: true });
    const { chunks } = runOf(supply);
    const counted = counts(chunks, supply);
    await pause();
    supply.bring(0, new Error('the source broke'));
    await expect(counted).rejects.toThrow('the source broke');
    expect(supply.submits).toEqual([2]);
  });

  test('does not wait for a full submit while the GPU has nothing to do', async () => {
    const supply = new Scripted(0, { more: true });
    const { run, chunks } = runOf(supply);
    const counted = counts(chunks, supply);
    await new Promise((resolve) => void setTimeout(resolve, 30));
    supply.bring(1);
    await pause();
    expect(supply.submits).toEqual([1]);
    supply.bring(0);
    expect(await counted).toEqual([1]);
    expect(run.waited).toBeGreaterThan(0.02);
  });

  test('waits for a full submit while the GPU has work', async () => {
    const supply = new Scripted(4, { more: true });
    const { chunks } = runOf(supply);
    const first = chunks.next();
    await pause();
    supply.bring(3);
    await pause();
    expect(supply.submits).toEqual([4]);
    supply.bring(1);
    await pause();
    expect(supply.submits).toEqual([4, 4]);
    supply.finish();
    await first;
  });

  test('that is stopped submits nothing more, but hands out what it has submitted', async () => {
    const supply = new Scripted(40);
    const { run, chunks } = runOf(supply);
    const first = chunks.next();
    await pause();
    supply.finish();
    await first;
    run.stop();
    expect(await counts(chunks, supply)).toEqual([4]);
    expect(supply.closed).toBe(1);
  });

  test('that is left waits for what is in flight, and closes its supply', async () => {
    const supply = new Scripted(40);
    const { chunks } = runOf(supply);
    const first = chunks.next();
    await pause();
    supply.finish();
    await first;
    const left = chunks.return(undefined);
    supply.finish();
    await left;
    expect([supply.inFlight, supply.closed]).toEqual([0, 1]);
  });
});

describe('the length of a submit', () => {
  const SECONDS = 0.1;

  test('comes to as many steps as fill the time, growing four times a submit at most', () => {
    const submitLength = new SubmitLength('auto');
    const seen = Array.from({ length: 5 }, () => {
      submitLength.took(submitLength.steps, submitLength.steps * 1e-3);
      return submitLength.steps;
    });
    expect(seen).toEqual([4, 16, 64, 100, 100]);
  });
  test('falls at once, to one step at least', () => {
    const submitLength = new SubmitLength('auto');
    for (let i = 0; i < 5; i++) submitLength.took(submitLength.steps, submitLength.steps * 1e-3);
    submitLength.took(100, SECONDS * 10);
    expect(submitLength.steps).toBe(10);
    submitLength.took(10, 100);
    expect(submitLength.steps).toBe(1);
  });
  test('never has more steps than the ring has rows', () => {
    const submitLength = new SubmitLength('auto');
    for (let i = 0; i < 10; i++) submitLength.took(submitLength.steps, 0);
    expect([submitLength.steps, new SubmitLength(5000).steps]).toEqual([1024, 1024]);
  });
  test('that was given stays', () => {
    const submitLength = new SubmitLength(50);
    submitLength.took(50, 10);
    expect(submitLength.steps).toBe(50);
  });
});
