import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { applyOne, type Op, type Value } from '../../src/graph/graph.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import {
  add,
  argmax,
  cast,
  differentiate,
  exp,
  input,
  mean,
  mul,
  relu,
  reshape,
  ShapeError,
  slice,
  sub,
  sum,
} from '../../src/index.ts';

const x = input('x', spec([3]));
const numbers = Float64Array.of(0.5, -1, 2);

/** A value's numbers in f64. */
const numbersOf = (value: Value): number[] => [
  ...interpret({ outputs: { value }, writes: [] }, { batch: { x: numbers }, precision: 'f64' }).outputs['value'],
];

const gradientOf = (loss: Value, value = x): number[] => numbersOf(differentiate(loss, [value])[0]!);

describe('differentiate refuses', () => {
  test('a loss of several numbers', () => {
    expect(() => differentiate(relu(x), [x])).toThrow('[differentiate] the loss is f32[3] but must be one f32');
  });
  test('a loss of integers', () => {
    expect(() => differentiate(cast(sum(x), 'i32'), [x])).toThrow('[differentiate] the loss is i32[]');
  });
  test('by a ShapeError', () => {
    expect(() => differentiate(x, [x])).toThrow(ShapeError);
  });
});

describe('differentiate takes', () => {
  test('a loss of one number that still has axes', () => {
    expect(gradientOf(reshape(sum(x), [1, 1]))).toEqual([1, 1, 1]);
  });
  test('the loss itself as a value, whose gradient is 1', () => {
    const loss = sum(x);
    expect(gradientOf(loss, loss)).toEqual([1]);
  });
});

describe('differentiate gives null', () => {
  test('for a value that the loss does not depend on', () => {
    expect(differentiate(sum(x), [input('y', spec([3]))])).toEqual([null]);
  });
  test('for a value behind an op that lets no gradient through', () => {
    expect(differentiate(mean(cast(argmax(reshape(x, [1, 3])), 'f32')), [x])).toEqual([null]);
  });
  test('only for those values, in their places', () => {
    const y = input('y', spec([3]));
    const [dY, dX] = differentiate(sum(x), [y, x]);
    expect([dY === null, dX === null]).toEqual([true, false]);
  });
});

describe('contributions are summed', () => {
  test('of two ways that part and meet again', () => {
    // (x² + eˣ)′ = 2 x + eˣ
    expect(gradientOf(sum(add(mul(x, x), exp(x))))).toEqual([...numbers].map((n) => n + n + Math.exp(n)));
  });
  test('of both sides of one op', () => {
    expect(gradientOf(sum(mul(x, x)))).toEqual([...numbers].map((n) => 2 * n));
  });
  test('of a value that cancels itself, to zero', () => {
    expect(gradientOf(sum(sub(x, x)))).toEqual([0, 0, 0]);
  });
  test('of ways of different lengths', () => {
    // h = 2 x; (h + h · h)′ = 2 (1 + 2 h)
    const h = mul(x, 2);
    expect(gradientOf(sum(add(h, mul(h, h))))).toEqual([...numbers].map((n) => 2 * (1 + 4 * n)));
  });
  test('of a value and of what it is computed from alike', () => {
    const h = mul(x, 3);
    const loss = sum(mul(h, h));
    expect([gradientOf(loss, h), gradientOf(loss, x)]).toEqual(
      differentiate(loss, [h, x]).map((gradient) => numbersOf(gradient!)),
    );
  });
  test('of slices that overlap', () => {
    const loss = add(sum(slice(x, [{ end: 2 }])), sum(slice(x, [{ start: 1 }])));
    expect(gradientOf(loss)).toEqual([1, 2, 1]);
  });
});

describe('of a value that is read slice by slice', () => {
  const wide = input('x', spec([2, 6]));
  const given = Float64Array.from({ length: 12 }, (_, at) => at / 4 - 1);
  /** The gradient of the sum of squares of some boxes [row, column, rows, columns], and the ops that make it. */
  function gradient(boxes: readonly (readonly [number, number, number, number])[]) {
    const terms = boxes.map(([row, column, rows, columns]) => {
      const box = slice(wide, [
        { start: row, end: row + rows },
        { start: column, end: column + columns },
      ]);
      return sum(mul(box, box));
    });
    const [dX] = differentiate(
      terms.reduce((a, b) => add(a, b)),
      [wide],
    );
    const graph = { outputs: { dX: dX! }, writes: [] };
    const ops = orderOf(graph).map(({ op }) => op.name);
    const count = (name: string): number => ops.filter((op) => op === name).length;
    const twice = new Float64Array(12);
    for (const [row, column, rows, columns] of boxes) {
      for (let i = row; i < row + rows; i++) {
        for (let j = column; j < column + columns; j++) twice[i * 6 + j] += 2 * given[i * 6 + j];
      }
    }
    expect([...interpret(graph, { batch: { x: given }, precision: 'f64' }).outputs['dX']]).toEqual([...twice]);
    return { concats: count('concat'), pads: count('pad') };
  }

  test('slices that tile an axis, in any order, are put side by side', () => {
    const thirds = [2, 0, 4].map((start) => [0, start, 2, 2] as const);
    expect(gradient(thirds)).toEqual({ concats: 1, pads: 0 });
  });
  test('boxes that tile two axes are put side by side along both', () => {
    const quarters = [0, 1].flatMap((row) => [0, 3].map((start) => [row, start, 1, 3] as const));
    expect(gradient(quarters)).toEqual({ concats: 3, pads: 0 });
  });
  test('slices that touch and leave something out are padded once', () => {
    expect(
      gradient([
        [0, 1, 2, 2],
        [0, 3, 2, 1],
      ]),
    ).toEqual({ concats: 1, pads: 1 });
  });
  test('slices with a gap between them are padded each', () => {
    expect(
      gradient([
        [0, 0, 2, 2],
        [0, 3, 2, 1],
      ]),
    ).toEqual({ concats: 0, pads: 2 });
  });
  test('slices that overlap are added up', () => {
    expect(
      gradient([
        [0, 0, 2, 3],
        [0, 2, 2, 3],
        [0, 5, 2, 1],
      ]),
    ).toEqual({ concats: 0, pads: 3 });
  });
});

describe('the graph of the gradients', () => {
  test('has a ladder of diamonds once, not once for each way through it', () => {
    let value = x;
    for (let rung = 0; rung < 14; rung++) value = add(value, value);
    const [gradient] = differentiate(sum(value), [x]);
    expect(orderOf({ outputs: { g: gradient! }, writes: [] }).length).toBeLessThan(50);
  });
});

describe('an op without a derivative', () => {
  const opaque: Op<null> = {
    name: 'opaque',
    infer: ([given]) => [given],
    cpu: ([given], [result]) => result.set(given),
    gpu: () => [],
  };

  test('is passed by where no value lies behind it', () => {
    const factor = applyOne(opaque, [input('y', spec([3]))], null);
    expect(differentiate(sum(mul(x, factor)), [x])).not.toEqual([null]);
  });
  test('is named where one does', () => {
    expect(() => differentiate(sum(applyOne(opaque, [x], null)), [x])).toThrow('opaque has no derivative');
  });
});
