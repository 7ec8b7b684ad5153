// Arrays of a run, into trainers and out of them. Of PyTorch's models torch.json holds what PyTorch wrote
// (test/interop/python/torch_models.py), of Keras' goldens/flower/keras.json (keras_weights.py); average.json what Flower makes of what nodes send (flower_average.py).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../src/flower/layouts/layoutOf.ts';
import type { NamedArrays } from '../../src/flower/options.ts';
import {
  adam,
  batchNorm,
  concat,
  constant,
  conv2d,
  createTrainer,
  defineLayer,
  embedding,
  flatten,
  gather,
  gru,
  layerNorm,
  linear,
  lstm,
  matmul,
  maxPool,
  mean,
  mul,
  positions,
  randomNormal,
  relu,
  sequential,
  tanh,
  tied,
  type Context,
  type Module,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { readSafetensors } from '../../src/data/index.ts';
import { isValue } from '../../src/graph/graph.ts';
import { fromKeras, readNpy, type NumpyArray } from '../../src/interop/index.ts';
import average from '../goldens/flower/average.json' with { type: 'json' };
import keras from '../goldens/flower/keras.json' with { type: 'json' };
import torch from '../goldens/interop/torch.json' with { type: 'json' };
import { twins } from '../interop/torchModels.ts';

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

async function trainerOf(
  model: Module,
  shape: readonly number[],
  options: Partial<TrainerOptions> = {},
  dtype: 'f32' | 'i32' = 'f32',
): Promise<Trainer> {
  return createTrainer({
    model,
    loss: (y: Value) => mean(y),
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: 3,
    data: { x: { shape, dtype, scale: null } },
    inputs: ['x'],
    backend: 'cpu',
    ...options,
  } as TrainerOptions);
}

const normed = (): Module => sequential(linear(3, 2), batchNorm(2), relu, linear(2, 2));
const batch = { x: Float32Array.of(1, 2, 3, 4, 5, 6, 9, 8, 7) };

/** A trainer some steps on, so that no number of it is one that it began with. */
async function trained(options: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const trainer = await trainerOf(normed(), [3], options);
  for (let step = 0; step < 3; step++) await trainer.step(batch);
  return trainer;
}

/** All that a trainer goes on from, but the texts in front of it. */
const stateOf = async (trainer: Trainer) => readSafetensors('saved', await trainer.save()).tensors;

const changed = (arrays: NamedArrays, name: string, array: NumpyArray): NamedArrays => new Map(arrays).set(name, array);

const without = (arrays: NamedArrays, name: string): NamedArrays =>
  new Map([...arrays].filter(([other]) => other !== name));

const zeros = (...shape: readonly number[]): NumpyArray => ({
  shape,
  data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
});

describe.each(['millrace', 'torch', 'keras'] as const)('what a trainer gives in the layout "%s"', (layout) => {
  test('changes no bit of it where it comes back', async () => {
    const trainer = await trained();
    const arrays = layoutOf({ trainer, layout });
    const before = await stateOf(trainer);
    const given = await arrays.give();
    await arrays.take(given);
    expect(await stateOf(trainer)).toEqual(before);
    expect(await arrays.give(given)).toEqual(given);
    trainer.destroy();
  });

  test('makes another trainer the same, running averages too', async () => {
    const [trainer, other] = [await trained(), await trainerOf(normed(), [3], { seed: 5 })];
    await layoutOf({ trainer: other, layout }).take(await layoutOf({ trainer, layout }).give());
    expect(readSafetensors('own', await other.saveWeights()).tensors).toEqual(
      readSafetensors('own', await trainer.saveWeights()).tensors,
    );
    for (const each of [trainer, other]) each.destroy();
  });

  test('goes out in the order that came', async () => {
    const trainer = await trained();
    const arrays = layoutOf({ trainer, layout });
    const like = new Map([...(await arrays.give())].toReversed());
    expect([...(await arrays.give(like))]).toEqual([...like]);
    trainer.destroy();
  });

  test('are the parameters, where it keeps averages of them, which begin at what comes', async () => {
    const trainer = await trained({ averageWeights: { decay: 0.9 } });
    const plain = await trained();
    const arrays = layoutOf({ trainer, layout });
    const given = await arrays.give();
    expect(given).toEqual(await layoutOf({ trainer: plain, layout }).give());
    const averages = readSafetensors('own', await trainer.saveWeights()).tensors['layer0.weight'].data;
    const parameters = await trainer.readParameters();
    expect(averages).not.toEqual(parameters['layer0.weight']);
    await arrays.take(given);
    expect(await trainer.readParameters()).toEqual(parameters);
    const after = readSafetensors('own', await trainer.saveWeights()).tensors;
    expect(after['layer0.weight'].data).toEqual(parameters['layer0.weight']);
    for (const each of [trainer, plain]) each.destroy();
  });

  test('is taken as a whole or not at all', async () => {
    const trainer = await trained();
    const arrays = layoutOf({ trainer, layout });
    const before = await stateOf(trainer);
    const given = await arrays.give();
    const names = [...given.keys()].filter((name) => !name.endsWith('num_batches_tracked'));
    const nines = new Map(
      Array.from(given, ([name, { shape, data }]) => [name, { shape, data: data.map(() => 9) }] as const),
    );
    const last = names.at(-1)!;
    const broken = [
      without(nines, last),
      changed(nines, last, zeros(7)),
      changed(nines, 'another', zeros(2)),
      changed(nines, last, { shape: nines.get(last)!.shape, data: Float32Array.of(NaN, 0) }),
      changed(nines, last, { shape: nines.get(last)!.shape, data: Int32Array.of(1, 2 ** 24 + 1) }),
    ];
    for (const arrived of broken)
      await expect(arrays.take(arrived)).rejects.toThrow(/another|"7"|runningVariance|3\.bias/);
    expect(await stateOf(trainer)).toEqual(before);
    trainer.destroy();
  });
});

test('names and shapes are those of saveWeights', async () => {
  const trainer = await trained();
  const given = await layoutOf({ trainer, layout: 'millrace' }).give();
  const { tensors } = readSafetensors('own', await trainer.saveWeights());
  expect(Object.fromEntries(given)).toEqual(tensors);
  expect([...given.keys()]).toEqual(Object.keys(tensors));
  trainer.destroy();
});

/** A state dict of PyTorch's, as Flower brings it: NumPy's types. */
function dictIn(file: Uint8Array): NamedArrays {
  const { tensors, converted = {} } = readSafetensors('theirs', file);
  return new Map(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, data: converted[name] === 'I64' ? Int32Array.from(data) : data },
    ]),
  );
}

