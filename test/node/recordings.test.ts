import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { levelled, mono, resample } from '../../src/data/index.ts';
import { recordings } from '../../src/node.ts';
import { inFolder } from '../support/provoke.ts';
import { noise, wavOf } from '../support/sounds.ts';

/** Files in a folder, those above them coming to be. */
const withFiles = <T>(
  files: Readonly<Record<string, Uint8Array | null>>,
  work: (path: string) => Promise<T>,
): Promise<T> =>
  inFolder(async (path) => {
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(join(path, bytes ? name.slice(0, name.lastIndexOf('/') + 1) : name), { recursive: true });
      if (bytes) await writeFile(join(path, name), bytes);
    }
    return work(path);
  });

const stereo = noise(1, 400);

test('recordings are those of each class, by name, mixed, resampled and levelled', async () => {
  const files = {
    'yes/b.wav': wavOf(noise(2, 300), { sampleRate: 8000 }),
    'yes/a.WAV': wavOf(stereo, { sampleRate: 16_000, channels: 2, bits: 32, float: true }),
    'yes/notes.txt': Buffer.from('x'),
    'no/c.wav': wavOf(noise(3, 500), { sampleRate: 8000 }),
    '.git/d.wav': wavOf([0, 1]),
    'e.wav': wavOf([0, 1]),
  };
  const made = await withFiles(files, (path) => recordings(path, { sampleRate: 8000 }));
  expect(made.classes).toEqual(['no', 'yes']);
  expect(made.recordings.map(({ name, label, samples }) => [name, label, samples.length])).toEqual([
    ['no/c.wav', 0, 500],
    ['yes/a.WAV', 1, 100],
    ['yes/b.wav', 1, 300],
  ]);
  const channels = [0, 1].map((channel) => stereo.filter((_, at) => at % 2 === channel));
  expect(made.recordings[1].samples).toEqual(levelled(resample(mono(channels), 16_000, 8000)));
});

test.each([
  [[48_000, 16_000], 16_000],
  [[8000, 16_000], 8000],
])('without a rate files of %j have %i samples a second', async (rates, expected) => {
  const files = Object.fromEntries(
    rates.map((sampleRate, at) => [`a/${at}.wav`, wavOf(noise(1, 480), { sampleRate })]),
  );
  const made = await withFiles(files, (path) => recordings(path));
  expect([made.sampleRate, ...made.recordings.map(({ sampleRate }) => sampleRate)]).toEqual([
    expected,
    expected,
    expected,
  ]);
  expect(made.recordings.map(({ samples }) => samples.length)).toEqual(rates.map((rate) => (480 * expected) / rate));
});

test.each<readonly [string, Readonly<Record<string, Uint8Array | null>>, string]>([
  [
    'no folders',
    { 'a.wav': wavOf([0, 1]) },
    'holds no folders: put the WAV files of each class into a folder of its name',
  ],
  [
    'a class without files',
    { 'a/b.wav': wavOf([0, 1]), c: null },
    'holds no WAV files, so that nothing is known of the class "c"',
  ],
  ['a broken file', { 'a/b.wav': wavOf([0, 1]).subarray(0, 45) }, 'b.wav ends inside its chunk "data"'],
])('a folder of %s is refused', async (_, files, message) => {
  await expect(withFiles(files, (path) => recordings(path))).rejects.toThrow(message);
});

test('no folder is refused', async () => {
  await expect(recordings('/nowhere')).rejects.toThrow('[recordings] /nowhere is no folder');
});
