import { describe } from 'vitest';
import type { Random } from '../../src/core/random.ts';
import { spec, type Shape, type Spec } from '../../src/core/shape.ts';
import { gather } from '../../src/ops/gather.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { asCard } from '../support/otherDevice.ts';

type Draw = (random: Random, index: number) => number;
type Dtype = 'i32' | 'u32' | 'u8';

const normal: Draw = (random) => random.normal();

/** Tables of V rows, read by indices that are drawn so, across the shapes of what is read and of a row. */
interface Reading {
  readonly table: Shape;
  readonly indices: Shape;
  readonly draw: (rows: number) => Draw;
  readonly dtype?: Dtype;
  readonly axis?: number;
}

/** Any row alike, none of them outside. */
const uniform =
  (rows: number): Draw =>
  (random) =>
    Math.floor(random.uniform(0, rows));
/** Row r with a probability like 1 / (r + 1), as words of a language. */
const zipf =
  (rows: number): Draw =>
  (random) =>
    Math.floor((rows + 1) ** random.uniform()) - 1;
const same =
  (rows: number): Draw =>
  () =>
    rows - 1;
/** Each row once at most, the first of them far apart. */
const different =
  (rows: number): Draw =>
  (_, index) =>
    (index * 7919) % rows;
/** Half of them name no row: below, just behind, far behind. */
const outside =
  (rows: number): Draw =>
  (random) =>
    [-1, rows, 2 ** 31 - 1, -(2 ** 31)][Math.floor(random.uniform(0, 8))] ?? Math.floor(random.uniform(0, rows));

const readings: Record<string, Reading> = {
  'rows of 3, drawn alike': { table: [53, 3], indices: [100], draw: uniform },
  'a few rows': { table: [300, 5], indices: [16], draw: uniform },
  'a row more than few': { table: [300, 5], indices: [17], draw: uniform },
  'rows of 1': { table: [1021, 1], indices: [2049], draw: zipf },
  'rows of 64, drawn as words are': { table: [2500, 64], indices: [4, 515], draw: zipf },
  'rows of 65, all the same': { table: [7, 65], indices: [1025], draw: same },
  'rows of 300, all different': { table: [70_001, 4], indices: [1500], draw: different },
  'a table of one row': { table: [1, 12], indices: [777], draw: same },
  'indices that name no row': { table: [41, 2], indices: [600], draw: outside },
  'bytes, along axis 1': { table: [3, 200, 6], indices: [301], draw: uniform, dtype: 'u8', axis: 1 },
};

for (const [place, options] of [
  ['on the device', {}],
  ['on a card', { on: asCard }],
] as [string, CheckOptions][]) {
  describe(place, () => {
    for (const [name, { table, indices, draw, dtype = 'i32', axis = 0 }] of Object.entries(readings)) {
      const specs: Spec[] = [spec(table), spec(indices, dtype)];
      const rows = draw(table[axis]);
      checkOp(`gather of ${name}`, ([x, i]) => gather(x, i, axis), [specs], {
        ...options,
        make: (at) => (at === 0 ? normal : rows),
        special: name.includes('of 3') || name.includes('the same'),
        kinked: place === 'on a card',
      });
    }
  });
}
