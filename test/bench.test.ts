import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { expectedOf, judge } from '../bench/judge.ts';
import { loops } from '../bench/peers/loops.ts';
import { peers as all } from '../bench/peers/index.ts';
import { millraceCpu } from '../bench/peers/millrace.ts';
import { Unavailable, type Job, type Peer } from '../bench/peers/peer.ts';
import { sides } from '../bench/peers/sides.ts';
import type { Report } from '../bench/report.ts';
import { openPeers, runCase, type Row } from '../bench/run.ts';
import { suite, type Case } from '../bench/suite.ts';
import { inputsOf, permute, type Product } from '../bench/work.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const patience = { rounds: 3, seconds: 1e-4 };
const work: Product = { kind: 'product', M: 8, K: 32, N: 8 };
const small: Case = { group: 'matmul', name: 'small', work };

/** Plain loops, changed. */
const changed = (name: string, change: (job: Job) => Job): Peer => ({
  name,
  version: '1',
  prepare: async (given, inputs) => change(await (await loops.open({ device: undefined })).prepare(given, inputs)),
});

async function rowsOf(...peers: readonly Peer[]): Promise<readonly Row[]> {
  const opened = await openPeers([loops], { device: undefined });
  return (await runCase(small, [...opened, ...peers], { device: undefined }, patience, loops.name)).rows;
}

test('a peer whose result is off is reported as wrong, and not timed', async () => {
  const [right, wrong] = await rowsOf(
    changed('off', (job) => ({
      ...job,
      result: async () => Array.from(await job.result(), (x, i) => (i === 5 ? x + 1e-3 : x)),
      run: () => Promise.reject(new Error('it was timed')),
    })),
  );
  expect(right).toMatchObject({ peer: 'plain loops', correct: true, ratio: 1 });
  expect(wrong).toMatchObject({ peer: 'off', correct: false });
  expect(wrong.error).toBeGreaterThan(wrong.tolerance!);
  expect(wrong).not.toHaveProperty('median');
});

test('a peer that cannot do the work, or breaks, says why, and the others go on', async () => {
  const without: Peer = {
    ...changed('without', (job) => job),
    prepare: () => Promise.reject(new Unavailable('no it')),
  };
  const broken = changed('broken', (job) => ({ ...job, run: () => Promise.reject(new Error('out of paper')) }));
  const [right, ...others] = await rowsOf(without, broken);
  expect(right.samples).toHaveLength(patience.rounds);
  expect(others).toEqual([
    { peer: 'without', unavailable: 'no it' },
    { peer: 'broken', unavailable: 'failed: out of paper' },
  ]);
});

test('a peer that breaks while it is timed has no figures, and the others keep theirs', async () => {
  let runs = 0;
  const tired = changed('tired', (job) => ({
    ...job,
    // The first two are warm-up and a guess of how often; the third is a sample.
    run: (times) => (++runs > 2 ? Promise.reject(new Error('out of breath')) : job.run(Math.max(times, 10_000))),
  }));
  const [right, broken] = await rowsOf(tired);
  expect(runs).toBe(3);
  expect(right.samples).toHaveLength(patience.rounds);
  expect(broken).toEqual({ peer: 'tired', unavailable: 'failed: out of breath' });
});

test('what is thrown between the parts of a case ends it, and its jobs are destroyed', async () => {
  const ended: string[] = [];
  const told: string[] = [];
  const one = changed('one', (job) => ({ ...job, destroy: () => void ended.push('one') }));
  const watch = async (doing: string) => {
    told.push(doing);
    if (doing.startsWith('timing')) throw new Error('stop');
  };
  await expect(runCase(small, [one], { device: undefined }, patience, 'one', watch)).rejects.toThrow('stop');
  expect(told).toEqual(['checking one', 'timing, round 1 of 3']);
  expect(ended).toEqual(['one']);
});

test('the peers that a page offers are those that there are, in their order', () => {
  expect([...sides.keys()]).toEqual(all.map(({ name }) => name));
});

