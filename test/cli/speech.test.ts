import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { transcriberLayers } from '../../src/cli/tasks/transcriber.ts';
import { levelled, spokenStrings } from '../../src/data/index.ts';
import { noise, wavOf } from '../support/sounds.ts';

/** A tone under noise, in a length of its own. */
const tone = (hertz: number, at: number): Float32Array =>
  noise(at, 2400 + 100 * at).map(
    (sample, place) => 0.2 * sample + 0.5 * Math.sin((2 * Math.PI * hertz * place) / 8000),
  );

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-speech-'));
  for (const [name, hertz] of Object.entries({ high: 1500, low: 400 })) {
    await mkdir(join(folder, 'words', name), { recursive: true });
    for (let at = 0; at < 10; at++) {
      await writeFile(join(folder, 'words', name, `${at}.wav`), wavOf(tone(hertz, at), { sampleRate: 8000 }));
    }
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** What a command prints. */
async function printed(run: () => Promise<number>): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    expect(await run()).toBe(0);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

test.each<readonly [string, readonly string[]]>([
  ['two convolutions', []],
  ['a recurrent net', ['--model', 'gru', '--backend', 'cpu']],
])('words of a folder are learned by %s, kept, and told of a file', async (_, wishes) => {
  const model = join(folder, 'model.safetensors');
  const report = join(folder, 'report.json');
  const words = [
    'train',
    'speech',
    '--data',
    join(folder, 'words'),
    '--steps',
    '20',
    '--save',
    model,
    '--report',
    report,
    ...wishes,
  ];
  const text = await printed(() =>
    train(parseCommand([...words, '--quiet']) as TrainCommand, new AbortController().signal),
  );
  expect(text).toMatch(/^20 steps in .* Test accuracy 100/);
  const { testAccuracy, augment, batch } = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>;
  expect([testAccuracy, batch]).toEqual([1, 16]);
  expect(augment).toMatchObject({ shift: 5 });
  for (const [name, hertz] of Object.entries({ high: 1500, low: 400 })) {
    const file = join(folder, 'new.wav');
    await writeFile(file, wavOf(tone(hertz, 31), { sampleRate: 8000 }));
    expect(await printed(() => predict(parseCommand(['predict', model, file]) as PredictCommand))).toMatch(
      new RegExp(`^class,probability\n${name},`),
    );
  }
});

test('strings of words are learned, kept, and told in their order', async () => {
  const model = join(folder, 'strings.safetensors');
  const report = join(folder, 'strings.json');
  const options = ['--steps', '150', '--batch', '8', '--augment', 'no', '--save', model, '--report', report, '--quiet'];
  const words = ['train', 'speech', '--data', join(folder, 'words'), '--transcribe', ...options];
  const text = await printed(() => train(parseCommand(words) as TrainCommand, new AbortController().signal));
  expect(text).toMatch(/^150 steps in .* Label error rate .* % by beam search, .* on 4 strings held out/);
  const figures = JSON.parse(await readFile(report, 'utf8')) as Record<string, number>;
  expect(figures).toMatchObject({ testAccuracy: null, testStrings: 4, model: transcriberLayers });
  // A guess of two words is wrong in half of the places at least; one word of seventeen may be.
  for (const by of ['Greedy', 'Beam']) expect(figures[`test${by}LabelErrorRate`]).toBeLessThan(0.1);
  const said = [1500, 400].map((hertz, label) => {
    return { name: '', samples: levelled(tone(hertz, 31)), sampleRate: 8000, label };
  });
  const [{ samples, labels }] = spokenStrings(said, { count: 1, seed: 5, digits: [5, 5] });
  const file = join(folder, 'string.wav');
  await writeFile(file, wavOf(samples, { sampleRate: 8000 }));
  const answer = await printed(() => predict(parseCommand(['predict', model, file]) as PredictCommand));
  const expected = labels.map((label) => ['high', 'low'][label]).join(' ');
  expect(answer.split(',').slice(0, 2)).toEqual(['words', `probability\n${expected}`]);
});
