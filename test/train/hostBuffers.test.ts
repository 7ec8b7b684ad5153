// Samples in a host's own buffers: read where they are, as they are when a step runs.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  adam,
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  relu,
  requestDevice,
  sequential,
  take,
  type BufferInput,
  type Dataset,
  type Trainer,
} from '../../src/index.ts';
import { counting } from '../support/counting.ts';

const [STORAGE, COPY_SRC, COPY_DST, MAP_WRITE] = [0x80, 0x4, 0x8, 0x2];
const [N, WIDTH, BATCH] = [37, 3, 8];
const random = new Random(9, 'host buffers');
/** Numbers that halves hold exactly. */
const x = Float32Array.from({ length: N * WIDTH }, () => (random.word() % 64) / 16 - 2);
const y = Float32Array.from({ length: N }, (_, at) => x[at * WIDTH] - x[at * WIDTH + 1]);
const bytes = Uint8Array.from({ length: N * WIDTH }, () => random.word() % 256);
let device: GPUDevice;
const errors: string[] = [];

beforeAll(async () => {
  device = await requestDevice();
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
});
afterAll(() => device.destroy());
afterEach(() => {
  if (errors.length > 0) throw new Error(`the host was told: ${errors.splice(0).join('; ')}`);
});

function bufferOf(data: ArrayBufferView<ArrayBuffer>, usage = STORAGE, on = device): GPUBuffer {
  const size = Math.ceil(data.byteLength / 4) * 4;
  const buffer = on.createBuffer({ label: "the host's", size, usage: usage | COPY_DST });
  const padded = new Uint8Array(size);
  padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  on.queue.writeBuffer(buffer, 0, padded);
  return buffer;
}

/** Samples of numbers, `stride` from one to the next, behind `front` others. */
function spread<A extends Float32Array | Uint8Array | Uint16Array>(
  numbers: A,
  width: number,
  stride: number,
  front: number,
): A & ArrayBufferView<ArrayBuffer> {
  const Kind = numbers.constructor as new (length: number) => A & ArrayBufferView<ArrayBuffer>;
  const all = new Kind(front + N * stride);
  all.fill(77);
  for (let at = 0; at < N; at++) all.set(numbers.subarray(at * width, (at + 1) * width), front + at * stride);
  return all;
}

/** The bits of halves that f32 numbers are exactly. */
const halves = (numbers: Float32Array): Uint16Array<ArrayBuffer> =>
  Uint16Array.from(numbers, (number) => {
    if (number === 0) return 0;
    const power = Math.floor(Math.log2(Math.abs(number)));
    return (number < 0 ? 0x8000 : 0) | ((power + 15) << 10) | ((Math.abs(number) / 2 ** power - 1) * 1024);
  });

const trainerOn = (data: Dataset, options: object = {}): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(WIDTH, 5), relu, linear(5, 1)),
    loss: (output, { y: target }) => meanSquaredError(output, target),
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: BATCH,
    device,
    data,
    seed: 5,
    targets: 'y',
    ...options,
  });

/** What training and judging on a set comes to. */
async function outcomeOf(data: Dataset, options: object = {}) {
  const trainer = await trainerOn(data, options);
  const { loss } = await trainer.fit(data, { epochs: 2 });
  const outcome = { loss, judged: await trainer.evaluate(data), weights: await trainer.readParameters() };
  trainer.destroy();
  return outcome;
}

const target = { data: y, shape: [1] };