describe.each(Object.keys(torch.models) as (keyof typeof torch.models)[])('PyTorch\'s model "%s"', (name) => {
  test('is taken, and given back under its names to the last bit', async () => {
    const { model, options: { names } = {} } = twins(1)[name];
    const { stateDict, x, y } = torch.models[name];
    const [given, wanted] = [readNpy('x', bytesOf(x)), readNpy('y', bytesOf(y))];
    const dtype = given.data instanceof Int32Array ? 'i32' : 'f32';
    const trainer = await trainerOf(model, given.shape.slice(1), {}, dtype);
    const came = dictIn(bytesOf(stateDict));
    const arrays = layoutOf({ trainer, layout: 'torch', names });
    await arrays.take(came);
    const { data } = await trainer.predict({ x: given.data } as never);
    const worst = Math.max(...Array.from(data, (number, at) => Math.abs(number - wanted.data[at])));
    expect(worst).toBeLessThan(2e-6);
    const back = await arrays.give(came);
    expect([...back]).toEqual([...came]);
    // Without any that came, they are called the same, as toTorch does.
    const fresh = await arrays.give();
    const counted = ([own, array]: [string, NumpyArray]) =>
      [own, own.endsWith('tracked') ? { ...array, data: Int32Array.of(0) } : array] as const;
    expect(fresh).toEqual(new Map(Array.from(came, counted)));
    trainer.destroy();
  });
});

