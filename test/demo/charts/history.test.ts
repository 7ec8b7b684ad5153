import { expect, test } from 'vitest';
import { History } from '../../../src/demo/charts/history.ts';

test('few numbers stay as they are', () => {
  const history = new History(8);
  for (let step = 1; step <= 7; step++) history.push(step, 10 * step);
  expect(history.steps).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(history.values).toEqual([10, 20, 30, 40, 50, 60, 70]);
});

test('of many, neighbours become their mean, at the step of the later one', () => {
  const history = new History(8);
  for (let step = 1; step <= 10; step++) history.push(step, 10 * step);
  expect(history.steps).toEqual([2, 4, 6, 8, 10]);
  expect(history.values).toEqual([15, 35, 55, 75, 95]);
});

test('a million numbers keep their mean and take no more room than was given', () => {
  const history = new History(64);
  for (let step = 1; step <= 2 ** 20; step++) history.push(step, step % 2);
  expect(history.values.length).toBeLessThan(64);
  expect(new Set(history.values)).toEqual(new Set([0.5]));
  history.clear();
  history.push(1, 3);
  expect(history.values).toEqual([3]);
});