test('f32 products in any order pass, products of TF32 do not, nor does NaN', async () => {
  const deep: Product = { kind: 'product', M: 16, K: 2048, N: 16 };
  const inputs = inputsOf(deep);
  const expected = await expectedOf(deep, inputs);
  const productOf = async (rounded: (x: number) => number) => {
    const arrays = inputs.arrays.map((numbers) => numbers.map(rounded));
    const job = (await loops.open({ device: undefined })).prepare(deep, { ...inputs, arrays });
    return Float32Array.from(await (await job).result());
  };
  const exact = await productOf((x) => x);
  expect(judge(exact, expected).correct).toBe(true);
  // TF32 keeps 10 of f32's 23 bits.
  const bits = new Uint32Array(1);
  const number = new Float32Array(bits.buffer);
  const tf32 = await productOf((x) => {
    number[0] = x;
    bits[0] = (bits[0] + 0x1000) & 0xffffe000;
    return number[0];
  });
  expect(judge(tf32, expected).correct).toBe(false);
  expect(judge(exact.with(7, NaN), expected).correct).toBe(false);
  expect(judge(exact.subarray(1), expected).correct).toBe(false);
});

test('the loops that judge convolutions, their gradients and the steps of a CNN and an LSTM agree with the CPU backend', async () => {
  const millrace = await millraceCpu.open({ device: undefined });
  const cases = suite('quick').filter(({ group }) => /^(convolution|cnn step|lstm step)$/.test(group));
  expect(cases.map(({ name }) => name.split(', ').at(-1))).toEqual(['y', 'dX', 'dWeight', 'adam', 'adam']);
  for (const { work: given } of cases) {
    const inputs = inputsOf(given);
    const job = await millrace.prepare(given, inputs);
    const verdict = judge(await job.result(), await expectedOf(given, inputs));
    expect(verdict.correct).toBe(true);
    // Peers are allowed more: a slope that is somewhat wrong may move five losses by less.
    expect(verdict.error).toBeLessThan(1e-6);
    await job.destroy();
  }
});

test('permuted numbers lie in the order of their new axes', () => {
  expect([...permute([0, 1, 2, 3, 4, 5], [1, 2, 3], [2, 0, 1])]).toEqual([0, 3, 1, 4, 2, 5]);
});

test('no two cases of a suite have one name', () => {
  for (const scale of ['quick', 'software', 'hardware'] as const) {
    const names = suite(scale).map(({ group, name }) => `${group}/${name}`);
    expect(new Set(names).size).toBe(names.length);
  }
});

test('the built file runs with nothing beside it but Dawn, and keeps who is right, how fast, and by how many calls', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    await run(
      process.execPath,
      [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--mode', 'bench', '--outDir', folder],
      { cwd: root },
    );
    await mkdir(join(folder, 'node_modules'));
    await symlink(join(root, 'node_modules/webgpu'), join(folder, 'node_modules/webgpu'), 'junction');
    const chosen = ['--only', 'adam', '--peers', 'jax-js webgpu,loops'];
    const quick = ['--quick', '--rounds', '3', '--milliseconds', '1', '--out', 'run.json'];
    await run(process.execPath, ['bench.js', ...quick, ...chosen], { cwd: folder });
    const report = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as Report;

    expect(report).toMatchObject({ scale: 'quick', rounds: 3, seconds: 0.001, toggles: [] });
    expect(report.machine.cores).toBeGreaterThan(0);
    const names = ['millrace', 'jax-js webgpu', 'plain loops'];
    expect(report.peers.map(({ name, version }) => version && name)).toEqual(names);
    expect(report.results.map(({ group }) => group)).toEqual([
      'update',
      'mlp step',
      'cnn step',
      'lstm step',
      'gpt step',
    ]);
    for (const { rows } of report.results) {
      expect(rows.map(({ peer }) => peer)).toEqual(names);
      for (const { correct, samples, q1, median, q3, rate } of rows) {
        expect(correct).toBe(true);
        expect(samples).toHaveLength(3);
        expect([q1, median, q3]).toEqual([q1, median, q3].sort((a, b) => a! - b!));
        expect(rate!.value).toBeGreaterThan(0);
      }
      expect(rows[0].ratio).toBe(1);
      expect(rows[1].counts!['dispatchWorkgroups']).toBeGreaterThanOrEqual(rows[0].counts!['dispatchWorkgroups']);
      expect(rows[2]).not.toHaveProperty('counts');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
