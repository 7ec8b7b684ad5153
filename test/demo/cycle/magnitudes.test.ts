import { expect, test } from 'vitest';
import {
  decadesOf,
  formatNumber,
  formatPercent,
  largestAt,
  largestOf,
  meanOf,
  normOf,
} from '../../../src/demo/cycle/magnitudes.ts';

test('mean, largest magnitude and length are those of the numbers', () => {
  expect([meanOf([3, -4, 4]), largestOf([3, -4]), normOf([3, -4]), largestAt([1, 3, 3])]).toEqual([1, 4, 5, 1]);
  expect([meanOf([]), largestOf([]), normOf([])]).toEqual([0, 0, 0]);
  expect(largestOf([1, NaN, 2])).toBeNaN();
});

test.each([
  [0, '0'],
  [12, '12'],
  [2.44071, '2.4407'],
  [-0.000123456, '−0.00012346'],
  [1.23456e-7, '1.2346e−7'],
  [-2.5e10, '−2.5000e10'],
  [NaN, 'NaN'],
])('%f is written %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [0.0871, '8.7 %'],
  [0.314, '31 %'],
  [0.9949, '99.5 %'],
  [1, '100 %'],
  [0.99999, 'more than 99.9 %'],
  [0.00002, 'less than 0.1 %'],
  [0, '0 %'],
])('a probability of %f is read as %s', (share, text) => {
  expect(formatPercent(share)).toBe(text);
});

test('the powers of ten of a scale enclose all magnitudes, and are at least three apart', () => {
  expect(decadesOf([0.5, 2e-6, 0, NaN])).toEqual([-6, 0]);
  expect(decadesOf([0.5])).toEqual([-3, 0]);
  expect(decadesOf([30])).toEqual([-1, 2]);
  expect(decadesOf([0])).toEqual([-3, 0]);
});
