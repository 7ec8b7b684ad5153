import { describe, expect, test } from 'vitest';
import { hashName, philox, Random, seedKey } from '../../src/core/random.ts';
import { allocate, sizeOf, spec, type Dtype, type Numbers, type Shape } from '../../src/core/shape.ts';
import { judge } from '../../src/cpu/judge.ts';
import type { State } from '../../src/graph/graph.ts';
import { constant, input, read } from '../../src/graph/leaf.ts';
import { add, augmentImages, differentiate, relu, sum, type AugmentOptions, type Draws } from '../../src/index.ts';
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
  readonly stream?: string;
}

const controlOf = ({ seed = 2 ** 40 + 12_345, step = 77, part = 0 }: At = {}): State => ({
  name: 'control',
  spec: spec([4], 'u32'),
  initial: () => Uint32Array.of(step, part, ...seedKey(seed)),
});

const drawsAt = (at: At = {}): Draws => ({
  control: controlOf(at),
  stream: at.stream ?? 'augment',
  partCount: at.partCount ?? 0,
});

const SHAPES: readonly Shape[][] = [[[3, 5, 7]], [[2, 28, 28, 1]], [[3, 9, 6, 3]], [[4, 1, 1]], [[2, 6, 71, 2]]];

const ALL: AugmentOptions = {
  shift: [2, 3],
  flip: 'both',
  rotate: 30,
  scale: 0.2,
  cutout: 3,
  brightness: 0.3,
  contrast: 0.4,
  fill: -0.7,
};

const ALONE: readonly (readonly [string, AugmentOptions])[] = [
  ['shift', { shift: [2, 3] }],
  ['flip', { flip: 'both' }],
  ['rotate', { rotate: 180 }],
  ['scale', { scale: 0.5 }],
  ['cutout', { cutout: 3, fill: 0.25 }],
  ['brightness', { brightness: 0.5 }],
  ['contrast', { contrast: 5 }],
  ['shift over edges', { shift: [2, 3], fill: 'edge' }],
  ['rotate over edges', { rotate: 45, fill: 'edge' }],
  ['all', ALL],
];

/** Options that a picture of one pixel is large enough for. */
const within = (options: AugmentOptions, [, height, width]: Shape): AugmentOptions => {
  const [y, x] = (options.shift ?? [0, 0]) as readonly [number, number];
  return {
    ...options,
    shift: [Math.min(y, height - 1), Math.min(x, width - 1)],
    cutout: Math.min(options.cutout ?? 0, Math.max(height, width)),
  };
};

for (const [name, options] of ALONE) {
  checkOp(
    `augment by ${name}`,
    ([x]) => augmentImages(drawsAt({ part: 2, partCount: 5 }), x, within(options, x.spec.shape)),
    SHAPES,
    {
      differentiable: false,
    },
  );
}

/** What a backend makes of pictures. */
async function augmentedOn(
  backend: Backend,
  x: Numbers,
  shape: Shape,
  options: AugmentOptions,
  at: At = {},
): Promise<Numbers> {
  const program = await backend.compile({
    outputs: { y: augmentImages(drawsAt(at), input('x', spec(shape)), options) },
    writes: [],
  });
  try {
    program.upload('x', x);
    backend.run([program]);
    return await backend.readOutput(program, 'y');
  } finally {
    program.destroy();
    backend.destroy();
  }
}

const onCpu = (x: Numbers, shape: Shape, options: AugmentOptions, at?: At): Promise<Numbers> =>
  augmentedOn(new CpuBackend(), x, shape, options, at);

const onGpu = async (x: Numbers, shape: Shape, options: AugmentOptions, at?: At): Promise<Numbers> =>
  augmentedOn(await sharedBackend(), x, shape, options, at);

/** n copies of one picture. */
function copies(n: number, shape: Shape, pixel: (row: number, column: number, c: number) => number): Float32Array {
  const [height, width, channels = 1] = shape;
  const one = Float32Array.from({ length: height * width * channels }, (_, i) => {
    const place = Math.floor(i / channels);
    return pixel(Math.floor(place / width), place % width, i % channels);
  });
  const all = new Float32Array(n * one.length);
  for (let at = 0; at < n; at++) all.set(one, at * one.length);
  return all;
}

