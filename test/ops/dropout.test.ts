import { describe, expect, test } from 'vitest';
import { hashName, philox, seedKey } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph, State, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { differentiate, dropElements, mul, random, simplify, sum } from '../../src/index.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { checkOp } from '../support/checkOp.ts';
import { sharedBackend } from '../support/device.ts';

interface At {
  readonly seed?: number;
  readonly step?: number;
  readonly part?: number;
}

const controlOf = ({ seed = 2 ** 40 + 12_345, step = 77, part = 0 }: At = {}): State => ({
  name: 'control',
  spec: spec([4], 'u32'),
  initial: () => Uint32Array.of(step, part, ...seedKey(seed)),
});

const shapes = [[[7]], [[1]], [[3, 5, 13]], [[4097]], [[]]];
checkOp('dropout', ([x]) => dropElements(controlOf(), 'mask', x, 0.3), shapes);
checkOp('dropout of a later part', ([x]) => dropElements(controlOf({ part: 3 }), 'mask', x, 0.3), shapes);
checkOp('dropout at rate 0', ([x]) => dropElements(controlOf(), 'mask', x, 0), [[[7]]]);
for (const law of ['bits', 'uniform', 'normal'] as const) {
  const draw = ([x]: readonly Value[]): Value[] => [mul(x, x), random(controlOf({ part: 3 }), 'noise', [4099], law)];
  checkOp(`numbers by the law ${law}`, draw, [[[7]]], { differentiable: false, special: false });
}

/** The named outputs of a graph, as a backend computes them. */
async function run(backend: Backend, graph: Graph, x: Numbers): Promise<Record<string, Numbers>> {
  const program = await backend.compile(graph);
  try {
    program.upload('x', x);
    backend.run([program]);
    const outputs: Record<string, Numbers> = {};
    for (const name of Object.keys(graph.outputs)) outputs[name] = await backend.readOutput(program, name);
    return outputs;
  } finally {
    program.destroy();
    backend.destroy();
  }
}

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
];

interface Drawing extends At {
  readonly stream?: string;
  readonly rate?: number;
}

/** Which of `count` elements are kept: 1 or 0. */
async function maskOf(backend: Backend, count: number, { stream = 'mask', rate = 0.5, ...at }: Drawing = {}) {
  const y = dropElements(controlOf(at), stream, input('x', spec([count])), rate);
  const outputs = await run(backend, { outputs: { y }, writes: [] }, new Float32Array(count).fill(1));
  return Array.from(outputs['y'], (kept) => (kept === 0 ? 0 : 1));
}

const bothMasks = async (count: number, drawing?: Drawing) =>
  [await maskOf(new CpuBackend(), count, drawing), await maskOf(await sharedBackend(), count, drawing)] as const;

test.each([1e-9, 0.1, 0.3, 0.7, 0.9, 1 - 2 ** -30])(
  'the mask of the GPU has the bits of the CPU’s at rate %s',
  async (rate) => {
    const [cpu, gpu] = await bothMasks(10_007, { rate });
    expect(gpu).toEqual(cpu);
  },
);

test('an element is kept where its word of Philox, cut to 24 bits, is at least the rate', async () => {
  const [seed, step, part, rate, count] = [9, 5, 2, 0.4, 11];
  const expected = Array.from({ length: count }, (_, i) => {
    const e = part * count + i;
    return philox([e >> 2, step, hashName('mask'), 1], seedKey(seed))[e & 3] / 2 ** 32 >= rate ? 1 : 0;
  });
  for (const mask of await bothMasks(count, { seed, step, part, rate })) expect(mask).toEqual(expected);
});

test.each(backends)('the %s keeps a uniform equal to the rate, and drops the one below', async (_, backend) => {
  const key = seedKey(9);
  const uniform = (philox([0, 5, hashName('mask'), 1], key)[2] >>> 8) / 2 ** 24;
  const kept = async (rate: number) => (await maskOf(await backend(), 4, { seed: 9, step: 5, rate }))[2];
  expect([await kept(uniform), await kept(uniform + 2 ** -26), await kept(uniform + 2 ** -24)]).toEqual([1, 0, 0]);
});

