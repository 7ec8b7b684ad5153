// How amounts are said.

import { expect, test } from 'vitest';
import { bytesText, megabytes } from '../../src/core/textFormat.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [12_345, '12.3 kB'],
  [407_080, '407 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [1_249_000, '1.25 MB'],
  [999_999_999, '1.00 GB'],
  [2.5e12, '2.50 TB'],
])('%i bytes that are sent are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test('memory is told in powers of two', () => {
  expect(megabytes(1.5 * 2 ** 20)).toBe('1.5 MiB');
});