const SIZE = 9;
const MIDDLE = (SIZE - 1) / 2;
/** A picture whose pixels are their places, counted from 1. */
const places = (n: number): Float32Array => copies(n, [SIZE, SIZE], (row, column) => row * SIZE + column + 1);

/** Chi-square is so many of its deviations above its mean by chance once in some thousand times; the seed is fixed. */
const EVEN = 4;

/** Expects values to be 0 … kinds − 1, all as likely. */
function expectEven(values: readonly number[], kinds: number): void {
  const counts = Array.from({ length: kinds }, (_, kind) => values.filter((value) => value === kind).length);
  expect(counts.reduce((total, count) => total + count)).toBe(values.length);
  const expected = values.length / kinds;
  const chi = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0);
  expect((chi - (kinds - 1)) / Math.sqrt(2 * (kinds - 1))).toBeLessThan(EVEN);
}

describe('what is done', () => {
  test('by shift alone moves each pixel by one step, and all steps are as likely', async () => {
    const n = 5000;
    const y = await onGpu(places(n), [n, SIZE, SIZE], { shift: [1, 2] });
    const steps: number[] = [];
    for (let at = 0; at < n; at++) {
      const picture = y.subarray(at * SIZE * SIZE, (at + 1) * SIZE * SIZE);
      const source = picture[MIDDLE * SIZE + MIDDLE] - 1;
      const [down, across] = [MIDDLE - Math.floor(source / SIZE), MIDDLE - (source % SIZE)];
      const expected = copies(1, [SIZE, SIZE], (row, column) => {
        const [r, c] = [row - down, column - across];
        return r >= 0 && r < SIZE && c >= 0 && c < SIZE ? r * SIZE + c + 1 : 0;
      });
      if (at < 50) expect(picture).toEqual(expected);
      steps.push((down + 1) * 5 + across + 2);
    }
    expectEven(steps, 15);
  });

  test.each([
    ['horizontal', [0, 1]],
    ['vertical', [0, 2]],
    ['both', [0, 1, 2, 3]],
  ] as const)('by a flip that is %s is one of %j mirrorings, all as likely', async (flip, kinds) => {
    const n = 4000;
    const y = await onGpu(places(n), [n, SIZE, SIZE], { flip });
    const mirrored = kinds.map((kind) =>
      copies(1, [SIZE, SIZE], (row, column) => {
        const [r, c] = [kind & 2 ? SIZE - 1 - row : row, kind & 1 ? SIZE - 1 - column : column];
        return r * SIZE + c + 1;
      }).join(),
    );
    const seen = Array.from({ length: n }, (_, at) =>
      mirrored.indexOf(y.subarray(at * SIZE * SIZE, (at + 1) * SIZE * SIZE).join()),
    );
    expectEven(seen, kinds.length);
  });

  test('by a cutout is a square around each pixel as likely, of which a part may lie outside', async () => {
    const n = 4000;
    const y = await onGpu(new Float32Array(n * 30).fill(1), [n, 5, 6], { cutout: 3, fill: -2 });
    const centres: number[] = [];
    const expected = Array.from({ length: 30 }, (_, centre) =>
      copies(1, [5, 6], (row, column) => {
        const [r, c] = [row - Math.floor(centre / 6), column - (centre % 6)];
        return Math.abs(r) <= 1 && Math.abs(c) <= 1 ? -2 : 1;
      }).join(),
    );
    for (let at = 0; at < n; at++) centres.push(expected.indexOf(y.subarray(at * 30, (at + 1) * 30).join()));
    expectEven(centres, 30);
  });

  /** Where the pixel beside the middle comes from: pictures whose two channels are the place, as seen from the middle. */
  async function sourcesOf(n: number, options: AugmentOptions): Promise<readonly (readonly [number, number])[]> {
    const shape = [SIZE, SIZE, 2];
    const x = copies(n, shape, (row, column, c) => (c === 0 ? row : column) - MIDDLE);
    const y = await onGpu(x, [n, ...shape], options);
    return Array.from({ length: n }, (_, at) => {
      const i = 2 * ((at * SIZE + MIDDLE) * SIZE + MIDDLE + 2);
      return [y[i], y[i + 1]] as const;
    });
  }

  test('by rotation keeps the distance from the middle, and turns evenly either way', async () => {
    const n = 4000;
    const sources = await sourcesOf(n, { rotate: 60 });
    const tenths = sources.map(([row, column]) => {
      expect(Math.hypot(row, column)).toBeCloseTo(2, 5);
      return Math.floor((Math.atan2(row, column) / (Math.PI / 3) + 1) * 5);
    });
    expectEven(tenths, 10);
  });

  test('by scale moves places along their rays by factors that are evenly drawn', async () => {
    const n = 4000;
    const sources = await sourcesOf(n, { scale: 0.3 });
    const tenths = sources.map(([row, column]) => {
      expect(row).toBeCloseTo(0, 6);
      return Math.floor(((2 / column - 1) / 0.3 + 1) * 5);
    });
    expectEven(tenths, 10);
  });

  test('by contrast and brightness is one factor and one summand for all of a picture, both evenly drawn', async () => {
    const n = 4000;
    const y = await onGpu(
      Float32Array.from({ length: 3 * n }, (_, i) => i % 3),
      [n, 1, 3],
      { contrast: 0.5, brightness: 2 },
    );
    const tenths = [0, 1].map((of) =>
      Array.from({ length: n }, (_, at) => {
        const [zero, one, two] = y.subarray(3 * at, 3 * at + 3);
        expect(two - one).toBeCloseTo(one - zero, 5);
        return Math.floor((of === 0 ? zero / 2 + 1 : (one - zero - 1) / 0.5 + 1) * 5);
      }),
    );
    for (const each of tenths) expectEven(each, 10);
  });
});

