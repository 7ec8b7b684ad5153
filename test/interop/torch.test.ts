// State dicts of PyTorch's: torch.json holds what PyTorch wrote, and what its models make of what they are given
// (test/interop/python/torch_models.py).

import { describe, expect, test } from 'vitest';
import {
  concat,
  conv2d,
  createPredictor,
  embedding,
  flatten,
  linear,
  mean,
  relu,
  sequential,
  slice,
  tied,
  type Context,
  type Module,
  type Value,
} from '../../src/index.ts';
import {
  fromKeras,
  fromOnnx,
  fromTorch,
  readNpy,
  readNpz,
  toTorch,
  type FromTorchOptions,
} from '../../src/interop/index.ts';
import { readSafetensors } from '../../src/data/index.ts';
import golden from '../goldens/interop/torch.json' with { type: 'json' };
import { twins } from './torchModels.ts';

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
type Name = keyof typeof golden.models;

/** A predictor of a model's twin, and what it is given and is to make of it. */
async function opened(name: Name, backend: 'cpu' | 'wasm' | 'webgpu' = 'cpu') {
  const { model, options = {} } = twins(1)[name];
  const { stateDict, x, y } = golden.models[name];
  const [given, wanted] = [readNpy('x', bytesOf(x)), readNpy('y', bytesOf(y))];
  const dtype = given.data instanceof Int32Array ? ('i32' as const) : ('f32' as const);
  const data = { x: { shape: given.shape.slice(1), dtype, scale: null } };
  const predictor = await createPredictor({ model, data, backend });
  return { predictor, options, stateDict: bytesOf(stateDict), x: given.data, wanted };
}

describe.each(Object.keys(golden.models) as Name[])('PyTorch\'s model "%s"', (name) => {
  test('gives what it gives there', async () => {
    const { predictor, options, stateDict, x, wanted } = await opened(name);
    const { weights, missing, leftOver } = await fromTorch(predictor, stateDict, options);
    await predictor.loadWeights(weights);
    const { data, shape } = await predictor.predict({ x });
    expect(shape).toEqual(wanted.shape);
    const worst = Math.max(...Array.from(data, (number, at) => Math.abs(number - wanted.data[at])));
    expect(worst).toBeLessThan(2e-6);
    expect([missing, leftOver]).toEqual([[], []]);
    predictor.destroy();
  });

  test('is written as it was read, to the last bit', async () => {
    const { predictor, options, stateDict } = await opened(name);
    await predictor.loadWeights((await fromTorch(predictor, stateDict, options)).weights);
    const { names = {} } = options;
    const written = readSafetensors('own', await toTorch(predictor, { names, batches: 9 }));
    const { tensors, converted } = readSafetensors('theirs', stateDict);
    expect(written.tensors).toEqual(tensors);
    expect(written.converted).toEqual(converted);
    predictor.destroy();
  });
});

test.each(['wasm', 'webgpu'] as const)('a model is the same by %s', async (backend) => {
  const { predictor, options, stateDict, x, wanted } = await opened('batchNormed', backend);
  await predictor.loadWeights((await fromTorch(predictor, stateDict, options)).weights);
  const { data } = await predictor.predict({ x });
  const worst = Math.max(...Array.from(data, (number, at) => Math.abs(number - wanted.data[at])));
  expect(worst).toBeLessThan(2e-6);
  const written = await toTorch(predictor, { names: options.names!, batches: 9 });
  expect(readSafetensors('own', written).tensors).toEqual(readSafetensors('theirs', stateDict).tensors);
  predictor.destroy();
});

/** Tensors of zeros. */
const zeros = (...shape: readonly number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
});
/** A linear module of PyTorch's, whose numbers are all one. */
const linearOf = (path: string, from: number, to: number, number = 0) => ({
  [`${path}.weight`]: { shape: [to, from], data: new Float32Array(from * to).fill(number) },
  [`${path}.bias`]: zeros(to),
});

const predictorOf = (model: Module, shape: readonly number[] = [4]) =>
  createPredictor({ model, data: { x: { shape, dtype: 'f32', scale: null } }, backend: 'cpu' });

/** What is found where. */
async function found(model: Module, stateDict: Parameters<typeof fromTorch>[1], options: FromTorchOptions = {}) {
  const predictor = await predictorOf(model);
  const { names } = await fromTorch(predictor, stateDict, options);
  predictor.destroy();
  return names;
}

