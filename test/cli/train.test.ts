import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PredictCommand, TrainCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { Random } from '../../src/core/random.ts';
import type { Profile } from '../../src/index.ts';

const trainCommand = (...words: string[]): TrainCommand => parseCommand(['train', ...words]) as TrainCommand;

/** IDX bytes of rank 1 or 3. */
const idx = (shape: readonly number[], data: Uint8Array): Uint8Array => {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x0800 + shape.length);
  shape.forEach((extent, at) => header.setUint32(4 + 4 * at, extent));
  return Buffer.concat([Buffer.from(header.buffer), data]);
};

describe('train mnist', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
    const random = new Random(1, 'digits');
    for (const [name, n] of [
      ['train', 200],
      ['t10k', 50],
    ] as const) {
      const labels = Uint8Array.from({ length: n }, (_, at) => at % 10);
      // A bright row for each digit: as easy as reading can be.
      const pixels = Uint8Array.from({ length: n * 784 }, (_, at) => {
        const row = Math.floor((at % 784) / 28);
        return row === 2 * labels[Math.floor(at / 784)] ? 255 : random.uniform(0, 40);
      });
      await writeFile(join(folder, `${name}-images-idx3-ubyte.gz`), gzipSync(idx([n, 28, 28], pixels)));
      await writeFile(join(folder, `${name}-labels-idx1-ubyte`), idx([n], labels));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What the last run printed, also one that failed. */
  let printed = '';
  const run = async (...args: string[]): Promise<{ code: number; text: string }> => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const text = (): string => write.mock.calls.map(([part]) => String(part)).join('');
    try {
      const command = trainCommand('mnist', '--data', folder, ...args);
      const code = await train(command, new AbortController().signal);
      return { code, text: text() };
    } finally {
      printed = text();
      write.mockRestore();
    }
  };

  const ask = async (model: string, images: string): Promise<string> => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      expect(await predict(parseCommand(['predict', model, images]) as PredictCommand)).toBe(0);
      return write.mock.calls.map(([part]) => String(part)).join('');
    } finally {
      write.mockRestore();
    }
  };

  test.each(['webgpu', 'wasm', 'cpu'])('on %s learns, says so, and reports what came of it', async (backend) => {
    const file = join(folder, `${backend}.json`);
    const { code, text } = await run('--backend', backend, '--steps', '40', '--batch', '20', '--report', file);
    expect(code).toBe(0);
    expect(text).toContain('200 training and 50 test images');
    expect(text).toMatch(/step 40 \/ 40 .* steps\/s {2}loss \d\.\d{4} {2}accuracy \d+\.\d %/);
    expect(text).toMatch(/40 steps in .* s\. Test accuracy \d+\.\d\d %/);
    const report = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown> & { lossCurve: number[] };
    expect(report).toMatchObject({
      backend,
      data: folder,
      model: ['flatten', 'linear 128', 'relu', 'linear 10'],
      seed: 1,
      steps: 40,
    });
    // How many steps share a submit depends on how busy the machine is.
    const onGpu = backend === 'webgpu';
    expect(report['submitsPerStep']).toBeLessThanOrEqual(onGpu ? 1 : 0);
    if (backend !== 'wasm') expect(report['launchesPerStep']).toBe(onGpu ? 5 : 0);
    expect(report['peakGpuBytes']).toBeGreaterThanOrEqual(onGpu ? 1_000_000 : 0);
    expect(report['adapter']).toBeTypeOf('string');
    expect(report['testLoss']).toBeLessThan(1);
    expect(report['testAccuracy']).toBeGreaterThan(0.9);
    expect(report.lossCurve).toHaveLength(40);
    expect(report.lossCurve[39]).toBeLessThan(report.lossCurve[0] / 3);
  });

  test('--model cnn learns by convolutions, and says of a file of images what it said of the same test images', async () => {
    const [model, report] = [join(folder, 'cnn.safetensors'), join(folder, 'cnn.json')];
    const options = ['--model', 'cnn', '--steps', '20', '--batch', '20'];
    const { text } = await run(...options, '--save', model, '--report', report);
    expect(text).toContain('Augmented in training: shift 2, rotate 10, scale 0.1\n');
    expect(text).toMatch(/\nlayer0\.layer0 +conv2d +f32\[20, 28, 28, 16\] +144\n/);
    const said = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>;
    expect(said).toMatchObject({ model: ['cnn'], augment: { shift: 2, rotate: 10, scale: 0.1 }, optimizer: 'adamw' });
    expect(said['testAccuracy']).toBeGreaterThan(0.5);
    // Running averages that were not saved would give other answers.
    const answers = (await ask(model, join(folder, 't10k-images-idx3-ubyte.gz'))).trim().split('\n').slice(1);
    const right = answers.filter((line, at) => line.startsWith(`${at % 10},`)).length;
    expect(right / answers.length).toBe(said['testAccuracy']);
  });

  test('ends at the signal while digits are drawn, and leaves files alone', async () => {
    const model = join(folder, 'kept.safetensors');
    await writeFile(model, 'mine');
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 100);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const drawing = train(trainCommand('digits', '--backend', 'cpu', '--save', model), ending.signal);
      await expect(drawing).rejects.toThrow('aborted');
    } finally {
      write.mockRestore();
    }
    expect(await readFile(model, 'utf8')).toBe('mine');
  });

  test('ends at the signal while the CPU trains, with what was learned so far', async () => {
    const ending = new AbortController();
    // A file's callback is what a signal's would be: an event that only a free loop brings.
    void readFile(join(folder, 't10k-labels-idx1-ubyte')).then(() => ending.abort());
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const command = trainCommand('mnist', '--data', folder, '--backend', 'cpu', '--steps', '5000', '--batch', '20');
      const working = train(command, ending.signal);
      expect(await working).toBe(130);
      const text = write.mock.calls.map(([part]) => String(part)).join('');
      expect(text).toMatch(/Stopped after \d+ of 5000 steps/);
    } finally {
      write.mockRestore();
    }
  });

  test('--profile prints a table of the launches, and adds them to the report', async () => {
    const file = join(folder, 'profile.json');
    const { text } = await run(...'--backend webgpu --steps 3 --batch 20 --profile 2 --report'.split(' '), file);
    expect(text).toMatch(/\ntakeSamples\+matmul\+relu +f32\[20, 128\]( +[\d.,]+| %){7}\n/);
    const { profile, steps } = JSON.parse(await readFile(file, 'utf8')) as { profile: Profile; steps: number };
    expect([profile.steps, profile.launches.length, steps]).toEqual([2, 5, 3]);
  });

  test('--quiet says one line', async () => {
    const { text } = await run('--quiet', '--steps', '3', '--batch', '20', '--backend', 'cpu');
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  /** Its second step, and all behind it, have no number as their loss. */
  const diverge = async (...args: string[]): Promise<{ code: number; text: string; complaint: string }> => {
    const error = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const ran = await run(...'--batch 20 --backend cpu --optimizer sgd --lr 1e30'.split(' '), ...args);
      return { ...ran, complaint: error.mock.calls.map(([part]) => String(part)).join('') };
    } finally {
      error.mockRestore();
    }
  };

  test('a loss that is no number ends it with a hint and exit code 1', async () => {
    const { code, text, complaint } = await diverge('--steps', '200', '--quiet');
    expect([code, text]).toEqual([1, '']);
    expect(complaint).toMatch(/^The loss is \S+ at step 2: training has diverged. A smaller --lr/);
  });

  test('--on-nan skip takes all steps but the bad ones, and rewind goes back before it gives up', async () => {
    const { code, text, complaint } = await diverge('--steps', '6', '--on-nan', 'skip');
    expect(text).toContain('5 of 6 steps were left out');
    expect([code, complaint]).toEqual([1, expect.stringMatching(/^The test loss is \S+: training has diverged/)]);
    const rewinding = diverge('--steps', '12', '--on-nan', 'rewind');
    await expect(rewinding).rejects.toThrow('from which no further step recovers');
    const wayBack = (step: number): string =>
      `Step ${step} was bad: training goes on behind it from what was learned by step 0.`;
    expect(printed.match(/^Step .* was bad.*$/gm)).toEqual([wayBack(2), wayBack(4)]);
  });

  test('a folder without the files, or that is none, is named', async () => {
    const nowhere = join(folder, 'nowhere');
    const command = (path: string) => trainCommand('mnist', '--data', path, '--backend', 'cpu');
    const signal = new AbortController().signal;
    await expect(train(command(nowhere), signal)).rejects.toThrow(`[folder] ${nowhere} is no folder`);
    await expect(train(command(tmpdir()), signal)).rejects.toThrow('[mnist] there is no train-images-idx3-ubyte');
  });
});