test('modules of other names are told by their shapes, and keep the names that came', async () => {
  const trainer = await trained();
  const arrays = layoutOf({ trainer, layout: 'torch' });
  const theirs = { 0: 'features.fc', 1: 'features.bn', 3: 'head' };
  const renamed = (all: NamedArrays): NamedArrays =>
    new Map(
      Array.from(all, ([name, array]) => [
        name.replace(/^\d/, (at) => theirs[at as unknown as keyof typeof theirs]),
        array,
      ]),
    );
  const came = renamed(await arrays.give());
  expect([...came.keys()]).toContain('features.bn.num_batches_tracked');
  await trainer.step(batch);
  expect(await arrays.give(came)).toEqual(renamed(await arrays.give()));
  trainer.destroy();
});

test('an output that shares its weight with an embedding has it under both names', async () => {
  const table = embedding(5, 4);
  const model = (x: Value, context: Context) =>
    context.apply(tied(table), context.apply(table, x, 'tokens'), 'lm_head');
  const trainer = await trainerOf(model, [3], {}, 'i32');
  const arrays = layoutOf({ trainer, layout: 'torch' });
  const given = await arrays.give();
  expect([...given.keys()]).toEqual(['tokens.weight', 'lm_head.weight']);
  const doubled = new Map(
    Array.from(given, ([name, { shape, data }]) => [name, { shape, data: data.map((number) => 2 * number) }] as const),
  );
  await arrays.take(doubled);
  expect(await arrays.give(given)).toEqual(doubled);
  const apart = changed(doubled, 'lm_head.weight', given.get('lm_head.weight')!);
  await expect(arrays.take(apart)).rejects.toThrow(
    '"lm_head.weight" and "tokens.weight" of the arrays that came differ, but are one weight of the model',
  );
  trainer.destroy();
});

const numbersOf = ({ base64 }: { readonly base64: string }): Float32Array =>
  new Float32Array(Uint8Array.from(bytesOf(base64)).buffer);

/** Keras' models, as they are said here. */
const kerasTwins: Readonly<Record<keyof typeof keras.models, () => Module>> = {
  mlp: () => sequential(linear(5, 4), relu, linear(4, 3)),
  cnn: () =>
    sequential(
      conv2d(2, 4, 3, { padding: 'same', bias: false }),
      batchNorm(4, { epsilon: 1e-3 }),
      relu,
      (x: Value) => maxPool(x, 2),
      conv2d(4, 4, 3, { padding: 'same', groups: 4 }),
      flatten,
      linear(36, 3),
    ),
  lstm: () => sequential(lstm(3, 4), linear(4, 2)),
  gru: () => sequential(gru(3, 4, { bidirectional: true }), linear(8, 2)),
  text: () =>
    sequential(embedding(7, 4), (x: Value) => mean(x, { axes: 1 }), layerNorm(4, { epsilon: 1e-3 }), linear(4, 2)),
  branches: () => {
    const [short, first, long, last] = [linear(4, 3), linear(4, 5), linear(5, 3), linear(6, 2)];
    return (x: Value, context: Context) => {
      const one = context.apply(short, x, 'short');
      const other = tanh(context.apply(long, relu(context.apply(first, x, 'first')), 'long'));
      return context.apply(last, concat([one, other], 1), 'last');
    };
  },
};

describe.each(Object.keys(keras.models) as (keyof typeof keras.models)[])('Keras\' model "%s"', (name) => {
  test('is taken as get_weights gives it, and given back so to the last bit', async () => {
    const { weights, x, y } = keras.models[name];
    const isText = name === 'text';
    const given = isText ? Int32Array.from(numbersOf(x)) : numbersOf(x);
    const trainer = await trainerOf(kerasTwins[name](), x.shape.slice(1), {}, isText ? 'i32' : 'f32');
    const came = new Map(weights.map(({ shape, base64 }, at) => [String(at), { shape, data: numbersOf({ base64 }) }]));
    const arrays = layoutOf({ trainer, layout: 'keras' });
    await arrays.take(came);
    const { data } = await trainer.predict({ x: given } as never);
    const worst = Math.max(...Array.from(data, (number, at) => Math.abs(number - numbersOf(y)[at])));
    expect(worst).toBeLessThan(2e-6);
    expect([...(await arrays.give(came))]).toEqual([...came]);
    // Where nothing came, branches are in the order in which toKeras writes them.
    const fresh = await arrays.give();
    await arrays.take(fresh);
    expect(await arrays.give(came)).toEqual(came);
    if (name !== 'branches') expect([...fresh]).toEqual([...came]);
    trainer.destroy();
  });
});

