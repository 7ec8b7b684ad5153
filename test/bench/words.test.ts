import { expect, test } from 'vitest';
import { sides } from '../../bench/peers/sides.ts';
import type { Result, Row } from '../../bench/run.ts';
import { checkedLine, sentencesOf } from '../../bench/words.ts';

const hardware = { name: 'a card', vendor: '', architecture: '', software: false };
const GPU = 'millrace';
const OTHER_GPU = 'jax-js webgpu';
const CPU = 'TensorFlow.js wasm';
const OTHER_CPU = 'plain loops';

/** Milliseconds, with quartiles a tenth of that to either side. */
const row = (peer: string, median: number, spread = 0.1): Row => ({
  peer,
  correct: true,
  samples: [median, median],
  median: median / 1e3,
  q1: (median * (1 - spread)) / 1e3,
  q3: (median * (1 + spread)) / 1e3,
});

const product = (size: number, ...rows: Row[]): Result => ({
  group: 'matmul',
  name: [size, size, size].join(' × '),
  of: 'product',
  rows,
});

const say = (results: readonly Result[], adapter: typeof hardware | null = hardware): string[] =>
  sentencesOf({ results, sides, subject: GPU, adapter });

test('the CPU is ahead at small sizes and the GPU from a size on, with the factors of both', () => {
  const results = [
    product(32, row(GPU, 8), row(CPU, 1)),
    product(64, row(GPU, 8), row(CPU, 2), row(OTHER_CPU, 30)),
    product(128, row(GPU, 8), row(CPU, 16)),
    product(256, row(GPU, 10), row(CPU, 100)),
  ];
  expect(say(results)).toEqual([
    'Matrix products, millrace on WebGPU beside the best of the CPU: the CPU is ahead up to 64 (by 4.00 × to 8.00 ×, with TensorFlow.js wasm) and the GPU is ahead from 128 on (by 2.00 × to 10.0 ×).',
  ]);
});

test('what lies within the spread is even', () => {
  const results = [
    product(32, row(GPU, 8), row(CPU, 1)),
    product(64, row(GPU, 8), row(CPU, 7)),
    product(128, row(GPU, 8), row(CPU, 16)),
  ];
  expect(say(results)[0]).toContain(
    'the CPU is ahead up to 32 (by 8.00 ×, with TensorFlow.js wasm), the two are even at 64 and the GPU is ahead from 128 on (by 2.00 ×).',
  );
});

test('where the CPU stays ahead, no size is said to be enough', () => {
  const results = [product(32, row(GPU, 8), row(CPU, 1)), product(64, row(GPU, 8), row(OTHER_CPU, 2))];
  expect(say(results)[0]).toMatch(
    /the CPU is ahead at every size, 32 to 64 \(by 4\.00 × to 8\.00 ×, with TensorFlow\.js wasm and plain loops\)\. No size that was measured is large enough for the GPU to win\.$/,
  );
});

test('where the GPU is ahead from the smallest size, no size is said to be the CPU’s', () => {
  const [sentence] = say([product(32, row(GPU, 1), row(CPU, 2)), product(64, row(GPU, 1), row(CPU, 4))]);
  expect(sentence).toContain('the GPU is ahead at every size, 32 to 64 (by 2.00 × to 4.00 ×).');
  expect(sentence).not.toContain('the CPU is ahead');
});

test('a lead that goes back and forth is no crossover', () => {
  const sizes = [32, 64, 128].map((size, i) => product(size, row(GPU, 4), row(CPU, i === 1 ? 20 : 1)));
  expect(say(sizes)[0]).toMatch(/up to 32 .* the GPU is ahead at 64 .* the CPU is ahead from 128 on/);
  expect(say(sizes)[0]).toContain('There is no size from which the GPU stays ahead.');
});

test('sizes without a figure of one side are named, and compared with nothing', () => {
  const left: Row = { peer: CPU, unavailable: 'left out: too much for a CPU' };
  const results = [
    product(64, row(GPU, 1), row(CPU, 4)),
    product(1024, row(GPU, 5), left),
    product(2048, row(GPU, 9), left),
  ];
  expect(say(results)[0]).toMatch(
    /the GPU is ahead at 64 \(by 4\.00 ×\)\. At 1024 and 2048 there is no figure of the CPU\.$/,
  );
  expect(say([product(64, row(GPU, 1))])[0]).toContain('no size has a figure of both, so nothing is compared.');
});