test.each([0.1, 0.5, 0.8])('the share kept at rate %s is right within 5 deviations', async (rate) => {
  const count = 200_000;
  const mask = await maskOf(await sharedBackend(), count, { rate });
  const kept = mask.reduce<number>((total, each) => total + each, 0);
  expect(Math.abs(kept - count * (1 - rate))).toBeLessThan(5 * Math.sqrt(count * rate * (1 - rate)));
});

describe.each([1, 4, 5, 6, 7, 64, 255, 511])('three parts of %d elements', (n) => {
  test.each(backends)('are dropped on the %s as one of three times as many', async (_, backend) => {
    const whole = await maskOf(await backend(), 3 * n);
    const parts: number[] = [];
    for (const part of [0, 1, 2]) parts.push(...(await maskOf(await backend(), n, { part })));
    expect(parts).toEqual(whole);
  });
});

test('parts go on where the count of elements leaves 32 bits', async () => {
  // 357,913,941 parts of 12 elements end 4 short of 2³²: this part begins there, and goes on from element 0.
  const [cpu, gpu] = await bothMasks(12, { part: 357_913_941 });
  expect(gpu).toEqual(cpu);
  expect(cpu.slice(4)).toEqual((await maskOf(new CpuBackend(), 12)).slice(0, 8));
});

describe('a mask', () => {
  const mask = (drawing: Drawing) => maskOf(new CpuBackend(), 64, drawing);
  const first = mask({});

  test('is the same under one seed, step and stream', async () => expect(await mask({})).toEqual(await first));
  test('differs under another seed', async () => expect(await mask({ seed: 1 })).not.toEqual(await first));
  test('differs at another step', async () => expect(await mask({ step: 78 })).not.toEqual(await first));
  test('differs in another part', async () => expect(await mask({ part: 1 })).not.toEqual(await first));
  test('differs in another stream', async () => expect(await mask({ stream: 'b' })).not.toEqual(await first));

  test('does not reuse the words of a draw of one name', () => {
    const control = controlOf();
    const drawn = interpret({ outputs: { bits: random(control, 'mask', [8], 'bits') }, writes: [] }).outputs['bits'];
    const key = seedKey(2 ** 40 + 12_345);
    expect([...drawn]).toEqual(Array.from({ length: 8 }, (_, e) => philox([e, 77, hashName('mask'), 0], key)[0]));
    for (const e of [0, 1]) {
      for (const word of philox([e, 77, hashName('mask'), 1], key)) expect([...drawn]).not.toContain(word);
    }
  });
});

/** y = dropout(x)² / 2 and its gradient, which is dropout(dropout(x)) only if both have one mask. */
function withGradient(shape: Shape, at: At): Graph {
  const x = input('x', spec(shape));
  const y = dropElements(controlOf(at), 'mask', x, 0.4);
  const [dX] = differentiate(sum(mul(mul(y, y), 0.5)), [x]);
  return simplify({ outputs: { y, dX: dX as Value }, writes: [] });
}

test.each(backends)('the derivative on the %s drops what forward dropped', async (_, backend) => {
  const shape = [13, 5];
  const x = new Float32Array(sizeOf(shape)).fill(0.6);
  const { y, dX } = await run(await backend(), withGradient(shape, { part: 1 }), x);
  // 0.6 grows by 1 / 0.6 to 1, and that again to 1 / 0.6.
  expect(y.filter((each) => each !== 0).length).toBeGreaterThan(10);
  expect(y.filter((each) => each === 0).length).toBeGreaterThan(10);
  y.forEach((each, i) => expect(dX[i]).toBeCloseTo(each / 0.6, 6));
});

test.each(backends)('NaN stays NaN on the %s where it is kept and where it is dropped', async (_, backend) => {
  const x = new Float32Array(64).fill(NaN);
  const y = dropElements(controlOf(), 'mask', input('x', spec([64])), 0.5);
  const outputs = await run(await backend(), { outputs: { y }, writes: [] }, x);
  expect(outputs['y'].every((each) => Number.isNaN(each))).toBe(true);
});

test('only f32 can be dropped from', () => {
  expect(() => dropElements(controlOf(), 'mask', input('x', spec([3], 'i32')), 0.5)).toThrow(
    '[dropout] x is i32[3] but must be f32: use cast()',
  );
});