const filesFolder = fileURLToPath(new URL('../goldens/interop/keras/', import.meta.url));

/** A trainer of a model that Keras saved. */
async function trainerOfFile(name: string): Promise<Trainer> {
  const { model } = await fromKeras(readFileSync(`${filesFolder}${name}.keras`));
  const { inputs } = JSON.parse(readFileSync(`${filesFolder}${name}.json`, 'utf8')) as {
    readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly base64: string }>>;
  };
  const fields = Object.entries(inputs).map(([field, told]) => {
    const dtype = numbersOf(told).every(Number.isInteger) ? ('i32' as const) : ('f32' as const);
    return [field, { shape: told.shape.slice(1), dtype, scale: null }] as const;
  });
  const first = (given: Value | Readonly<Record<string, Value>>): Value =>
    isValue(given) ? given : Object.values(given)[0];
  return createTrainer({
    model,
    loss: (given: Value | Readonly<Record<string, Value>>) => mean(first(given)),
    optimizer: adam(),
    batchSize: 3,
    data: Object.fromEntries(fields),
    inputs: Object.keys(inputs),
    backend: 'cpu',
  } as TrainerOptions);
}

describe.each(Object.keys(keras.files) as (keyof typeof keras.files)[])('the file "%s" of Keras\'', (name) => {
  test('has its arrays in the order of get_weights, and takes them so', async () => {
    const trainer = await trainerOfFile(name);
    const arrays = layoutOf({ trainer, layout: 'keras' });
    const given = await arrays.give();
    const told = Array.from(given.values(), ({ shape, data }) => [
      shape,
      createHash('sha256')
        .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        .digest('hex')
        .slice(0, 16),
    ]);
    expect(told).toEqual(keras.files[name]);
    const doubled = new Map(
      Array.from(given, ([at, { shape, data }]) => [at, { shape, data: data.map((number) => 2 * number) }] as const),
    );
    await arrays.take(doubled);
    expect(await arrays.give()).toEqual(doubled);
    trainer.destroy();
  });
});

