// Processes that are ended in the middle of training and of saving: whatever happens, a whole checkpoint is there, and
// training goes on from it in the bits of a run that nobody ended.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { buildLibrary } from '../support/builtLibrary.ts';

let folder = '';
let dist = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-killed-'));
  dist = await buildLibrary(folder);
});

afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** A process of its own, and what came of it. @param begun what to do once it has said something */
function run(args: readonly string[], begun: (child: ChildProcess) => void = () => {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part) => {
      if (text === '') begun(child);
      text += String(part);
    });
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** Trains a model whose file takes a while to write, saved behind each step; prints where it is. */
const trainForever = (): string => `
import { createTrainer, crossEntropy, linear, relu, sequential, adamw } from '${dist}/index.js';
import { dataset } from '${dist}/data.js';
import { checkpoints } from '${dist}/node.js';
import { createHash } from 'node:crypto';
const [folder, steps] = [process.argv[2], Number(process.argv[3])];
const point = Float32Array.from({ length: 40 * 64 }, (_, at) => Math.sin(at * at));
const set = dataset({ point: { data: point, shape: [64] }, label: Uint8Array.from({ length: 40 }, (_, at) => at % 3) });
const trainer = await createTrainer({
  model: sequential(linear(64, 400), relu, linear(400, 3)), loss: crossEntropy, optimizer: adamw(),
  batchSize: 4, seed: 2, backend: 'cpu', data: set,
});
const saved = checkpoints({ folder, every: { steps: 1 }, keep: 2 });
const newest = await saved.newest();
const loaded = newest ? await trainer.load(newest) : { step: 0, exact: true };
console.log(JSON.stringify(loaded));
if (steps > 0) {
  for await (const { step } of trainer.fit(set, { steps, checkpoints: saved }));
  const hash = createHash('sha256');
  for (const numbers of Object.values(await trainer.readParameters())) hash.update(numbers);
  console.log(hash.digest('hex'));
}
`;

test('a process that is killed at any moment leaves a whole checkpoint, and another goes on in the same bits', async () => {
  const script = join(folder, 'train.mjs');
  await writeFile(script, trainForever());
  const place = join(folder, 'killed');
  const random = new Random(1, 'kills');
  const kills = Number(process.env['MILLRACE_KILLS'] ?? 6);
  const steps = 40 * kills;
  let last = 0;
  for (let nth = 0; nth < kills; nth++) {
    const wait = random.uniform(0, 400);
    const { text } = await run([script, place, String(steps)], (child) =>
      setTimeout(() => child.kill('SIGKILL'), wait),
    );
    const { step, exact } = JSON.parse(text.split('\n')[0]) as { step: number; exact: boolean };
    expect(exact).toBe(true);
    expect(step).toBeGreaterThanOrEqual(last);
    last = step;
  }
  const [rest, whole] = [
    await run([script, place, String(steps)]),
    await run([script, join(folder, 'calm'), String(steps)]),
  ];
  expect(JSON.parse(rest.text.split('\n')[0])).toMatchObject({ exact: true });
  expect(rest.text.split('\n')[1]).toMatch(/^[\da-f]{64}$/);
  expect(rest.text.split('\n')[1]).toBe(whole.text.split('\n')[1]);
});

test('the command line saves and leaves where it is told to end, and goes on with --resume', async () => {
  const table = join(folder, 'rows.csv');
  const rows = Array.from(
    { length: 120 },
    (_, at) => `${Math.sin(at)},${Math.cos(3 * at)},${at % 3 === 0 ? 'a' : 'b'}`,
  );
  await writeFile(table, ['x,y,kind', ...rows].join('\n'));
  const options = ['--backend', 'cpu', '--steps', '4000', '--batch', '64', '--hidden', '64'];
  const command = (report: string): string[] => [
    join(dist, 'cli.js'),
    'train',
    table,
    ...options,
    '--report',
    join(folder, report),
  ];
  const saved = ['--checkpoint', join(folder, 'run'), '--resume'];
  const reportOf = async (name: string) =>
    JSON.parse(await readFile(join(folder, name), 'utf8')) as { testLoss: number; steps: number; lossCurve: number[] };
  expect((await run(command('whole.json'))).code).toBe(0);
  const whole = await reportOf('whole.json');
  const first = await run([...command('first.json'), ...saved], (child) =>
    setTimeout(() => child.kill('SIGTERM'), 300),
  );
  expect(first).toMatchObject({ code: 130, text: expect.stringContaining('There is no checkpoint in') as string });
  const begun = await reportOf('first.json');
  expect(begun.steps).toBeLessThan(4000);
  expect(begun.lossCurve).toEqual(whole.lossCurve.slice(0, begun.steps));
  const second = await run([...command('second.json'), ...saved]);
  expect(second).toMatchObject({ code: 0, text: expect.stringContaining('Goes on behind step') as string });
  const ended = await reportOf('second.json');
  expect(ended.steps).toBe(4000);
  expect(ended.lossCurve).toEqual(whole.lossCurve.slice(-ended.lossCurve.length));
  expect(ended.testLoss).toBe(whole.testLoss);
  // It is at its end: there is nothing left but to say how well it does.
  const third = await run([...command('third.json'), ...saved]);
  expect(third.code).toBe(0);
  expect((await reportOf('third.json')).testLoss).toBe(whole.testLoss);
});
