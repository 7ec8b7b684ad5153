import { describe, expect, test } from 'vitest';
import { hashName, philox, Random, seedKey, type Words2, type Words4 } from '../../src/core/random.ts';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { applyOne, type Op, type State, type Value } from '../../src/graph/graph.ts';
import { input, random } from '../../src/index.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { sharedBackend } from '../support/device.ts';
import philoxText from '../../shaders/functions/philox.wgsl?raw';

interface KnownAnswer {
  readonly name: string;
  readonly counter: Words4;
  readonly key: Words2;
  readonly words: Words4;
}

const ONES = 0xffffffff;
/** The file kat_vectors of Random123, philox4x32 with 10 rounds. */
const knownAnswers: readonly KnownAnswer[] = [
  { name: 'zeros', counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    name: 'ones',
    counter: [ONES, ONES, ONES, ONES],
    key: [ONES, ONES],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    name: 'the digits of π',
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

/** Philox as a launch of its own, whose counters and keys are free. */
const philoxOp: Op<null> = {
  name: 'philox',
  infer: ([counters]) => [counters],
  cpu([counters, keys], [words]) {
    for (let i = 0; i < keys.length / 2; i++) {
      const [c0, c1, c2, c3] = counters.subarray(4 * i, 4 * i + 4);
      words.set(philox([c0, c1, c2, c3], [keys[2 * i], keys[2 * i + 1]]), 4 * i);
    }
  },
  gpu: ({ inputs: [counters] }) => [
    {
      kernel: {
        name: 'philox',
        source: `
          @group(0) @binding(0) var<storage, read> counters: array<vec4u>;
          @group(0) @binding(1) var<storage, read> keys: array<vec2u>;
          @group(0) @binding(2) var<storage, read_write> words: array<vec4u>;

          @compute @workgroup_size(1)
          fn main(@builtin(workgroup_id) group: vec3u) {
            words[group.x] = philox(counters[group.x], keys[group.x]);
          }`,
        includes: [philoxText],
      },
      grid: [counters.spec.shape[0], 1, 1],
    },
  ],
};

/** One output of a graph, as a backend computes it. */
async function run(backend: Backend, value: Value, batch: Readonly<Record<string, Numbers>> = {}): Promise<Numbers> {
  const program = await backend.compile({ outputs: { value }, writes: [] });
  try {
    for (const [name, numbers] of Object.entries(batch)) program.upload(name, numbers);
    backend.run([program]);
    return await backend.readOutput(program, 'value');
  } finally {
    program.destroy();
    backend.destroy();
  }
}

describe('Philox 4x32-10 gives the known answer', () => {
  test.each(knownAnswers)('for $name on the CPU', ({ counter, key, words }) => {
    expect(philox(counter, key)).toEqual(words);
  });

  test.each(knownAnswers)('for $name on the GPU', async ({ counter, key, words }) => {
    const value = applyOne(
      philoxOp,
      [input('counters', spec([1, 4], 'u32')), input('keys', spec([1, 2], 'u32'))],
      null,
    );
    const batch = { counters: Uint32Array.from(counter), keys: Uint32Array.from(key) };
    expect(await run(await sharedBackend(), value, batch)).toEqual(Uint32Array.from(words));
  });

  test('of the CPU for a thousand counters and keys on the GPU', async () => {
    const n = 1000;
    const source = new Random(1, 'counters and keys');
    const words = (count: number): Uint32Array => Uint32Array.from({ length: count }, () => source.word());
    const batch = { counters: words(4 * n), keys: words(2 * n) };
    const value = applyOne(
      philoxOp,
      [input('counters', spec([n, 4], 'u32')), input('keys', spec([n, 2], 'u32'))],
      null,
    );
    expect(await run(await sharedBackend(), value, batch)).toEqual(await run(new CpuBackend(), value, batch));
  });
});

/** A control state at a step under a seed. */
const controlOf = (seed: number, step: number, part = 0): State => ({
  name: 'control',
  spec: spec([4], 'u32'),
  initial: () => Uint32Array.of(step, part, ...seedKey(seed)),
});

const BEYOND_32_BITS = 2 ** 40 + 12_345;

/** WebGPU lets cos be wrong by 2⁻¹¹, and the radius that it is multiplied by is √(48 ln 2) at most. */
const DRIVER_COSINE = 2 ** -11 * Math.sqrt(48 * Math.LN2);

describe('numbers drawn on the GPU', () => {
  test.each(['bits', 'uniform'] as const)('by %s have the bits of those on the CPU', async (law) => {
    const value = random(controlOf(BEYOND_32_BITS, 77), 'some stream', [5, 61], law);
    expect(await run(await sharedBackend(), value)).toEqual(await run(new CpuBackend(), value));
  });
});

test('numbers drawn on the GPU by normal are those of the CPU, as far as the driver’s cosine goes', async () => {
  const value = random(controlOf(BEYOND_32_BITS, 77), 'some stream', [5, 61], 'normal');
  const [actual, expected] = [await run(await sharedBackend(), value), await run(new CpuBackend(), value)];
  const errors = Array.from(expected, (x, i) => Math.abs(x - actual[i]));
  expect(Math.max(...errors)).toBeLessThan(DRIVER_COSINE);
});

describe('a draw', () => {
  const drawn = (seed: number, step: number, stream: string): Promise<Numbers> =>
    run(new CpuBackend(), random(controlOf(seed, step), stream, [8], 'bits'));
  const first = drawn(1, 2, 'a');

  test('is the same under one seed, step and stream', async () => expect(await drawn(1, 2, 'a')).toEqual(await first));
  test('differs under another seed', async () => expect(await drawn(3, 2, 'a')).not.toEqual(await first));
  test('differs under a seed that differs beyond 32 bits', async () =>
    expect(await drawn(1 + 2 ** 32, 2, 'a')).not.toEqual(await first));
  test('differs at another step', async () => expect(await drawn(1, 3, 'a')).not.toEqual(await first));
  test('differs in another stream', async () => expect(await drawn(1, 2, 'b')).not.toEqual(await first));
});

describe.each([
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
] as const)('a draw on the %s', (_, backend) => {
  const drawn = async (count: number, part: number): Promise<number[]> =>
    Array.from(await run(await backend(), random(controlOf(1, 2, part), 'a', [count], 'bits')));

  test('in part 0 counts its elements from 0', async () => {
    const expected = Array.from({ length: 9 }, (__, i) => philox([i, 2, hashName('a'), 0], seedKey(1))[0]);
    expect(await drawn(9, 0)).toEqual(expected);
  });

  test('of three parts is that of one three times as large', async () => {
    const parts = [...(await drawn(7, 0)), ...(await drawn(7, 1)), ...(await drawn(7, 2))];
    expect(parts).toEqual(await drawn(21, 0));
  });
});

const COUNT = 50_000;
/** Deviations of the statistic itself: one in two million fair draws lies farther out. */
const DEVIATIONS = 5;

/** Holds the mean of f over the numbers against its expectation; `variance` is that of f. */
function expectMean(numbers: ArrayLike<number>, f: (x: number) => number, expected: number, variance: number): void {
  const mean = Array.from(numbers, f).reduce((total, x) => total + x, 0) / numbers.length;
  expect(Math.abs(mean - expected)).toBeLessThan(DEVIATIONS * Math.sqrt(variance / numbers.length));
}

const sources = {
  'the CPU’s stream': async (law: 'uniform' | 'normal'): Promise<Numbers> => {
    const stream = new Random(11, 'moments');
    return Float64Array.from({ length: COUNT }, () => stream[law]());
  },
  'the op on the CPU': async (law: 'uniform' | 'normal'): Promise<Numbers> =>
    run(new CpuBackend(), random(controlOf(11, 0), 'moments', [COUNT], law)),
  'the op on the GPU': async (law: 'uniform' | 'normal'): Promise<Numbers> =>
    run(await sharedBackend(), random(controlOf(11, 0), 'moments', [COUNT], law)),
};

describe.each(Object.entries(sources))('numbers of %s', (_, draw) => {
  // Of a uniform x in 0 … 1, the variance of x is 1/12, that of (x − ½)² is 1/180.
  test('by uniform have mean ½', async () => expectMean(await draw('uniform'), (x) => x, 1 / 2, 1 / 12));
  test('by uniform have variance 1/12', async () =>
    expectMean(await draw('uniform'), (x) => (x - 0.5) ** 2, 1 / 12, 1 / 180));
  test('by uniform lie in 0 … 1, without 1', async () => {
    const numbers = await draw('uniform');
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
  });
  test('by uniform are independent of their neighbours', async () => {
    const numbers = await draw('uniform');
    const products = Array.from({ length: COUNT / 2 }, (__, i) => (numbers[2 * i] - 0.5) * (numbers[2 * i + 1] - 0.5));
    expectMean(products, (x) => x, 0, 1 / 144);
  });
  // Of a normal x, E x² = 1, E x⁴ = 3, E x⁶ = 15, E x⁸ = 105.
  test('by normal have mean 0', async () => expectMean(await draw('normal'), (x) => x, 0, 1));
  test('by normal have variance 1', async () => expectMean(await draw('normal'), (x) => x ** 2, 1, 3 - 1));
  test('by normal are not skewed', async () => expectMean(await draw('normal'), (x) => x ** 3, 0, 15));
  test('by normal have fourth moment 3', async () => expectMean(await draw('normal'), (x) => x ** 4, 3, 105 - 9));
});

describe('a stream of the CPU', () => {
  test('hands out the words of its blocks in order', () => {
    const stream = new Random(BEYOND_32_BITS, 'name');
    const words = Array.from({ length: 8 }, () => stream.word());
    const block = (at: number): Words4 => philox([at, 0, hashName('name'), 0], seedKey(BEYOND_32_BITS));
    expect(words).toEqual([...block(0), ...block(1)]);
  });
  test('maps its uniform numbers to the bounds given', () => {
    const stream = new Random(5, 'bounds');
    const numbers = Array.from({ length: 1000 }, () => stream.uniform(-3, -1));
    expect([Math.floor(Math.min(...numbers)), Math.ceil(Math.max(...numbers))]).toEqual([-3, -1]);
  });
});

test('a seed has its low word in front of its high one', () => {
  expect(seedKey(3 * 2 ** 32 + 7)).toEqual([7, 3]);
});

test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the name "%s" has the hash of FNV-1a', (name, hash) => {
  expect(hashName(name)).toBe(hash);
});