describe('in the layout "keras"', () => {
  test('the two biases of a recurrent layer are the one that Keras has', async () => {
    const trainer = await trainerOf(lstm(3, 2) as Module, [4, 3]);
    const biased = await trainer.readParameters();
    await trainer.writeParameters({
      'layer0.inputBias': biased['layer0.inputBias'].map((_, at) => at / 7),
      'layer0.hiddenBias': biased['layer0.hiddenBias'].map((_, at) => 1 / (at + 3)),
    });
    const before = await trainer.readParameters();
    const arrays = layoutOf({ trainer, layout: 'keras' });
    const given = await arrays.give();
    await arrays.take(given);
    expect(await trainer.readParameters()).toEqual(before);
    const other = changed(given, '2', { shape: [8], data: given.get('2')!.data.map((number) => number + 1) });
    await arrays.take(other);
    expect(await arrays.give()).toEqual(other);
    expect((await trainer.readParameters())['layer0.hiddenBias']).toEqual(new Float32Array(8));
    trainer.destroy();
  });

  test('layers that are alike are listed in the order in which they need each other', async () => {
    const trainer = await trainerOf(sequential(linear(3, 3), relu, linear(3, 3), relu, linear(3, 3)), [3]);
    const arrays = layoutOf({ trainer, layout: 'keras' });
    const own = await trainer.readParameters();
    const given = await arrays.give();
    expect(Array.from(given.values(), ({ data }) => data)).toEqual(Object.values(own));
    await arrays.take(new Map([...given].toReversed()));
    expect(await trainer.readParameters()).toEqual(own);
    trainer.destroy();
  });

  test("a padding's row, which nothing here learns, goes out as it came", async () => {
    const model = sequential(embedding(4, 2, { padding: 0 }), (x: Value) => mean(x, { axes: 1 }), linear(2, 2));
    const trainer = await trainerOf(model, [3], {}, 'i32');
    const arrays = layoutOf({ trainer, layout: 'keras' });
    const given = await arrays.give();
    expect([...given.get('0')!.data.subarray(0, 2)]).toEqual([0, 0]);
    const came = changed(given, '0', { shape: [4, 2], data: given.get('0')!.data.map((number) => number + 1) });
    await arrays.take(came);
    expect(await arrays.give(came)).toEqual(came);
    expect([...(await arrays.give()).get('0')!.data.subarray(0, 2)]).toEqual([0, 0]);
    trainer.destroy();
  });

  const refused = async (
    model: Module,
    change: (own: NamedArrays) => NamedArrays,
    dtype: 'f32' | 'i32' = 'f32',
  ): Promise<string> => {
    const trainer = await trainerOf(model, [3], {}, dtype);
    const arrays = layoutOf({ trainer, layout: 'keras' });
    const refusal = await (async () => arrays.take(change(await arrays.give())))().then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
    trainer.destroy();
    return refusal;
  };
  const table = embedding(5, 4);
  const [one, other] = [linear(3, 2), linear(3, 2)];
  const sideBySide = (x: Value, context: Context): Value =>
    concat([context.apply(one, x, 'one'), relu(context.apply(other, x, 'other'))], 1);
  const scaled = defineLayer({
    parameters: {
      weight: { shape: [3, 2], initial: randomNormal(0, 1) },
      factor: { shape: [2], initial: randomNormal(0, 1) },
    },
    apply: (x: Value, { weight, factor }) => matmul(x, mul(weight, factor)),
  }) as Module;
  const fixed = () => constant(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), { shape: [4, 2], dtype: 'f32' });

  test.each<readonly [string, Module, (own: NamedArrays) => NamedArrays, 'f32' | 'i32', string]>([
    [
      'an array of another shape is told by what it is',
      normed(),
      (own) => changed(own, '2', zeros(3)),
      'f32',
      '"2", gamma of layer1, is f32[2] here but came as f32[3]',
    ],
    [
      'two copies of one weight that differ are told',
      sequential(table, tied(table)) as Module,
      (own) => changed(own, '1', zeros(4, 5)),
      'i32',
      'arrays "0", embeddings of layer0, and "1", kernel of layer0_1, differ, but are one weight of the model',
    ],
    [
      'layers side by side, alike, are told',
      sideBySide,
      (own) => own,
      'f32',
      '"kernel of other" and "kernel of one" could each be next in Keras\' list',
    ],
    [
      'what is a constant in Keras is told',
      sequential(embedding(5, 4), positions(3, 4)) as Module,
      (own) => own,
      'i32',
      '"layer1.weight" is no weight of the model in Keras',
    ],
    [
      'what is reckoned from several weights is told',
      scaled,
      (own) => own,
      'f32',
      'of the model in Keras is reckoned from several weights here',
    ],
    [
      'a weight that Keras has, and nothing here, is told',
      sequential((x: Value) => mean(gather(fixed(), x), { axes: 1 }), linear(2, 2)) as Module,
      (own) => changed(own, '0', zeros(4, 2)),
      'i32',
      'array "0", embeddings of embedding, came with numbers of its own, but nothing here learns it',
    ],
  ])('%s', async (_, model, change, dtype, text) => {
    expect(await refused(model, change, dtype)).toContain(text);
  });
});

type Npy = Readonly<Record<string, { readonly dtype: string; readonly npy: string }>>;

const arraysOf = (given: Npy): NamedArrays =>
  new Map(Object.entries(given).map(([name, { npy }]) => [name, readNpy(name, bytesOf(npy))]));

