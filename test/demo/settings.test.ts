import { expect, test } from 'vitest';
import { networkOf, optimizerOf, rateOf } from '../../src/demo/worker/network.ts';
import {
  formatSettings,
  parseLayers,
  parseSettings,
  presets,
  schedules,
  usualRates,
  usualSettings,
} from '../../src/demo/settings.ts';

test.each(presets)('a link to "$name" says all of it', ({ settings }) => {
  expect(parseSettings(`?${formatSettings(settings)}`)).toEqual({ settings, problems: [] });
});

test('a link that says nothing means what is usual', () => {
  expect(parseSettings('')).toEqual({ settings: usualSettings, problems: [] });
});

test('what a link leaves out suits what it says: a rate its optimizer, layers their kind', () => {
  expect(parseSettings('?optimizer=sgd').settings.rate).toBe(usualRates.sgd);
  expect(parseSettings('?optimizer=sgd&rate=0.7').settings.rate).toBe(0.7);
  expect(parseSettings('?model=convolutional').settings.layers).toEqual([8, 16]);
});

test.each([
  ['rate=fast', 'rate is “fast”, but it must be a number above 0 and up to 10'],
  ['rate=-1', 'rate is “-1”'],
  ['rate=', 'rate is “”'],
  ['seed=1.5', 'seed is “1.5”, but it must be a whole number from 0 to 999999'],
  ['batch=0', 'batch is “0”'],
  ['optimizer=newton', 'optimizer is “newton”, but it must be one of sgd'],
  ['optimizer=toString', 'optimizer is “toString”'],
  ['layers=16,x', 'layers is “16,x”, but it must be 0 to 12 whole numbers from 1 to 1024'],
  ['model=convolutional&layers=8+8+8+8', 'layers is “8 8 8 8”, but it must be 1 to 3 whole numbers from 1 to 64'],
  ['digit=10', 'digit is “10”'],
])('of the link %s one value is left out, and said', (search, problem) => {
  const { settings, problems } = parseSettings(`?${search}`);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
  expect({ ...settings, model: 'dense', layers: usualSettings.layers }).toEqual(usualSettings);
});

test('layers stand between spaces, commas or both; none are a network without hidden ones', () => {
  expect(parseLayers(' 128, 64  32', 'dense')).toEqual([128, 64, 32]);
  expect(parseLayers('', 'dense')).toEqual([]);
  expect(parseLayers('', 'convolutional')).toBeUndefined();
});

test('every choice makes a network and an optimizer', () => {
  for (const { settings } of presets) expect(() => networkOf(settings)).not.toThrow();
  for (const optimizer of Object.keys(usualRates) as (keyof typeof usualRates)[]) {
    expect(optimizerOf({ ...usualSettings, optimizer }).update).toBeTypeOf('function');
  }
});

test('no schedule ever comes to a rate that is none', () => {
  for (const schedule of schedules) {
    for (const step of [0, 1, 199, 200, 1999, 2000, 2001, 100_000]) {
      const rate = rateOf({ ...usualSettings, schedule }, step);
      expect(rate).toBeGreaterThan(0);
      expect(rate).toBeLessThanOrEqual(usualSettings.rate);
    }
  }
});
