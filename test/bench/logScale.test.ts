import { expect, test } from 'vitest';
import { logScale, placeOn, ticksOf } from '../../bench/logScale.ts';

test('an axis begins and ends at powers of ten around its numbers', () => {
  expect(logScale([3e-6, 0.02])).toEqual({ from: -6, to: -1 });
});

test('the shortest bar of an axis can be seen', () => {
  const scale = logScale([1e-6, 5e-6]);
  expect(scale).toEqual({ from: -7, to: -5 });
  expect(placeOn(scale, 1e-6)).toBeCloseTo(0.5);
});

test('equal factors are equal distances', () => {
  const scale = { from: -6, to: -2 };
  const places = [1e-6, 1e-5, 1e-3, 1e-2].map((x) => placeOn(scale, x));
  expect(places).toEqual([0, 0.25, 0.75, 1].map((place) => expect.closeTo(place, 12)));
});

test('a single number has an axis around it', () => {
  const scale = logScale([0.01]);
  expect(scale.to).toBeGreaterThan(scale.from);
  expect(placeOn(scale, 0.01)).toBeLessThanOrEqual(1);
});

test('ticks are named in the unit that people use', () => {
  const labels = ticksOf({ from: -8, to: 1 }, 10).map(({ label }) => label);
  expect(labels).toEqual(['10 ns', '100 ns', '1 µs', '10 µs', '100 µs', '1 ms', '10 ms', '100 ms', '1 s', '10 s']);
});

test('where labels would meet, every second one stays, at its own place', () => {
  const ticks = ticksOf({ from: -6, to: -2 }, 3);
  expect(ticks.map(({ label }) => label)).toEqual(['1 µs', '', '100 µs', '', '10 ms']);
  expect(ticks.map(({ place }) => place)).toEqual([0, 0.25, 0.5, 0.75, 1]);
});