describe.each(['float32', 'float16', 'float64'] as const)("Flower's own average of arrays in %s", (dtype) => {
  const { sent, examples, average: given } = average[dtype];
  const averaged = arraysOf(given);
  const total = examples.reduce((sum, count) => sum + count, 0);

  test('is taken, and is the mean that one makes oneself', async () => {
    const trainer = await trainerOf(sequential(linear(3, 2), batchNorm(2)), [3]);
    const arrays = layoutOf({ trainer, layout: 'torch' });
    await arrays.take(averaged);
    const back = await arrays.give(averaged);
    expect([...back.keys()]).toEqual([...averaged.keys()]);
    const nodes = sent.map((node) => arraysOf(node as unknown as Npy));
    for (const [name, { shape, data }] of back) {
      expect(shape).toEqual(averaged.get(name)!.shape);
      // Each node's part is rounded, and their sum: three roundings of numbers below 2.
      const rounding = name.endsWith('tracked') ? 1e-6 : 3 * (dtype === 'float16' ? 2 ** -11 : 2 ** -24);
      data.forEach((number, at) => {
        const own = nodes.reduce((sum, node, i) => sum + (node.get(name)!.data[at] * examples[i]) / total, 0);
        expect.soft(Math.abs(number - own), name).toBeLessThan(2 * rounding);
      });
    }
    trainer.destroy();
  });

  test('brings the counter of batches as doubles, which go out as they came', async () => {
    expect(given['1.num_batches_tracked'].dtype).toBe('float64');
    const trainer = await trainerOf(sequential(linear(3, 2), batchNorm(2)), [3]);
    const arrays = layoutOf({ trainer, layout: 'torch' });
    await arrays.take(averaged);
    for (let step = 0; step < 3; step++) await trainer.step(batch);
    const counter = (await arrays.give(averaged)).get('1.num_batches_tracked');
    expect(counter).toEqual(averaged.get('1.num_batches_tracked'));
    trainer.destroy();
  });
});