const noise = (count: number, name = 'pictures'): Float32Array => {
  const random = new Random(9, name);
  return Float32Array.from({ length: count }, () => random.normal());
};

/** All that needs no rounding. */
const WHOLE: AugmentOptions = { shift: [3, 2], flip: 'both', cutout: 4, fill: 0.5 };

describe('what is drawn', () => {
  const shape = [6, 8, 7, 3];
  const x = noise(sizeOf(shape));
  const first = onGpu(x, shape, WHOLE);

  test('is the same on both backends, to the bit', async () =>
    expect(await onCpu(x, shape, WHOLE)).toEqual(await first));
  test('is the same under one seed, step and stream', async () =>
    expect(await onGpu(x, shape, WHOLE)).toEqual(await first));
  test.each([{ seed: 1 }, { step: 78 }, { part: 1, partCount: 6 }, { stream: 'b' }])('differs at %j', async (at) => {
    expect(await onGpu(x, shape, WHOLE, at)).not.toEqual(await first);
  });

  test.each([
    ['CPU', onCpu],
    ['GPU', onGpu],
  ] as const)('in three parts on the %s is what the whole would draw', async (_, on) => {
    const [whole, size] = [await on(x, shape, ALL), sizeOf(shape) / 3];
    for (const part of [0, 1, 2]) {
      const own = await on(x.subarray(part * size, (part + 1) * size), [2, 8, 7, 3], ALL, { part, partCount: 2 });
      expect(own).toEqual(whole.subarray(part * size, (part + 1) * size));
    }
  });

  test('of a sample is words of Philox: its first bits flip, the remainder of the second shifts', async () => {
    const n = 64;
    const y = await onGpu(
      places(n),
      [n, SIZE, SIZE],
      { shift: 1, flip: true },
      { seed: 5, step: 3, part: 1, partCount: 7 },
    );
    for (let at = 0; at < n; at++) {
      const words = philox([7 + at, 3, hashName('augment'), 2], seedKey(5));
      const [down, across] = [Math.floor((words[1] % 9) / 3) - 1, (words[1] % 3) - 1];
      const column = MIDDLE - across;
      const source = (MIDDLE - down) * SIZE + (words[0] & 1 ? SIZE - 1 - column : column);
      expect(y[(at * SIZE + MIDDLE) * SIZE + MIDDLE]).toBe(source + 1);
    }
  });
});

