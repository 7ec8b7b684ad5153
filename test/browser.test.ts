import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { JSHandle } from 'playwright-core';
import type * as Millrace from '../src/index.ts';
import { openEmptyPage, serveSources } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

test('a page in Chromium squares numbers on its GPU', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const squares = await page.evaluate(squareOnGpu, [0, 1, 2, 3, 65_535]);
  expect(squares).toEqual([0, 1, 4, 9, 4_294_836_225]);
  await page.close();
});

/** Both sum in f32, each in its own order. */
const BACKENDS_DIFFER = 1e-4;

test('an MLP in a page has the losses on WebGPU that it has on the CPU', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const library = (await page.evaluateHandle("import('/src/index.ts')")) as JSHandle<typeof Millrace>;
  const [gpu, cpu] = await page.evaluate(lossesOnBoth, library);
  const differences = gpu.map((loss, step) => Math.abs(loss - cpu[step]));
  expect(Math.max(...differences)).toBeLessThan(BACKENDS_DIFFER);
  expect(gpu).toHaveLength(8);
  expect(gpu[7]).toBeLessThan(gpu[0] / 2);
  await page.close();
});

test('a page reads all members of a gzipped table, and what is cut in its second one is refused', async () => {
  const page = await openEmptyPage(served.browser, served.url);
  const rows = (from: number): Buffer => gzipSync(Array.from({ length: 30 }, (_, i) => `${i + from},${i}\n`).join(''));
  const both = Buffer.concat([rows(0), rows(30)]);
  const files = [both, Buffer.concat([both, Buffer.alloc(100)]), both.subarray(0, -9)];
  const said = await page.evaluate(`(async () => {
    const { readTable } = await import('/src/data/index.ts');
    const read = ([...bytes]) => readTable('two.csv.gz', Uint8Array.from(bytes));
    return Promise.all(${JSON.stringify(files.map((file) => [...file]))}.map((bytes) =>
      read(bytes).then(({ rows }) => rows.length, (error) => error.message)));
  })()`);
  expect(said).toEqual([
    60,
    60,
    expect.stringMatching(/^\[table\] two\.csv\.gz: the gzip stream is broken or cut short/),
  ]);
  await page.close();
});

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
