// What is drawn, by the reference and by the kernel, on a software adapter's few invocations and on a card's many.

import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { read } from '../../src/graph/leaf.ts';
import type { State } from '../../src/graph/graph.ts';
import { generationControl, generationWords, type Sampling } from '../../src/ops/generation/control.ts';
import { NO_TOKEN, sampleToken } from '../../src/ops/generation/sampleToken.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { backendOn, sharedBackend } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
  ['GPU as a card', () => backendOn(asCard)],
];

const RING = 4096;
const usual: Sampling = { temperature: 1, topK: undefined, topP: undefined, seed: 0 };

/** Tokens that are drawn one after the other from the same logits. */
async function drawn(
  backend: Backend,
  logits: ArrayLike<number>,
  sampling: Partial<Sampling>,
  count = 1,
): Promise<number[]> {
  const control = generationControl();
  const tokens: State = { name: 'tokens', spec: spec([RING], 'u32'), initial: () => new Uint32Array(RING) };
  const row: State = { name: 'logits', spec: spec([1, logits.length]), initial: () => Float32Array.from(logits) };
  const program = await backend.compile({ outputs: {}, writes: sampleToken(control, tokens, read(row)) });
  try {
    backend.writeState(control, generationWords(1, 0, { ...usual, ...sampling }));
    const programs = Array.from({ length: count }, () => program);
    return Array.from(await backend.runAndRead(programs, tokens, [[1, 1 + count]]));
  } finally {
    program.destroy();
    backend.release([control, tokens, row]);
  }
}

/** How often each class is drawn. */
async function counted(
  backend: Backend,
  logits: ArrayLike<number>,
  sampling: Partial<Sampling>,
  draws: number,
): Promise<number[]> {
  const counts = Array.from(logits, () => 0);
  for (const token of await drawn(backend, logits, sampling, draws)) counts[token]++;
  return counts;
}

function softmax(logits: readonly number[], temperature = 1): number[] {
  const exps = logits.map((x) => Math.exp(x / temperature));
  const total = exps.reduce((sum, x) => sum + x, 0);
  return exps.map((x) => x / total);
}

/** Σ (observed − expected)² / expected. */
const chiSquare = (counts: readonly number[], p: readonly number[]): number => {
  const draws = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, i) => sum + (count - draws * p[i]) ** 2 / (draws * p[i]), 0);
};

/** Which classes are drawn at all, in many draws. */
const classesOf = async (backend: Backend, logits: readonly number[], sampling: Partial<Sampling>): Promise<number[]> =>
  (await counted(backend, logits, sampling, 400)).flatMap((count, i) => (count > 0 ? [i] : []));

/** Of these shares. */
const logOf = (...shares: readonly number[]): number[] => shares.map(Math.log);