describe('fields in buffers are those of arrays, in the same bits', () => {
  const forms: Record<string, () => BufferInput> = {
    plain: () => ({ buffer: bufferOf(x) }),
    'of few samples of many': () => ({ buffer: bufferOf(Float32Array.of(...x, 1, 2, 3, 4, 5, 6)), samples: N }),
    'interleaved, behind others': () => ({ buffer: bufferOf(spread(x, WIDTH, 8, 5)), stride: 8, byteOffset: 20 }),
    'far behind others': () => ({ buffer: bufferOf(spread(x, WIDTH, 4, 300)), stride: 4, byteOffset: 1200 }),
    'that can only be copied': () => ({ buffer: bufferOf(x, COPY_SRC) }),
    'interleaved, that can only be copied': () => ({
      buffer: bufferOf(spread(x, WIDTH, 5, 70), COPY_SRC),
      stride: 5,
      byteOffset: 280,
    }),
    'of halves': () => ({ buffer: bufferOf(halves(x)), dtype: 'f16' }),
    'of interleaved halves': () => ({
      buffer: bufferOf(spread(halves(x), WIDTH, 5, 3)),
      dtype: 'f16',
      stride: 5,
      byteOffset: 6,
    }),
    'of halves in fours': () => ({
      buffer: bufferOf(spread(halves(x), WIDTH, 4, 4)),
      dtype: 'f16',
      stride: 4,
      byteOffset: 8,
    }),
  };

  test.each(Object.entries(forms))('%s', async (_, form) => {
    const own = await outcomeOf(dataset({ x: { data: x, shape: [WIDTH] }, y: target }));
    const hosted = dataset({ x: { ...form(), shape: [WIDTH] }, y: target });
    expect(hosted.length).toBe(N);
    expect(await outcomeOf(hosted)).toEqual(own);
    expect(await outcomeOf(hosted, { fuse: false })).toEqual(
      await outcomeOf(dataset({ x: { data: x, shape: [WIDTH] }, y: target }), { fuse: false }),
    );
  });

  test.each([
    ['plain', bytes, {}],
    ['interleaved', spread(bytes, WIDTH, 5, 7), { stride: 5, byteOffset: 7, samples: N }],
  ] as const)('of bytes, %s', async (_, stored, more) => {
    const scaled = { shape: [WIDTH], scale: 1 / 64, offset: -1 };
    const own = await outcomeOf(dataset({ x: { data: bytes, ...scaled }, y: target }));
    const hosted = { buffer: bufferOf(stored), dtype: 'u8', ...scaled, ...more, samples: N } as const;
    expect(await outcomeOf(dataset({ x: hosted, y: target }))).toEqual(own);
  });

  test('two in one buffer', async () => {
    const both = spread(x, WIDTH, 4, 0);
    y.forEach((number, at) => (both[4 * at + 3] = number));
    const buffer = bufferOf(both);
    const hosted = dataset({
      x: { buffer, shape: [WIDTH], stride: 4 },
      y: { buffer, shape: [1], stride: 4, byteOffset: 12 },
    });
    expect(hosted.length).toBe(N);
    expect(await outcomeOf(hosted)).toEqual(await outcomeOf(dataset({ x: { data: x, shape: [WIDTH] }, y: target })));
  });
});

