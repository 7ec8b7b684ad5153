import { expect, test } from 'vitest';
import { wholePercent } from '../../../src/demo/pad/wholePercent.ts';

test.each([
  [0, '0 %'],
  [0.004, '0 %'],
  [0.376, '38 %'],
  [0.9999, '99 %'],
  [1, '100 %'],
])('a share of %f is said to be %s', (share, text) => {
  expect(wholePercent(share)).toBe(text);
});
