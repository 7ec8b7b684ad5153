import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  adamw,
  batchNorm,
  conv2d,
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  embedding,
  flatten,
  gelu,
  layerNorm,
  linear,
  lstm,
  relu,
  sequential,
  tanh,
  transformerEncoderLayer,
  type Dataset,
  type Model,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const [N, CLASSES, TOKENS] = [128, 4, 20];
const random = new Random(11, 'samples');
const whole = (below: number) => Math.floor(random.uniform(0, below));
const label = Uint8Array.from({ length: N }, () => whole(CLASSES));
const images = dataset({
  image: { data: Float32Array.from({ length: N * 100 }, () => random.normal()), shape: [10, 10, 1] },
  label,
});
const texts = dataset({
  tokens: { data: Int32Array.from({ length: N * 12 }, () => whole(TOKENS)), shape: [12] },
  label,
});

const models: readonly (readonly [string, Model, typeof images | typeof texts])[] = [
  [
    'layers',
    sequential(flatten, linear(100, 24), tanh, dropout(0.2), layerNorm(24), gelu, linear(24, CLASSES)),
    images,
  ],
  ['convolutions', sequential(conv2d(1, 6, 3), batchNorm(6), relu, flatten, linear(384, CLASSES)), images],
  ['an LSTM', sequential(embedding(TOKENS, 8), lstm(8, 16, { returns: 'last' }), linear(16, CLASSES)), texts],
  [
    'attention',
    sequential(
      embedding(TOKENS, 16),
      transformerEncoderLayer(16, 2, { feedForward: 32 }),
      flatten,
      linear(192, CLASSES),
    ),
    texts,
  ],
];

/** A sum of the bits of all parameters after 40 steps. */
async function endOf(model: Model, data: Dataset): Promise<string> {
  const optimizer = adamw({ learningRate: 1e-2, clip: { globalNorm: 1 } });
  const device = await sharedDevice();
  const trainer = await createTrainer({ model, loss: crossEntropy, optimizer, batchSize: 32, seed: 3, data, device });
  await trainer.fit(data, { steps: 40 });
  const hash = createHash('sha256');
  for (const values of Object.values(await trainer.readParameters())) hash.update(values);
  trainer.destroy();
  return hash.digest('hex');
}

const file = process.env['MILLRACE_BITS'];

// test/deno.mjs has Node, whose WebGPU is Dawn, write the file, and Deno, whose is wgpu, come to the same: the two compile
// WGSL each in their own way for one driver.
test.runIf(file)('four models end in the bits that another WebGPU had', async () => {
  const bits: Record<string, string> = {};
  for (const [name, model, data] of models) bits[name] = await endOf(model, data);
  expect(new Set(Object.values(bits)).size).toBe(models.length);
  const kept = await readFile(file!, 'utf8').catch(() => null);
  if (kept === null) return writeFile(file!, JSON.stringify(bits));
  expect(bits).toEqual(JSON.parse(kept));
});
