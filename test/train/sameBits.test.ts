import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { adamw, createTrainer, crossEntropy, type Dataset, type Model } from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { fourModels } from '../support/fourModels.ts';

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
  for (const [name, model, data] of fourModels) bits[name] = await endOf(model, data);
  expect(new Set(Object.values(bits)).size).toBe(fourModels.length);
  const kept = await readFile(file!, 'utf8').catch(() => null);
  if (kept === null) return writeFile(file!, JSON.stringify(bits));
  expect(bits).toEqual(JSON.parse(kept));
});