test('pictures of [N, H, W] are changed as those of one channel', async () => {
  const x = noise(4 * 35);
  expect(await onGpu(x, [4, 5, 7], ALL)).toEqual(await onGpu(x, [4, 5, 7, 1], ALL));
});

test('where all options are 0 there is no launch, but x itself', () => {
  const x = input('x', spec([2, 5, 5]));
  expect(
    augmentImages(drawsAt(), x, { shift: 0, flip: false, rotate: 0, scale: 0, cutout: 0, brightness: 0, contrast: 0 }),
  ).toBe(x);
});

describe('samples that lie on the GPU', () => {
  const LENGTH = 11;
  const rows = Uint32Array.of(10, 0, 3, 3, 7);

  /** Runs augmented samples with and without fusion, each launch held against f64. */
  async function bothWays(
    shape: Shape,
    dtype: Dtype,
    scale: { scale: number; offset: number } | null,
    options: AugmentOptions,
  ) {
    const numbers = allocate(spec([LENGTH, ...shape], dtype));
    const random = new Random(4, dtype);
    for (let i = 0; i < numbers.length; i++) numbers[i] = dtype === 'f32' ? random.normal() : random.uniform(0, 250);
    const state: State = { name: 'data', spec: spec([LENGTH, ...shape], dtype), initial: () => numbers, fixed: true };
    const taken = takeSamples(constant(rows, spec([rows.length], 'u32')), [read(state)], {
      label: 'x',
      held: LENGTH,
      dtype,
      scale,
    });
    const y = augmentImages(drawsAt(), taken, options);
    const made: { launches: readonly string[]; y: Numbers }[] = [];
    for (const fuse of [false, true]) {
      const backend = new GpuBackend(await sharedDevice(), { fuse });
      const program = await backend.compile({ outputs: { y }, writes: [] });
      const seen = await backend.observe(program, {});
      for (const { node, inputs, outputs } of seen) expect(judge(node, inputs, outputs)).toBeNull();
      made.push({ launches: program.launches, y: seen.at(-1)!.outputs[0] });
      program.destroy();
      backend.destroy();
    }
    return made;
  }

  describe.each([
    ['u8', { scale: 1 / 255, offset: 0 }],
    ['f32', null],
    ['i32', { scale: 0.5, offset: 0 }],
  ] as const)('as %s, seen by %j', (dtype, scale) => {
    test.each([[[5, 7]], [[8, 6, 3]], [[1, 1, 2]]])('of %j are read in place, to the same bits', async (shape) => {
      for (const options of [WHOLE, ALL]) {
        const [apart, fused] = await bothWays(shape, dtype, scale, within(options, [0, ...shape]));
        expect(apart.launches).toEqual(['takeSamples', 'augment']);
        expect(fused.launches).toEqual(['takeSamples+augment']);
        expect(fused.y).toEqual(apart.y);
      }
    });
  });

  test('that are seen with an offset are read in place, within the bound', async () => {
    const [, fused] = await bothWays(
      [9, 9],
      'u8',
      { scale: 1 / 78.6, offset: -0.42 },
      { ...ALL, brightness: 2, contrast: 2 },
    );
    expect(fused.launches).toEqual(['takeSamples+augment']);
  });
});

test('what follows element by element joins the launch', async () => {
  const backend = new GpuBackend(await sharedDevice(), { fuse: true });
  const [x, z] = ['x', 'z'].map((name) => input(name, spec([3, 5, 7])));
  const program = await backend.compile({ outputs: { y: relu(add(augmentImages(drawsAt(), x, ALL), z)) }, writes: [] });
  expect(program.launches).toEqual(['augment+add+relu']);
  for (const { node, inputs, outputs } of await backend.observe(program, { x: noise(105), z: noise(105, 'z') })) {
    expect(judge(node, inputs, outputs)).toBeNull();
  }
  program.destroy();
  backend.destroy();
});

test('a gradient that would flow through pictures is refused', () => {
  const x = input('x', spec([2, 5, 5]));
  expect(() => differentiate(sum(augmentImages(drawsAt(), x, ALL)), [x])).toThrow(
    '[augment] x depends on what is learned, but no gradient flows through augment: make it the first layer',
  );
});