test('a peer that is faster than millrace on the GPU is compared with the CPU in a sentence of its own', () => {
  const results = [product(64, row(GPU, 4), row(OTHER_GPU, 1), row(CPU, 2))];
  expect(say(results)).toEqual([
    expect.stringContaining('millrace on WebGPU beside the best of the CPU: the CPU is ahead at 64 (by 2.00 ×, with'),
    expect.stringContaining(
      'the best of the GPU beside the best of the CPU: the GPU is ahead at 64 (by 2.00 ×, with jax',
    ),
  ]);
  const slower = [product(64, row(GPU, 1), row(OTHER_GPU, 4), row(CPU, 2))];
  expect(say(slower)).toEqual([
    expect.stringMatching(/Nobody else is faster on the GPU, beyond the spread, at any of these sizes\.$/),
  ]);
});

test('where millrace has no figure, the best of the GPU is compared alone', () => {
  const [sentence, ...others] = say([
    product(64, { peer: GPU, unavailable: 'failed' }, row(OTHER_GPU, 1), row(CPU, 2)),
  ]);
  expect(sentence).toContain('the best of the GPU beside the best of the CPU: the GPU is ahead at 64');
  expect(others).toEqual([]);
});

test('a training step is told with both times, and with who is faster on the GPU beyond the spread', () => {
  const step = (...rows: Row[]): Result => ({
    group: 'mlp step',
    name: '784-128-10, batch 64, adam',
    of: 'step',
    rows,
  });
  const head = 'MLP step 784-128-10, batch 64, adam: ';
  expect(say([step(row(GPU, 5.1), row(CPU, 1.9))])).toEqual([
    `${head}millrace on WebGPU takes 5.10 ms, the best of the CPU, TensorFlow.js wasm, 1.90 ms: the CPU is ahead by 2.68 ×.`,
  ]);
  expect(say([step(row(GPU, 5), row(OTHER_GPU, 2), row(CPU, 5.2))])).toEqual([
    `${head}millrace on WebGPU takes 5.00 ms, the best of the CPU, TensorFlow.js wasm, 5.20 ms: the two are even. On the GPU jax-js webgpu is faster: 2.00 ms.`,
  ]);
  expect(say([step(row(GPU, 5), row(OTHER_GPU, 4.9))])).toEqual([
    `${head}millrace on WebGPU takes 5.00 ms, and there is no figure of the CPU.`,
  ]);
  expect(say([step(row(CPU, 5))])).toEqual([`${head}millrace has no figure on the GPU.`]);
});

test('other groups are told by how often each side is ahead', () => {
  const sum = (...rows: Row[]): Result => ({ group: 'sum', name: 'each row', of: 'sum', rows });
  const results = [sum(row(GPU, 1), row(CPU, 2)), sum(row(GPU, 9), row(CPU, 2)), sum(row(GPU, 2), row(CPU, 2))];
  expect(say(results)).toEqual([
    'Sum, the best of each: of 3, the GPU is ahead in 1, the CPU is ahead in 1 and the two are even in 1.',
  ]);
});

test('without WebGPU nothing is said of a GPU but that there is none', () => {
  const results = [product(32, row(CPU, 1), row(OTHER_CPU, 2)), product(64, row(CPU, 3), row(OTHER_CPU, 2))];
  expect(say(results, null)).toEqual([
    'There is no WebGPU here: the GPU has no figures, and nothing is compared with it.',
    'Matmul, fastest on the CPU: TensorFlow.js wasm in 1 of 2 and plain loops in 1 of 2.',
  ]);
});

test('a software adapter is said to be none, and a single sample to have no spread', () => {
  const single = [GPU, CPU].map((peer) => ({ ...row(peer, 1), samples: [0.001] }));
  const sentences = say([product(64, ...single)], { ...hardware, software: true });
  expect(sentences[0]).toMatch(/^The adapter is software/);
  expect(sentences.at(-1)).toMatch(/^Each figure is a single sample/);
});

test('nothing measured is nothing said', () => {
  expect(say([])).toEqual([]);
  expect(say([product(64, { peer: GPU, unavailable: 'failed' })])).toEqual([]);
});

test('a case says how many results agree, how far the furthest is off, and who is wrong', () => {
  const judged = (peer: string, error: number): Row => ({ peer, correct: error <= 2e-6, error, tolerance: 2e-6 });
  const absent: Row = { peer: 'gpu.js cpu', unavailable: 'no' };
  expect(checkedLine(product(8, judged(GPU, 1e-7), judged(CPU, 4e-7), absent))).toBe(
    'Checked before timing: all 2 results agree, at most 4.0e-7 off where 2.0e-6 is allowed.',
  );
  expect(checkedLine(product(8, judged(GPU, 1e-7), judged(CPU, 5e-3)))).toBe(
    'Checked before timing: 1 of 2 results agree, at most 1.0e-7 off where 2.0e-6 is allowed. Wrong, and not timed: TensorFlow.js wasm.',
  );
  expect(checkedLine(product(8, absent))).toBe('There is no result to check.');
});
