import { expect, test } from 'vitest';
import { spec, type Shape } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { workOf, type Work } from '../../src/graph/work.ts';
import {
  add,
  argmax,
  cast,
  concat,
  gather,
  matmul,
  mean,
  relu,
  slice,
  softmax,
  sum,
  transpose,
} from '../../src/index.ts';
import { takeSamples } from '../../src/ops/data/samples.ts';

const x = (...shape: Shape): Value => input('x', spec(shape));
const integers = (...shape: Shape): Value => input('rows', spec(shape, 'u32'));
const bytes = (...shape: Shape): Value => input('bytes', spec(shape, 'u8'));

const pixels = { label: 'image', dtype: 'u8', scale: { scale: 1 / 255, offset: 0 } } as const;

/** By hand: operations; numbers of four bytes that are read; that are written. */
const cases: readonly (readonly [string, Value, flops: number, reads: number, writes: number])[] = [
  ['a product', matmul(x(3, 5), x(5, 7)), 2 * 3 * 5 * 7, 15 + 35, 21],
  ['products that share a matrix', matmul(x(4, 3, 5), x(5, 7)).node.inputs[0], 2 * 12 * 5 * 7, 60 + 35, 84],
  ['a matrix times itself', square(x(6, 6)), 2 * 6 ** 3, 36, 36],
  ['a sum that broadcasts', add(x(4, 6), x(6)), 24, 24 + 6, 24],
  ['relu', relu(x(9)), 9, 9, 9],
  ['a total', sum(x(4, 6)), 24, 24, 1],
  ['a mean of rows', mean(x(4, 6), { axes: 1 }), 24, 24, 4],
  ['argmax', argmax(x(4, 6)), 24, 24, 4],
  ['softmax', softmax(x(4, 6)), 5 * 24, 24, 24],
  ['a transposition', transpose(x(4, 6)), 0, 24, 24],
  ['a slice, of which the rest is not read', slice(x(100, 6), [{ end: 2 }]), 0, 12, 12],
  ['rows of a table, of which the others are not read', gather(x(1000, 6), integers(3)), 0, 3 + 18, 18],
  ['values one behind the other', concat([x(4), x(6)]), 0, 10, 10],
  ['integers as f32', cast(integers(5), 'f32'), 0, 5, 5],
  ['samples in two parts, scaled, four bytes a word', take(bytes(100, 8), bytes(50, 8)), 2 * 24, 3 + 6, 24],
];

function square(a: Value): Value {
  return matmul(a, a);
}

function take(...parts: readonly Value[]): Value {
  return takeSamples(integers(3), parts, { ...pixels, held: 100 });
}

test.each(cases)('%s', (_, { node }, flops, reads, writes) => {
  expect(workOf(node)).toEqual<Work>({ flops, bytes: 4 * (reads + writes) });
});
