import { describe, expect, test } from 'vitest';
import { inOrder, reached } from '../../src/graph/order.ts';

const DEEP = 200_000;

/** By item, its neighbours. */
const graph: Readonly<Record<string, readonly string[]>> = {
  a: ['b', 'c'],
  b: ['d'],
  c: ['d', 'e'],
  d: [],
  e: [],
};
const next = (item: string): readonly string[] => graph[item];

describe('walks', () => {
  test('meet items in the order of a function that calls itself', () => {
    expect([...reached(['a'], next)]).toEqual(['a', 'b', 'd', 'c', 'e']);
    expect([...reached(['c', 'a'], next)]).toEqual(['c', 'd', 'e', 'a', 'b']);
  });
  test('put each item behind what it needs, the first before the second', () => {
    expect(inOrder(['a'], next)).toEqual(['d', 'b', 'e', 'c', 'a']);
    expect(inOrder(['c', 'a'], next)).toEqual(['d', 'e', 'c', 'b', 'a']);
  });
  test('are as deep as the graph', () => {
    const down = (item: number): number[] => (item < DEEP ? [item + 1] : []);
    expect(reached([1], down).size).toBe(DEEP);
    expect(inOrder([1], down)[0]).toBe(DEEP);
  });
  test('go once through what is reached on many ways', () => {
    let asked = 0;
    const twice = (item: number): number[] => {
      asked++;
      return item < 1000 ? [item + 1, item + 1] : [];
    };
    expect(inOrder([1], twice)).toHaveLength(1000);
    expect(asked).toBe(1000);
  });
  test('name an item that needs itself', () => {
    const circle = (item: number): number[] => [(item + 1) % 3];
    expect(() => inOrder([0], circle, (item) => `${item} is in a circle`)).toThrow('0 is in a circle');
  });
});
