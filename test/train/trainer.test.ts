import { describe, expect, test } from 'vitest';
import {
  adam,
  add,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  fromValues,
  linear,
  meanSquaredError,
  mean,
  relu,
  reshape,
  sequential,
  mul,
  sgd,
  sub,
  zeros,
  softplus,
  neg,
  ones,
  tanh,
  type Context,
  type Batches,
  type Dataset,
  type FitOptions,
  type Layer,
  type Model,
  type Report,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { counting } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const set = clusters(300, 3);
const small = (): Model => sequential(linear(2, 16), relu, linear(16, 3));

type Options = Partial<LossOptions>;

/** A trainer on WebGPU, or where told, that is gone when the work is done. */
async function withTrainer<T>(options: Options, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await createTrainer({
    model: small(),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 1e-2 }),
    batchSize: 32,
    seed: 7,
    ...(options.backend !== 'cpu' && { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

async function lossesOf(
  trainer: Trainer,
  data: Dataset | Batches,
  steps: number,
  options: FitOptions = {},
): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(data, { ...options, steps })) losses.push(loss);
  return losses;
}

const bitsOf = async (trainer: Trainer): Promise<Uint32Array[]> =>
  Object.values(await trainer.readParameters()).map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );

describe('a training step', () => {
  test('of 784-128-10 takes 5 launches; 50 steps are one submit, which brings along their rates alone', async () => {
    const device = await sharedDevice();
    const n = 256;
    const random = new Random(3, 'pixels');
    const image = Uint8Array.from({ length: n * 784 }, () => random.uniform(0, 256));
    const label = Uint8Array.from({ length: n }, () => random.uniform(0, 10));
    const images = dataset({ image: { data: image, shape: [28, 28] }, label });
    const model = sequential(flatten, linear(784, 128), relu, linear(128, 10));
    await withTrainer({ model, batchSize: 16, data: images }, async (trainer) => {
      const stepsPerSubmit = 50;
      await lossesOf(trainer, images, 4, { stepsPerSubmit: 1 });
      const steps = 200;
      const calls = await counting(device, async () => {
        await lossesOf(trainer, images, steps, { stepsPerSubmit });
      });
      expect(calls['dispatchWorkgroups'] / steps).toBeLessThanOrEqual(5);
      expect(calls['dispatchWorkgroups'] / steps).toBe(trainer.launchesPerStep);
      const submits = steps / stepsPerSubmit;
      expect(calls).toMatchObject({
        submit: submits,
        beginComputePass: submits,
        createBuffer: 0,
        createBindGroup: 0,
        createComputePipeline: 0,
        createComputePipelineAsync: 0,
        createShaderModule: 0,
        dispatchWorkgroupsIndirect: 0,
        // Where the run begins in the stream, and its first samples; and rows of the schedule.
        writeBuffer: 2 + submits,
        // The rows of its steps, and a bit for each of which were bad: mapped together.
        copyBufferToBuffer: 2 * submits,
        mapAsync: submits,
      });
    });
  });

  test('reads nothing back but the rows of its steps and which were bad, once for several', async () => {
    const device = await sharedDevice();
    await withTrainer({ data: set }, async (trainer) => {
      await lossesOf(trainer, set, 10);
      const calls = await counting(device, async () => {
        await lossesOf(trainer, set, 200, { stepsPerSubmit: 20 });
      });
      expect(calls['mapAsync']).toBe(10);
      expect(calls['copyBufferToBuffer']).toBe(2 * 10);
      // Loss, accuracy and learning rate of each step; a bit for each step that the ring has room for.
      expect(calls['bytesCopied']).toBe(200 * 3 * 4 + 10 * (1024 / 8));
    });
  });

  test('and what judges it have the same kernels for batches of any size', async () => {
    const device = await sharedDevice();
    const modulesOf = async (batchSize: number, fuse: boolean): Promise<number> => {
      const calls = await counting(device, () =>
        withTrainer({ batchSize, data: set, fuse }, async (trainer) => {
          await lossesOf(trainer, set, 2);
          await trainer.evaluate(set);
        }),
      );
      return calls['createShaderModule'];
    };
    for (const fuse of [true, false]) {
      await modulesOf(48, fuse);
      expect(await modulesOf(40, fuse)).toBe(0);
    }
  });

  test('on the GPU and on the CPU gives the same losses within 1e-4 over 30 steps', async () => {
    const gpu = await withTrainer({}, (trainer) => lossesOf(trainer, set, 30));
    const cpu = await withTrainer({ backend: 'cpu' }, (trainer) => lossesOf(trainer, set, 30));
    expect(Math.max(...gpu.map((loss, at) => Math.abs(loss - cpu[at])))).toBeLessThan(1e-4);
    expect(gpu[29]).toBeLessThan(gpu[0] / 2);
  });

  test('with one seed ends in the same bits, with another in others', async () => {
    const run = (seed: number) =>
      withTrainer({ seed }, async (trainer) => {
        await lossesOf(trainer, set, 40);
        return bitsOf(trainer);
      });
    const first = await run(11);
    expect(await run(11)).toEqual(first);
    expect(await run(12)).not.toEqual(first);
  });

  test('by `step` on one’s own batches is the step that `fit` makes', async () => {
    const batch = { point: set.fields['point'].data.slice(0, 64), label: set.fields['label'].data.slice(0, 32) };
    const byStep = await withTrainer({ data: set }, async (trainer) => {
      const { loss, metrics, step } = await trainer.step(batch);
      expect(step).toBe(1);
      expect(metrics['accuracy']).toBeGreaterThanOrEqual(0);
      await trainer.step(batch);
      return { loss, bits: await bitsOf(trainer) };
    });
    const ordered = dataset({ point: { data: batch.point, shape: [2] }, label: batch.label });
    const byFit = await withTrainer({}, async (trainer) => {
      const losses = [];
      for await (const report of trainer.fit(ordered, { steps: 2, shuffle: false })) losses.push(report.loss);
      return { loss: losses[0], bits: await bitsOf(trainer) };
    });
    expect(byFit).toEqual(byStep);
  });
});

describe('fit', () => {
  test('yields every report once and in order, however slow the consumer', async () => {
    const steps = await withTrainer({}, async (trainer) => {
      const seen: number[] = [];
      for await (const { step } of trainer.fit(set, { steps: 57 })) {
        seen.push(step);
        if (step % 10 === 0) await new Promise((resolve) => void setTimeout(resolve, 5));
      }
      return seen;
    });
    expect(steps).toEqual(Array.from({ length: 57 }, (_, at) => at + 1));
  });

  test('thins its reports by `every`, and always gives the last', async () => {
    const steps = await withTrainer({}, async (trainer) => {
      const seen: number[] = [];
      for await (const { step } of trainer.fit(set, { steps: 25, every: 10 })) seen.push(step);
      return seen;
    });
    expect(steps).toEqual([10, 20, 25]);
  });

  test('goes on in the stream of samples: 20 steps and 20 more are 40', async () => {
    const whole = await withTrainer({}, (trainer) => lossesOf(trainer, set, 40));
    const parts = await withTrainer({}, async (trainer) => [
      ...(await lossesOf(trainer, set, 20)),
      ...(await lossesOf(trainer, set, 20)),
    ]);
    expect(parts).toEqual(whole);
  });

  test('lets evaluate and predict be called inside its loop', async () => {
    await withTrainer({}, async (trainer) => {
      for await (const { step } of trainer.fit(set, { steps: 30, every: 10 })) {
        const [{ accuracy }, { shape }] = await Promise.all([trainer.evaluate(set), trainer.predict(set)]);
        expect(accuracy).toBeGreaterThan(0);
        expect(shape).toEqual([300, 3]);
        expect(step % 10).toBe(0);
      }
    });
  });

  test('counts its steps on: 20 and 20 more are 40', async () => {
    await withTrainer({}, async (trainer) => {
      await lossesOf(trainer, set, 20);
      let last: Report | undefined;
      for await (const report of trainer.fit(set, { steps: 20 })) last = report;
      expect(last?.step).toBe(40);
    });
  });

  test('leaves the trainer usable when the loop is left, and when the signal ends it', async () => {
    await withTrainer({}, async (trainer) => {
      for await (const { step } of trainer.fit(set, { steps: 1000 })) if (step === 3) break;
      expect((await trainer.evaluate(set)).loss).toBeGreaterThan(0);
      const controller = new AbortController();
      let seen = 0;
      for await (const { step } of trainer.fit(set, { steps: 100_000, signal: controller.signal })) {
        seen = step;
        if (!controller.signal.aborted) controller.abort();
      }
      expect(seen).toBeLessThan(5000);
      expect((await trainer.evaluate(set)).loss).toBeGreaterThan(0);
    });
  });

  test('validates at the end of each epoch with the parameters of that step', async () => {
    const validations = await withTrainer({}, async (trainer) => {
      const found: (number | undefined)[] = [];
      for await (const { validation, epoch } of trainer.fit(set, { epochs: 2, validation: set })) {
        if (validation) found.push(Math.floor(epoch), validation['loss']);
      }
      expect(found[3]).toBe((await trainer.evaluate(set)).loss);
      return found;
    });
    expect(validations.filter((_, at) => at % 2 === 0)).toEqual([1, 2]);
  });

  test('crosses the end of an epoch inside a batch, visiting each sample once an epoch', async () => {
    const count = 50;
    const x = Float32Array.from({ length: count }, (_, at) => at);
    const numbered = dataset({ x: { data: x, shape: [1] }, y: { data: x, shape: [1] } });
    // The mean over a batch of the sample's own number is a metric; the weights do not matter.
    const loss = (outputs: Value, batch: Record<string, Value>) => ({
      loss: meanSquaredError(outputs, batch['y']),
      number: batch['x'],
    });
    await withTrainer(
      { model: linear(1, 1), loss, optimizer: sgd({ learningRate: 0 }), batchSize: 20, targets: 'y' },
      async (trainer) => {
        const sums: number[] = [];
        for await (const { metrics } of trainer.fit(numbered, { epochs: 2 })) sums.push(metrics['number'] * 20);
        expect(sums).toHaveLength(5);
        const total = sums.reduce((sum, part) => sum + part, 0);
        expect(total).toBeCloseTo(2 * ((count * (count - 1)) / 2), 2);
      },
    );
  });
});

describe('evaluate and predict', () => {
  test('count every sample once, a partial last batch too', async () => {
    await withTrainer({ data: set }, async (trainer) => {
      const { accuracy, loss } = await trainer.evaluate(set);
      const { data, shape } = await trainer.predict(set);
      expect(shape).toEqual([300, 3]);
      const labels = set.fields['label'].data;
      let right = 0;
      let total = 0;
      for (let i = 0; i < 300; i++) {
        const row = [...data.subarray(3 * i, 3 * i + 3)];
        if (row.indexOf(Math.max(...row)) === labels[i]) right++;
        total += Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[labels[i]];
      }
      expect(accuracy).toBeCloseTo(right / 300, 6);
      expect(loss).toBeCloseTo(total / 300, 5);
    });
  });

  test('predict any number of samples, by set, by field or by numbers alone', async () => {
    await withTrainer({ data: set }, async (trainer) => {
      const all = await trainer.predict(set);
      for (const n of [1, 3, 64, 65]) {
        const point = set.fields['point'].data.slice(0, 2 * n) as Float32Array;
        const { data, shape } = await trainer.predict(point);
        expect(shape).toEqual([n, 3]);
        expect(data).toEqual(all.data.slice(0, 3 * n));
        expect((await trainer.predict({ point })).data).toEqual(data);
      }
    });
  });

  test('leave the training state alone', async () => {
    await withTrainer({ data: set }, async (trainer) => {
      await lossesOf(trainer, set, 5);
      const before = await bitsOf(trainer);
      await trainer.evaluate(set);
      await trainer.predict(set);
      expect(await bitsOf(trainer)).toEqual(before);
    });
  });
});

describe('several things at once', () => {
  test('five evaluations agree with one', async () => {
    await withTrainer({ data: set }, async (trainer) => {
      const one = await trainer.evaluate(set);
      const five = await Promise.all(Array.from({ length: 5 }, () => trainer.evaluate(set)));
      expect(five).toEqual(Array.from({ length: 5 }, () => one));
    });
  });

  test('writing one parameter leaves the others to whoever writes them', async () => {
    await withTrainer({ model: linear(2, 3), data: set }, async (trainer) => {
      const weight = [1, 2, 3, 4, 5, 6];
      const bias = [7, 8, 9];
      await Promise.all([trainer.writeParameters({ weight }), trainer.writeParameters({ bias })]);
      const found = await trainer.readParameters();
      expect([...found['weight'], ...found['bias']]).toEqual([...weight, ...bias]);
      await expect(trainer.writeParameters({ weight: [1] })).rejects.toThrow(
        '"weight" is f32[2, 3], 6 numbers, but 1 came',
      );
      await expect(trainer.writeParameters({ w: [1] })).rejects.toThrow(
        'there is no "w": the parameters are weight, bias',
      );
    });
  });

  test('destroying while it is being prepared frees what was made', async () => {
    const trainer = await createTrainer({
      model: small(),
      loss: crossEntropy,
      optimizer: sgd(),
      batchSize: 4,
      device: await sharedDevice(),
    });
    const prepared = trainer.prepare(set);
    trainer.destroy();
    await expect(prepared).rejects.toThrow('[trainer] it was destroyed');
  });
});

describe('batches of one’s own', () => {
  const point = set.fields['point'].data.slice(0, 64);
  const label = set.fields['label'].data.slice(0, 32);

  test('are taken in any dtype: Int32Array labels are the u8 ones that the model was traced with', async () => {
    const losses = await withTrainer({ data: set, optimizer: sgd({ learningRate: 0 }) }, async (trainer) => [
      (await trainer.step({ point, label })).loss,
      (await trainer.step({ point: Float64Array.from(point), label: Int32Array.from(label) })).loss,
    ]);
    expect(losses[1]).toBe(losses[0]);
  });

  test('may meet a model that names its batch size, or has a parameter of the batch’s shape', async () => {
    const shift: Layer = {
      parameters: { b: { shape: [32, 3], initial: zeros } },
      apply: (x, { b }) => add(reshape(x, [32, 3]), b),
    };
    await withTrainer({ model: sequential(linear(2, 3), shift), data: set }, async (trainer) => {
      expect((await trainer.step({ point, label })).loss).toBeGreaterThan(0);
      expect((await trainer.predict(point)).shape).toEqual([32, 3]);
    });
  });
});

describe('several losses', () => {
  test('two losses of two outputs are reported and both fall', async () => {
    const random = new Random(5, 'two');
    const x = Float32Array.from({ length: 400 }, () => random.uniform(-1, 1));
    const label = Uint8Array.from(x, (value) => (value > 0 ? 1 : 0));
    const square = Float32Array.from(x, (value) => value * value);
    const both = dataset({ x: { data: x, shape: [1] }, square: { data: square, shape: [1] }, label });
    const trunk = sequential(linear(1, 16), tanh);
    const heads = { sign: linear(16, 2), square: linear(16, 1) };
    const shared: Model = ({ x: value }: Record<string, Value>, context: Context) => {
      const hidden = context.apply(trunk, value, 'trunk');
      return {
        sign: context.apply(heads.sign, hidden, 'sign'),
        square: context.apply(heads.square, hidden, 'square'),
      };
    };
    const loss = (outputs: Record<string, Value>, batch: Record<string, Value>) => {
      const classes = crossEntropy(outputs['sign'], batch['label']);
      const squares = meanSquaredError(outputs['square'], batch['square']);
      return { loss: add(classes, squares), classes, squares };
    };
    await withTrainer(
      { model: shared, loss, batchSize: 50, optimizer: adam({ learningRate: 0.02 }) },
      async (trainer) => {
        const before = await trainer.evaluate(both);
        for await (const report of trainer.fit(both, { epochs: 20 })) expect(report.loss).toBeLessThan(5);
        const after = await trainer.evaluate(both);
        expect(after['classes']).toBeLessThan(before['classes'] / 3);
        expect(after['squares']).toBeLessThan(before['squares'] / 3);
        expect(after.loss).toBeCloseTo(after['classes'] + after['squares'], 5);
      },
    );
  });

  test('a toy GAN of two phases moves its fakes to the data, each phase changing its own parameters', async () => {
    const random = new Random(9, 'gan');
    const real = dataset({
      real: { data: Float32Array.from({ length: 512 }, () => random.normal(3, 0.5)), shape: [1] },
    });
    const n = 64;
    const generator = sequential(linear(4, 16), relu, linear(16, 1));
    const discriminator = sequential(linear(1, 16), relu, linear(16, 1));
    const fakes = (context: Context) =>
      context.apply(generator, context.random('noise', [n, 4], 'normal'), 'generator');
    const judged = (x: Value, context: Context) => context.apply(discriminator, x, 'discriminator');
    const phases: TrainerOptions['phases'] = [
      {
        name: 'discriminator',
        trains: [discriminator],
        optimizer: adam({ learningRate: 5e-3, beta1: 0.5 }),
        loss: (_, batch, context) =>
          add(mean(softplus(neg(judged(batch['real'], context)))), mean(softplus(judged(fakes(context), context)))),
      },
      {
        name: 'generator',
        trains: [generator],
        optimizer: adam({ learningRate: 5e-3, beta1: 0.5 }),
        loss: (_, _batch, context) => {
          const fake = fakes(context);
          return { loss: mean(softplus(neg(judged(fake, context)))), position: fake };
        },
      },
    ];
    const trainer = await createTrainer({ phases, batchSize: n, seed: 2, device: await sharedDevice(), data: real });
    try {
      const before = await trainer.readParameters();
      const reports: Report[] = [];
      for await (const report of trainer.fit(real, { steps: 400 })) reports.push(report);
      const after = await trainer.readParameters();
      expect(Object.keys(after)[0]).toBe('discriminator.layer0.weight');
      for (const name of Object.keys(after)) expect(after[name]).not.toEqual(before[name]);
      expect(Math.abs(reports[0].metrics['generator.position'] - 3)).toBeGreaterThan(1.5);
      const late = reports.slice(-50).reduce((sum, { metrics }) => sum + metrics['generator.position'], 0) / 50;
      expect(Math.abs(late - 3)).toBeLessThan(1);
    } finally {
      trainer.destroy();
    }
  });

  test('a phase leaves the parameters of another as they are', async () => {
    const first = linear(2, 2);
    const second = linear(2, 2);
    const model: Model = (x: Value, context: Context) =>
      add(context.apply(first, x, 'first'), context.apply(second, x, 'second'));
    const phase = (name: string, trains: readonly (object | string)[], learningRate: number) => ({
      name,
      trains,
      loss: crossEntropy,
      optimizer: sgd({ learningRate, weightDecay: 0.1 }),
    });
    const phases = [phase('a', [first], 0.1), phase('b', ['second.bias'], 0.1)];
    const two = clusters(64, 2);
    const trainer = await createTrainer({ model, phases, batchSize: 16, device: await sharedDevice(), data: two });
    try {
      const before = await trainer.readParameters();
      await lossesOf(trainer, two, 3);
      const after = await trainer.readParameters();
      expect(after['second.weight']).toEqual(before['second.weight']);
      expect(after['second.bias']).not.toEqual(before['second.bias']);
      expect(after['first.weight']).not.toEqual(before['first.weight']);
    } finally {
      trainer.destroy();
    }
  });
});

describe('layers of one’s own', () => {
  const batchOf = (data: Dataset, n: number) => ({
    point: data.fields['point'].data.slice(0, 2 * n),
    label: data.fields['label'].data.slice(0, n),
  });

  test('keep a state from step to step, which evaluation reads and does not change', async () => {
    const center: Layer = {
      parameters: {},
      state: { average: { shape: [2], initial: zeros } },
      apply(x, bound, context) {
        const now = mean(x, { axes: 0 });
        context.update('average', add(mul(bound['average'], 0.5), mul(now, 0.5)));
        return sub(x, context.mode === 'train' ? now : bound['average']);
      },
    };
    const averages = async (backend?: 'cpu') =>
      withTrainer(
        { model: sequential(center, linear(2, 3)), data: set, ...(backend && { backend }) },
        async (trainer) => {
          const batch = batchOf(set, 32);
          for (let step = 0; step < 3; step++) await trainer.step(batch);
          expect((await trainer.verify(batch)).fault).toBeNull();
          // Through a linear layer of zeros and ones the evaluated output is the centred input.
          await trainer.writeParameters({ 'layer1.weight': [1, 0, 0, 0, 1, 0], 'layer1.bias': [0, 0, 0] });
          await trainer.evaluate(set);
          const { data } = await trainer.predict(new Float32Array(2));
          return [-data[0], -data[1]];
        },
      );
    const points = set.fields['point'].data;
    const expected = [0, 1].map((axis) => {
      let total = 0;
      for (let i = 0; i < 32; i++) total += points[2 * i + axis];
      return (total / 32) * (1 - 0.5 ** 3);
    });
    for (const found of [await averages(), await averages('cpu')]) {
      found.forEach((average, axis) => expect(average).toBeCloseTo(expected[axis], 5));
    }
  });

  test('may draw numbers, other ones at each step, the same on the GPU and on the CPU', async () => {
    const noise =
      (law: 'uniform' | 'normal'): Model =>
      (x: Value, context: Context) =>
        add(x, mul(context.random('noise', x.spec.shape, law), 0.3));
    for (const law of ['uniform', 'normal'] as const) {
      const options = { model: sequential(noise(law), linear(2, 3)), optimizer: sgd({ learningRate: 0 }), data: set };
      const losses = (backend?: 'cpu') =>
        withTrainer({ ...options, ...(backend && { backend }) }, async (trainer) => {
          const batch = batchOf(set, 32);
          expect((await trainer.verify(batch)).fault).toBeNull();
          return [(await trainer.step(batch)).loss, (await trainer.step(batch)).loss];
        });
      const [first, second] = await losses();
      expect(first).not.toBe(second);
      (await losses('cpu')).forEach((loss, at) => expect(Math.abs(loss - [first, second][at])).toBeLessThan(1e-3));
    }
  });

  test('may leave a state as it is, and report a parameter as a metric', async () => {
    const keeps: Layer = {
      parameters: { gain: { shape: [1], initial: fromValues([2]) } },
      state: { same: { shape: [1], initial: ones } },
      apply(x, { gain, same }, context) {
        context.update('same', same);
        return mul(mul(x, gain), same);
      },
    };
    let gain: Value;
    const tapped: Layer = {
      ...keeps,
      apply: (x, bound, context) => keeps.apply(x, ((gain = bound['gain']), bound), context),
    };
    const loss = (outputs: Value) => ({ loss: mean(mul(outputs, outputs)), gain });
    await withTrainer({ model: tapped, loss, optimizer: sgd({ learningRate: 0.1 }), data: set }, async (trainer) => {
      const first = await trainer.step(batchOf(set, 32));
      expect(first.loss).toBeGreaterThan(0);
      expect(first.metrics['gain']).toBe(2);
      expect((await trainer.step(batchOf(set, 32))).metrics['gain']).toBeLessThan(2);
    });
  });

  test('are refused a prediction that is not by sample', async () => {
    const model: Model = (x: Value) => ({ all: mean(x), each: x });
    const loss = (outputs: Record<string, Value>, _: unknown, context: Context) =>
      mean(mul(context.apply(linearOnce, outputs['each'], 'linear'), outputs['all']));
    const linearOnce = linear(2, 1);
    await withTrainer({ model, loss, data: set }, async (trainer) => {
      await expect(trainer.predict(new Float32Array(2))).rejects.toThrow(
        '[predict] output "all" is f32[] for 32 samples: its first axis must be the samples',
      );
    });
  });

  test('may report more metrics than one launch can bind', async () => {
    const loss = (outputs: Value, batch: Record<string, Value>) => ({
      loss: crossEntropy(outputs, batch['label']),
      ...Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`m${at}`, mul(mean(outputs), at)])),
    });
    await withTrainer({ loss, data: set }, async (trainer) => {
      const { metrics, step } = await trainer.step(batchOf(set, 32));
      expect(step).toBe(1);
      for (let at = 0; at < 9; at++) expect(metrics[`m${at}`]).toBeCloseTo(metrics['m1'] * at, 5);
      expect(metrics['m1']).not.toBe(0);
      expect((await trainer.verify(batchOf(set, 32))).fault).toBeNull();
    });
  });
});