describe('a module is found', () => {
  const chain = (...widths: readonly number[]): Module =>
    sequential(...widths.slice(1).flatMap((to, at) => [linear(widths[at], to), relu]));

  test('by its name, below one that all have', async () => {
    const model = chain(4, 4, 4);
    const given = { ...linearOf('module.2', 4, 4), ...linearOf('module.0', 4, 4) };
    expect(await found(model, given)).toEqual({ layer0: 'module.0', layer2: 'module.2' });
  });

  test('by its shape, whatever it is called', async () => {
    const given = { ...linearOf('decoder', 3, 4), ...linearOf('encoder', 4, 3) };
    expect(await found(chain(4, 3, 4), given)).toEqual({ layer0: 'encoder', layer2: 'decoder' });
  });

  test('by its number, where several are alike: 2 comes before 10', async () => {
    const paths = ['net.10.fc', 'net.2.fc', 'net.9.fc'];
    const given = Object.assign({}, ...paths.map((path) => linearOf(path, 4, 4))) as ReturnType<typeof linearOf>;
    const names = await found(chain(4, 4, 4, 4), given);
    expect(names).toEqual({ layer0: 'net.2.fc', layer2: 'net.9.fc', layer4: 'net.10.fc' });
  });

  test("not by a number that is another module's by chance", async () => {
    // Of a Sequential whose activations are no modules: 2 is the third there.
    const paths = ['0', '1', '2'];
    const given = Object.assign({}, ...paths.map((path) => linearOf(path, 4, 4))) as ReturnType<typeof linearOf>;
    expect(await found(chain(4, 4, 4, 4), given)).toEqual({ layer0: '0', layer2: '1', layer4: '2' });
  });

  test('by what is said, and the others then', async () => {
    const given = { ...linearOf('encoder', 4, 4), ...linearOf('decoder', 4, 4) };
    const names = await found(chain(4, 4, 4), given, { names: { layer2: 'encoder' } });
    expect(names).toEqual({ layer0: 'decoder', layer2: 'encoder' });
  });

  test('or is in doubt, which names what it could be', async () => {
    const given = { ...linearOf('encoder', 4, 4), ...linearOf('decoder', 4, 4) };
    await expect(found(chain(4, 4, 4), given)).rejects.toThrow(
      '[fromTorch] "layer0", "layer2" could be "decoder", "encoder" of the state dict, which have these shapes, weight [4, 4], bias [4]: say which is which by names: { "layer0": "decoder" }',
    );
  });
});

describe('what does not fit', () => {
  const model = () => sequential(linear(4, 3), relu, linear(3, 2));
  const backbone = { ...linearOf('0', 4, 3, 1), ...linearOf('head', 3, 5), position_ids: zeros(1) };

  test('is refused', async () => {
    await expect(found(model(), backbone)).rejects.toThrow(
      '"layer2" is a linear that PyTorch has as weight [2, 3], bias [2], of which',
    );
    const more = { ...linearOf('0', 4, 3), ...linearOf('2', 3, 2), position_ids: zeros(1) };
    await expect(found(model(), more)).rejects.toThrow('holds position_ids [1], which the model lacks');
  });

  test('is left as it is, and told, where that is wanted', async () => {
    const predictor = await predictorOf(model());
    const { tensors } = await predictor.forward();
    const { weights, missing, leftOver, names } = await fromTorch(predictor, backbone, { strict: false });
    expect(names).toEqual({ layer0: '0' });
    expect(missing).toEqual(['layer2']);
    expect(leftOver).toEqual(['head.weight', 'head.bias', 'position_ids']);
    const own = readSafetensors('own', weights).tensors;
    expect(own['layer2.weight']).toEqual(tensors['layer2.weight']);
    expect(own['layer0.weight'].data).toEqual(new Float32Array(12).fill(1));
  });
});

test('files of torch.save are refused wherever a file is read, with what to do', async () => {
  const [pickle, archive] = Object.values(golden.pickled).map(bytesOf);
  const predictor = await predictorOf(linear(4, 2));
  for (const bytes of [pickle, archive]) {
    const says = 'write it in Python by safetensors.torch.save_file(model.state_dict(), "model.safetensors")';
    await expect(fromTorch(predictor, bytes)).rejects.toThrow(says);
    await expect(predictor.loadWeights(bytes)).rejects.toThrow(says);
    await expect((async () => fromOnnx(bytes))()).rejects.toThrow(says);
    await expect((async () => fromKeras(bytes))()).rejects.toThrow(says);
    for (const reader of [readNpy, readNpz, readSafetensors]) expect(() => reader('model.pt', bytes)).toThrow(says);
  }
  predictor.destroy();
});

test("an output that shares an embedding's weight has its own name there", async () => {
  const table = embedding(5, 4);
  const model = (x: Value, context: Context) =>
    context.apply(tied(table), context.apply(table, x, 'tokens'), 'lm_head');
  const data = { x: { shape: [3], dtype: 'i32', scale: null } } as const;
  const predictor = await createPredictor({ model, data, backend: 'cpu' });
  const bytes = await toTorch(predictor);
  const { tensors } = readSafetensors('own', bytes);
  expect(Object.keys(tensors)).toEqual(['tokens.weight', 'lm_head.weight']);
  expect(tensors['lm_head.weight']).toEqual(tensors['tokens.weight']);
  const { missing, leftOver } = await fromTorch(predictor, bytes);
  expect([missing, leftOver]).toEqual([[], []]);
  const { 'lm_head.weight': _, ...without } = tensors;
  expect((await fromTorch(predictor, without)).missing).toEqual([]);
});

test("features of images beside others are put in PyTorch's order among themselves", async () => {
  const head = linear(2 * 3 * 2 + 1, 1, { bias: false });
  const conv = conv2d(2, 2, 1);
  const model = (x: Value, context: Context) => {
    const features = flatten(context.apply(conv, x, 'conv'));
    const first = slice(features, [null, { start: 0, end: 1 }]);
    return context.apply(head, concat([mean(first, { axes: 1, keepDimensions: true }), relu(features)], 1), 'head');
  };
  const predictor = await predictorOf(model, [2, 3, 2]);
  const { weight } = { weight: (await predictor.forward()).tensors['head.weight'].data };
  const theirs = readSafetensors('own', await toTorch(predictor)).tensors['head.weight'];
  expect(theirs.shape).toEqual([1, 13]);
  // [channel, row, column] there, [row, column, channel] here.
  const order = [0, 1].flatMap((channel) => [0, 1, 2, 3, 4, 5].map((place) => 1 + 2 * place + channel));
  expect(Array.from(theirs.data)).toEqual([0, ...order].map((at) => weight[at]));
  predictor.destroy();
});
