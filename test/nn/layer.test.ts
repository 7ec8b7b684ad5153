// What the compiler says of layers and values; `npm run check` reads it, and the assertions here run.

import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  add,
  argmax,
  cast,
  defineLayer,
  dropout,
  equal,
  flatten,
  gelu,
  input,
  linear,
  mul,
  ones,
  relu,
  sequential,
  where,
  type Context,
  type Layer,
  type Module,
  type Value,
} from '../../src/index.ts';

const x = input('x', { shape: [2, 3], dtype: 'f32' });
const labels = input('labels', { shape: [2, 3], dtype: 'i32' });
const field: Value = x;

describe('a value has the dtype', () => {
  test('that its op gives', () => {
    expectTypeOf(relu(field)).toEqualTypeOf<Value<'f32'>>();
    expectTypeOf(argmax(field)).toEqualTypeOf<Value<'i32'>>();
    expectTypeOf(equal(x, 1)).toEqualTypeOf<Value<'u32'>>();
    expectTypeOf(cast(field, 'i32')).toEqualTypeOf<Value<'i32'>>();
    const given = [relu(x), argmax(x), equal(x, 1), cast(x, 'i32')];
    expect(given.map(({ spec }) => spec.dtype)).toEqual(['f32', 'i32', 'u32', 'i32']);
  });

  test('of its operands, of which one may be known alone, or be a number', () => {
    expectTypeOf(add(labels, 1)).toEqualTypeOf<Value<'i32'>>();
    expectTypeOf(add(field, x)).toEqualTypeOf<Value<'f32'>>();
    expectTypeOf(mul(field, 2)).toEqualTypeOf<Value>();
    expectTypeOf(where(equal(x, 1), labels, 0)).toEqualTypeOf<Value<'i32'>>();
    expectTypeOf(flatten(labels)).toEqualTypeOf<Value<'i32'>>();
    expect(where(equal(x, 1), labels, 0).spec.dtype).toBe('i32');
  });
});

describe('sequential', () => {
  test('tells a function what it is handed, and gives what its last one gives', () => {
    const model = sequential(
      linear(3, 2),
      gelu,
      (y, context) => context.apply(dropout(0.1), y),
      (y) => argmax(y),
    );
    expectTypeOf(model).toEqualTypeOf<Layer<Value, Value<'i32'>>>();
    expectTypeOf(sequential(linear(3, 2), relu)).toEqualTypeOf<Layer<Value, Value<'f32'>>>();
  });

  test('takes a list, of whose last nothing is known', () => {
    const list: Module[] = [linear(3, 2), relu];
    expectTypeOf(sequential(...list)).toEqualTypeOf<Layer>();
    expectTypeOf(sequential(...list, linear(2, 2))).toEqualTypeOf<Layer<Value, Value<'f32'>>>();
  });

  test('takes no layer of several values, and none that wants another second argument than a context', () => {
    const both = (y: { a: Value; b: Value }) => add(y.a, y.b);
    // @ts-expect-error a record is no value
    sequential(both);
    // @ts-expect-error its second argument is an axis
    sequential(argmax);
  });
});

test('context.apply gives what a function or a layer gives', () => {
  const model = (y: Value, context: Context) => {
    expectTypeOf(context.apply((z: Value) => argmax(z), y)).toEqualTypeOf<Value<'i32'>>();
    expectTypeOf(context.apply(linear(3, 2), y)).toEqualTypeOf<Value<'f32'>>();
    return context.apply((z, inner) => inner.apply(relu, z), y);
  };
  expectTypeOf(model).returns.toEqualTypeOf<Value<'f32'>>();
});

describe('defineLayer', () => {
  const bias = [1].includes(1);
  const scale = defineLayer({
    name: 'scale',
    parameters: {
      gamma: { shape: [3], initial: (shape, random) => ones(shape, random) },
      ...(bias && { beta: { shape: [3], initial: ones } }),
    },
    state: { seen: { shape: [], initial: ones } },
    apply(y, bound, context) {
      expectTypeOf(context).toEqualTypeOf<Context>();
      expectTypeOf(bound.gamma).toEqualTypeOf<Value<'f32'>>();
      expectTypeOf(bound.seen).toEqualTypeOf<Value<'f32'>>();
      expectTypeOf(bound.beta).toEqualTypeOf<Value<'f32'> | undefined>();
      // @ts-expect-error there is no such parameter
      void bound.gama;
      return mul(y, bound.gamma);
    },
  });

  test('knows the names of what is bound, and what the layer gives', () => {
    expectTypeOf(scale).toEqualTypeOf<Layer<Value, Value<'f32'>>>();
    expect(Object.keys(scale.parameters)).toEqual(['gamma', 'beta']);
  });

  test('makes a layer without parameters of a function', () => {
    const halve = defineLayer({ name: 'halve', apply: (y: Value<'f32'>) => mul(y, 0.5) });
    expectTypeOf(halve).toEqualTypeOf<Layer<Value<'f32'>, Value<'f32'>>>();
    expect(halve.parameters).toEqual({});
  });
});
