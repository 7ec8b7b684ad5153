import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Numbers } from '../../src/core/shape.ts';
import type { State, Value } from '../../src/graph/graph.ts';
import { constant, read } from '../../src/graph/leaf.ts';
import { addShare, average } from '../../src/optim/accumulate.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { checkOp } from '../support/checkOp.ts';
import { sharedBackend } from '../support/device.ts';

const sizes = [1, 63, 64, 65, 4097];
const specs = sizes.map((size) => [spec([size]), spec([size]), spec([6], 'u32')]);
const PART = 1;

/** Control words of any step, in this part of it. */
const inPart = (part: number) => ({
  differentiable: false,
  make: (at: number) =>
    at === 2
      ? (random: Random, index: number) => (index === PART ? part : Math.floor(random.uniform(0, 1000)))
      : (random: Random) => random.normal(),
});

const share: (inputs: readonly Value[]) => Value = ([total, x, control]) => addShare(total, x, control, 3 / 7);
checkOp('a share of the first part', share, specs, inPart(0));
checkOp('a share of a later part', share, specs, inPart(2));
checkOp('an average', ([y, x, control]) => average(y, x, control, 0.9), specs, inPart(0));
checkOp('an average in a later part', ([y, x, control]) => average(y, x, control, 0.999), specs, inPart(5));

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
];

const stateOf = (name: string, numbers: Numbers): State => ({
  name,
  spec: spec([numbers.length], numbers instanceof Uint32Array ? 'u32' : 'f32'),
  initial: () => numbers,
});

/** What a state holds after each of some changes by x, of which the control says the part. */
async function after(
  backend: Backend,
  initial: Float32Array,
  changes: readonly { readonly x: Float32Array; readonly part: number; change(y: Value, x: Value, c: Value): Value }[],
): Promise<Numbers> {
  const y = stateOf('y', initial);
  const control = stateOf('control', new Uint32Array(6));
  try {
    for (const { x, part, change } of changes) {
      const value = change(read(y), constant(x, spec([x.length])), read(control));
      const program = await backend.compile({ outputs: {}, writes: [[y, value]] });
      backend.writeState(control, Uint32Array.of(part), PART);
      backend.run([program]);
      await backend.readState(y);
      program.destroy();
    }
    return await backend.readState(y);
  } finally {
    backend.destroy();
  }
}

const SIZE = 131;
const random = new Random(4, 'numbers');
const numbers = (): Float32Array => Float32Array.from({ length: SIZE }, () => random.normal());

describe.each(backends)('on the %s', (_, backend) => {
  test.each([NaN, Infinity, 3])('the first part’s share begins anew where %s was left over', async (left) => {
    const x = numbers();
    const found = await after(await backend(), new Float32Array(SIZE).fill(left), [
      { x, part: 0, change: (y, dX, control) => addShare(y, dX, control, 0.5) },
    ]);
    expect(found).toEqual(x.map((each) => each / 2));
  });

  test('a later part’s share keeps a NaN of an earlier part', async () => {
    const found = await after(await backend(), new Float32Array(SIZE).fill(NaN), [
      { x: numbers(), part: 1, change: (y, dX, control) => addShare(y, dX, control, 0.5) },
    ]);
    expect(found.every((each) => Number.isNaN(each))).toBe(true);
  });

  test('shares of 3, 3, 3 and 1 tenths add up to the mean within four roundings of each term', async () => {
    const parts = [0.3, 0.3, 0.3, 0.1].map((each, part) => ({ share: each, part, x: numbers() }));
    const found = await after(
      await backend(),
      new Float32Array(SIZE).fill(NaN),
      parts.map(({ share: own, ...rest }) => ({ ...rest, change: (y, dX, control) => addShare(y, dX, control, own) })),
    );
    found.forEach((total, i) => {
      const terms = parts.map(({ share: own, x }) => own * x[i]);
      const expected = terms.reduce((sum, term) => sum + term, 0);
      const bound = 5 * 2 ** -24 * terms.reduce((sum, term) => sum + Math.abs(term), 0);
      expect(Math.abs(total - expected)).toBeLessThanOrEqual(bound);
    });
  });

  test('an average keeps what it was in every part, the first too', async () => {
    const x = numbers();
    for (const part of [0, 1]) {
      const found = await after(await backend(), new Float32Array(SIZE).fill(8), [
        { x, part, change: (y, each, control) => average(y, each, control, 0.75) },
      ]);
      // Of 6 + x / 4 only the sum is rounded.
      found.forEach((each, i) => expect(each).toBe(Math.fround(6 + x[i] / 4)));
    }
  });
});

test('an average on the GPU reaches the elements past one row of groups', async () => {
  const many = 65_535 * 64 + 1000;
  const x = Float32Array.from({ length: many }, (_, at) => at % 1021);
  const found = await after(await sharedBackend(), new Float32Array(many), [
    { x, part: 0, change: (y, each, control) => average(y, each, control, 0.5) },
  ]);
  expect(found.subarray(many - 2000)).toEqual(x.subarray(many - 2000).map((each) => each / 2));
});
