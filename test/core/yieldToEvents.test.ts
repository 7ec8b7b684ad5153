import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { yieldToEvents } from '../../src/core/yieldToEvents.ts';
import { patienceMs } from '../support/testTimeout.mjs';

/** Work that no engine can do in less. */
function workFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('files, and so signals, get their turn between pieces of work, though two of them take turns', async () => {
  const file = { read: false };
  void readFile(new URL(import.meta.url)).then(() => (file.read = true));
  const end = performance.now() + patienceMs / 10;
  const work = async (): Promise<void> => {
    while (!file.read && performance.now() < end) {
      workFor(3);
      await yieldToEvents();
    }
  };
  await Promise.all([work(), work()]);
  expect(file.read).toBe(true);
});