describe('clear errors, and nothing half-trained', () => {
  const untouched = async (options: Options, data: Dataset, message: string, use?: (t: Trainer) => Promise<unknown>) =>
    withTrainer({ data: set, ...options }, async (trainer) => {
      const before = await bitsOf(trainer);
      await expect(use ? use(trainer) : lossesOf(trainer, data, 3)).rejects.toThrow(message);
      expect(await bitsOf(trainer)).toEqual(before);
      expect((await lossesOf(trainer, set, 1))[0]).toBeGreaterThan(0);
    });

  test('two layers that do not fit', async () => {
    await expect(withTrainer({ model: sequential(linear(2, 16), linear(8, 3)), data: set }, bitsOf)).rejects.toThrow(
      '[linear] x is f32[32, 16] with 16 features, but the layer takes 8: it is linear(8, 3) (in layer1)',
    );
  });

  test('a label outside its range', async () => {
    const label = Uint8Array.from(set.fields['label'].data);
    label[17] = 12;
    const wrong: Dataset = { ...set, fields: { ...set.fields, label: { ...set.fields['label'], data: label } } };
    await untouched({}, wrong, '[crossEntropy] "label"[17] is 12, but labels under 3 logits must be 0 … 2');
  });

  test('a batch larger than the data set', async () => {
    await untouched(
      {},
      clusters(20, 3),
      '[fit] batchSize is 32 but the data set has 20 samples: use a batch size of at most 20',
    );
  });

  test('NaN in the input', async () => {
    const data = Float32Array.from(set.fields['point'].data);
    data[7] = NaN;
    const wrong: Dataset = { ...set, fields: { ...set.fields, point: { ...set.fields['point'], data } } };
    await untouched({}, wrong, '[data] "point" is NaN at sample 3, element 1');
  });

  test('NaN and a wrong size in a batch of one’s own', async () => {
    const point = Float32Array.from({ length: 64 }, (_, at) => (at === 5 ? Infinity : 0));
    const label = new Uint8Array(32);
    await untouched({}, set, '[data] "point" is Infinity at sample 2', (trainer) => trainer.step({ point, label }));
    await untouched({}, set, '[step] the batch has 16 samples but batchSize is 32', (trainer) =>
      trainer.step({ point: new Float32Array(32), label: new Uint8Array(16) }),
    );
    await untouched({}, set, 'the batch has no field "label"', (trainer) =>
      trainer.step({ point: new Float32Array(64) }),
    );
  });

  test('a data set of other fields or shapes', async () => {
    await untouched(
      {},
      clusters(64, 3, 1, 3),
      '[fit] field "point" was traced as f32[2] a sample, but here it is f32[3]',
    );
  });

  test('a second training while the first is still going', async () => {
    await withTrainer({ data: set }, async (trainer) => {
      const run = trainer.fit(set, { steps: 5 });
      await run.next();
      await expect(trainer.fit(set, { steps: 5 }).next()).rejects.toThrow('[fit] fit is still running on this trainer');
      await run.return();
      expect(await lossesOf(trainer, set, 2)).toHaveLength(2);
    });
  });

  test('a loss that is no single number, no optimizer, a model that trains nothing', async () => {
    const each = (outputs: Value) => outputs;
    await expect(withTrainer({ loss: each, data: set }, bitsOf)).rejects.toThrow(
      'the loss is f32[32, 3] but must be one number',
    );
    await expect(
      createTrainer({ model: small(), loss: crossEntropy, batchSize: 4 } as unknown as TrainerOptions),
    ).rejects.toThrow('[createTrainer] give model, loss and optimizer, or phases');
    const frozen = adam({ groups: [{ match: /./, frozen: true }] });
    await expect(withTrainer({ optimizer: frozen, data: set }, bitsOf)).rejects.toThrow('trains no parameter');
    const misspelt = adam({ groups: [{ match: 'layer9', frozen: true }] });
    await expect(withTrainer({ optimizer: misspelt, data: set }, bitsOf)).rejects.toThrow(
      '[adam] group layer9 matches no parameter: a text is a name or its beginning, up to a point, and they are layer0.weight, layer0.bias',
    );
  });

  test('a trainer that was destroyed', async () => {
    const trainer = await withTrainer({ data: set }, async (used) => used);
    await expect(trainer.evaluate(set)).rejects.toThrow('[trainer] it was destroyed');
  });
});
