// What PyTorch, scikit-learn and Keras export to ONNX gives the same numbers here; test/interop/python/onnx_models.py and
// onnx_keras.py wrote it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createPredictor, Random } from '../../src/index.ts';
import { fromOnnx } from '../../src/interop/index.ts';
import { floatsIn, floatsOf, intAttribute, nodeOf, onnxFile } from '../support/onnxFile.ts';
import { learned, namesIn, readCase, strayOf } from './importedCase.ts';

const folder = fileURLToPath(new URL('../goldens/interop/onnx', import.meta.url));

describe.each(namesIn(folder, '.onnx'))('%s', (name) => {
  test('gives what onnxruntime gives', async () => {
    const { model } = await fromOnnx(readFileSync(join(folder, `${name}.onnx`)));
    expect(await strayOf(model, readCase(folder, name), 'cpu')).toBeLessThan(1e-5);
  });

  test('trains further, each launch as its reference', async () => {
    const { model } = await fromOnnx(readFileSync(join(folder, `${name}.onnx`)));
    const { losses, verification } = await learned(model, readCase(folder, name), 'wasm');
    expect(verification.fault).toBeNull();
    expect(losses.at(-1)!).toBeLessThan(losses[0]);
  });
});

test.each(['lenet', 'transformer'])('%s trains on WebGPU, each launch as its reference', async (name) => {
  const { model } = await fromOnnx(readFileSync(join(folder, `${name}.onnx`)));
  const { losses, verification } = await learned(model, readCase(folder, name), 'webgpu');
  expect(verification.fault).toBeNull();
  expect(losses.at(-1)!).toBeLessThan(losses[0]);
});

test("parameters bear the file's names, and kernels lie as they do here", async () => {
  const { model, inputs, outputs } = await fromOnnx(readFileSync(join(folder, 'lenet.onnx')));
  expect(Object.entries(model.parameters).map(([key, { shape }]) => `${key} ${shape.join('×')}`)).toEqual([
    'conv1.weight 5×5×1×3',
    'conv1.bias 3',
    'conv2.weight 5×5×3×6',
    'conv2.bias 6',
    'fc1.weight 150×12',
    'fc1.bias 12',
    'fc2.weight 12×10',
    'fc2.bias 10',
  ]);
  expect(inputs).toEqual([{ name: 'x', type: 'FLOAT', shape: [null, 1, 28, 28] }]);
  expect(outputs).toHaveLength(1);
});

test('batch norms see the batch in training, and move what they keep', async () => {
  const { model } = await fromOnnx(readFileSync(join(folder, 'resnetBatchNorm.onnx')));
  expect(Object.keys(model.state!)).toHaveLength(14);
  const told = readCase(folder, 'resnetBatchNorm');
  const before = model.state!['bn.running_mean'].initial([4], new Random(1, 'none'));
  const { kept } = await learned(model, told, 'wasm');
  expect(kept['bn.running_mean'].data).toHaveLength(4);
  expect(kept['bn.running_mean'].data).not.toEqual(before);
});

test('images may come with their channels last', async () => {
  const told = readCase(folder, 'resnet');
  const { model } = await fromOnnx(readFileSync(join(folder, 'resnet.onnx')), { channelsLast: true });
  const [[name, { dtype, shape, data }]] = Object.entries(told.inputs);
  const [N, C, H, W] = shape;
  const turned = Array.from({ length: data.length }, (_, at) => {
    const [c, w, h] = [at % C, Math.floor(at / C) % W, Math.floor(at / (C * W)) % H];
    return data[((Math.floor(at / (C * W * H)) * C + c) * H + h) * W + w];
  });
  const inputs = { [name]: { dtype, shape: [N, H, W, C], data: turned } };
  expect(await strayOf(model, { ...told, inputs }, 'cpu')).toBeLessThan(1e-5);
});

test('a model of a fixed number of samples is asked for one after the other', async () => {
  const node = [nodeOf('Concat', 'w x', 'y', [intAttribute('axis', 1)])];
  const initializer = [floatsOf('w', [1, 1], [5])];
  const { model } = await fromOnnx(onnxFile({ node, initializer, input: [floatsIn('x', 1, 2)] }));
  const options = { model, data: { x: { shape: [2], dtype: 'f32', scale: null } }, backend: 'cpu' } as const;
  await expect(createPredictor(options)).rejects.toThrow('exported for 1, and was given 2 samples');
  const predictor = await createPredictor({ ...options, batchSize: 1 });
  const { data, shape } = await predictor.predict({ x: Float32Array.of(1, 2, 3, 4, 6, 7) });
  expect(shape).toEqual([3, 3]);
  expect(Array.from(data)).toEqual([5, 1, 2, 5, 3, 4, 5, 6, 7]);
});

test("outputs whose names are numbers come in the file's order", async () => {
  const node = [nodeOf('Relu', 'x', '142'), nodeOf('Neg', 'x', '141')];
  const { outputs } = await fromOnnx(onnxFile({ node, output: [{ name: '142' }, { name: '141' }] }));
  expect(outputs).toEqual(['output142', 'output141']);
});

test('what brings samples together of a model for another number of them is refused', async () => {
  const node = [nodeOf('Softmax', 'x', 'y', [intAttribute('axis', 0)])];
  const { model } = await fromOnnx(onnxFile({ node, input: [floatsIn('x', 1, 2)] }));
  const options = { model, data: { x: { shape: [2], dtype: 'f32', scale: null } }, backend: 'cpu' } as const;
  await expect(createPredictor(options)).rejects.toThrow(
    'brings 2 samples together, where the model was exported for 1',
  );
});
