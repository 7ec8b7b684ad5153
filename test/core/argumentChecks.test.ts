import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { described, nearest, optionsOf } from '../../src/core/argumentChecks.ts';
import { spec } from '../../src/core/shape.ts';
import { dataset } from '../../src/data/dataset.ts';
import { input } from '../../src/graph/leaf.ts';
import { linear } from '../../src/nn/layers.ts';

interface Options {
  readonly rate?: number;
  readonly decays?: boolean;
  readonly clip?: object | undefined;
}
const defaults = { rate: 0.1, decays: true, clip: undefined };
const taken = (given?: unknown) => optionsOf('sieve', given as Options, defaults);

describe('options', () => {
  test('have their defaults where nothing was given', () => {
    expect(taken()).toEqual(defaults);
    expect(taken({ rate: undefined })).toEqual(defaults);
    expect(taken({ decays: false })).toEqual({ ...defaults, decays: false });
  });

  test('are none where a context stands in their place', () => {
    expect(taken({ mode: 'train', draws: () => {} })).toEqual(defaults);
  });

  test.each([
    [null, 'null'],
    [7, '7'],
    ['rate', 'the text "rate"'],
    [[0.1], 'an array of 1'],
    [Math.sqrt, 'the function sqrt'],
    [Promise.resolve({}), 'a promise, which is to be awaited'],
  ])('are not %s', (given, words) => {
    expect(() => taken(given)).toThrow(
      new DataError(`[sieve] the options are ${words} but must be an object of rate, decays, clip`),
    );
  });

  test('that are true or false are nothing else, and null is no default', () => {
    expect(() => taken({ decays: 'false' })).toThrow(
      new DataError('[sieve] decays is the text "false" but must be true or false'),
    );
    expect(taken({ rate: null }).rate).toBeNull();
  });

  test('that are not known are refused with the nearest name', () => {
    expect(() => taken({ rates: 1 })).toThrow(
      new DataError('[sieve] there is no option "rates", the nearest is "rate": it takes rate, decays, clip'),
    );
  });
});

test.each([
  ['lr', 'learningRate'],
  ['learning_rate', 'learningRate'],
  ['eps', 'epsilon'],
  ['wd', 'weightDecay'],
  ['betas', 'beta1'],
  ['Momentum', 'momentum'],
  ['epsilom', 'epsilon'],
])('%s is nearest to %s', (given, name) => {
  expect(nearest(given, ['learningRate', 'weightDecay', 'groups', 'beta1', 'beta2', 'epsilon', 'momentum'])).toBe(name);
});

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  [NaN, 'NaN'],
  ['adam', 'the text "adam"'],
  [() => 1, 'a function'],
  [Promise.resolve(1), 'a promise, which is to be awaited'],
  [input('x', spec([2])), 'a value of a graph'],
  [linear(2, 3), 'a layer'],
  [dataset({ x: [1, 2] }), 'a data set'],
  [{ x: 1, y: 2 }, 'an object of "x", "y"'],
  [{}, 'an empty object'],
  [new Map(), 'of the kind Map'],
  [new ArrayBuffer(8), 'of the kind ArrayBuffer'],
])('%s is described as %s', (given, words) => expect(described(given)).toBe(words));
