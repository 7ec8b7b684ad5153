// A run that ended early and is gone on with, `--resume`, ends in the bits of one that was never broken.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { train } from '../../src/cli/train.ts';
import { checkpoints } from '../../src/node/checkpoints.ts';
import { noise, wavOf } from '../support/sounds.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-resume-'));
  for (const [label, name] of ['one', 'two'].entries()) {
    await mkdir(join(folder, 'words', name), { recursive: true });
    for (let at = 0; at < 5; at++) {
      const bytes = wavOf(noise(10 * label + at, 800 + 80 * at), { sampleRate: 8000 });
      await writeFile(join(folder, 'words', name, `${at}.wav`), bytes);
    }
  }
  const rows = Array.from({ length: 72 }, (_, t) => `${t},${t + 9 * Math.sin((Math.PI * t) / 6) + Math.sin(t * t)}`);
  await writeFile(join(folder, 'series.csv'), `t,sales\n${rows.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

test.each<readonly [string, (folder: string) => readonly string[]]>([
  ['words', (path) => ['speech', '--data', join(path, 'words'), '--batch', '2']],
  ['strings of words', (path) => ['speech', '--data', join(path, 'words'), '--transcribe', '--batch', '2']],
  ['a series', (path) => [join(path, 'series.csv'), '--sequence']],
])('%s that a run went on with are learned to the bits of an unbroken one', async (name, wordsOf) => {
  // A rate that follows from all steps would be another one in a run of fewer.
  const asked = [...wordsOf(folder), '--backend', 'cpu', '--schedule', 'constant', '--quiet'];
  const [broken, whole] = ['broken', 'whole'].map((run) => join(folder, `${name} ${run}`));
  const run = async (steps: number, into: string, ...more: readonly string[]): Promise<void> => {
    const files = ['--checkpoint', into, '--save', `${into}.model`, '--report', `${into}.json`];
    const command = parseCommand(['train', ...asked, '--steps', `${steps}`, ...files, ...more]) as TrainCommand;
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      expect(await train(command, new AbortController().signal)).toBe(0);
    } finally {
      write.mockRestore();
    }
  };
  await run(6, whole);
  await run(3, broken);
  await run(6, broken, '--resume');
  const { lossCurve } = JSON.parse(await readFile(`${broken}.json`, 'utf8')) as { readonly lossCurve: number[] };
  expect(lossCurve).toHaveLength(3);
  const [model, expected] = await Promise.all([broken, whole].map((path) => readFile(`${path}.model`)));
  expect(model.equals(expected)).toBe(true);
  // What moments and states there are, too.
  const [kept, keptWhole] = await Promise.all([broken, whole].map((path) => checkpoints({ folder: path }).newest()));
  expect(Buffer.from(kept!).equals(keptWhole!)).toBe(true);
});
