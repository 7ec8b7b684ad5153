import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { features, input, logMel, type Context } from '../../src/index.ts';
import { spokenStrings, standardized, statisticsOf, waveforms, type Recording } from '../../src/data/index.ts';
import { sharedDevice } from '../support/device.ts';
import { noise } from '../support/sounds.ts';

const recording = (length: number, label: number): Recording => ({
  name: `${label}.wav`,
  samples: noise(length, length),
  sampleRate: 8000,
  label,
});

/** Of lengths that fall into several programs, out of order, one of them shorter than a frame. */
const LENGTHS = [1200, 100, 640, 641, 300, 2000];
const all = LENGTHS.map((length, at) => recording(length, at % 3));

describe('waveforms', () => {
  test('are samples with zeros behind them, lengths and labels', () => {
    const { length, fields } = waveforms(all);
    expect(length).toBe(6);
    expect(fields.x.shape).toEqual([2000]);
    expect([...fields.length.data]).toEqual(LENGTHS);
    expect([...fields.label.data]).toEqual([0, 1, 2, 0, 1, 2]);
    all.forEach(({ samples }, at) => {
      const row = fields.x.data.subarray(at * 2000, (at + 1) * 2000);
      expect(row.subarray(0, samples.length)).toEqual(samples);
      expect(row.subarray(samples.length).every((sample) => sample === 0)).toBe(true);
    });
  });

  test('of a number of samples end there', () => {
    const { fields } = waveforms(all, { samples: 640 });
    expect([...fields.length.data]).toEqual([640, 100, 640, 640, 300, 640]);
    expect(fields.x.data.subarray(0, 640)).toEqual(all[0].samples.subarray(0, 640));
  });

  test('of strings have labels of one length, and how many they are', () => {
    const strings = [[1, 2], [], [3, 4, 5]].map((labels) => ({ samples: noise(1, 9), sampleRate: 8000, labels }));
    const { fields } = waveforms(strings);
    expect(fields.labels.shape).toEqual([3]);
    expect([...fields.labels.data]).toEqual([1, 2, 0, 0, 0, 0, 3, 4, 5]);
    expect([...fields.labelLength.data]).toEqual([2, 0, 3]);
  });
});

/** Roundings of f32 in another order, in the logarithm. */
const TOLERANCE = 2e-4;

describe('features', () => {
  const front = logMel({ sampleRate: 8000, mels: 8, deltas: 1 });
  const given = async () => ({ device: await sharedDevice() });

  test.each(['webgpu', 'cpu'] as const)('on %s are what the layer hears in the waveforms', async (backend) => {
    const heard = await features(all, front, backend === 'cpu' ? { backend } : await given());
    // As much silence as a delta reaches lies behind the longest too.
    const { fields } = waveforms(all, { samples: 2400 });
    const x = input('x', spec([6, 2400]));
    const { y } = interpret(
      { outputs: { y: front.apply(x, {}, {} as Context) }, writes: [] },
      { batch: { x: fields.x.data } },
    ).outputs;
    const [frames, whole] = [front.framesOf(2000), front.framesOf(2400)];
    expect(heard.fields.x.shape).toEqual([frames, 16]);
    expect([...heard.fields.length.data]).toEqual(LENGTHS.map((length) => front.framesOf(length)));
    expect([...heard.fields.label.data]).toEqual([0, 1, 2, 0, 1, 2]);
    for (let sample = 0; sample < 6; sample++) {
      const own = heard.fields.x.data.subarray(sample * frames * 16, (sample + 1) * frames * 16);
      for (let at = 0; at < frames * 16; at++) {
        expect(Math.abs(own[at] - y[sample * whole * 16 + at]), `sample ${sample}, ${at}`).toBeLessThan(TOLERANCE);
      }
    }
  });

  test('of a number of frames end there', async () => {
    const [whole, cut] = [
      await features(all, front, await given()),
      await features(all, front, { frames: 3, ...(await given()) }),
    ];
    expect(cut.fields.x.shape).toEqual([3, 16]);
    expect([...cut.fields.length.data]).toEqual(LENGTHS.map((length) => Math.min(3, front.framesOf(length))));
    const size = whole.fields.x.shape[0] * 16;
    expect(cut.fields.x.data.subarray(48, 96)).toEqual(whole.fields.x.data.subarray(size, size + 48));
  });

  test('of more sounds than are heard at once are each its own, with silence behind', async () => {
    const many = Array.from({ length: 70 }, (_, at) => recording(at > 65 ? 2000 : 300 + ((at * 37) % 70), at));
    const heard = await features(many, front, await given());
    const frames = heard.fields.x.shape[0];
    const size = frames * 16;
    for (const which of [0, 65, 69]) {
      const alone = await features([many[which]], front, { frames, ...(await given()) });
      alone.fields.x.data.forEach((value, at) => {
        expect(Math.abs(value - heard.fields.x.data[which * size + at])).toBeLessThan(TOLERANCE);
      });
    }
    expect(heard.fields.x.data.subarray(size - 16, size)).toEqual(front.silence);
  });
});

