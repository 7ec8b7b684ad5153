// How well a network that saw synthetic digits alone reads handwriting: trains on them, tests on MNIST's test images.
// `npm run build`, then `node bench/transfer.mjs path/to/mnist [--seeds 1,2,3] [--hidden 128] [--epochs 4] [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { mnist, syntheticDigits } from '../dist/data.node.js';
import {
  adam,
  createTrainer,
  crossEntropy,
  flatten,
  glorotUniform,
  linear,
  relu,
  sequential,
  zeros,
} from '../dist/index.js';
import { folder } from '../dist/node.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    hidden: { type: 'string', default: '128' },
    epochs: { type: 'string', default: '4' },
    backend: { type: 'string', default: 'auto' },
    out: { type: 'string' },
  },
});
const [hidden, epochs] = [Number(values.hidden), Number(values.epochs)];
const BATCH = 128;
const RATE = 3e-3;

const { test: written } = await mnist(folder(positionals[0]));
const runs = [];
for (const seed of values.seeds.split(',').map(Number)) {
  const { train, test: drawn } = await syntheticDigits({ seed });
  const steps = Math.ceil((epochs * train.length) / BATCH);
  const initial = { weightInitial: glorotUniform, biasInitial: zeros };
  const trainer = await createTrainer({
    model: sequential(flatten, linear(784, hidden, initial), relu, linear(hidden, 10, initial)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: (step) => (RATE / 2) * (1 + Math.cos(Math.PI * Math.min(1, step / steps))) }),
    batchSize: BATCH,
    seed,
    backend: values.backend,
  });
  let seconds = 0;
  for await (const report of trainer.fit(train, { steps, every: steps })) seconds = report.seconds;
  const [onDrawn, onWritten] = [await trainer.evaluate(drawn), await trainer.evaluate(written)];
  runs.push({ seed, adapter: trainer.adapter, steps, seconds, synthetic: onDrawn.accuracy, mnist: onWritten.accuracy });
  console.log(runs.at(-1));
  trainer.destroy();
}
if (values.out)
  await writeFile(
    values.out,
    `${JSON.stringify({ hidden, epochs, batch: BATCH, learningRate: RATE, runs }, null, 2)}\n`,
  );
