// What is written as ONNX says the same: read again it gives the same numbers, of any number of samples. That onnxruntime
// takes it and gives them too is shown by test/interop/live.

import { fromBinary } from '@bufbuild/protobuf';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Dtype, type Numbers, type Shape } from '../../src/core/shape.ts';
import { isValue, type Value } from '../../src/graph/graph.ts';
import { reached } from '../../src/graph/order.ts';
import {
  adam,
  add,
  batchNorm,
  cast,
  constant,
  conv2d,
  createPredictor,
  createTrainer,
  crossEntropy,
  dataset,
  definePointwise,
  gpt,
  linear,
  lstm,
  matmul,
  mul,
  pointwise,
  relu,
  reshape,
  resnet,
  sequential,
} from '../../src/index.ts';
import { fromOnnx } from '../../src/interop/index.ts';
import { toOnnx, type ToOnnxOptions } from '../../src/interop/onnx/export/toOnnx.ts';
import { exportedOps, refusedOps } from '../../src/interop/onnx/export/exportedOps.ts';
import { ModelProtoSchema, type ModelProto } from '../../src/interop/onnx/onnx_pb.ts';
import * as ops from '../../src/ops/index.ts';
import type { Model } from '../../src/train/model.ts';
import { sharedDevice } from '../support/device.ts';
import { validCalls } from '../support/validCalls.ts';
import { fieldsOf, namesIn, readCase, strayOf } from './importedCase.ts';
import { asItBegins, computed, drawn, withDrawnWeights, writtenModels } from './writtenModels.ts';

const OPSETS = [13, 17, 21, 23];

/** What fromOnnx computes otherwise: it has one kind of integers, and no u32 in it. */
const oneWay = ['unsigned'];

const models = writtenModels();

const predictorFor = (model: unknown, shapes: Readonly<Record<string, Shape>>, dtype: Dtype = 'f32') => {
  const data = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype }]));
  return createPredictor({ model: model as Model, data, backend: 'cpu' });
};

const writtenOf = async (
  model: unknown,
  shapes: Readonly<Record<string, Shape>>,
  options?: ToOnnxOptions,
  dtype?: Dtype,
): Promise<ModelProto> => {
  const predictor = await predictorFor(model, shapes, dtype);
  return fromBinary(ModelProtoSchema, await toOnnx(predictor, options));
};

const operatorsIn = ({ graph }: ModelProto): string[] => graph!.node.map(({ opType }) => opType);

const countOf = (model: ModelProto, operator: string): number =>
  operatorsIn(model).filter((each) => each === operator).length;

describe.each(OPSETS)('opset %i', (opset) => {
  const names = Object.keys(models).filter((name) => !oneWay.includes(name));
  test.each(names)('%s gives the same, written and read again', async (name) => {
    const written = models[name];
    const { samples } = written;
    const own = await withDrawnWeights(written);
    const bytes = await toOnnx(own, { opset, ...(samples !== undefined && { samples }) });
    const { model } = await fromOnnx(bytes);
    const other = await asItBegins({ ...written, model: model as Model }, true);
    const [before, after] = [await own.forward(), await other.forward()];
    for (const count of samples === undefined ? [1, 3] : [samples]) {
      const batch = drawn(written, count);
      const found = new Map(computed(after, count, batch).map((output) => [output.name, output]));
      for (const { name: output, shape, numbers } of computed(before, count, batch)) {
        const { shape: otherShape, numbers: otherNumbers } = found.get(output) ?? found.get(`${output} out`)!;
        expect(otherShape).toEqual(shape);
        const strays = Array.from(numbers, (x, at) => Math.abs(x - otherNumbers[at]) / Math.max(1, Math.abs(x)));
        expect(Math.max(0, ...strays)).toBeLessThan(written.tolerance ?? 1e-5);
      }
    }
  });
});

const goldens = fileURLToPath(new URL('../goldens/interop/onnx', import.meta.url));

test.each(namesIn(goldens, '.onnx'))('%s, as others wrote it, comes out again', async (name) => {
  const told = readCase(goldens, name);
  const { model } = await fromOnnx(readFileSync(join(goldens, `${name}.onnx`)));
  const data = dataset(fieldsOf(told));
  const predictor = await createPredictor({ model: model as Model, data, backend: 'cpu' });
  const { model: again } = await fromOnnx(await toOnnx(predictor));
  expect(await strayOf(again, told, 'cpu')).toBeLessThan(1e-5);
});

