import { afterEach, expect, test, vi } from 'vitest';
import { waitQuietly } from '../../src/node/quietWaits.ts';

afterEach(() => void vi.restoreAllMocks());

/** Turns of a chain of `setImmediate`, at such times: how many of them a timer waited for. */
async function pausesOf(times: readonly number[], chained: (task: () => void) => () => void): Promise<number> {
  waitQuietly();
  const timer = vi.spyOn(globalThis, 'setTimeout');
  const clock = vi.spyOn(performance, 'now');
  await new Promise<void>((done) => {
    const left = [...times];
    const ask = (): void => {
      const time = left.shift();
      if (time === undefined) return done();
      clock.mockReturnValue(time);
      globalThis.setImmediate(chained(ask));
    };
    ask();
  });
  return timer.mock.calls.length;
}

const native = (task: () => void): (() => void) => task.bind(null);

test('news are asked for in each turn of a short wait, and now and then in a long one', async () => {
  expect(await pausesOf([0, 0.1, 0.4], native)).toBe(0);
  vi.restoreAllMocks();
  expect(await pausesOf([0, 0.4, 0.6, 3, 9], native)).toBe(3);
});

test('a wait after another is a new one', async () => {
  expect(await pausesOf([0, 0.4, 0.6], native)).toBe(1);
  vi.restoreAllMocks();
  expect(await pausesOf([20, 20.4], native)).toBe(0);
});

test('what is written in JavaScript goes on in each turn', async () => {
  expect(await pausesOf([0, 5, 10], (task) => () => task())).toBe(0);
});
