import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { bufferUsage, MAP_READ } from '../../src/core/webgpuFlags.ts';
import {
  batchNorm,
  concat,
  cos,
  createPredictor,
  createTrainer,
  dataset,
  fourierFeatures,
  gelu,
  layerNorm,
  linear,
  meanSquaredError,
  mul,
  relu,
  requestDevice,
  requiredFeatures,
  requiredLimits,
  sequential,
  sgd,
  sigmoid,
  sin,
  slice,
  softplus,
  tanh,
  type Context,
  type Model,
  type Predictor,
  type Trainer,
  type Value,
  type WgslFunction,
} from '../../src/index.ts';

const random = new Random(7, 'points');
const numbersOf = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
let device: GPUDevice;

beforeAll(async () => {
  device = await requestDevice();
});
afterAll(() => device.destroy());

const [FEATURES, TARGETS, N] = [3, 2, 64];
const data = dataset({
  x: { data: numbersOf(N * FEATURES), shape: [FEATURES] },
  target: { data: numbersOf(N * TARGETS), shape: [TARGETS] },
});

const trainerOf = (model: Model, others: object = {}): Promise<Trainer> =>
  createTrainer({
    model,
    loss: meanSquaredError,
    optimizer: sgd({ learningRate: 0.05 }),
    batchSize: N,
    data,
    device,
    ...others,
  });

/** What a shader of a host's makes of points: it calls the function for each, in a pass of its own. */
async function toldByShader(trainer: Trainer | Predictor, { code, outputs }: WgslFunction, points: Float32Array) {
  const count = points.length / FEATURES;
  const module = device.createShaderModule({
    code: `${code}
@group(1) @binding(0) var<storage, read> points: array<f32>;
@group(1) @binding(1) var<storage, read_write> told: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${count}u) { return; }
  var x: array<f32, ${FEATURES}>;
  for (var i = 0u; i < ${FEATURES}u; i++) { x[i] = points[id.x * ${FEATURES}u + i]; }
  let y = evaluate(x);
  for (var i = 0u; i < ${outputs}u; i++) { told[id.x * ${outputs}u + i] = y[i]; }
}`,
  });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const { storage, copySource, copyDestination, mapRead } = bufferUsage;
  const bytes = 4 * count * outputs;
  const [given, told, read] = [
    [points.byteLength, storage | copyDestination],
    [bytes, storage | copySource],
    [bytes, mapRead | copyDestination],
  ].map(([size, usage]) => device.createBuffer({ size, usage }));
  device.queue.writeBuffer(given, 0, points as Float32Array<ArrayBuffer>);
  const { buffer, offset, size } = trainer.buffers.weights;
  const groups = [[{ buffer, offset, size }], [{ buffer: given }, { buffer: told }]].map((resources, at) =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(at),
      entries: resources.map((resource, binding) => ({ binding, resource })),
    }),
  );
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  groups.forEach((group, at) => pass.setBindGroup(at, group));
  pass.dispatchWorkgroups(Math.ceil(count / 64));
  pass.end();
  encoder.copyBufferToBuffer(told, 0, read, 0, bytes);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(MAP_READ);
  const numbers = new Float32Array(read.getMappedRange().slice(0));
  for (const each of [given, told, read]) each.destroy();
  return numbers;
}

/** The furthest that two lists are apart, relative to the larger of 1 and what is expected. */
const furthest = (told: Float32Array, expected: ArrayLike<number>): number =>
  told.reduce(
    (most, number, at) => Math.max(most, Math.abs(number - expected[at]) / Math.max(1, Math.abs(expected[at]))),
    0,
  );

const layers = [linear(FEATURES, 17), linear(17, 9), linear(9 + FEATURES, TARGETS)] as const;
const models: Readonly<Record<string, Model>> = {
  'layers in a row': sequential(linear(FEATURES, 16), relu, linear(16, 16), tanh, linear(16, TARGETS)),
  'Fourier features': sequential(
    fourierFeatures(FEATURES, 24, { sigma: 4 }),
    linear(48, 16),
    relu,
    linear(16, TARGETS),
  ),
  'sines and cosines': sequential(linear(FEATURES, 16), sin, linear(16, 16), cos, linear(16, TARGETS)),
  'branches, slices and curves': (x: Value, context: Context) => {
    const hidden = gelu(context.apply(layers[0], x));
    const gate = sigmoid(context.apply(layers[1], hidden));
    const more = mul(softplus(slice(hidden, [null, { start: 1, end: 10 }])), gate);
    return context.apply(layers[2], concat([more, x as Value<'f32'>], 1));
  },
};

describe.each(Object.entries(models))('a model of %s, as a function', (_, model) => {
  test('tells of 10,000 points what predict does, in a shader of a host, before and after more steps', async () => {
    const trainer = await trainerOf(model);
    const told = await trainer.wgsl();
    expect(told).toMatchObject({ inputs: { x: FEATURES }, outputs: TARGETS });
    const points = numbersOf(10_000 * FEATURES);
    const before = await trainer.predict(points);
    expect(furthest(await toldByShader(trainer, told, points), before.data)).toBeLessThan(1e-5);
    await trainer.fit(data, { epochs: 5 });
    const after = await trainer.predict(points);
    expect(furthest(Float32Array.from(before.data), after.data)).toBeGreaterThan(0.01);
    expect(furthest(await toldByShader(trainer, told, points), after.data)).toBeLessThan(1e-5);
    trainer.destroy();
  });
});

