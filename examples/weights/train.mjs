// Trains the network of ../stage/sight.ts on CIFAR-10, and keeps its weights:
// `node examples/weights/train.mjs path/to/cifar10 [--epochs 8] [--out FILE]`

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string', default: '8' },
    out: { type: 'string', default: fileURLToPath(new URL('sight.safetensors', import.meta.url)) },
  },
});
const [BATCH, RATE] = [64, 4e-3];

const root = fileURLToPath(new URL('../..', import.meta.url));
const vite = await createServer({ root, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null } });
const load = (file) => vite.ssrLoadModule(file);
const { adamw, createTrainer, crossEntropy } = await load('/src/index.ts');
const { cifar10 } = await load('/src/node/data.ts');
const { folder } = await load('/src/node.ts');
const { decodePng } = await load('/src/cli/pictures/png.ts');
const { classifier } = await load('/examples/stage/sight.ts');

const { train, test } = await cifar10({ source: folder(positionals[0]), decode: decodePng });
const epochs = Number(values.epochs);
const every = Math.ceil(train.length / BATCH);
const trainer = await createTrainer({
  model: classifier(),
  loss: crossEntropy,
  optimizer: adamw({
    learningRate: (step) => (RATE / 2) * (1 + Math.cos(Math.PI * Math.min(1, step / (epochs * every)))),
    weightDecay: 0.02,
  }),
  batchSize: BATCH,
  seed: 1,
  data: train,
});
console.log(`${train.length} pictures, ${trainer.adapter}`);
for await (const { epoch, loss, seconds } of trainer.fit(train, { epochs, every })) {
  console.log(`epoch ${epoch.toFixed(0)}: loss ${loss.toFixed(3)}, ${seconds.toFixed(0)} s`);
}
const { accuracy } = await trainer.evaluate(test);
console.log(`test accuracy ${accuracy}`);
await writeFile(values.out, await trainer.saveWeights({ accuracy: accuracy.toFixed(4) }));
trainer.destroy();
await vite.close();
