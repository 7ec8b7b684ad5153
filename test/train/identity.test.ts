// A data set is what it was when a trainer was first given it, on both backends, until it is refreshed.

import { describe, expect, test } from 'vitest';
import {
  createTrainer,
  dataset,
  linear,
  meanSquaredError,
  ones,
  sgd,
  take,
  type Batches,
  type Dataset,
  type Trainer,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

/** x and 1: of a model that gives x, the loss is the mean of (x − 1)². */
const setOf = (x: Float32Array): Dataset =>
  dataset({ x: { data: x, shape: [1] }, target: new Float32Array(x.length).fill(1) });

const lossesOf = async (trainer: Trainer, data: Dataset | Batches, validation?: Dataset): Promise<number[]> => {
  const losses: number[] = [];
  for await (const report of trainer.fit(data, { ...(validation && { validation }) })) {
    losses.push(report.loss, ...(report.validation ? [report.validation['loss']] : []));
  }
  return losses;
};

const target = new Float32Array(4).fill(1);

describe.each(['cpu', 'webgpu'] as const)('a data set on %s', (backend) => {
  const trainerOf = async (data?: Dataset): Promise<Trainer> =>
    createTrainer({
      model: linear(1, 1, { weightInitial: ones, bias: false }),
      loss: meanSquaredError,
      optimizer: sgd({ learningRate: 0 }),
      batchSize: 4,
      backend,
      ...(data && { data }),
      ...(backend === 'webgpu' && { device: await sharedDevice() }),
    });
  const fresh = async () => {
    const x = Float32Array.of(1, 2, 3, 4);
    const set = setOf(x);
    return { x, set, trainer: await trainerOf(set) };
  };

  test('stays as it was between fits, evaluations and predictions, NaN or not', async () => {
    const { x, set, trainer } = await fresh();
    for (const fill of [null, 10, NaN]) {
      if (fill !== null) x.fill(fill);
      expect(await lossesOf(trainer, set, set)).toEqual([3.5, 3.5]);
      expect((await trainer.evaluate(set)).loss).toBe(3.5);
      expect([...(await trainer.predict(set)).data]).toEqual([1, 2, 3, 4]);
      expect((await trainer.step(set)).loss).toBe(3.5);
      expect((await trainer.inspect(set)).loss).toBe(3.5);
      expect((await trainer.verify(set)).ok).toBe(true);
    }
  });

  test('is what it is at the first call that gives it, not when it was made', async () => {
    const { x, set, trainer } = await fresh();
    x.fill(10);
    expect((await trainer.evaluate(set)).loss).toBe(81);
    x.fill(NaN);
    expect(await lossesOf(trainer, set)).toEqual([81]);
    await expect(trainer.evaluate(setOf(x))).rejects.toThrow('[data] "x" is NaN at sample 0');
  });

  test('is what it is at the call, though that waits for programs first', async () => {
    const x = Float32Array.of(1, 2, 3, 4);
    const set = setOf(x);
    const trainer = await trainerOf();
    const first = trainer.evaluate(set);
    x.fill(NaN);
    expect((await first).loss).toBe(3.5);
    x.set([1, 2, 3, 4]);
    const other = setOf(x);
    const reports = trainer.fit(other, { validation: set });
    const report = reports.next();
    x.fill(10);
    expect((await report).value).toMatchObject({ loss: 3.5, validation: { loss: 3.5 } });
    await reports.return();
    x.set([1, 2, 3, 4]);
    const predicted = trainer.predict(setOf(x));
    x.fill(10);
    expect([...(await predicted).data]).toEqual([1, 2, 3, 4]);
  });

  test('is judged in a run by what validation was when the run began', async () => {
    const { set, trainer } = await fresh();
    const y = Float32Array.of(1, 2, 3, 4);
    const validation = setOf(y);
    const losses: number[] = [];
    for await (const report of trainer.fit(set, { epochs: 3, validation })) {
      losses.push(report.validation!['loss']);
      y.fill(NaN);
    }
    expect(losses).toEqual([3.5, 3.5, 3.5]);
  });

  test('shares nothing with what take cuts of it, or is made of the same arrays', async () => {
    const { x, set, trainer } = await fresh();
    const part = take(set, 2);
    expect((await trainer.evaluate(set)).loss).toBe(3.5);
    x.fill(10);
    expect((await trainer.evaluate(part)).loss).toBe(81);
    expect((await trainer.evaluate(set)).loss).toBe(3.5);
    await trainer.refresh(set);
    x.fill(1);
    expect([(await trainer.evaluate(part)).loss, (await trainer.evaluate(set)).loss]).toEqual([81, 81]);
  });

  test('is taken anew, and checked, by refresh', async () => {
    const { x, set, trainer } = await fresh();
    expect(await lossesOf(trainer, set)).toEqual([3.5]);
    x.fill(10);
    await trainer.refresh(set);
    expect(await lossesOf(trainer, set, set)).toEqual([81, 81]);
    x.fill(NaN);
    await expect(trainer.refresh(set)).rejects.toThrow('[data] "x" is NaN at sample 0');
    expect(await lossesOf(trainer, set)).toEqual([81]);
    x.fill(3);
    const refreshed = trainer.refresh(set);
    x.fill(NaN);
    await refreshed;
    expect((await trainer.evaluate(set)).loss).toBe(4);
  });

  test('is not refreshed while a run takes its steps from it, or is judged by it', async () => {
    const { x, set, trainer } = await fresh();
    const validation = setOf(Float32Array.of(1));
    for await (const report of trainer.fit(set, { epochs: 2, validation })) {
      expect(report.loss).toBe(3.5);
      x.fill(10);
      await expect(trainer.refresh(set)).rejects.toThrow('[refresh] the data set is in use');
      await expect(trainer.refresh(validation)).rejects.toThrow('[refresh] the data set is in use');
    }
    await trainer.refresh(set);
    expect(await lossesOf(trainer, set)).toEqual([81]);
  });

  test('that others have driven out is taken anew, and checked', async () => {
    const { x, set, trainer } = await fresh();
    expect((await trainer.evaluate(set)).loss).toBe(3.5);
    for (let other = 0; other < 4; other++) await trainer.evaluate(setOf(Float32Array.of(other)));
    x.fill(NaN);
    await expect(trainer.evaluate(set)).rejects.toThrow('[data] "x" is NaN at sample 0');
  });

  test('whose array went to a worker is told from one of zeros', async () => {
    const { x, set, trainer } = await fresh();
    structuredClone(x, { transfer: [x.buffer] });
    await expect(trainer.evaluate(set)).rejects.toThrow('[evaluate] the array of "x" has 0 numbers, but had 4');
  });

  test('of a Buffer is not written to by the next prediction', async () => {
    const bytes = Buffer.from([1, 2, 3, 4]);
    const set = dataset({ x: { data: bytes, shape: [1], scale: 1 }, target });
    const trainer = await trainerOf(set);
    expect([...(await trainer.predict(set)).data]).toEqual([1, 2, 3, 4]);
    await trainer.predict(Uint8Array.of(9, 9, 9, 9));
    expect([...bytes]).toEqual([1, 2, 3, 4]);
  });
});

describe.each(['cpu', 'webgpu'] as const)('arrays that are used again, on %s:', (backend) => {
  const trainerOf = async (): Promise<Trainer> =>
    createTrainer({
      model: linear(1, 1, { weightInitial: ones, bias: false }),
      loss: meanSquaredError,
      optimizer: sgd({ learningRate: 0 }),
      batchSize: 4,
      backend,
      data: setOf(Float32Array.of(1, 2, 3, 4)),
      ...(backend === 'webgpu' && { device: await sharedDevice() }),
    });

  test('each batch of a generator that fills one array is what it was', async () => {
    const trainer = await trainerOf();
    const x = new Float32Array(4);
    function* batches() {
      for (let at = 1; at <= 6; at++) yield { x: x.fill(at), target };
    }
    expect(await lossesOf(trainer, batches())).toEqual([0, 1, 4, 9, 16, 25]);
  });

  test('a batch that somebody else overwrites as soon as it was handed out, too', async () => {
    const trainer = await trainerOf();
    const x = new Float32Array(4);
    const batches = {
      async *[Symbol.asyncIterator]() {
        for (let at = 1; at <= 6; at++) {
          setImmediate(() => x.fill(NaN));
          yield { x: x.fill(at), target };
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
    expect(await lossesOf(trainer, batches)).toEqual([0, 1, 4, 9, 16, 25]);
  });

  test('a step, a prediction, an inspection and weights are those of the call', async () => {
    const trainer = await trainerOf();
    const x = new Float32Array(4);
    const after = async <T>(call: Promise<T>): Promise<T> => (x.fill(NaN), await call);
    expect((await after(trainer.step({ x: x.fill(3), target }))).loss).toBe(4);
    expect([...(await after(trainer.predict(x.fill(3)))).data]).toEqual([3, 3, 3, 3]);
    expect((await after(trainer.inspect({ x: x.fill(3), target }))).loss).toBe(4);
    expect((await after(trainer.verify({ x: x.fill(3), target }))).loss.actual).toBe(4);
    const weight = Float32Array.of(2);
    const written = trainer.writeParameters({ weight });
    weight[0] = NaN;
    await written;
    expect([...(await trainer.readParameters())['weight']]).toEqual([2]);
    const file = await trainer.saveWeights();
    const loaded = trainer.loadWeights(file);
    file.fill(0);
    await loaded;
    expect([...(await trainer.readParameters())['weight']]).toEqual([2]);
    await expect(trainer.writeParameters({ weight: [1e300] })).rejects.toThrow('"weight"[0] is 1e+300, but f32');
  });
});
