// Whether a long run stays as it began: 10,000 steps of a small net, and what each thousand of them takes.
// `npm run build`, then `node --expose-gc bench/long.mjs [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { adam, createTrainer, crossEntropy, dataset, dropout, linear, relu, sequential } from '../dist/index.js';

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const LENGTH = 1003;
const trainer = await createTrainer({
  model: sequential(linear(16, 32), relu, dropout(0.2), linear(32, 10)),
  loss: crossEntropy,
  optimizer: adam(),
  batchSize: 64,
});
const data = dataset({
  x: { data: Float32Array.from({ length: LENGTH * 16 }, (_, at) => Math.sin(at)), shape: [16] },
  label: Uint8Array.from({ length: LENGTH }, (_, at) => at % 10),
});

const thousands = [];
let begun = 0;
for await (const { step } of trainer.fit(data, { steps: 11_000, stepsPerSubmit: 50 })) {
  if (step % 1000 !== 0) continue;
  globalThis.gc?.();
  const now = performance.now();
  // The first thousand warms up.
  if (step > 1000) {
    const heapMegabytes = process.memoryUsage().heapUsed / 2 ** 20;
    thousands.push({ step, millisecondsPerStep: (now - begun) / 1000, heapMegabytes, gpuBytes: trainer.bytes });
  }
  begun = performance.now();
}
const { adapter, launchesPerStep } = trainer;
console.log(`${adapter}, ${launchesPerStep} launches a step`);
console.table(thousands);
trainer.destroy();
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  await writeFile(values.out, `${JSON.stringify({ machine, adapter, launchesPerStep, thousands }, null, 1)}\n`);
}
