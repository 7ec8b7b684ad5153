import { expect, test } from 'vitest';
import { requireDerivative } from '../../src/check/derivative.ts';
import { fill, opGraph, type Build } from '../../src/check/opGraph.ts';
import { Random } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { abs, add, div, mul, relu, stopGradient, sub } from '../../src/ops/index.ts';

const SEED = Date.now() % 1_000_000_007;

/** Holds a function's derivative against difference quotients, at numbers whose size is `size`. */
function check(build: Build, size: number): number {
  const random = new Random(SEED, 'derivative');
  const numbers = spec([4, 6]);
  const nearZero = () => size * random.uniform(0.2, 1) * (random.uniform() < 0.5 ? -1 : 1);
  return requireDerivative(opGraph(build, [numbers], random), { x0: fill(numbers, random, nearZero) }, SEED);
}

test.each([
  ['a slope with a kink', ([x]) => div(x, add(abs(x), 1))],
  ['a kink', ([x]) => relu(x)],
] satisfies [string, Build][])('%s at 0 is no fault of numbers that lie beside it', (_, build) => {
  expect(check(build, 1)).toBe(24);
  expect(check(build, 3e-4)).toBe(24);
});

test('a derivative that is wrong there by 1 in 10,000 is told', () => {
  const wrong: Build = ([x]) => add(relu(x), mul(1e-4, sub(x, stopGradient(x))));
  expect(() => check(wrong, 3e-4)).toThrow('the difference quotient is');
});
