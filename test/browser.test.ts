import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, JSHandle, Page } from 'playwright-core';
import type * as Millrace from '../src/index.ts';
import { launchBrowser, openEmptyPage, serveSources } from './support/chromium.ts';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveSources>>;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchBrowser(), serveSources()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('a page in Chromium squares numbers on its GPU', async () => {
  const page = await openEmptyPage(browser, server.url);
  const squares = await page.evaluate(squareOnGpu, [0, 1, 2, 3, 65_535]);
  expect(squares).toEqual([0, 1, 4, 9, 4_294_836_225]);
  await page.close();
});

/** A software adapter learns slowly. */
const PATIENCE = { timeout: 40_000 };

/** Both sum in f32, each in its own order. */
const BACKENDS_DIFFER = 1e-4;

test('an MLP in a page has the losses on WebGPU that it has on the CPU', async () => {
  const page = await openEmptyPage(browser, server.url);
  const library = (await page.evaluateHandle("import('/src/index.ts')")) as JSHandle<typeof Millrace>;
  const [gpu, cpu] = await page.evaluate(lossesOnBoth, library);
  const differences = gpu.map((loss, step) => Math.abs(loss - cpu[step]));
  expect(Math.max(...differences)).toBeLessThan(BACKENDS_DIFFER);
  expect(gpu).toHaveLength(8);
  expect(gpu[7]).toBeLessThan(gpu[0] / 2);
  await page.close();
});

test('a visitor trains the spirals past 90 %, pauses, steps once, and starts anew with another width', async () => {
  const { page, problems } = await openDemo();
  const figure = (id: string) => page.locator(`#spirals-${id}`).innerText();
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const status = page.locator('#spirals-status');
  await status.filter({ hasText: 'Ready' }).waitFor();
  expect(await page.locator('#device').innerText()).toMatch(/^Trains by WebGPU on /);

  await button('Train').click();
  await expect.poll(async () => parseFloat(await figure('accuracy')), PATIENCE).toBeGreaterThan(90);
  await button('Pause').click();
  await status.filter({ hasText: /^Paused at step/ }).waitFor();
  const paused = Number(await figure('at'));
  await button('Step').click();
  await expect.poll(() => figure('at'), PATIENCE).toBe(String(paused + 1));

  await button('Train').click();
  await button('Pause').waitFor();
  await page.getByLabel('Hidden width').fill('8');
  await page.keyboard.press('Tab');
  await expect.poll(async () => Number(await figure('at')), PATIENCE).toBeLessThan(paused);
  await button('Pause').waitFor();
  await button('Reset').click();
  await status.filter({ hasText: 'Ready' }).waitFor();
  expect([await figure('at'), await figure('loss')]).toEqual(['0', '–']);

  await page.close();
  expect(problems).toEqual([]);
});

test('a visitor reads what is wrong with a file that was dropped, and trains on whole ones', async () => {
  const { page, problems } = await openDemo();
  const status = page.locator('#digits-status');
  // As text, since Node's types know no drop.
  const broken = await page.evaluateHandle(`
    const dropped = new DataTransfer();
    dropped.items.add(new File(['a letter, not digits'], 'train-images-idx3-ubyte'));
    dropped;`);
  await page.dispatchEvent('body', 'drop', { dataTransfer: broken });
  await status.filter({ hasText: '[idx] train-images-idx3-ubyte begins with 61 20 6c 65' }).waitFor();

  const [images, labels] = bars(1024);
  const [testImages, testLabels] = bars(200);
  const files = { 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels };
  const choose = (chosen: Record<string, Buffer>) =>
    page
      .locator('#digits-files')
      .setInputFiles(Object.entries(chosen).map(([name, buffer]) => ({ name, buffer, mimeType: '' })));
  await choose(files);
  await status.filter({ hasText: '[mnist] there is no t10k-images-idx3-ubyte' }).waitFor();
  await choose({ ...files, 't10k-images-idx3-ubyte': testImages, 't10k-labels-idx1-ubyte': testLabels });
  await status
    .filter({ hasText: /^One epoch, 8 steps\. On 200 test images: .* accuracy (9\d|100)\.\d %\.$/ })
    .waitFor();

  await page.close();
  expect(problems).toEqual([]);
});

test('a page without WebGPU says so, and trains by the CPU reference', async () => {
  const { page, problems } = await openDemo(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  await page.locator('#device', { hasText: 'trains by the CPU reference' }).waitFor();
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await expect.poll(async () => Number(await page.locator('#spirals-at').innerText()), PATIENCE).toBeGreaterThan(1);
  await page.close();
  expect(problems).toEqual([]);
});

/** The page, and all that a quiet one would not do: errors, and requests to other hosts. */
async function openDemo(before?: () => void): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage();
  const problems: string[] = [];
  const { host } = new URL(server.url);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => new URL(request.url()).host !== host && problems.push(request.url()));
  if (before) await page.addInitScript(before);
  await page.goto(server.url);
  return { page, problems };
}

/** Images of 28 × 28 with a bar at the label's height, and their labels, as the files of MNIST. */
function bars(length: number): [Buffer, Buffer] {
  const [side, classes] = [28, 10];
  const images = Buffer.alloc(length * side * side);
  const labels = Buffer.from(Array.from({ length }, (_, i) => i % classes));
  labels.forEach((label, i) => images.fill(255, (i * side + 2 * label) * side, (i * side + 2 * label + 2) * side));
  return [idx([length, side, side], images), idx([length], labels)];
}

function idx(shape: readonly number[], bytes: Buffer): Buffer {
  const header = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255])]);
  return Buffer.concat([header, bytes]);
}

/** Runs in the page. */
async function lossesOnBoth(library: typeof Millrace): Promise<[number[], number[]]> {
  const { adam, createTrainer, crossEntropy, dataset, linear, relu, sequential } = library;
  const [samples, features] = [64, 6];
  const x = Float32Array.from({ length: samples * features }, (_, i) => Math.sin(i * i));
  const label = Uint8Array.from({ length: samples }, (_, i) => (x[i * features] + x[i * features + 1] > 0 ? 1 : 0));
  const data = dataset({ x: { data: x, shape: [features] }, label });
  const losses: [number[], number[]] = [[], []];
  for (const [at, backend] of (['webgpu', 'cpu'] as const).entries()) {
    const trainer = await createTrainer({
      model: sequential(linear(features, 16), relu, linear(16, 2)),
      loss: crossEntropy,
      optimizer: adam({ learningRate: 0.05 }),
      batchSize: samples,
      seed: 3,
      backend,
    });
    for await (const { loss } of trainer.fit(data, { steps: 8 })) losses[at].push(loss);
    trainer.destroy();
  }
  return losses;
}

/** Runs in the page, so it may use nothing of this file. */
async function squareOnGpu(numbers: number[]): Promise<number[]> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('the page has no WebGPU adapter');
  const device = await adapter.requestDevice();
  const code = `
    @group(0) @binding(0) var<storage, read_write> numbers: array<u32>;
    @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { numbers[id.x] *= numbers[id.x]; }`;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const size = 4 * numbers.length;
  const storage = device.createBuffer({
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  const readback = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: storage } }],
  });
  device.queue.writeBuffer(storage, 0, new Uint32Array(numbers));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(numbers.length);
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, readback, 0, size);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(GPUMapMode.READ);
  const squares = [...new Uint32Array(readback.getMappedRange())];
  device.destroy();
  return squares;
}