describe('what does not fit is told by name', () => {
  const refused = async (
    layout: 'millrace' | 'torch',
    arrays: (own: NamedArrays) => NamedArrays,
    names?: Readonly<Record<string, string>>,
  ): Promise<string> => {
    const trainer = await trained();
    const used = layoutOf({ trainer, layout, names });
    const refusal = await used.take(arrays(await used.give())).then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
    trainer.destroy();
    return refusal;
  };

  test.each([
    [
      'millrace',
      (own: NamedArrays) => without(own, 'layer3.bias'),
      '"layer3.bias" is f32[2] here but not among the arrays that came, which are "layer0.weight" f32[3, 2], "layer0.bias" f32[2],',
    ],
    [
      'millrace',
      (own: NamedArrays) => changed(own, 'layer0.weight', zeros(4, 2)),
      '"layer0.weight" is f32[3, 2] here but came as f32[4, 2]',
    ],
    [
      'millrace',
      (own: NamedArrays) => changed(own, 'layer4.bias', zeros(2)),
      '"layer4.bias" f32[2] came, which the model here lacks',
    ],
    ['torch', (own: NamedArrays) => without(own, '3.bias'), '"3.bias" is f32[2] here but not among'],
    [
      'torch',
      (own: NamedArrays) => changed(own, '0.weight', zeros(2, 4)),
      '"0.weight" is f32[2, 3] here but came as f32[2, 4]',
    ],
    [
      'torch',
      (own: NamedArrays) => changed(own, '4.bias', zeros(2)),
      '"4.bias" f32[2] came, which the model here lacks',
    ],
    [
      'torch',
      (own: NamedArrays) => changed(own, '3.bias', { shape: [2], data: Int32Array.of(1, 2 ** 24 + 1) }),
      '"3.bias" came as integers, and f32 does not have its element 1, 16777217',
    ],
  ] as const)('in the layout %s', async (layout, arrays, text) => {
    expect(await refused(layout, arrays)).toContain(text);
  });

  test('biases that a recurrent module of PyTorch lacks', async () => {
    const trainer = await trainerOf(gru(3, 2) as Module, [4, 3]);
    const arrays = layoutOf({ trainer, layout: 'torch' });
    const given = await arrays.give();
    const bare = new Map([...given].filter(([name]) => !name.includes('bias')));
    await expect(arrays.take(bare)).rejects.toThrow('"bias_ih_l0" is f32[6] here but not among the arrays that came');
    trainer.destroy();
  });

  const DIVERGED = 'as where training has diverged at a node: begin the run anew, with a smaller learning rate';

  test.each([
    ['millrace', 'layer3.bias', NaN, '"layer3.bias" came with NaN'],
    ['torch', '1.running_var', Infinity, '"1.running_var" came with Infinity'],
    ['keras', '1', -Infinity, '"1", bias of layer0, came with -Infinity'],
  ] as const)('in the layout %s, %s that is %d', async (layout, name, number, text) => {
    const trainer = await trained();
    const arrays = layoutOf({ trainer, layout });
    const bad = changed(await arrays.give(), name, { shape: [2], data: Float32Array.of(0, number) });
    await expect(arrays.take(bad)).rejects.toThrow(`[joinFlower] ${text}, ${DIVERGED}`);
    trainer.destroy();
  });

  test("both names of PyTorch's for one weight, where it is no number or is two", async () => {
    const table = embedding(3, 2);
    const trainer = await trainerOf(sequential(table, tied(table)), [2], {}, 'i32');
    const arrays = layoutOf({ trainer, layout: 'torch' });
    const filled = (one: number, other: number): NamedArrays =>
      new Map([
        ['0.weight', { shape: [3, 2], data: new Float32Array(6).fill(one) }],
        ['1.weight', { shape: [3, 2], data: new Float32Array(6).fill(other) }],
      ]);
    await expect(arrays.take(filled(NaN, NaN))).rejects.toThrow(`[joinFlower] "0.weight" came with NaN, ${DIVERGED}`);
    await expect(arrays.take(filled(1, 2))).rejects.toThrow(
      '[joinFlower] "1.weight" and "0.weight" of the arrays that came differ, but are one weight of the model: make its output a linear layer',
    );
    trainer.destroy();
  });

  test.each([
    [
      { layer0: 'fc1', layer3: 'fc2' },
      (own: NamedArrays) => without(without(own, 'fc2.weight'), 'fc2.bias'),
      '"layer3" is to be "fc2", and PyTorch has it as weight [2, 2], bias [2], but in the arrays that came it is not there: name the module that it is',
    ],
    [
      { layer0: 'fc1', layer3: 'fc2' },
      (own: NamedArrays) => changed(own, 'fc2.weight', zeros(2, 3)),
      '"layer3" is to be "fc2", and PyTorch has it as weight [2, 2], bias [2], but in the arrays that came it is weight [2, 3], bias [2]: name the module that it is',
    ],
    [
      { layer0: 'fc', layer3: 'fc' },
      (own: NamedArrays) => own,
      'two tensors would be "fc.weight": give each module a name of its own',
    ],
  ])("PyTorch's names %o", async (names, arrays, text) => {
    expect(await refused('torch', arrays, names).catch(String)).toMatch(/^(?:Format|Data)Error: \[joinFlower\] /);
    expect(await refused('torch', arrays, names).catch(String)).toContain(text);
  });

  test('counters alone', async () => {
    const counters = (own: NamedArrays) => new Map([...own].filter(([name]) => name.endsWith('num_batches_tracked')));
    expect(await refused('torch', counters)).toContain(
      'here but not among the arrays that came, of which there are none: begin the run with arrays of this model',
    );
  });

  test('names where nothing is called as in PyTorch', async () => {
    const trainer = await trained();
    expect(() => layoutOf({ trainer, layout: 'millrace', names: { layer0: 'fc' } })).toThrow(
      '[joinFlower] names are those of PyTorch\'s modules, but layout is "millrace"',
    );
    trainer.destroy();
  });
});
