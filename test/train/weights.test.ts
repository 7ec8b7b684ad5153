import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/data/index.ts';
import {
  adam,
  batchNorm,
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  relu,
  sequential,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const data = dataset({
  x: { data: Float32Array.from({ length: 12 }, (_, at) => Math.sin(at)), shape: [3] },
  target: Float32Array.of(0, 1, 0, 1),
});

const trainerOf = async (backend: string, seed: number, width = 5): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(3, width), relu, linear(width, 1)),
    loss: meanSquaredError,
    optimizer: adam(),
    batchSize: 4,
    seed,
    data,
    ...(backend === 'cpu' ? { backend: 'cpu' } : { device: await sharedDevice() }),
  });

describe.each(['webgpu', 'cpu'])('weights on %s', (backend) => {
  test('go into a file and into another trainer, which then says the same', async () => {
    const [one, other] = [await trainerOf(backend, 1), await trainerOf(backend, 2)];
    try {
      const bytes = await one.saveWeights({ what: 'a test' });
      const file = readSafetensors('a', bytes);
      expect(file.metadata).toEqual({ what: 'a test' });
      expect(Object.entries(file.tensors).map(([name, { shape }]) => [name, shape])).toEqual([
        ['layer0.weight', [3, 5]],
        ['layer0.bias', [5]],
        ['layer2.weight', [5, 1]],
        ['layer2.bias', [1]],
      ]);
      expect((await other.predict(data)).data).not.toEqual((await one.predict(data)).data);
      await other.loadWeights(bytes);
      expect((await other.predict(data)).data).toEqual((await one.predict(data)).data);
    } finally {
      one.destroy();
      other.destroy();
    }
  });
});

test('weights of another model are refused by name and shape, and nothing is replaced', async () => {
  const [small, wide] = [await trainerOf('cpu', 1), await trainerOf('cpu', 1, 6)];
  try {
    const before = await small.readParameters();
    const refused = (bytes: Uint8Array, message: string) =>
      expect(small.loadWeights(bytes, 'old.safetensors')).rejects.toThrow(message);
    await refused(
      await wide.saveWeights(),
      '[weights] "layer0.weight" is f32[3, 5] here but f32[3, 6] in old.safetensors',
    );
    const { tensors } = readSafetensors('a', await small.saveWeights());
    const { ['layer2.bias']: _, ...fewer } = tensors;
    await refused(
      writeSafetensors({ tensors: fewer, metadata: {} }),
      '"layer2.bias" is f32[1] here but not in old.safetensors',
    );
    const more = { ...tensors, gate: { shape: [1], data: Float32Array.of(0) } };
    await refused(
      writeSafetensors({ tensors: more, metadata: {} }),
      'old.safetensors holds "gate", which the model lacks',
    );
    expect(await small.readParameters()).toEqual(before);
  } finally {
    small.destroy();
    wide.destroy();
  }
});

test('weights and what layers keep are replaced together: whoever looks meanwhile sees all of one, or all of the other', async () => {
  const trainer = await createTrainer({
    model: sequential(linear(3, 2), batchNorm(2), linear(2, 1)),
    loss: meanSquaredError,
    optimizer: adam(),
    batchSize: 4,
    data,
    backend: 'cpu',
  });
  const before = await trainer.saveWeights();
  await trainer.step(data);
  const after = await trainer.saveWeights();
  await trainer.loadWeights(before);
  const loading = trainer.loadWeights(after);
  const seen: Promise<Uint8Array>[] = [];
  for (let turn = 0; turn < 40; turn++) {
    seen.push(trainer.saveWeights());
    await Promise.resolve();
  }
  await loading;
  const names = (await Promise.all(seen)).map((file) =>
    Buffer.compare(file, before) === 0 ? 'before' : Buffer.compare(file, after) === 0 ? 'after' : 'neither',
  );
  expect(names).not.toContain('neither');
  expect(names.at(-1)).toBe('after');
  trainer.destroy();
});
