// What layers are called: saved weights and random streams hang on it.

import { describe, expect, test } from 'vitest';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import {
  add,
  conv2d,
  createTrainer,
  defineLayer,
  dropout,
  input,
  linear,
  meanSquaredError,
  relu,
  reshape,
  sequential,
  sgd,
  zeros,
  type Context,
  type Module,
  type Value,
} from '../../src/index.ts';

const x = input('x', { shape: [2, 3], dtype: 'f32' });

/** The paths that one trace of a model uses, in order, and the names of what it learns and keeps. */
function traced(model: Module, registry = new Registry(1)) {
  const tracer = new Tracer(registry, 'train', null);
  tracer.apply(model, x, '');
  return {
    paths: tracer.applied.map(({ path }) => path),
    names: [...registry.parameters.map(({ name }) => name), ...registry.states.keys()],
  };
}

const plain = () => linear(3, 3, { bias: false });
const keeping = (name: string) =>
  defineLayer({ name: 'keeping', state: { [name]: { shape: [], initial: zeros } }, apply: (y: Value) => relu(y) });

describe('a layer that is given no name', () => {
  test('has one by its kind and its order there', () => {
    const [first, second, kernel, inner] = [plain(), plain(), conv2d(1, 1, 1, { bias: false }), plain()];
    const block = (y: Value, context: Context) => context.apply(inner, y);
    const { names } = traced((y: Value, context: Context) => {
      const pictures = context.apply(kernel, reshape(context.apply(first, y), [2, 3, 1, 1]));
      return context.apply(block, context.apply(second, reshape(pictures, [2, 3])));
    });
    expect(names).toEqual(['linear0.weight', 'conv2d0.weight', 'linear1.weight', 'function0.linear0.weight']);
  });

  test('keeps it when it is used again, and takes no further number', () => {
    const [first, second] = [plain(), plain()];
    const { paths } = traced((y: Value, context: Context) =>
      [first, first, second, first].reduce<Value>((value, layer) => context.apply(layer, value), y),
    );
    expect(paths.slice(0, 4)).toEqual(['linear0', 'linear0', 'linear1', 'linear0']);
  });

  test('has the same one in each trace, though it is made anew, beside one that is not', () => {
    const kept = dropout(0.1);
    const model = (y: Value, context: Context) =>
      [kept, dropout(0.2), relu, (z: Value) => relu(z)].reduce<Value>((value, layer) => context.apply(layer, value), y);
    const registry = new Registry(1);
    const expected = ['dropout0', 'dropout1', 'function0', 'function1', ''];
    expect(traced(model, registry).paths).toEqual(expected);
    expect(traced(model, registry).paths).toEqual(expected);
  });

  test('avoids a number that another was given by name', () => {
    const [named, other] = [plain(), plain()];
    const { names } = traced((y: Value, context: Context) => context.apply(other, context.apply(named, y, 'linear0')));
    expect(names).toEqual(['linear0.weight', 'linear1.weight']);
  });

  test('lies where it is used if its name is empty', () => {
    const only = plain();
    expect(traced((y: Value, context: Context) => context.apply(only, y, '')).names).toEqual(['weight']);
  });

  test('has another one in another phase', async () => {
    const [make, tell] = [sequential(plain()), sequential(plain())];
    const trainer = await createTrainer({
      phases: [
        {
          name: 'make',
          loss: (_, batch, context) => meanSquaredError(context.apply(make, batch['point']), batch['target']),
          optimizer: sgd({ learningRate: 0.1 }),
        },
        {
          name: 'tell',
          loss: (_, batch, context) => meanSquaredError(context.apply(tell, batch['point']), batch['target']),
          optimizer: sgd({ learningRate: 0.1 }),
        },
      ],
      batchSize: 2,
      backend: 'cpu',
      data: { point: { shape: [3], dtype: 'f32', scale: null }, target: { shape: [3], dtype: 'f32', scale: null } },
    });
    const weights = await trainer.summary();
    trainer.destroy();
    expect(weights).toContain('sequential0.layer0');
    expect(weights).toContain('sequential1.layer0');
  });
});

describe('two layers of one name are refused', () => {
  const both = (one: Module, other: Module): Module => {
    return (y: Value, context: Context) => context.apply(other, context.apply(one, y, 'a'), 'a');
  };
  test.each<[string, Module]>([
    ['with parameters', both(plain(), plain())],
    ['with a state each', both(keeping('mean'), keeping('mean'))],
    ['with nothing', both(dropout(0.1), dropout(0.2))],
    ['of which one has a parameter and the other a state', both(plain(), keeping('weight'))],
    ['of which one lies below the other', both(sequential(plain()), sequential(plain()))],
  ])('%s', (_, model) => {
    expect(() => traced(model)).toThrow('[model] two layers are named "a"');
  });

  test('made anew in the next trace: create them once, outside', () => {
    const registry = new Registry(1);
    const model = (y: Value, context: Context) => context.apply(plain(), y);
    traced(model, registry);
    expect(() => traced(model, registry)).toThrow('create it once, outside the function');
  });

  test('but a model that makes one without parameters may be traced twice by one tracer', () => {
    const tracer = new Tracer(new Registry(1), 'train', null);
    const model = (y: Value, context: Context) => context.apply(dropout(0.1), y, 'drop');
    for (let phase = 0; phase < 2; phase++) {
      tracer.begin();
      tracer.apply(model, x, '');
    }
    expect(tracer.applied.filter(({ path }) => path === 'drop')).toHaveLength(2);
  });
});

test("a layer's parameter and state of one name are refused", () => {
  const definition = { shape: [3], initial: zeros };
  const layer = defineLayer({
    parameters: { mean: definition },
    state: { mean: definition },
    apply: (y: Value, { mean }) => add(y, mean),
  });
  expect(() => traced(layer)).toThrow('[model] "mean" is a parameter and a state of its layer');
});
