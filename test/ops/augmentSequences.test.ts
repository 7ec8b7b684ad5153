import { describe, expect, test } from 'vitest';
import { hashName, philox, seedKey } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { judge } from '../../src/cpu/judge.ts';
import type { State } from '../../src/graph/graph.ts';
import { constant, input, read } from '../../src/graph/leaf.ts';
import { differentiate, maskSequences, relu, sum, type Draws, type SequenceChanges } from '../../src/index.ts';
import { takeSamples } from '../../src/ops/data/samples.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { checkOp } from '../support/checkOp.ts';
import { sharedBackend, sharedDevice } from '../support/device.ts';

interface At {
  readonly seed?: number;
  readonly step?: number;
  readonly part?: number;
  readonly partCount?: number;
}

const drawsAt = ({ seed = 2 ** 40 + 5, step = 77, part = 0, partCount = 0 }: At = {}): Draws => {
  const initial = (): Numbers => Uint32Array.of(step, part, ...seedKey(seed));
  return { control: { name: 'control', spec: spec([4], 'u32'), initial }, stream: 'mask', partCount };
};

const ALL: SequenceChanges = {
  shift: 3,
  timeMasks: { count: 3, longest: 5 },
  featureMasks: { count: 2, longest: 2 },
  fill: -0.5,
};

checkOp(
  'augmentSequences',
  ([x]) => maskSequences(drawsAt({ part: 2, partCount: 5 }), x, ALL),
  [[[3, 7, 4]], [[2, 300, 2]], [[5, 9, 3]]],
  { differentiable: false },
);

checkOp(
  'augmentSequences of one feature',
  ([x]) => maskSequences(drawsAt(), x, { shift: 2, timeMasks: { count: 8, longest: 3 } }),
  [[[3, 611]], [[1, 3]]],
  { differentiable: false },
);

async function on(backend: Backend, x: Numbers, shape: Shape, changes: SequenceChanges, at?: At): Promise<Numbers> {
  const y = maskSequences(drawsAt(at), input('x', spec(shape)), changes);
  const program = await backend.compile({ outputs: { y }, writes: [] });
  program.upload('x', x);
  backend.run([program]);
  const made = await backend.readOutput(program, 'y');
  program.destroy();
  backend.destroy();
  return made;
}

const onGpu = async (x: Numbers, shape: Shape, changes: SequenceChanges, at?: At): Promise<Numbers> =>
  on(await sharedBackend(), x, shape, changes, at);

/** All elements differ, and none is 0. */
const places = (shape: Shape): Float32Array => Float32Array.from({ length: sizeOf(shape) }, (_, at) => at + 1);

describe('what is drawn', () => {
  const shape = [6, 20, 5];
  const x = places(shape);
  const first = onGpu(x, shape, ALL);

  test('is the same on both backends, to the bit', async () => {
    expect(await on(new CpuBackend(), x, shape, ALL)).toEqual(await first);
  });
  test('is the same under one seed and step', async () => expect(await onGpu(x, shape, ALL)).toEqual(await first));
  test.each([{ seed: 1 }, { step: 78 }, { part: 1, partCount: 6 }])('differs at %j', async (at) => {
    expect(await onGpu(x, shape, ALL, at)).not.toEqual(await first);
  });

  test('in three parts is what the whole would draw', async () => {
    const size = sizeOf(shape) / 3;
    for (const part of [0, 1, 2]) {
      const own = await onGpu(x.subarray(part * size, (part + 1) * size), [2, 20, 5], ALL, { part, partCount: 2 });
      expect(own).toEqual((await first).subarray(part * size, (part + 1) * size));
    }
  });

  test('of a sample is words of Philox: the first shifts, each mask takes two more', async () => {
    const y = await onGpu(
      places([64, 20]),
      [64, 20],
      { shift: 2, timeMasks: { count: 1, longest: 7 } },
      { seed: 5, step: 3 },
    );
    for (let n = 0; n < 64; n++) {
      const word = (block: number) => philox([n, 3, hashName('mask'), 3 + (block << 8)], seedKey(5));
      const [shift, width] = [(word(0)[0] % 5) - 2, word(1)[0] % 8];
      const start = word(1)[1] % (20 - width + 1);
      for (let t = 0; t < 20; t++) {
        const isSeen = t - shift >= 0 && t - shift < 20 && !(t >= start && t < start + width);
        expect(y[n * 20 + t], `sample ${n}, step ${t}`).toBe(isSeen ? n * 20 + t - shift + 1 : 0);
      }
    }
  });
});

