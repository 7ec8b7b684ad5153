import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import { logMel, type Context, type LogMel, type LogMelOptions } from '../../src/index.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { checkOp } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { noise } from '../support/sounds.ts';

interface Golden {
  readonly sound: readonly number[];
  readonly sampleRate: number;
  readonly whole: readonly number[];
  readonly padded: readonly number[];
  readonly delta: readonly number[];
  readonly deltaOfDelta: readonly number[];
}

/** Made by audio.py, beside it. */
const golden = JSON.parse(readFileSync(new URL('../goldens/audio.json', import.meta.url), 'utf8')) as Golden;
const sound = Float32Array.from(golden.sound, (value) => value / 2 ** 15);

const nobody = {} as Context;
const applied = (layer: LogMel, x: Value): Value => layer.apply(x, {}, nobody);

const graphOf = (layer: LogMel, count: number, samples: number): Graph => ({
  outputs: { y: applied(layer, input('x', spec([count, samples]))) },
  writes: [],
});

async function on(backend: Backend, layer: LogMel, x: Float32Array, count = 1): Promise<Numbers> {
  const program = await backend.compile(graphOf(layer, count, x.length / count));
  program.upload('x', x);
  backend.run([program]);
  const { y } = await backend.readOutputs(program);
  program.destroy();
  backend.destroy();
  return y;
}

const onGpu = async (layer: LogMel, x: Float32Array, count?: number): Promise<Numbers> =>
  on(new GpuBackend(await sharedDevice()), layer, x, count);

/** The natural logarithm of a power whose sum is off by some roundings of f32, also where it is far below its neighbours. */
const TOLERANCE = 2e-4;

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let at = 0; at < actual.length; at++) {
    expect(Math.abs(actual[at] - expected[at]), `at ${at}: ${actual[at]}, not ${expected[at]}`).toBeLessThan(TOLERANCE);
  }
}

const WHOLE: LogMelOptions = { sampleRate: 8000, frame: 32, hop: 10, mels: 20, low: 20, high: 4000 };
const PADDED: LogMelOptions = { sampleRate: 8000, frame: 25, hop: 10, mels: 12, low: 100, high: 3000 };

describe.each([
  ['GPU', onGpu],
  ['CPU', (layer: LogMel, x: Float32Array) => on(new CpuBackend(), layer, x)],
] as const)('on the %s', (_, compute) => {
  test.each([
    ['whose frames fill the transform', WHOLE, golden.whole],
    ['whose frames are shorter than the transform', PADDED, golden.padded],
  ])('features %s are torchaudio’s', async (_title, options, expected) => {
    expectNear(await compute(logMel(options), sound), expected);
  });

  test('deltas, and theirs, are torchaudio’s', async () => {
    const y = await compute(logMel({ ...WHOLE, deltas: 2 }), sound);
    const columns = (from: number): number[] =>
      Array.from(y).filter((_value, at) => Math.floor((at % 60) / 20) === from);
    expectNear(columns(0), golden.whole);
    expectNear(columns(1), golden.delta);
    expectNear(columns(2), golden.deltaOfDelta);
  });
});

/** From the definition, in f64: each frame by itself, each pitch by itself. */
function plain(x: Float32Array, frame: number, hop: number, points: number, rate: number, mels: number): number[] {
  const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const width = (mel(rate / 2) - mel(20)) / (mels + 1);
  const corner = (at: number): number => 700 * (10 ** ((mel(20) + at * width) / 2595) - 1);
  const features: number[] = [];
  for (let start = 0; start === 0 || start + frame <= x.length; start += hop) {
    const power = Array.from({ length: points / 2 + 1 }, (_, bin) => {
      let [re, im] = [0, 0];
      for (let n = 0; n < frame; n++) {
        const seen = (x[start + n] ?? 0) * Math.sin((Math.PI * n) / frame) ** 2;
        re += seen * Math.cos((2 * Math.PI * bin * n) / points);
        im -= seen * Math.sin((2 * Math.PI * bin * n) / points);
      }
      return re * re + im * im;
    });
    for (let m = 0; m < mels; m++) {
      const [left, middle, right] = [corner(m), corner(m + 1), corner(m + 2)];
      const heard = power.reduce((sum, p, bin) => {
        const hertz = (bin * rate) / points;
        const share = hertz < middle ? (hertz - left) / (middle - left) : (right - hertz) / (right - middle);
        return sum + p * Math.max(0, share);
      }, 0);
      features.push(Math.log(Math.max(heard, 1e-6)));
    }
  }
  return features;
}

