// What a training step of an LSTM takes by the number of its time steps: interleaved rounds of one trainer for each length.
// `npm run build`, then `node bench/lstmSteps.mjs [--rounds 9] [--seconds 1] [--lengths 25,50] [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { adam, createTrainer, crossEntropy, dataset, linear, lstm, sequential } from '../dist/index.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '1' },
    lengths: { type: 'string', default: '25,50,100,200,400' },
    out: { type: 'string' },
  },
});
const lengths = values.lengths.split(',').map(Number);
const [batchSize, features, units, classes] = [64, 40, 64, 10];
const batches = 4;

/** Sequences of noise with labels: what they are does not matter to the time. */
function noise(steps) {
  let word = 1;
  const next = () => (word = (Math.imul(word, 1664525) + 1013904223) >>> 0) >>> 24;
  const length = batches * batchSize;
  return dataset({
    x: { data: Uint8Array.from({ length: length * steps * features }, next), shape: [steps, features] },
    label: Uint8Array.from({ length }, () => next() % classes),
  });
}

/** Seconds of a step, over so many of them: by the clock, and of all threads, which other work lengthens less. */
async function secondsOf({ trainer, data }, steps) {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  for await (const _ of trainer.fit(data, { steps, every: steps }));
  const { user, system } = process.cpuUsage(used);
  return { clock: (performance.now() - begun) / 1e3 / steps, cpu: (user + system) / 1e6 / steps };
}

async function runnerOf(length) {
  const data = noise(length);
  const trainer = await createTrainer({
    model: sequential(lstm(features, units, { returns: 'last' }), linear(units, classes)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize,
    data,
  });
  await secondsOf({ trainer, data }, 3);
  const { clock } = await secondsOf({ trainer, data }, 3);
  const times = Math.max(3, Math.ceil(Number(values.seconds) / clock));
  return { length, trainer, data, times, samples: [] };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const load = loadavg();
const runners = [];
for (const length of lengths) runners.push(await runnerOf(length));
for (let round = 0; round < Number(values.rounds); round++) {
  for (let turn = 0; turn < runners.length; turn++) {
    const runner = runners[(round + turn) % runners.length];
    runner.samples.push(await secondsOf(runner, runner.times));
  }
}

/** Median, range, and how it stands to what as many time steps would take if each took as long as those of the shortest. */
function figuresOf({ length, samples }, kind) {
  const seconds = samples.map((sample) => sample[kind]);
  const [shortest] = runners;
  const grown = (median(shortest.samples.map((sample) => sample[kind])) * length) / shortest.length;
  return { median: median(seconds), ofLinear: median(seconds) / grown, seconds };
}

const told = ({ median: middle, ofLinear, seconds }) => {
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((each) => (1e3 * each).toFixed(0));
  return `${(1e3 * middle).toFixed(1).padStart(8)} ms (${least} … ${most}), ${ofLinear.toFixed(2)} × of linear`;
};

const { adapter } = runners[0].trainer;
console.log(`${batchSize} × T × ${features} → LSTM ${units} → ${classes}, Adam, ${adapter}`);
const rows = runners.map((runner) => {
  const { length, trainer, times } = runner;
  const [clock, cpu] = [figuresOf(runner, 'clock'), figuresOf(runner, 'cpu')];
  const { launchesPerStep } = trainer;
  console.log(
    `  T = ${String(length).padStart(3)}, ${launchesPerStep} launches: ${told(clock)}; CPU time ${told(cpu)}`,
  );
  return { steps: length, launchesPerStep, times, clock, cpu };
});
for (const { trainer } of runners) trainer.destroy();
if (values.out) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version, load };
  await writeFile(values.out, `${JSON.stringify({ machine, adapter, batchSize, features, units, rows }, null, 1)}\n`);
}
