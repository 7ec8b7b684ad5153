// What it costs that nothing is lost, and whether it holds: `npm run build`, then
//
//     node bench/lasting.mjs [--steps 200000] [--every 5000] [--saves 12] [--out FILE]
//
// A small network takes its steps twice, once undisturbed, once on devices that are destroyed every so many steps; both must
// end in the same bits, and neither the GPU's bytes nor the heap may grow. Then the steps of an MLP are timed with a
// checkpoint now and then and without, in turns: what one costs, beside a minute of training.

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: 'dist' },
    steps: { type: 'string', default: '200000' },
    every: { type: 'string', default: '5000' },
    saves: { type: 'string', default: '12' },
    out: { type: 'string' },
  },
});
const of = (file) => import(pathToFileURL(resolve(values.dist, file)).href);
const [library, { checkpoints }] = await Promise.all([of('index.js'), of('node.js')]);
const { adam, createTrainer, crossEntropy, dataset, dropout, linear, relu, requestDevice, sequential } = library;

const noise = (length, width) =>
  dataset({
    point: { data: Float32Array.from({ length: length * width }, (_, at) => Math.sin(at * at)), shape: [width] },
    label: Uint8Array.from({ length }, (_, at) => at % 10),
  });

const digest = async (trainer) => {
  const hash = createHash('sha256');
  for (const numbers of Object.values(await trainer.readParameters())) hash.update(numbers);
  return hash.digest('hex');
};

const heap = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

/** All steps, on devices that are destroyed every so many of them; 0: never. */
async function soak(steps, every) {
  const data = noise(512, 16);
  let device = await requestDevice();
  let lost = 0;
  const trainer = await createTrainer({
    model: sequential(linear(16, 16), relu, dropout(0.1), linear(16, 10)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 16,
    seed: 1,
    data,
    device,
    onDeviceLost: async () => {
      lost++;
      return (device = await requestDevice());
    },
  });
  const memory = [];
  let reports = 0;
  const begun = performance.now();
  for await (const { step } of trainer.fit(data, { steps, every: 100 })) {
    // A recovery is reported too, whichever step it meets.
    if (step % 100 === 0) reports++;
    if (every > 0 && step % every === 0 && step < steps) device.destroy();
    if (step % (steps / 10) === 0) memory.push({ step, gpuBytes: trainer.bytes, heapBytes: heap() });
  }
  const seconds = (performance.now() - begun) / 1000;
  const bits = await digest(trainer);
  trainer.destroy();
  device.destroy();
  return { lost, reports, seconds, bits, memory };
}

/** Seconds of so many steps, with a store and without, in turns. */
async function saving(saves) {
  const data = noise(1024, 784);
  const model = sequential(linear(784, 128), relu, linear(128, 10));
  const trainer = await createTrainer({ model, loss: crossEntropy, optimizer: adam(), batchSize: 128, data });
  const folder = await mkdtemp(join(tmpdir(), 'millrace-lasting-'));
  const STEPS = 400;
  const store = checkpoints({ folder, every: { steps: STEPS / 2 }, keep: 2 });
  const timed = async (more) => {
    const begun = performance.now();
    await trainer.fit(data, { steps: STEPS, every: STEPS, stepsPerSubmit: 50, ...more });
    return performance.now() - begun;
  };
  await timed({});
  const rounds = [];
  for (let round = 0; round < saves; round++) {
    const plain = await timed({});
    // Two files a round: in its middle, and at its end, which is waited for.
    rounds.push({ plain, saved: await timed({ checkpoints: store }) });
  }
  const bytes = (await trainer.save()).length;
  trainer.destroy();
  await rm(folder, { recursive: true });
  const costs = rounds.map(({ plain, saved }) => (saved - plain) / 2).toSorted((a, b) => a - b);
  const milliseconds = costs[costs.length >> 1];
  return { bytes, rounds, milliseconds, shareOfAMinute: milliseconds / 60_000 };
}

const [steps, every] = [Number(values.steps), Number(values.every)];
const device = await requestDevice();
const adapter = device.adapterInfo.description;
device.destroy();
const calm = await soak(steps, 0);
const disturbed = await soak(steps, every);
const saved = await saving(Number(values.saves));
console.log(
  `${steps} steps: ${calm.seconds.toFixed(0)} s; with ${disturbed.lost} lost devices ${disturbed.seconds.toFixed(0)} s`,
);
console.log(
  calm.bits === disturbed.bits ? 'the same bits' : 'OTHER BITS',
  calm.reports === disturbed.reports ? 'and reports' : 'OTHER REPORTS',
);
for (const { memory } of [calm, disturbed]) console.table(memory);
console.log(
  `a checkpoint of ${saved.bytes} bytes costs ${saved.milliseconds.toFixed(1)} ms: ${(100 * saved.shareOfAMinute).toFixed(3)} % of a minute`,
);
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  await writeFile(
    values.out,
    `${JSON.stringify({ machine, adapter, steps, every, calm, disturbed, saved }, null, 2)}\n`,
  );
}
process.exit(calm.bits === disturbed.bits ? 0 : 1);
