// Whether parameters beyond one binding train: 40 million of them, which are more than the 128 MiB that many adapters bind.
// `npm run build`, then `node bench/pages.mjs [--steps 4] [--batch 32] [--cpu] [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  Random,
  relu,
  requestDevice,
  sequential,
} from '../dist/index.js';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '4' },
    batch: { type: 'string', default: '32' },
    /** The same steps on the CPU, where one page holds everything: losses must agree. */
    cpu: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const [steps, batchSize] = [Number(values.steps), Number(values.batch)];
const WIDTHS = [784, 4096, 4096, 4096, 1024, 10];

const layers = WIDTHS.slice(1).map((width, at) => linear(WIDTHS[at], width));
const model = sequential(...layers.flatMap((layer, at) => (at < layers.length - 1 ? [layer, relu] : [layer])));
const random = new Random(1, 'pages');
const length = 4 * batchSize;
const data = dataset({
  x: { data: Float32Array.from({ length: length * WIDTHS[0] }, () => random.normal(0, 1)), shape: [WIDTHS[0]] },
  label: Uint8Array.from({ length }, (_, at) => at % 10),
});

/** Losses of all steps, and what the trainer says of itself. */
async function train(place) {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adam({ learningRate: 1e-4 }),
    batchSize,
    seed: 1,
    data,
    ...place,
  });
  const pages = [...(await trainer.graph()).matchAll(/^state parameters/gm)].length;
  const [losses, seconds] = [[], []];
  let begun;
  for await (const { loss } of trainer.fit(data, { steps, stepsPerSubmit: 1 })) {
    const now = performance.now();
    if (begun !== undefined) seconds.push((now - begun) / 1000);
    begun = now;
    losses.push(loss);
  }
  const weights = await trainer.readParameters();
  const parameters = Object.values(weights).reduce((sum, numbers) => sum + numbers.length, 0);
  const { adapter, launchesPerStep, bytes } = trainer;
  const summary = await trainer.summary();
  trainer.destroy();
  return { adapter, parameters, pages, launchesPerStep, mebibytes: bytes / 2 ** 20, losses, seconds, summary };
}

const device = await requestDevice();
const bindingMebibytes = device.limits.maxStorageBufferBindingSize / 2 ** 20;
const { summary, ...onGpu } = await train({ device });
console.log(summary);
console.log({ bindingMebibytes, ...onGpu });
const onCpu = values.cpu ? await train({ backend: 'cpu' }) : undefined;
if (onCpu) console.log({ losses: onCpu.losses, pages: onCpu.pages });
device.destroy();
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  const cpu = onCpu && { pages: onCpu.pages, losses: onCpu.losses };
  await writeFile(
    values.out,
    `${JSON.stringify({ machine, bindingMebibytes, batchSize, ...onGpu, ...(cpu && { cpu }) }, null, 1)}\n`,
  );
}
