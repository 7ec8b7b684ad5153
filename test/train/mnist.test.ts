import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { images } from '../../src/cli/tasks/images.ts';
import { mnist, type Dataset } from '../../src/data/index.ts';
import { adam, createTrainer, crossEntropy, type Trainer } from '../../src/index.ts';
import { folder } from '../../src/node.ts';
import { sharedDevice } from '../support/device.ts';

const root = process.env['MILLRACE_DATA'];

const input = { kind: 'image', shape: [28, 28], classes: '0123456789'.split('') } as const;
const form = { input, hidden: [128] };

/** 784-128-10, batch 128, Adam at 3e-3: what the figures of this file are about. */
async function withMlp<T>(
  backend: 'webgpu' | 'cpu',
  data: Dataset,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await createTrainer({
    model: images.network(form, null),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 3e-3 }),
    batchSize: 128,
    seed: 1,
    data,
    ...(backend === 'cpu' ? { backend } : { device: await sharedDevice() }),
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

describe.runIf(root)('on real MNIST', () => {
  let train: Dataset;
  let held: Dataset;
  beforeAll(async () => {
    ({ train, test: held } = await mnist(folder(join(root!, 'mnist'))));
  });

  test('the sets have 60,000 and 10,000 images of 28 × 28', () => {
    expect([train.length, held.length]).toEqual([60_000, 10_000]);
    expect(train.fields['image'].shape).toEqual([28, 28]);
  });

  test('an MLP reads 97 % of the test images after three epochs', async () => {
    await withMlp('webgpu', train, async (trainer) => {
      let steps = 0;
      for await (const { step } of trainer.fit(train, { epochs: 3 })) steps = step;
      expect(steps).toBe(1407);
      const { accuracy } = await trainer.evaluate(held);
      expect(accuracy).toBeGreaterThanOrEqual(0.97);
    });
  });

  test('the GPU and the CPU agree on the loss to 1e-3 over 30 steps', async () => {
    const losses = (backend: 'webgpu' | 'cpu') =>
      withMlp(backend, train, async (trainer) => {
        const curve: number[] = [];
        for await (const { loss } of trainer.fit(train, { steps: 30 })) curve.push(loss);
        return curve;
      });
    const gpu = await losses('webgpu');
    const cpu = await losses('cpu');
    expect(gpu[0]).toBeGreaterThan(2);
    expect(gpu[29]).toBeLessThan(1);
    expect(Math.max(...gpu.map((loss, at) => Math.abs(loss - cpu[at])))).toBeLessThan(1e-3);
  });

  test('every launch of a step is within its bound', async () => {
    await withMlp('webgpu', train, async (trainer) => {
      const { image, label } = train.fields;
      const batch = { image: image.data.slice(0, 128 * 784), label: label.data.slice(0, 128) };
      const { fault, gradientError } = await trainer.verify(batch);
      expect(fault?.message).toBeUndefined();
      expect(gradientError).toBeLessThan(1e-5);
    });
  });
});
