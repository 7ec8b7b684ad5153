import { expect, test } from 'vitest';
import { adam, createTrainer, crossEntropy, dataset, linear, lstm, Random, sequential } from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

test('launches', async () => {
  for (const T of [5, 50]) {
    const random = new Random(1, 'x');
    const N = 256;
    const set = dataset({ x: { data: Float32Array.from({ length: N * T * 40 }, () => random.normal()), shape: [T, 40] }, label: Uint8Array.from({ length: N }, (_, i) => i % 10) });
    const trainer = await createTrainer({ model: sequential(lstm(40, 64, { returns: 'last' }), linear(64, 10)), loss: crossEntropy, optimizer: adam(), batchSize: 64, device: await sharedDevice(), data: set });
    const run = trainer.fit(set, { steps: 12 });
    const losses = [];
    for await (const r of run) losses.push(r.loss);
    console.log(T, trainer.launchesPerStep, losses.slice(-2));
    const p = await trainer.profile(5);
    for (const l of p.launches ?? []) console.log(JSON.stringify(l).slice(0, 200));
    console.log(await trainer.summary());
    const v = await trainer.verify({ x: set.fields.x.data.slice(0, 64 * T * 40), label: set.fields.label.data.slice(0, 64) });
    console.log(v.ok, JSON.stringify(v).slice(0, 400));
    trainer.destroy();
  }
  expect(1).toBe(1);
});
