import { expect, test } from 'vitest';
import { columnsOf } from '../../../src/demo/cycle/columns.ts';
import { layoutOf, partOf, targetAt } from '../../../src/demo/picture/networkLayout.ts';
import { PlainNetwork } from '../../support/plainNetwork.ts';

const PIXELS = new Float32Array(784);
const PAGE = 1070;
const PHONE = 286;

const columnsFor = (...hidden: number[]) =>
  columnsOf(new PlainNetwork([784, ...hidden, 10], 'relu').glance(PIXELS, 1, 0.1));
const deep = columnsFor(...new Array<number>(10).fill(32));

test.each([
  ['two small layers', columnsFor(16, 16)],
  ['one wide layer', columnsFor(128)],
  ['ten layers', deep],
])('on a page %s are no wider than the page, and their columns lie apart within the picture', (_, columns) => {
  const { width, height, places } = layoutOf(columns, PAGE);
  expect(width).toBe(PAGE);
  places.forEach((place, at) => {
    expect(place.x).toBeGreaterThanOrEqual(at === 0 ? 0 : places[at - 1].x + places[at - 1].width);
    expect(place.x + place.width).toBeLessThanOrEqual(width);
    expect(place.y + place.height).toBeLessThan(height);
  });
});

test('on a phone ten layers are wider than the screen, so that they scroll rather than lie on one another', () => {
  const { width, places } = layoutOf(deep, PHONE);
  expect(width).toBeGreaterThan(2 * PHONE);
  const gaps = places.slice(1).map(({ x }, at) => x - places[at].x - places[at].width);
  expect(Math.min(...gaps)).toBeGreaterThan(20);
});

test('each neuron of a wide layer is found where it is drawn', () => {
  const layout = layoutOf(columnsFor(128), PAGE);
  expect([layout.places[1].rows, layout.places[1].columns]).toEqual([16, 8]);
  for (const part of [0, 7, 8, 127]) {
    const { x, y, width, height } = partOf(layout.places[1], part);
    expect(targetAt(layout, x + width / 2, y + height / 2)).toEqual({ column: 1, part });
  }
});

test('a name above a column stands for all of it, and between columns there is nothing', () => {
  const layout = layoutOf(columnsFor(16, 16), PAGE);
  const { x, width } = layout.places[2];
  expect(targetAt(layout, x + width / 2, 5)).toEqual({ column: 2, part: null });
  expect(targetAt(layout, x + width + 40, 200)).toBeNull();
});
