// The functions of four numbers at a time that kernels of WebAssembly share, against f64.

import { inflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import base64 from '../../src/wasm/assembly/mathLoops.json?wasm';
import { erfOf } from '../../src/ops/pointwise/elementary.ts';
import { UNIT } from '../../src/graph/accuracy.ts';

type Loop = (x: number, count: number) => void;

const FIRST = 4096;
const COUNT = 2 ** 20;
/** Half of the smallest number. */
const HALF_OF_LEAST = 2 ** -150;

const memory = new WebAssembly.Memory({ initial: (FIRST + 4 * COUNT) / 65_536 + 1 });
const bytes = inflateRawSync(Buffer.from(base64, 'base64'));
const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
const numbers = new Float32Array(memory.buffer, FIRST, COUNT);
const bits = new Uint32Array(memory.buffer, FIRST, COUNT);

const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

/** In units, how far a result is from what it is to be; NaN, infinity and 0 must be the same. */
function strayed(result: number, exact: number): number {
  const nearest = Math.fround(exact);
  if (Object.is(result, nearest)) return 0;
  if (!Number.isFinite(nearest) || !Number.isFinite(result) || Math.sign(result) === -Math.sign(exact)) return Infinity;
  return Math.max(0, Math.abs(result - exact) - HALF_OF_LEAST) / Math.abs(exact) / UNIT;
}

test.each([
  ['exponentials', Math.exp, 2],
  ['logistics', logistic, 4],
  ['tangents', Math.tanh, 3],
  ['logarithms', Math.log, 2],
  ['exponentialsMinusOne', Math.expm1, 4],
  ['logarithmsOfOnePlus', Math.log1p, 4],
  ['errorFunctions', erfOf, 8],
] as const)('%s of numbers of all sizes and both signs, NaN and infinity', (name, exact, units) => {
  for (let i = 0; i < COUNT; i++) bits[i] = i * 4096 + ((i * 1021) & 4095);
  numbers.set([0, -0, 1, Infinity, -Infinity, NaN, 88.72283, 88.72284, -87.4, -103.9, -104.1, 1e-45]);
  const given = numbers.slice();
  (instance.exports[name] as Loop)(FIRST, COUNT);
  let worst = { x: 0, units: 0 };
  given.forEach((x, i) => {
    const away = strayed(numbers[i], exact(x));
    if (away > worst.units) worst = { x, units: away };
  });
  expect(worst.units, `at ${worst.x}`).toBeLessThan(units);
});
