// What many steps in one submit are worth: interleaved runs of one trainer for each number of steps in a submit.
// `npm run build`, then `node bench/submits.mjs [--rounds 5] [--seconds 1.5] [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { adam, createTrainer, crossEntropy, dataset, flatten, linear, relu, sequential } from '../dist/index.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1.5' },
    out: { type: 'string' },
  },
});

/** Images of noise with labels: what they are does not matter to the time. */
function noise(length, size) {
  let word = 1;
  const next = () => (word = (Math.imul(word, 1664525) + 1013904223) >>> 0) >>> 24;
  return dataset({
    image: { data: Uint8Array.from({ length: length * size }, next), shape: [size, 1] },
    label: Uint8Array.from({ length }, () => next() % 10),
  });
}

const nets = {
  '16-16-10, batch 32': { size: 16, hidden: 16, batchSize: 32 },
  '784-32-10, batch 32': { size: 784, hidden: 32, batchSize: 32 },
  '784-128-10, batch 128': { size: 784, hidden: 128, batchSize: 128 },
};
const ways = {
  'step, uploaded': null,
  1: { stepsPerSubmit: 1 },
  10: { stepsPerSubmit: 10 },
  50: { stepsPerSubmit: 50 },
  300: { stepsPerSubmit: 300 },
  auto: { stepsPerSubmit: 'auto' },
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const results = [];
for (const [name, { size, hidden, batchSize }] of Object.entries(nets)) {
  const data = noise(4096, size);
  const trainer = await createTrainer({
    model: sequential(flatten, linear(size, hidden), relu, linear(hidden, 10)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize,
    data,
  });
  const { image, label } = data.fields;
  const batch = { image: image.data.slice(0, batchSize * size), label: label.data.slice(0, batchSize) };
  const timeOf = async (fit, steps) => {
    const begun = performance.now();
    if (fit) for await (const _ of trainer.fit(data, { ...fit, steps, every: steps }));
    else for (let step = 0; step < steps; step++) await trainer.step(batch);
    return (performance.now() - begun) / 1000;
  };
  const rates = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  await timeOf(ways[1], 10);
  // Whole submits, so that all ways do the same work.
  const steps = 300 * Math.ceil(Number(values.seconds) / (30 * (await timeOf(ways[10], 10))));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [way, fit] of Object.entries(ways)) rates[way].push(steps / (await timeOf(fit, steps)));
  }
  const one = median(rates['1']);
  console.log(`${name}, ${trainer.launchesPerStep} launches a step, ${trainer.adapter}`);
  for (const [way, found] of Object.entries(rates)) {
    const spread = `${Math.min(...found).toFixed(0)} … ${Math.max(...found).toFixed(0)}`;
    console.log(
      `  ${way.padEnd(15)} ${median(found).toFixed(0).padStart(6)} steps/s (${spread})  ${(median(found) / one).toFixed(2)} ×`,
    );
  }
  const { adapter, launchesPerStep } = trainer;
  results.push({ net: name, adapter, launchesPerStep, stepsPerSecond: rates });
  trainer.destroy();
}
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  await writeFile(values.out, `${JSON.stringify({ machine, results }, null, 1)}\n`);
}