test('what the host computes into its buffer is read by the next step, and no copy is made on the way', async () => {
  const buffer = bufferOf(x);
  const hosted = dataset({ x: { buffer, shape: [WIDTH] }, y: target });
  const trainer = await trainerOn(hosted);
  await trainer.prepare(hosted, { encodeStep: { shuffle: false } });
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * 0.5 + 0.25; }
}`;
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const steps = 4;
  const calls = await counting(device, async () => {
    const encoder = device.createCommandEncoder();
    for (let at = 0; at < steps; at++) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(Math.ceil(x.length / 64));
      pass.end();
      trainer.encodeStep(encoder);
    }
    device.queue.submit([encoder.finish()]);
  });
  const { mapAsync, writeBuffer, copyBufferToBuffer, createBuffer, submit } = calls;
  expect({ mapAsync, writeBuffer, copyBufferToBuffer, createBuffer, submit }).toEqual({
    mapAsync: 0,
    writeBuffer: 0,
    copyBufferToBuffer: 0,
    createBuffer: 0,
    submit: 1,
  });
  const losses = (await trainer.readReports()).map(({ loss }) => loss);
  const own = await trainerOn(dataset({ x: { data: x, shape: [WIDTH] }, y: target }));
  const seen = x.slice();
  for (let at = 0; at < steps; at++) {
    seen.forEach((number, i) => (seen[i] = Math.fround(number * 0.5 + 0.25)));
    const batch = take(dataset({ x: { data: seen, shape: [WIDTH] }, y: target }), at * BATCH, (at + 1) * BATCH);
    expect((await own.step(batch)).loss).toBeCloseTo(losses[at], 5);
  }
  own.destroy();
  trainer.destroy();
});

test('several steps in one submit read what is there, copied where it must be, once a submit', async () => {
  const buffer = bufferOf(x, COPY_SRC);
  const hosted = dataset({ x: { buffer, shape: [WIDTH] }, y: target });
  const trainer = await trainerOn(hosted);
  await trainer.fit(hosted, { steps: 4, stepsPerSubmit: 4, shuffle: false });
  const other = x.map((number) => -number);
  device.queue.writeBuffer(buffer, 0, other);
  const calls = await counting(device, async () => {
    await trainer.fit(hosted, { steps: 4, stepsPerSubmit: 4, shuffle: false });
  });
  // The numbers, and the metrics on their way back: rows and ledger.
  expect(calls['copyBufferToBuffer']).toBe(1 + 2);
  const own = await trainerOn(dataset({ x: { data: x, shape: [WIDTH] }, y: target }));
  await own.fit(dataset({ x: { data: x, shape: [WIDTH] }, y: target }), { steps: 4, shuffle: false });
  const set = dataset({ x: { data: other, shape: [WIDTH] }, y: target });
  for (let at = 4; at < 8; at++) {
    const rows = Array.from({ length: BATCH }, (_, i) => (at * BATCH + i) % N);
    await own.step({
      x: rows.flatMap((row) => [...set.fields.x.data.subarray(row * WIDTH, (row + 1) * WIDTH)]),
      y: rows.map((row) => y[row]),
    });
  }
  expect(await trainer.readParameters()).toEqual(await own.readParameters());
  own.destroy();
  trainer.destroy();
});

describe('of a buffer that cannot be read it is said why, and the host is not', () => {
  const field = (buffer: unknown, more: object = {}) =>
    dataset({ x: { buffer, shape: [WIDTH], ...more } as BufferInput, y: target });

  async function toldOf(work: () => unknown): Promise<string> {
    try {
      await work();
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
    return 'nothing';
  }

  test('without the usage, mapped, misaligned, too small, none', async () => {
    const withoutUsage = device.createBuffer({ size: 512, usage: COPY_DST });
    expect(await toldOf(() => field(withoutUsage))).toMatch(/^DataError: .* neither the usage STORAGE nor COPY_SRC/);
    const mapped = device.createBuffer({ size: 512, usage: STORAGE, mappedAtCreation: true });
    expect(await toldOf(() => field(mapped))).toMatch(/^DataError: .* is mapped for the CPU: unmap it first/);
    expect(await toldOf(() => field(bufferOf(x), { byteOffset: 6 }))).toMatch(
      /^DataError: .* byteOffset of "x" is 6, but f32 begin/,
    );
    expect(await toldOf(() => field(bufferOf(x), { samples: N + 1 }))).toMatch(
      /^ShapeError: .* has 444 bytes, but 38 samples of \[3\] in f32 behind 0 bytes end at 456/,
    );
    expect(await toldOf(() => field({ size: 3 }))).toMatch(
      /^DataError: \[dataset, "x"\] buffer is .* but must be a GPUBuffer/,
    );
    expect(await toldOf(() => field(new ArrayBuffer(512)))).toMatch(/must be a GPUBuffer/);
  });

  test('destroyed, of another device, mapped later', async () => {
    const other = await requestDevice();
    const foreign = bufferOf(x, STORAGE, other);
    expect(await toldOf(() => outcomeOf(field(foreign)))).toMatch(
      /^DataError: \[data\] the trainer's device cannot read the buffer of "x"/,
    );
    other.destroy();
    const destroyed = bufferOf(x);
    destroyed.destroy();
    expect(await toldOf(() => outcomeOf(field(destroyed)))).toMatch(
      /^DataError: \[data\] the trainer's device cannot read/,
    );
    const copied = bufferOf(x, COPY_SRC);
    copied.destroy();
    expect(await toldOf(() => outcomeOf(field(copied)))).toMatch(
      /^DataError: \[data\] the trainer's device cannot read/,
    );
    const later = device.createBuffer({ size: x.byteLength, usage: COPY_SRC | MAP_WRITE });
    const set = field(later);
    await later.mapAsync(MAP_WRITE);
    expect(await toldOf(() => outcomeOf(set))).toMatch(/^DataError: \[data\] the buffer of "x" is mapped for the CPU/);
    later.unmap();
    expect((await outcomeOf(set)).loss).toBeGreaterThan(0);
  });

  test('who asks for the numbers is told where they are', async () => {
    const set = field(bufferOf(x));
    const trainer = await trainerOn(set);
    for (const work of [
      () => take(set, 0, 8),
      () => trainer.predict(set),
      () => trainer.verify(set),
      () => trainer.step(set),
    ]) {
      expect(await toldOf(work)).toMatch(/^DataError: \[data\] "x" lies in a GPU buffer/);
    }
    trainer.destroy();
    expect(await toldOf(() => outcomeOf(set, { backend: 'cpu', device: undefined }))).toMatch(
      /^DataError: \[data\] "x" lies in a GPU buffer, but the trainer is on the CPU/,
    );
  });
});