describe.each(backends)('on the %s', (_, open) => {
  test('a temperature of 0 takes the first of the largest logits', async () => {
    const backend = await open();
    expect(await drawn(backend, [1, 3, -2, 3, 0], { temperature: 0 })).toEqual([1]);
    expect(await drawn(backend, [-0, 0], { temperature: 0 })).toEqual([0]);
    // Several of them are one invocation's.
    const many = Array.from({ length: 2000 }, (_x, at) => (at % 2 === 1 && at > 900 ? 3 : -at));
    expect(await drawn(backend, many, { temperature: 0 })).toEqual([901]);
    expect(await drawn(backend, [-Infinity, -5], { temperature: 0 })).toEqual([1]);
  });

  test.each([
    [1, undefined],
    [0.6, undefined],
    [2.5, undefined],
    // Classes 1, 2, 5 and 6.
    [1, 4],
  ])('at a temperature of %s, of top %s, classes are drawn as softmax has them', async (temperature, topK) => {
    const logits = [0.3, 1.2, 0.9, -1, -0.4, 2, 0.8];
    const kept = logits.map((x) => (topK === undefined || x >= 0.8 ? x : -Infinity));
    const p = softmax(kept, temperature);
    const counts = await counted(await open(), logits, { temperature, topK, seed: 5 }, 3000);
    expect(counts.map((count) => count > 0)).toEqual(p.map((share) => share > 0));
    const among = p.flatMap((share, i) => (share > 0 ? [i] : []));
    // Of as many degrees of freedom, of chance: beyond it lies one in a thousand. Which draws there are is fixed by the seed.
    const bound = among.length === 7 ? 22.5 : 16.3;
    expect(
      chiSquare(
        among.map((i) => counts[i]),
        among.map((i) => p[i]),
      ),
    ).toBeLessThan(bound);
  });

  test('of topK equals the first are kept', async () => {
    expect(await classesOf(await open(), [1, 2, 2, 0, 2, 1], { topK: 2 })).toEqual([1, 2]);
    expect(await classesOf(await open(), [1, 2, 2, 0, 2, 1], { topK: 4 })).toEqual([0, 1, 2, 4]);
    expect(await classesOf(await open(), [0.5, -0.5, 0.5], { topK: 3 })).toEqual([0, 1, 2]);
    expect(await classesOf(await open(), [0.5, -0.5, 0.5], { topK: 300 })).toEqual([0, 1, 2]);
  });

  test('topP keeps the fewest of the likeliest that have it together', async () => {
    const backend = await open();
    const shares = logOf(0.1, 0.4, 0.2, 0.3);
    expect(await classesOf(backend, shares, { topP: 0.39 })).toEqual([1]);
    expect(await classesOf(backend, shares, { topP: 0.41 })).toEqual([1, 3]);
    expect(await classesOf(backend, shares, { topP: 0.69 })).toEqual([1, 3]);
    expect(await classesOf(backend, shares, { topP: 0.71 })).toEqual([1, 2, 3]);
    expect(await classesOf(backend, shares, { topP: 1 })).toEqual([0, 1, 2, 3]);
    expect(await classesOf(backend, shares, { topP: 1e-9 })).toEqual([1]);
    // Of equals the first ones.
    expect(await classesOf(backend, logOf(0.2, 0.2, 0.2, 0.2, 0.2), { topP: 0.5 })).toEqual([0, 1, 2]);
    // Of what topK leaves: 4/9, 3/9, 2/9.
    expect(await classesOf(backend, shares, { topK: 3, topP: 0.76 })).toEqual([1, 3]);
    expect(await classesOf(backend, shares, { topK: 3, topP: 0.79 })).toEqual([1, 2, 3]);
    // By what the temperature makes of them: 16, 9, 4 and 1 of 30.
    expect(await classesOf(backend, shares, { temperature: 0.5, topP: 0.52 })).toEqual([1]);
  });

  test('logits of which none could be drawn are told by no token', async () => {
    const backend = await open();
    for (const logits of [[1, NaN, 2], [Infinity, 0], [-Infinity, -Infinity], [NaN]]) {
      for (const temperature of [0, 1]) expect(await drawn(backend, logits, { temperature })).toEqual([NO_TOKEN]);
    }
    expect(await drawn(backend, [-Infinity, 3e38, -3e38], { topK: 3 }, 5)).toEqual([1, 1, 1, 1, 1]);
    expect(await drawn(backend, [4], {}, 2)).toEqual([0, 0]);
  });
});

const settings: readonly Partial<Sampling>[] = [
  { temperature: 0 },
  {},
  { temperature: 0.7, topK: 40 },
  { topP: 0.9 },
  { temperature: 1.3, topK: 200, topP: 0.95 },
];

test.each([2, 65, 50_000])('of %s classes kernel and reference draw the same', async (classes) => {
  const random = new Random(classes, 'logits');
  const logits = Float32Array.from({ length: classes }, () => 3 * random.normal());
  const [cpu, ...others] = await Promise.all(backends.map(([, open]) => open()));
  const draws = classes > 1000 ? 5 : 40;
  for (const [seed, sampling] of settings.entries()) {
    const expected = await drawn(cpu, logits, { ...sampling, seed }, draws);
    for (const gpu of others) expect(await drawn(gpu, logits, { ...sampling, seed }, draws)).toEqual(expected);
  }
});
