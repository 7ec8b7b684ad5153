// What is handed in by a slip is told where it comes in, with the way out.

import { expect, test } from 'vitest';
import { Registry, traced, Tracer } from '../../src/nn/tracer.ts';
import { huber, input, linear, relu, sequential, type Module, type Value } from '../../src/index.ts';

const x = input('x', { shape: [2, 3], dtype: 'f32' });
const apply = (model: unknown) => new Tracer(new Registry(1), 'train', null).apply(model as Module, x, '');

test.each<[string, () => unknown, string]>([
  ['a list of layers', () => sequential([linear(3, 2), relu] as never), '[sequential] layer 0 is an array of 2'],
  ['a value for a layer', () => sequential(relu(x) as never), '[sequential] layer 0 is a value of a graph'],
  ['nothing for a layer', () => apply(undefined), '[context.apply] what is applied is nothing'],
  ['an async model', () => apply(async () => x), '[model] what it gives is a promise'],
  ['a model that returns nothing', () => apply(() => {}), '[model] what it gives is nothing'],
  ['a model that returns a number', () => apply(() => 3), '[model] what it gives is 3'],
  ['a delta of 0', () => huber(x, x, { delta: 0 }), '[huber] delta is 0'],
  ['a delta that is NaN', () => huber(x, x, { delta: NaN }), '[huber] delta is NaN'],
  ['an option that there is not', () => huber(x, x, { dleta: 1 } as never), 'the nearest is "delta"'],
])('%s', (_, slip, message) => {
  expect(slip).toThrow(message);
});

test('a field that is not there is told with those that are', () => {
  const batch: Readonly<Record<string, Value>> = { image: x, label: x };
  expect(() => traced(batch, () => batch['labl'].spec)).toThrow('the batch has image, label');
  expect(() => traced(batch, () => relu(batch['labl']))).toThrow('(the batch has image, label)');
});