test('what is trained on WebGPU is written as it is then, with its running averages', async () => {
  const random = new Random(3, 'points');
  const points = Float32Array.from({ length: 32 * 4 }, () => random.normal());
  const set = dataset({ x: { data: points, shape: [4] }, label: new Uint8Array(32).map((_, at) => at % 3) });
  const trainer = await createTrainer({
    model: sequential(linear(4, 8), batchNorm(8), relu, linear(8, 3)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: 8,
    data: set,
    device: await sharedDevice(),
  });
  for await (const report of trainer.fit(set, { steps: 6 })) expect(report.loss).toBeGreaterThan(0);
  const { model } = await fromOnnx(await toOnnx(trainer));
  const reader = await createPredictor({ model: model as Model, data: { x: set.fields.x }, backend: 'cpu' });
  const asked = { x: points.slice(0, 20) };
  const [own, other] = [await trainer.predict(asked), await reader.predict(asked)] as { data: Numbers }[];
  expect(Math.max(...Array.from(own.data, (logit, at) => Math.abs(logit - other.data[at])))).toBeLessThan(1e-5);
  trainer.destroy();
});

test('the batch is open, and fields and outputs have their names', async () => {
  const { graph } = await writtenOf(gpt({ vocabulary: 5, width: 8, heads: 2, layers: 1 }), { text: [6] }, {}, 'i32');
  const told = [...graph!.input, ...graph!.output].map(({ name, type }) => {
    const { value } = type!;
    return [name, value.value!.elemType, value.value!.shape!.dim.map((dim) => String(dim.value.value))];
  });
  expect(told).toEqual([
    ['text', 6, ['batch', '6']],
    ['output', 1, ['batch', '6', '5']],
  ]);
});

test('a number of samples that is given is fixed', async () => {
  const { graph } = await writtenOf(linear(3, 2), { x: [3] }, { samples: 4 });
  const [{ type }] = graph!.output;
  expect(type!.value.value!.shape!.dim.map((dim) => String(dim.value.value))).toEqual(['4', '2']);
});

test('initialisers are the parameters, by their names, and nothing else', async () => {
  const rows = (x: Value): Value => reshape(x, [x.spec.shape[0], 4, 8]);
  const model = sequential(conv2d(1, 2, 3), relu, (x: Value) => mul(x, 3), rows, lstm(8, 3));
  const predictor = await predictorFor(model, { x: [6, 6, 1] });
  const { graph } = fromBinary(ModelProtoSchema, await toOnnx(predictor));
  const { tensors } = await predictor.forward();
  expect(graph!.initializer.map(({ name }) => name).toSorted()).toEqual(Object.keys(tensors).toSorted());
});

test.each([
  [13, 7],
  [14, 7],
  [15, 8],
  [18, 8],
  [19, 9],
  [20, 9],
  [22, 10],
  [23, 11],
])('opset %i comes in files of version %i', async (opset, version) => {
  const model = await writtenOf(linear(3, 2), { x: [3] }, { opset });
  expect([model.irVersion, model.opsetImport[0].version]).toEqual([BigInt(version), BigInt(opset)]);
});

test('images are turned once, however many convolutions there are', async () => {
  const model = await writtenOf(resnet(8, { channels: 3, width: 4 }), { image: [8, 8, 3] });
  expect(countOf(model, 'Conv')).toBe(9);
  expect(countOf(model, 'Transpose')).toBe(1);
});

test('steps are multiplied as they are, and attention is one operator where there is one', async () => {
  const model = gpt({ vocabulary: 5, width: 8, heads: 2, layers: 2 });
  const written = await writtenOf(model, { text: [6] }, { opset: 23 }, 'i32');
  const counts = ['Attention', 'MatMul', 'Reshape', 'LayerNormalization'].map((name) => countOf(written, name));
  // Rows are made for the logits alone, whose weight is stored transposed.
  expect(counts).toEqual([2, 8, 2, 5]);
});

test('a product in front of a loop over time becomes part of it', async () => {
  const written = await writtenOf(lstm(3, 5), { x: [6, 3] });
  expect([countOf(written, 'LSTM'), countOf(written, 'MatMul'), countOf(written, 'Gemm')]).toEqual([1, 0, 0]);
});

/** Operators that bring values into the form that another one reads. */
const plumbing = ['Constant', 'Cast', 'Transpose', 'Reshape', 'Shape', 'Concat', 'Identity', 'Expand', 'Slice'];

/** Operators that count along the batch. */
const counting = ['Squeeze', 'Range', 'Mul', 'Add'];

test('the table names each operator that is written', async () => {
  const named = new Set([
    ...Object.values(exportedOps).flatMap(({ operators }) => operators),
    ...plumbing,
    ...counting,
  ]);
  const found = new Set<string>();
  for (const written of Object.values(models)) {
    const own = await asItBegins(written);
    for (const opset of OPSETS) {
      const bytes = await toOnnx(own, { opset, ...(written.samples !== undefined && { samples: written.samples }) });
      for (const operator of operatorsIn(fromBinary(ModelProtoSchema, bytes))) found.add(operator);
    }
  }
  expect([...found].filter((operator) => !named.has(operator))).toEqual([]);
  expect([...named].filter((operator) => !found.has(operator))).toEqual([]);
});

/** Values of batches, and of what is learned, are there without an op. */
const leaves = ['input', 'constant', 'state'];

test('each op of the house is in the table, or refused with a reason', async () => {
  const calls = Object.entries(ops).filter(
    ([name, given]) => typeof given === 'function' && Object.hasOwn(validCalls, name),
  );
  expect(calls.length).toBeGreaterThan(70);
  const names = new Set<string>();
  for (const [name, call] of calls) {
    const made: unknown = (call as (...given: readonly unknown[]) => unknown)(...(await validCalls[name]()));
    const values = isValue(made) ? [made] : Object.values(Object(made) as object).filter(isValue);
    const nodes = values.map(({ node }) => node);
    for (const node of reached(nodes, ({ inputs }) => inputs.map((value) => value.node))) names.add(node.op.name);
  }
  const known = new Set([...leaves, ...Object.keys(exportedOps), ...Object.keys(refusedOps)]);
  // The op that validCalls defines itself.
  expect([...names].filter((name) => !known.has(name))).toEqual(['half']);
});

test('the use of each op in the table is one of that name', () => {
  for (const [name, { use }] of Object.entries(exportedOps)) {
    const nodes = reached([use().node], ({ inputs }) => inputs.map((value) => value.node));
    expect([...nodes].map(({ op }) => op.name)).toContain(name);
  }
});

test('an op of a user that has the name of one of the house is not mistaken for it', async () => {
  const own = definePointwise({ name: 'relu', arity: 1, wgsl: { expression: 'a * 2.0' }, f: (x) => 2 * x });
  const written = writtenOf((x: Value) => pointwise(own, [x]), { x: [3] });
  await expect(written).rejects.toThrow('[toOnnx] the model uses relu, an op of its own');
});

test('what does not fit into 32 bits is cut off where u32 is computed', async () => {
  const model = (x: Value): Value => mul(add(cast(x, 'u32'), 1), 2_000_000_000);
  expect(countOf(await writtenOf(model, { x: [3] }, {}, 'u8'), 'Mod')).toBe(2);
});

test('numbers that follow from the batch are counted there', async () => {
  const model = (x: Value): Value => {
    const [count] = x.spec.shape;
    const places = Float32Array.from({ length: count }, (_, at) => 3 * at - 1);
    return add(x, constant(places, spec([count, 1])));
  };
  const written = await writtenOf(model, { x: [2] });
  expect(countOf(written, 'Range')).toBe(1);
});

test('what depends on the batch otherwise may be written for a fixed number', async () => {
  const model = (x: Value): Value => matmul(reshape(mul(x, x.spec.shape[0] ** 2), [x.spec.shape[0], 3]), weight);
  const weight = constant(new Float32Array(6).fill(1), spec([3, 2]));
  await expect(writtenOf(model, { x: [3] })).rejects.toThrow('write it for a fixed number');
  expect(countOf(await writtenOf(model, { x: [3] }, { samples: 2 }), 'MatMul')).toBe(1);
});
