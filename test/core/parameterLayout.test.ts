import { describe, expect, test } from 'vitest';
import { BLOCK, layOut, pageName } from '../../src/core/parameterLayout.ts';
import { DeviceError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';

const random = new Random(1, 'layout');
const shapes = Array.from({ length: 200 }, () => [
  Math.floor(random.uniform(0, 40)),
  Math.floor(random.uniform(1, 30)),
]);
const entries = shapes.map((shape, at) => ({ name: `p${at}`, shape }));

describe.each([Infinity, 1 << 20, 10_000, 4864])('ranges on pages of at most %d bytes', (largest) => {
  const pages = layOut(entries, largest);

  test('keep their order, and follow on each other from block to block', () => {
    expect(pages.flatMap(({ ranges }) => ranges.map(({ name }) => name))).toEqual(entries.map(({ name }) => name));
    for (const { ranges, size } of pages) {
      const ends = [...ranges.slice(1).map(({ offset }) => offset), size];
      expect(ranges[0].offset).toBe(0);
      ranges.forEach((range, at) => expect(ends[at]).toBe(range.offset + Math.ceil(range.size / BLOCK) * BLOCK));
    }
  });

  test('begin a page only where the one before has no room for them', () => {
    pages.forEach(({ size }, at) => {
      expect(4 * size).toBeLessThanOrEqual(largest);
      const next = pages[at + 1]?.ranges[0].size ?? Infinity;
      expect(4 * (size + Math.ceil(next / BLOCK) * BLOCK)).toBeGreaterThan(at + 1 < pages.length ? largest : 0);
    });
    expect(pages.length === 1).toBe(largest > 1e6);
  });
});

test('a range that is larger than a page is refused by its name, with both sizes', () => {
  const given = [
    { name: 'small', shape: [3] },
    { name: 'table', shape: [1024, 768] },
  ];
  expect(() => layOut(given, 2 ** 21)).toThrow(DeviceError);
  expect(() => layOut(given, 2 ** 21)).toThrow(
    '"table" is f32[1024, 768], 3.0 MiB, but this device binds at most 2.0 MiB',
  );
});

test('a model without parameters has a page of one block', () => {
  expect(layOut([], 1000)).toEqual([{ ranges: [], size: BLOCK }]);
});

test('the first page is called what the whole arena is', () => {
  expect([0, 1, 9].map((at) => pageName('m', at))).toEqual(['m', 'm 2', 'm 10']);
});