test('masks cover each place and each width as often, within four deviations', async () => {
  const count = 4000;
  const [steps, longest] = [9, 4];
  const ones = new Float32Array(count * steps).fill(1);
  const y = await onGpu(ones, [count, steps], { timeMasks: { count: 1, longest } });
  const widths = Array.from({ length: longest + 1 }, () => 0);
  for (let n = 0; n < count; n++)
    widths[y.subarray(n * steps, (n + 1) * steps).filter((value) => value === 0).length]++;
  const expected = count / (longest + 1);
  for (const width of widths) expect(Math.abs(width - expected)).toBeLessThan(4 * Math.sqrt(expected));
});

test('masks over features cover them in all steps, and only them', async () => {
  const shape = [50, 4, 6];
  const y = await onGpu(places(shape), shape, { featureMasks: { count: 2, longest: 2 }, fill: -1 });
  for (let n = 0; n < 50; n++) {
    const row = (t: number) => Array.from(y.subarray((n * 4 + t) * 6, (n * 4 + t + 1) * 6), (value) => value === -1);
    for (const t of [1, 2, 3]) expect(row(t)).toEqual(row(0));
    expect(row(0).filter(Boolean).length).toBeLessThanOrEqual(4);
  }
});

test('samples that lie on the GPU are read where they lie, to the same bits, and what follows joins the launch', async () => {
  const rows = Uint32Array.of(10, 0, 3, 3, 7);
  const numbers = places([11, 8, 3]);
  const state: State = { name: 'data', spec: spec([11, 8, 3]), initial: () => numbers, fixed: true };
  const taken = takeSamples(constant(rows, spec([5], 'u32')), [read(state)], {
    label: 'x',
    held: 11,
    dtype: 'f32',
    scale: null,
  });
  const y = relu(maskSequences(drawsAt(), taken, ALL));
  const made: Numbers[] = [];
  for (const fuse of [false, true]) {
    const backend = new GpuBackend(await sharedDevice(), { fuse });
    const program = await backend.compile({ outputs: { y }, writes: [] });
    const seen = await backend.observe(program, {});
    for (const { node, inputs, outputs } of seen) expect(judge(node, inputs, outputs)).toBeNull();
    made.push(seen.at(-1)!.outputs[0]);
    if (fuse) expect(program.launches).toEqual(['takeSamples+augmentSequences+relu']);
    program.destroy();
    backend.destroy();
  }
  expect(made[1]).toEqual(made[0]);
});

test('where nothing is to happen there is no launch, but x itself', () => {
  const x = input('x', spec([2, 5]));
  expect(maskSequences(drawsAt(), x, { shift: 0, fill: 3 })).toBe(x);
});

test('a gradient that would flow through is refused', () => {
  const x = input('x', spec([2, 5]));
  expect(() => differentiate(sum(maskSequences(drawsAt(), x, { shift: 1 })), [x])).toThrow(
    '[augmentSequences] x depends on what is learned, but no gradient flows through it',
  );
});

const x = (shape: Shape) => input('x', spec(shape));

test.each<readonly [SequenceChanges, Shape, string]>([
  [{ shift: -1 }, [2, 5], 'shift is -1 but must be a whole number of steps'],
  [
    { timeMasks: { count: 1.5, longest: 2 } },
    [2, 5],
    'timeMasks is an object of "count", "longest" but must be whole numbers',
  ],
  [{ featureMasks: 3 as never }, [2, 5], 'featureMasks is 3 but must be whole numbers'],
  [{ fill: NaN }, [2, 5], 'fill is NaN but must be a finite number'],
  [{ timeMasks: { count: 9, longest: 2 } }, [2, 5], 'there are 9 masks, but at most 8'],
  [{ shift: 5 }, [2, 5], 'shift reaches 5, but of x, f32[2, 5], at most 4'],
  [{ timeMasks: { count: 1, longest: 6 } }, [2, 5], 'timeMasks reaches 6, but of x, f32[2, 5], at most 5'],
  [{ featureMasks: { count: 1, longest: 4 } }, [2, 5, 3], 'featureMasks reaches 4, but of x, f32[2, 5, 3], at most 3'],
  [{ shift: 1 }, [5], 'x is f32[5] but must be sequences, [N, steps] or [N, steps, features]'],
])('%j of %j is refused', (changes, shape, message) => {
  expect(() => maskSequences(drawsAt(), x(shape), changes)).toThrow(`[augmentSequences] ${message}`);
});
