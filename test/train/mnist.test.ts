import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adam, createTrainer, crossEntropy, flatten, linear, relu, sequential, type Trainer } from '../../src/index.ts';
import { mnist, type Dataset } from '../../src/data/index.ts';
import { folder } from '../../src/node.ts';
import { sharedDevice } from '../support/device.ts';

const root = process.env['MILLRACE_DATA'];

describe.runIf(root)('real MNIST', () => {
  let train: Dataset;
  let testSet: Dataset;
  beforeAll(async () => {
    ({ train, test: testSet } = await mnist(folder(join(root!, 'mnist'))));
  });

  const trainers: Trainer[] = [];
  afterAll(() => trainers.forEach((trainer) => trainer.destroy()));
  const mlp = async (backend: 'webgpu' | 'cpu'): Promise<Trainer> => {
    const trainer = await createTrainer({
      model: sequential(flatten, linear(784, 128), relu, linear(128, 10)),
      loss: crossEntropy,
      optimizer: adam({ learningRate: 3e-3 }),
      batchSize: 128,
      seed: 1,
      backend,
      ...(backend === 'webgpu' && { device: await sharedDevice() }),
    });
    trainers.push(trainer);
    return trainer;
  };

  test('an MLP passes 97 % in three epochs', async () => {
    const trainer = await mlp('webgpu');
    let last = NaN;
    const t = performance.now();
    for await (const report of trainer.fit(train, { epochs: 3, every: 100 })) {
      last = report.loss;
      console.log(report);
    }
    const result = await trainer.evaluate(testSet);
    console.log(result, performance.now() - t, await trainer.summary(), await trainer.graph());
    expect(last).toBeLessThan(0.3);
    expect(result.accuracy).toBeGreaterThan(0.97);
  });
});
