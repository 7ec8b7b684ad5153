// How long a visitor waits for the first step: each run is a process of its own, with a cache of shaders that is empty.
// `npm run build`, then
// `node bench/firstStep.mjs [DIST …] [--model mlp --model cnn --model small] [--rounds 5] [--kernels] [--out FILE]`
// Several DIST folders, as of another commit, take turns. With `--kernels`: where the time goes, kernel by kernel.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { transformWithOxc } from 'vite';
import { create, globals } from 'webgpu';
import { softwareDriver } from '../test/support/driver.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', multiple: true, default: ['mlp', 'cnn'] },
    rounds: { type: 'string', default: '5' },
    kernels: { type: 'boolean', default: false },
    out: { type: 'string' },
    once: { type: 'boolean', default: false },
  },
});

const BATCH = 64;
const SAMPLES = 1024;
const models = {
  mlp: ({ sequential, flatten, linear, relu }) =>
    sequential(flatten, linear(784, 128), relu, linear(128, 128), relu, linear(128, 10)),
  cnn: ({ cnn }) => cnn(),
  // The network of the benchmarks beside other libraries.
  small: ({ sequential, conv2d, relu, maxPool2d, flatten, linear }) => {
    const block = (channels, features) => [conv2d(channels, features, 3, { padding: 'same' }), relu, maxPool2d(2)];
    return sequential(...block(1, 8), ...block(8, 16), flatten, linear(784, 10));
  },
};

/** Images of noise with labels: what they are does not matter to the time. */
function noise(dataset) {
  let word = 1;
  const next = () => (word = (Math.imul(word, 1664525) + 1013904223) >>> 0) >>> 24;
  return dataset({
    image: { data: Uint8Array.from({ length: SAMPLES * 784 }, next), shape: [28, 28, 1] },
    label: Uint8Array.from({ length: SAMPLES }, () => next() % 10),
  });
}

/** Has each pipeline run at once, on nothing: lavapipe compiles only then. Gives what each took, in ms. */
function watch(device) {
  const kernels = [];
  const typesOf = new Map();
  const [layoutOf, moduleOf] = [new Map(), new Map()];
  const wrap = (name, around) => {
    const own = device[name].bind(device);
    device[name] = (given) => around(own, given);
  };
  wrap('createBindGroupLayout', (own, given) => {
    const layout = own(given);
    typesOf.set(
      layout,
      given.entries.map(({ buffer }) => buffer.type),
    );
    return layout;
  });
  wrap('createPipelineLayout', (own, given) => {
    const layout = own(given);
    layoutOf.set(layout, given.bindGroupLayouts[0]);
    return layout;
  });
  wrap('createShaderModule', (own, given) => {
    const begun = performance.now();
    const module = own(given);
    moduleOf.set(module, { ms: performance.now() - begun, letters: given.code.length });
    return module;
  });
  let before = Promise.resolve();
  wrap('createComputePipelineAsync', (own, given) => {
    const made = before.then(async () => {
      const begun = performance.now();
      const pipeline = await own(given);
      const pipelineMs = performance.now() - begun;
      const dispatchMs = await runOnNothing(device, pipeline, layoutOf.get(given.layout), typesOf);
      const { ms: moduleMs, letters } = moduleOf.get(given.compute.module);
      kernels.push({ kernel: given.label.replace('millrace ', ''), letters, moduleMs, pipelineMs, dispatchMs });
      return pipeline;
    });
    before = made.catch(() => {});
    return made;
  });
  return kernels;
}

async function runOnNothing(device, pipeline, layout, typesOf) {
  const { STORAGE, UNIFORM } = globals.GPUBufferUsage;
  const entries = typesOf.get(layout).map((type, binding) => ({
    binding,
    resource: { buffer: device.createBuffer({ size: 4096, usage: type === 'uniform' ? UNIFORM : STORAGE }) },
  }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(0);
  pass.end();
  const begun = performance.now();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  return performance.now() - begun;
}

/** One process: from the library's import to the first loss. */
async function once(dist, model) {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty((globalThis.navigator ??= {}), 'gpu', { value: gpu, configurable: true });
  const begun = performance.now();
  const before = process.cpuUsage();
  const library = await import(pathToFileURL(join(dist, 'index.js')).href);
  const device = await library.requestDevice();
  const kernels = values.kernels ? watch(device) : [];
  const data = noise(library.dataset);
  const { createTrainer, crossEntropy, adam } = library;
  const trainer = await createTrainer({
    model: models[model](library),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: BATCH,
    data,
    device,
  });
  const created = performance.now();
  let loss = NaN;
  for await (const report of trainer.fit(data, { steps: 1 })) loss = report.loss;
  const ended = performance.now();
  // Of all threads, the driver's too: what a busy machine does not lengthen.
  const { user, system } = process.cpuUsage(before);
  const ms = { create: created - begun, firstStep: ended - created, total: ended - begun, cpu: (user + system) / 1000 };
  console.log(JSON.stringify({ adapter: trainer.adapter, loss, ms, kernels }));
  process.exit(0);
}

/** What keeps npm's webgpu from taking a core for its waits, also beside builds that do not have it yet. */
async function quietWaits() {
  const file = fileURLToPath(new URL('../src/node/quietWaits.ts', import.meta.url));
  return (await transformWithOxc(await readFile(file, 'utf8'), file)).code;
}

/** A child process, whose driver has compiled nothing before. */
async function inProcess(dist, model, driver) {
  const cache = await mkdtemp(join(tmpdir(), 'millrace-shaders-'));
  const quiet = join(cache, 'quietWaits.mjs');
  const own = [fileURLToPath(import.meta.url), dist, '--once', '--model', model];
  try {
    await writeFile(quiet, `${await quietWaits()}\nwaitQuietly();\n`);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', quiet, ...own, ...(values.kernels ? ['--kernels'] : [])],
      { env: { ...process.env, ...driver, MESA_SHADER_CACHE_DIR: cache, MILLRACE_KERNELS: 'guess' } },
    );
    return JSON.parse(stdout.slice(stdout.lastIndexOf('{"adapter"')));
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const ms = (number) => number.toFixed(0).padStart(7);

function print({ dist, model, runs }) {
  const parts = ['create', 'firstStep', 'total', 'cpu'].map(
    (part) => `${part} ${ms(median(runs.map((run) => run.ms[part])))}`,
  );
  console.log(`${model.padEnd(6)}${parts.join('  ')}  ms  ${dist}`);
  if (!values.kernels) return;
  console.log(`  ${'kernel'.padEnd(44)} letters  module  pipeline  first dispatch, ms`);
  runs[0].kernels.forEach(({ kernel, letters }, at) => {
    const times = ['moduleMs', 'pipelineMs', 'dispatchMs'].map((part) =>
      ms(median(runs.map(({ kernels }) => kernels[at]?.[part] ?? NaN))),
    );
    console.log(`  ${kernel.padEnd(44)} ${String(letters).padStart(7)} ${times.join('   ')}`);
  });
}

if (values.once) await once(positionals[0], values.model[0]);
const driver = await softwareDriver();
const dists = (positionals.length > 0 ? positionals : ['dist']).map((dist) => resolve(dist));
const results = values.model.flatMap((model) => dists.map((dist) => ({ dist, model, runs: [] })));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { dist, model, runs } of results) runs.push(await inProcess(dist, model, driver));
}
console.log(results[0].runs[0].adapter);
for (const result of results) print(result);
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  await writeFile(values.out, `${JSON.stringify({ machine, batch: BATCH, results }, null, 1)}\n`);
}