describe('standardized', () => {
  /** Two sounds of two frames of three features, the second of one frame alone: what lies behind it does not count. */
  const set = {
    length: 2,
    fields: {
      x: { data: Float32Array.of(1, 5, 0, 3, 5, 2, 8, 5, 4, 99, 99, 99), shape: [2, 3], dtype: 'f32', scale: null },
      length: { data: Int32Array.of(2, 1), shape: [], dtype: 'i32', scale: null },
    },
  } as const;

  test('statistics are those of the frames within the sounds', () => {
    const { mean, deviation } = statisticsOf(set);
    expect(mean).toEqual([4, 5, 2]);
    expect(deviation[0]).toBeCloseTo(Math.sqrt(26 / 3), 12);
    expect(deviation[1]).toBe(0);
    expect(deviation[2]).toBeCloseTo(Math.sqrt(8 / 3), 12);
  });

  test('features have mean 0 and deviation 1, and what lies behind the end is 0', () => {
    const made = standardized(set, statisticsOf(set));
    expect(statisticsOf(made).mean.every((mean) => Math.abs(mean) < 1e-7)).toBe(true);
    expect(statisticsOf(made).deviation[0]).toBeCloseTo(1, 6);
    expect([...made.fields.x.data.subarray(9)]).toEqual([0, 0, 0]);
    expect(made.fields.length).toBe(set.fields.length);
  });

  test('others go by the statistics that they are given', () => {
    const made = standardized(set, { mean: [1, 1, 1], deviation: [2, 4, 0] });
    expect([...made.fields.x.data]).toEqual([0, 1, -1, 1, 1, 1, 3.5, 1, 3, 0, 0, 0]);
  });

  test('without any, each sound goes by its own', () => {
    const made = standardized(set);
    expect([...made.fields.x.data]).toEqual([-1, 0, -1, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
  });
});

describe('spoken strings', () => {
  const words = [0, 1, 2, 3].map((label) => recording(200 + 100 * label, label));

  test('are of as many words as were asked for, each as likely, with pauses between', () => {
    const strings = spokenStrings(words, { count: 600, seed: 3, digits: [2, 4], pause: [0.01, 0.02], noise: 0 });
    const counts = [2, 3, 4].map((count) => strings.filter(({ labels }) => labels.length === count).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(600);
    // Five deviations of a binomial's.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(58);
    for (const { samples, labels } of strings) {
      const said = labels.reduce((sum, label) => sum + 200 + 100 * label, 0);
      const pauses = samples.length - said;
      expect(pauses).toBeGreaterThanOrEqual(80 * (labels.length + 1));
      expect(pauses).toBeLessThanOrEqual(160 * (labels.length + 1));
    }
  });

  test('hold the recordings in the order of the labels', () => {
    const [{ samples, labels }] = spokenStrings(words, {
      count: 1,
      seed: 5,
      digits: [3, 3],
      pause: [0.02, 0.02],
      noise: 0,
    });
    let at = 160;
    const gains = labels.map((label) => {
      const { samples: word } = words[label];
      // A difference, as levelling has taken away an offset.
      const gain = (samples[at + 50] - samples[at + 10]) / (word[50] - word[10]);
      at += word.length + 160;
      return gain;
    });
    expect(gains[0]).toBeGreaterThan(0.1);
    for (const gain of gains) expect(gain).toBeCloseTo(gains[0], 4);
    expect(at).toBe(samples.length);
  });

  test('are the same under one seed, also as the first of more, and others under another', () => {
    const made = (count: number, seed: number) => spokenStrings(words, { count, seed });
    expect(made(5, 1)).toEqual(made(9, 1).slice(0, 5));
    expect(made(5, 1)).not.toEqual(made(5, 2));
  });

  test('have noise in their pauses, as loud as was asked for', () => {
    const loudness = (share: number): number => {
      const [{ samples }] = spokenStrings(words, { count: 1, digits: [1, 1], pause: [1, 1], noise: share });
      const pause = samples.subarray(0, 8000);
      return Math.sqrt(pause.reduce((sum, x) => sum + x * x, 0) / 8000);
    };
    // Levelling brings up both alike.
    expect(loudness(0.2) / loudness(0.1)).toBeCloseTo(2, 0);
    expect(loudness(0)).toBeLessThan(1e-2);
  });
});

const text = (given: unknown): Recording[] => given as Recording[];

test.each<readonly [string, () => unknown, string]>([
  ['nothing', () => waveforms([]), '[waveforms] what is given is an array of 0 but must be a list of recordings'],
  ['a path', () => spokenStrings(text('digits')), '[spokenStrings] what is given is the text "digits" but must be'],
  [
    'an empty sound',
    () => waveforms([{ ...all[0], samples: new Float32Array(0) }]),
    '[waveforms] sound 0 is an object of "name"',
  ],
  [
    'two rates',
    () => waveforms([all[0], { ...all[1], sampleRate: 16_000 }]),
    '[waveforms] sound 0 has 8000 samples a second and a label, but sound 1 has 16000 samples a second and a label',
  ],
  ['no samples', () => waveforms(all, { samples: 0 }), '[waveforms] samples is 0 but must be'],
  [
    'three digits',
    () => spokenStrings(all, { digits: [3, 2] }),
    '[spokenStrings] digits is an array of 2 but must be the fewest and the most',
  ],
  ['a pause', () => spokenStrings(all, { pause: [-1, 2] }), '[spokenStrings] pause is'],
  ['noise', () => spokenStrings(all, { noise: -1 }), '[spokenStrings] noise is -1 but must be at least 0'],
])('%s is refused', (_, call, message) => expect(call).toThrow(message));

test('a layer for another rate is refused', async () => {
  await expect(features(all, logMel({ sampleRate: 16_000 }))).rejects.toThrow(
    '[features] the sounds have 8000 samples a second, but the layer hears 16000',
  );
});
