// Textures as samples, without a way over the CPU.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  createTrainer,
  dataset,
  flatten,
  linear,
  meanSquaredError,
  pictureBuffer,
  requestDevice,
  sequential,
  sgd,
} from '../../src/index.ts';

const [TEXTURE_BINDING, COPY_DST] = [0x4, 0x2];
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

/** A texture of pixels, row by row. */
function textureOf(
  width: number,
  height: number,
  pixel: (x: number, y: number) => readonly number[],
  usage = TEXTURE_BINDING,
): GPUTexture {
  const texture = device.createTexture({ size: [width, height], format: 'rgba8unorm', usage: usage | COPY_DST });
  const bytes = Uint8Array.from({ length: width * height * 4 }, (_, at) => {
    const place = Math.floor(at / 4);
    return [...pixel(place % width, Math.floor(place / width)), 255][at % 4];
  });
  device.queue.writeTexture({ texture }, bytes, { bytesPerRow: width * 4 }, [width, height]);
  return texture;
}

async function contentOf(buffer: GPUBuffer): Promise<Float32Array> {
  const staging = device.createBuffer({ size: buffer.size, usage: 0x1 | 0x8 });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(0x1);
  return new Float32Array(staging.getMappedRange().slice(0));
}

const pixelAt = (x: number, y: number): readonly number[] => [10 * x, 10 * y, (x * y * 7) % 256];

test('a texture of the same size comes as it is, in the place of its sample', async () => {
  const pictures = await pictureBuffer(device, { shape: [5, 7, 3], samples: 3 });
  const encoder = device.createCommandEncoder();
  // Of one colour within each pixel, so that filtering changes nothing: as many texels as taps.
  pictures.encode(
    encoder,
    textureOf(28, 20, (x, y) => pixelAt(Math.floor(x / 4), Math.floor(y / 4))),
    2,
  );
  device.queue.submit([encoder.finish()]);
  const told = await contentOf(pictures.buffer);
  expect([...told.subarray(0, 2 * 105)].every((number) => number === 0)).toBe(true);
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 7; x++) {
      pixelAt(x, y).forEach((byte, c) => expect(told[210 + (y * 7 + x) * 3 + c]).toBeCloseTo(byte / 255, 5));
    }
  }
  pictures.destroy();
});

test('of a wider one the middle is taken, smaller, each pixel the mean of what it covers', async () => {
  const pictures = await pictureBuffer(device, { shape: [2, 2, 1] });
  const encoder = device.createCommandEncoder();
  // 16 × 8: columns 4 … 11 are the middle; what is beside it is white.
  pictures.encode(
    encoder,
    textureOf(16, 8, (x, y) => (x < 4 || x > 11 ? [255, 255, 255] : Array<number>(3).fill((x - 4) * 8 + y))),
  );
  device.queue.submit([encoder.finish()]);
  const mean = (left: number, top: number): number => {
    let sum = 0;
    for (let x = left; x < left + 4; x++) for (let y = top; y < top + 4; y++) sum += x * 8 + y;
    return sum / 16 / 255;
  };
  const told = await contentOf(pictures.buffer);
  [mean(0, 0), mean(4, 0), mean(0, 4), mean(4, 4)].forEach((number, at) => expect(told[at]).toBeCloseTo(number, 5));
  pictures.destroy();
});

test('steps learn from what was encoded in front of them, in one encoder', async () => {
  const pictures = await pictureBuffer(device, { shape: [4, 4, 1], samples: 2 });
  const set = dataset({ image: pictures.field, target: { data: [0, 1], shape: [1] } });
  const trainer = await createTrainer({
    model: sequential(flatten, linear(16, 1)),
    loss: meanSquaredError,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 2,
    data: set,
    device,
  });
  await trainer.prepare(set, { encodeStep: true });
  for (let frame = 0; frame < 30; frame++) {
    const encoder = device.createCommandEncoder();
    pictures.encode(
      encoder,
      textureOf(8, 8, () => [20, 20, 20]),
      0,
    );
    pictures.encode(
      encoder,
      textureOf(8, 8, (x) => (x < 4 ? [255, 255, 255] : [20, 20, 20])),
      1,
    );
    trainer.encodeStep(encoder);
    device.queue.submit([encoder.finish()]);
  }
  const reports = await trainer.readReports();
  expect(reports.at(-1)!.loss).toBeLessThan(0.2 * reports[0].loss);
  trainer.destroy();
  pictures.destroy();
});

test('of what cannot be taken it is said why', async () => {
  const pictures = await pictureBuffer(device, { shape: [4, 4, 1], samples: 2 });
  const encoder = device.createCommandEncoder();
  const texture = textureOf(4, 4, () => [1, 2, 3]);
  expect(() => pictures.encode(encoder, texture, 2)).toThrow(/sample is 2 but must be a whole number from 0 to 1/);
  expect(() => pictures.encode({} as never, texture)).toThrow(/must be a GPUCommandEncoder/);
  expect(() => pictures.encode(encoder, 7 as never)).toThrow(/must be a GPUTexture/);
  expect(() =>
    pictures.encode(
      encoder,
      textureOf(4, 4, () => [1, 2, 3], 0x1),
    ),
  ).toThrow(/has not the usage TEXTURE_BINDING/);
  const depth = device.createTexture({ size: [4, 4], format: 'r32float', usage: TEXTURE_BINDING });
  expect(() => pictures.encode(encoder, depth)).toThrow(/is 2d of r32float/);
  await expect(pictureBuffer(device, { shape: [4, 4] })).rejects.toThrow(/\[height, width, 1\]/);
  pictures.destroy();
});
