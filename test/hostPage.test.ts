// A host in a page: it draws each frame on its device while a guest trains there, and shows it frames of a video.

import { expect, test } from 'vitest';
import type { JSHandle } from 'playwright-core';
import type * as Millrace from '../src/index.ts';
import { drawing, openEmptyPage, serveSources } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources, drawing);

const libraryIn = async (page: Awaited<ReturnType<typeof openEmptyPage>>) =>
  (await page.evaluateHandle("import('/src/index.ts')")) as JSHandle<typeof Millrace>;

test('it draws while its guest trains, by encoded steps and by a share of frames, and is told of nothing', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const { faults, steps, losses, drawn, after } = await page.evaluate(hostFrames, await libraryIn(page));
  expect(faults).toEqual([]);
  expect(steps).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
  expect(losses[1]).toBeLessThan(losses[0] / 2);
  expect(drawn).toBe(true);
  // The device works on without its guest.
  expect(after).toBe(null);
  await page.close();
});

async function hostFrames(millrace: typeof Millrace) {
  const { createTrainer, dataset, linear, tanh, sequential, meanSquaredError, adam } = millrace;
  const adapter = (await navigator.gpu.requestAdapter())!;
  const device = await adapter.requestDevice();
  const faults: string[] = [];
  device.addEventListener('uncapturederror', ({ error }) => void faults.push(error.message));
  const x = Float32Array.from({ length: 128 }, (_, i) => i / 64 - 1);
  const points = device.createBuffer({ size: x.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(points, 0, x);
  const data = dataset({
    x: { buffer: points, shape: [1] },
    target: { data: x.map((number) => number * number), shape: [1] },
  });
  const trainer = await createTrainer({
    model: sequential(linear(1, 16), tanh, linear(16, 1)),
    loss: meanSquaredError,
    optimizer: adam({ learningRate: 0.03 }),
    batchSize: 32,
    device,
    data,
  });
  await trainer.prepare(data, { encodeStep: true, encodePredict: data });
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read> heights: array<f32>;
@vertex fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i % 2u) * 4.0 - 1.0, f32(i / 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn fragment(@builtin(position) at: vec4f) -> @location(0) vec4f {
  return vec4f(step(at.y / 64.0, heights[u32(at.x)]), 0.5, 0.0, 1.0);
}`,
  });
  const pipeline = device.createRenderPipeline({
    layout: 'auto',
    vertex: { module },
    fragment: { module, targets: [{ format: 'rgba8unorm' }] },
  });
  const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC;
  const picture = device.createTexture({ size: [128, 64], format: 'rgba8unorm', usage });
  const nextFrame = () => new Promise((resolve) => void requestAnimationFrame(resolve));
  const draw = (encoder: GPUCommandEncoder, { buffer, offset, size }: GPUBufferBinding): void => {
    const view = picture.createView();
    const pass = encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] });
    pass.setPipeline(pipeline);
    const entries = [{ binding: 0, resource: { buffer, offset, size } as GPUBufferBinding }];
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.draw(3);
    pass.end();
  };
  const steps: number[] = [];
  for (let frame = 0; frame < 20; frame++) {
    await nextFrame();
    const encoder = device.createCommandEncoder();
    trainer.encodeStep(encoder);
    trainer.encodeStep(encoder);
    draw(encoder, trainer.encodePredict(encoder, data));
    device.queue.submit([encoder.finish()]);
    if (frame % 5 === 4) steps.push(...(await trainer.readReports()).map(({ step }) => step));
  }
  const losses: number[] = [(await trainer.evaluate(data)).loss];
  const host = { draws: true };
  const painting = (async () => {
    while (host.draws) {
      await nextFrame();
      const encoder = device.createCommandEncoder();
      draw(encoder, trainer.encodePredict(encoder, data));
      device.queue.submit([encoder.finish()]);
    }
  })();
  for await (const { step } of trainer.run(data, { budgetMs: 4 })) if (step >= 400) await trainer.stop();
  host.draws = false;
  await painting;
  losses.push((await trainer.evaluate(data)).loss);
  const pixels = device.createBuffer({ size: 128 * 64 * 4, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const last = device.createCommandEncoder();
  last.copyTextureToBuffer({ texture: picture }, { buffer: pixels, bytesPerRow: 512 }, [128, 64]);
  device.queue.submit([last.finish()]);
  await pixels.mapAsync(GPUMapMode.READ);
  const drawn = new Uint8Array(pixels.getMappedRange()).some((byte) => byte === 255);
  trainer.destroy();
  device.pushErrorScope('validation');
  device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
  device.queue.submit([]);
  const after = (await device.popErrorScope())?.message ?? null;
  device.destroy();
  return { faults, steps, losses, drawn, after };
}

test('frames of a video become samples where they are imported', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const { faults, colours } = await page.evaluate(videoFrames, await libraryIn(page));
  expect(faults).toEqual([]);
  // Red on the left, blue on the right, as a video has them: not to the bit.
  const [left, right] = colours;
  expect(left[0]).toBeGreaterThan(0.8);
  expect(left[2]).toBeLessThan(0.2);
  expect(right[0]).toBeLessThan(0.2);
  expect(right[2]).toBeGreaterThan(0.8);
  await page.close();
});

async function videoFrames(millrace: typeof Millrace) {
  const adapter = (await navigator.gpu.requestAdapter())!;
  const device = await adapter.requestDevice();
  const faults: string[] = [];
  device.addEventListener('uncapturederror', ({ error }) => void faults.push(error.message));
  const canvas = new OffscreenCanvas(64, 32);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#f00';
  context.fillRect(0, 0, 32, 32);
  context.fillStyle = '#00f';
  context.fillRect(32, 0, 32, 32);
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  const pictures = await millrace.pictureBuffer(device, { shape: [2, 4, 3] });
  const encoder = device.createCommandEncoder();
  pictures.encode(encoder, device.importExternalTexture({ source: frame }));
  const read = device.createBuffer({ size: 96, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  encoder.copyBufferToBuffer(pictures.buffer, 0, read, 0, 96);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const numbers = [...new Float32Array(read.getMappedRange())];
  frame.close();
  pictures.destroy();
  device.destroy();
  return { faults, colours: [numbers.slice(0, 3), numbers.slice(9, 12)] };
}
