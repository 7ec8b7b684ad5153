import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { breathe } from '../../src/core/breathe.ts';

/** Work that no engine can do in less. */
function workFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('files, and so signals, get their turn between pieces of work, though two of them take turns', async () => {
  const file = { read: false };
  void readFile(new URL(import.meta.url)).then(() => (file.read = true));
  const work = async (): Promise<void> => {
    for (let piece = 0; piece < 150 && !file.read; piece++) {
      workFor(3);
      await breathe();
    }
  };
  await Promise.all([work(), work()]);
  expect(file.read).toBe(true);
});