test('of bytes a function takes numbers, and scales them as the model sees them', async () => {
  const pixels = dataset({
    x: {
      data: Uint8Array.from({ length: N * FEATURES }, () => random.word() % 256),
      shape: [FEATURES],
      scale: 1 / 255,
    },
    target: { data: numbersOf(N * TARGETS), shape: [TARGETS] },
  });
  const trainer = await trainerOf(models['layers in a row'], { data: pixels });
  const { code, ...told } = await trainer.wgsl();
  const { data: expected } = await trainer.predict(pixels);
  const asFloats = { ...told, code: code.replaceAll('array<u32, 3>', 'array<f32, 3>') };
  expect(asFloats.code).not.toBe(code);
  const given = Float32Array.from(pixels.fields.x.data);
  expect(furthest(await toldByShader(trainer, asFloats, given), expected)).toBeLessThan(1e-5);
  trainer.destroy();
});

test('a device of a host, made as it is told, has all that an own one has', async () => {
  const adapter = { features: device.features, limits: device.limits } as unknown as GPUAdapter;
  expect(requiredFeatures(adapter)).toEqual(
    ['timestamp-query', 'shader-f16', 'subgroups'].filter((name) => device.features.has(name)),
  );
  for (const [name, limit] of Object.entries(requiredLimits(adapter))) {
    expect(device.limits[name as keyof GPUSupportedLimits]).toBe(limit);
  }
});

test('where averages are kept, a function reads those, as predict does', async () => {
  const trainer = await trainerOf(models['layers in a row'], { averageWeights: { decay: 0.5 } });
  await trainer.fit(data, { epochs: 3 });
  const points = numbersOf(50 * FEATURES);
  const expected = await trainer.predict(points);
  expect(furthest(await toldByShader(trainer, await trainer.wgsl(), points), expected.data)).toBeLessThan(1e-5);
  trainer.destroy();
});

test('of a predictor, in which nothing trains, a function reads the weights too', async () => {
  const predictor = await createPredictor({ model: models['layers in a row'], data, device });
  const points = numbersOf(50 * FEATURES);
  const expected = await predictor.predict(points);
  expect(furthest(await toldByShader(predictor, await predictor.wgsl(), points), expected.data)).toBeLessThan(1e-5);
  predictor.destroy();
});

test('each parameter can be bound where it lies', async () => {
  const trainer = await trainerOf(models['layers in a row']);
  const values = await trainer.readParameters();
  const { parameters } = trainer.buffers;
  expect(Object.keys(parameters)).toEqual(Object.keys(values));
  for (const [name, { buffer, offset, size, dtype }] of Object.entries(parameters)) {
    expect([dtype, offset % 256, size]).toEqual(['f32', 0, 4 * values[name].length]);
    const read = device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyDestination });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, read, 0, size);
    device.queue.submit([encoder.finish()]);
    await read.mapAsync(MAP_READ);
    expect(new Float32Array(read.getMappedRange().slice(0))).toEqual(values[name]);
    read.destroy();
  }
  trainer.destroy();
});

describe('it is said', () => {
  test.each([
    [
      'what has no text',
      sequential(linear(FEATURES, 4), layerNorm(4), linear(4, TARGETS)),
      /uses groupNorm, which has no text/,
    ],
    [
      'that a state is read',
      sequential(linear(FEATURES, 4), batchNorm(4), linear(4, TARGETS)),
      /reads "layer1.runningMean" beside its weights/,
    ],
  ])('%s', async (_, model, message) => {
    const trainer = await trainerOf(model);
    await expect(trainer.wgsl()).rejects.toThrow(message);
    trainer.destroy();
  });

  test('what a name must be, and that there are no buffers on the CPU, or yet', async () => {
    const options = { model: models['layers in a row'], loss: meanSquaredError, optimizer: sgd({ learningRate: 0.1 }) };
    const cpu = await createTrainer({ ...options, batchSize: N, backend: 'cpu', data });
    await expect(cpu.wgsl({ entry: '2d' })).rejects.toThrow(/entry is the text "2d" but must be a name/);
    await expect(cpu.wgsl({ binding: -1 })).rejects.toThrow(/binding is -1 but must be/);
    expect((await cpu.wgsl({ entry: 'ask', group: 3, binding: 2 })).code).toContain(
      '@group(3) @binding(2) var<storage, read> ask_weights',
    );
    expect(() => cpu.buffers).toThrow(/"parameters" is on the CPU/);
    cpu.destroy();
    const early = await createTrainer({ ...options, batchSize: N, device });
    expect(() => early.buffers).toThrow(/the shapes of the data are not known yet/);
    early.destroy();
  });
});
