import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { levelled, mono, resample, trimmed } from '../../src/data/index.ts';
import { noise } from '../support/sounds.ts';

interface Golden {
  readonly sound: readonly number[];
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** Made by audio.py, beside it. */
const golden = JSON.parse(readFileSync(new URL('../goldens/audio.json', import.meta.url), 'utf8')) as Golden;
const sound = Float32Array.from(golden.sound, (value) => value / 2 ** 15);

/** Of sums of f32 samples in f64, against the same in another order. */
const TOLERANCE = 1e-6;

const expectNear = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
  for (let at = 0; at < expected.length; at++)
    expect(Math.abs(actual[at] - expected[at]), `at ${at}`).toBeLessThan(TOLERANCE);
};

describe('resample', () => {
  test('from 8 to 11.025 kHz is torchaudio’s', () => {
    const up = resample(sound, 8000, 11_025);
    expect(up.length).toBe(Math.ceil((sound.length * 11_025) / 8000));
    expectNear(up, golden.up);
  });

  test('from 8 to 5 kHz is torchaudio’s', () => {
    const down = resample(sound, 8000, 5000);
    expect(down.length).toBe(golden.down.length);
    expectNear(down, golden.down);
  });

  const tone = (hertz: number, rate: number, length: number): Float32Array =>
    Float32Array.from({ length }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
  const middle = (x: Float32Array): Float32Array => x.subarray(x.length / 4, (3 * x.length) / 4);

  test('a tone that both rates hold stays the same tone', () => {
    const error = middle(resample(tone(1000, 44_100, 22_050), 44_100, 16_000)).map(
      (y, at) => y - Math.sin((2 * Math.PI * 1000 * (at + 2000)) / 16_000),
    );
    expect(Math.max(...error.map(Math.abs))).toBeLessThan(1e-3);
  });

  test('a tone that the lower rate does not hold is gone, and no other one is heard', () => {
    const left = middle(resample(tone(6000, 16_000, 8000), 16_000, 8000));
    expect(Math.max(...left.map(Math.abs))).toBeLessThan(1e-3);
  });

  test('gives the same array where nothing changes, and nothing of nothing', () => {
    expect(resample(sound, 8000, 8000)).toBe(sound);
    expect(resample(new Float32Array(0), 8000, 16_000)).toEqual(new Float32Array(0));
  });
});

describe('levelled', () => {
  test('has no offset, and a loudness of 0.1, however loud it was', () => {
    const x = noise(4, 3000);
    const quiet = levelled(x.map((sample) => sample / 16 - 0.008));
    const power = quiet.reduce((sum, sample) => sum + sample ** 2, 0) / quiet.length;
    expect(Math.sqrt(power)).toBeCloseTo(0.1, 6);
    expect(quiet.reduce((sum, sample) => sum + sample, 0) / quiet.length).toBeCloseTo(0, 7);
    expectNear(quiet, levelled(x));
  });

  test.each([0, 0.3, -1])('a silence of %d becomes one of 0', (value) => {
    expect([...levelled(new Float32Array(1000).fill(value))].every((sample) => Math.abs(sample) < 1e-6)).toBe(true);
  });

  test('what is quieter than 120 dB below full scale stays as quiet', () => {
    const x = noise(5, 1000).map((sample) => sample * 1e-6);
    expect(Math.max(...levelled(x).map(Math.abs))).toBeLessThan(1e-6);
  });

  test('nothing becomes nothing', () => expect(levelled(new Float32Array(0))).toEqual(new Float32Array(0)));
});

describe('trimmed', () => {
  const RATE = 8000;
  /** A tenth of a second of nearly nothing, of a word, of a pause, of a softer word, and of nearly nothing. */
  const parts = [0.001, 0.3, 0.001, 0.05, 0.001].flatMap((loudness) => {
    return Array.from({ length: RATE / 10 }, (_, at) => loudness * Math.sin(at));
  });
  const words = Float32Array.from(parts);

  test('begins with the first word and ends with the last, with a margin, and keeps the pause', () => {
    expect(trimmed(words, RATE, { margin: 0 })).toEqual(words.subarray(800, 3200));
    expect(trimmed(words, RATE)).toEqual(words.subarray(400, 3600));
    expect(trimmed(words, RATE, { margin: 1 })).toEqual(words);
  });

  test('hears what is as far below the loudest as it is told', () => {
    expect(trimmed(words, RATE, { margin: 0, below: 10 })).toEqual(words.subarray(800, 1600));
    expect(trimmed(words, RATE, { margin: 0, below: 60 })).toEqual(words);
  });

  test('leaves silence, and nothing, as they are', () => {
    for (const length of [0, 1000]) {
      expect(trimmed(new Float32Array(length), RATE)).toEqual(new Float32Array(length));
    }
  });
});

test('mono is the mean of all channels', () => {
  expect(mono([Float32Array.of(1, 0.5), Float32Array.of(0, -0.5), Float32Array.of(0.5, 0)])).toEqual(
    Float32Array.of(0.5, 0),
  );
});

test.each<readonly [() => unknown, string]>([
  [() => mono([]), '[mono] the channels is an array of 0 but must be a list of Float32Array'],
  [
    () => mono([new Float32Array(2), new Float32Array(3)]),
    '[mono] the channels’ lengths is the text "2, 3" but must be one and the same',
  ],
  [() => levelled([1] as unknown as Float32Array), '[levelled] samples is an array of 1 but must be a Float32Array'],
  [() => trimmed(sound, 8000, { below: -1 }), '[trimmed] below is -1 but must be at least 0 and finite'],
  [() => resample(sound, 8000, 0.5), '[resample] to is 0.5 but must be a whole number of samples a second'],
])('%s is refused', (call, message) => expect(call).toThrow(message));
