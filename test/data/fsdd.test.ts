import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fsdd as fsddInPage, type Source } from '../../src/data/index.ts';
import { folder } from '../../src/node.ts';
import { fsdd } from '../../src/node/data.ts';
import { tarOf } from '../support/cifar10.ts';
import { inFolder } from '../support/provoke.ts';
import { noise, wavOf } from '../support/sounds.ts';

const NAMES = ['0_george_0', '0_george_10', '0_george_5', '3_theo_4', '7_theo_49'];
const files: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  NAMES.map((name, at) => [`${name}.wav`, wavOf(noise(at, 100 + at))]),
);
const inRecordings = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`recordings/${name}`, bytes]));

const sourceOf =
  (given: Readonly<Record<string, Uint8Array>>): Source =>
  async (name) =>
    given[name] ?? null;

const archive = {
  'recordings.tar.gz': gzipSync(tarOf({ 'recordings/readme.txt': Buffer.from('x'), ...inRecordings })),
};

describe.each<readonly [string, () => ReturnType<typeof fsdd>]>([
  ['an archive', () => fsdd(sourceOf(archive))],
  ['files', () => fsdd({ source: sourceOf(files) })],
  ['a folder of files', () => fsdd(sourceOf(inRecordings))],
  ['an archive that a page is given', () => fsddInPage(sourceOf(archive))],
  [
    'a folder on the disk',
    () =>
      inFolder(async (path) => {
        await mkdir(join(path, 'recordings'));
        for (const [name, bytes] of Object.entries(inRecordings)) await writeFile(join(path, name), bytes);
        return fsdd(folder(path));
      }),
  ],
])('from %s', (_, load) => {
  test('recordings are parted by their numbers, and say who speaks what', async () => {
    const { train, test: held, sampleRate, classes } = await load();
    expect(train.map(({ name }) => name)).toEqual(['0_george_10.wav', '0_george_5.wav', '7_theo_49.wav']);
    expect(held.map(({ label, speaker }) => [label, speaker])).toEqual([
      [0, 'george'],
      [3, 'theo'],
    ]);
    expect([sampleRate, classes.length, classes[7]]).toEqual([8000, 10, '7']);
    expect(train[2].samples.length).toBe(104);
    const loud = Math.sqrt(train[2].samples.reduce((sum, x) => sum + x * x, 0) / 104);
    expect(loud).toBeCloseTo(0.1, 5);
  });
});

test('a speaker who is left out is judged by, and nothing is learned of him', async () => {
  const { train, test: held } = await fsdd({ source: sourceOf(files), leaveOut: 'theo' });
  expect(train.map(({ name }) => name)).toEqual(['0_george_0.wav', '0_george_10.wav', '0_george_5.wav']);
  expect(held.map(({ name }) => name)).toEqual(['3_theo_4.wav', '7_theo_49.wav']);
});

test('a speaker whom nobody knows is named', async () => {
  await expect(fsdd({ source: sourceOf(files), leaveOut: 'teo' })).rejects.toThrow(
    '[fsdd] there is no speaker "teo", the nearest is "theo": it has george, jackson, lucas, nicolas, theo, yweweler',
  );
});

test.each<readonly [string, Readonly<Record<string, Uint8Array>>, string]>([
  [
    'nothing',
    {},
    '[fsdd] there is no recordings.tar.gz, nor 0_george_0.wav, there or in recordings: give the folder of github.com',
  ],
  [
    'a part',
    { '0_george_0.wav': files['0_george_0.wav'] },
    '[fsdd] there are 0 recordings to learn from and 1 to judge by',
  ],
  [
    'an archive of others',
    { 'recordings.tar.gz': gzipSync(tarOf({ 'a.wav': files['0_george_0.wav'] })) },
    '[fsdd] there are 0 recordings to learn from and 0',
  ],
  [
    'a broken file',
    { ...files, '3_theo_4.wav': files['3_theo_4.wav'].subarray(0, 60) },
    '[wav] 3_theo_4.wav ends inside its chunk "data"',
  ],
  [
    'a broken archive',
    { 'recordings.tar.gz': Buffer.from('<html>'.repeat(200)) },
    '[fsdd] recordings.tar.gz is no tar archive',
  ],
])('%s is refused', async (_, given, message) => {
  await expect(fsdd(sourceOf(given))).rejects.toThrow(message);
});

const real = process.env['MILLRACE_DATA'];

describe.skipIf(!real)('the real set', () => {
  let loaded: ReturnType<typeof fsdd> | undefined;
  const load = (): ReturnType<typeof fsdd> => (loaded ??= fsdd());

  test('is 2,700 and 300 recordings of six speakers, five of each digit held out', async () => {
    const { train, test: held, origin } = await load();
    expect(origin.kind).toBe('folder');
    expect([train.length, held.length]).toEqual([2700, 300]);
    for (const [set, takes] of [
      [train, 45],
      [held, 5],
    ] as const) {
      const counts = new Map<string, number>();
      for (const { speaker, label } of set)
        counts.set(`${speaker} ${label}`, (counts.get(`${speaker} ${label}`) ?? 0) + 1);
      expect(counts.size).toBe(60);
      expect([...counts.values()].every((count) => count === takes)).toBe(true);
    }
  });

  test('is levelled: speakers that differed by a factor of 16 are alike', async () => {
    const { train } = await load();
    const loudness = (speaker: string): number => {
      const own = train.filter((recording) => recording.speaker === speaker);
      return (
        own.reduce((sum, { samples }) => sum + Math.sqrt(samples.reduce((s, x) => s + x * x, 0) / samples.length), 0) /
        own.length
      );
    };
    expect(loudness('theo')).toBeCloseTo(0.1, 4);
    expect(loudness('lucas')).toBeCloseTo(0.1, 4);
    const { samples } = train.find(({ speaker }) => speaker === 'nicolas')!;
    expect(samples.reduce((sum, x) => sum + x, 0) / samples.length).toBeCloseTo(0, 6);
  });
});