describe('against the definition in f64', () => {
  // One sample less or more than a frame, and than a hop; hops that are longer than frames, and of one sample.
  test.each([1, 199, 200, 201, 279, 280, 281, 1000])('%i samples', async (length) => {
    const x = noise(length, length);
    expectNear(await onGpu(logMel({ sampleRate: 8000, mels: 16 }), x), plain(x, 200, 80, 256, 8000, 16));
  });

  test.each([
    { frame: 5, hop: 12 },
    { frame: 3, hop: 0.125 },
    { frame: 10, hop: 5.125 },
  ])('%j milliseconds', async ({ frame, hop }) => {
    const x = noise(1, 400);
    const layer = logMel({ sampleRate: 8000, mels: 6, points: 128, frame, hop });
    expectNear(await onGpu(layer, x), plain(x, frame * 8, hop * 8, 128, 8000, 6));
  });

  test('each of several sounds is as it would be alone', async () => {
    const sounds = [1, 2, 3].map((seed) => noise(seed, 500));
    const layer = logMel({ sampleRate: 8000, mels: 16 });
    const together = await onGpu(layer, Float32Array.from(sounds.flatMap((x) => [...x])), 3);
    expectNear(
      together,
      sounds.flatMap((x) => plain(x, 200, 80, 256, 8000, 16)),
    );
  });
});

checkOp('logMel', ([x]) => applied(logMel({ sampleRate: 8000, mels: 10, deltas: 1 }), x), [[[2, 523]], [[1, 90]]], {
  differentiable: false,
});

test('it is two launches, and a third where samples do not end with a hop', async () => {
  const launches = async (samples: number): Promise<readonly string[]> => {
    const backend = new GpuBackend(await sharedDevice());
    const program = await backend.compile(graphOf(logMel({ sampleRate: 8000 }), 4, samples));
    program.destroy();
    backend.destroy();
    return program.launches;
  };
  expect(await launches(1600)).toEqual(['conv2d+squaredError', 'matmul+maximum+log']);
  expect((await launches(1601)).length).toBe(3);
});

describe('framesOf', () => {
  const layer = logMel({ sampleRate: 8000 });

  test('is how many frames the layer gives', () => {
    for (const samples of [1, 199, 200, 279, 280, 281, 4000]) {
      expect(applied(layer, input('x', spec([1, samples]))).spec.shape).toEqual([1, layer.framesOf(samples), 40]);
    }
  });

  test('is the same of a field', () => {
    const lengths = Int32Array.from({ length: 3000 }, (_, at) => at + 1);
    const value = layer.framesOf(constant(lengths, spec([3000], 'i32')));
    const { y } = interpret({ outputs: { y: value }, writes: [] }).outputs;
    expect(y).toEqual(lengths.map((length) => layer.framesOf(length)));
  });
});

test('silence is the logarithm of the floor', async () => {
  const y = await onGpu(logMel({ sampleRate: 8000, floor: 1e-3 }), new Float32Array(400));
  for (const each of y) expect(each).toBeCloseTo(Math.log(1e-3), 5);
});

test.each<readonly [Partial<LogMelOptions>, string]>([
  [{ sampleRate: 0 }, 'sampleRate is 0 but must be a whole number of samples a second'],
  [{ frame: 0 }, 'frame is 0 but must be milliseconds'],
  [{ hop: -1 }, 'hop is -1 but must be milliseconds'],
  [{ mels: 2.5 }, 'mels is 2.5 but must be a whole number of filters'],
  [{ low: -1 }, 'low is -1 but must be at least 0'],
  [{ high: 4001 }, 'high is 4001 but must be above low, 20, and at most 4000'],
  [{ points: 100 }, "points is 100 but must be at least 200, a frame's"],
  [{ floor: 0 }, 'floor is 0 but must be above 0'],
  [{ deltas: 3 as 2 }, 'deltas is 3 but must be 0, 1 or 2'],
  [{ mels: 120 }, "filter 1 of 120 lies between two of the 256 points' pitches, which are 31.25 Hz apart"],
])('%j is refused', (options, message) => {
  expect(() => logMel({ sampleRate: 8000, ...options })).toThrow(`[logMel] ${message}`);
});

test('what is no row of samples is refused', () => {
  expect(() => applied(logMel({ sampleRate: 8000 }), input('x', spec([2, 9, 1])))).toThrow(
    '[logMel] x is f32[2, 9, 1] but must be sounds, [N, samples]',
  );
});
