import { describe, expect, test } from 'vitest';
import { Permutation } from '../../src/core/permutation.ts';
import { Random, seedKey } from '../../src/core/random.ts';
import {
  add,
  createTrainer,
  crossEntropy,
  dataset,
  linear,
  mean,
  meanSquaredError,
  mul,
  schedules,
  sgd,
  type Batches,
  type Context,
  type Dataset,
  type FitOptions,
  type Model,
  type Optimizer,
  type Report,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

type Kind = 'webgpu' | 'cpu';
type Values = Readonly<Record<string, Value>>;

const SEED = 7;
const BATCH = 4;
const LENGTH = 37;
/** Sample i holds the number i. */
const numbered = dataset({
  x: { data: Float32Array.from({ length: LENGTH }, (_, at) => at), shape: [1] },
  y: { data: Float32Array.from({ length: LENGTH }, (_, at) => at / LENGTH), shape: [1] },
});

/** The smallest model there is, which stays as it is unless an optimizer says otherwise. */
async function withTrainer<T>(
  kind: Kind,
  options: Partial<TrainerOptions>,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const single = { model: linear(1, 1), loss: meanSquaredError, optimizer: sgd({ learningRate: 0 }) };
  const trainer = await createTrainer({
    ...(options.phases ? { model: linear(1, 1) } : single),
    batchSize: BATCH,
    seed: SEED,
    data: numbered,
    targets: 'y',
    ...(kind === 'cpu' ? { backend: 'cpu' } : { device: await sharedDevice() }),
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

async function reportsOf(trainer: Trainer, data: Dataset | Batches, options: FitOptions): Promise<Report[]> {
  const reports: Report[] = [];
  for await (const report of trainer.fit(data, options)) reports.push(report);
  return reports;
}

/** The samples of each step of a run. */
function samplesOf(steps: number, batchSize: number): number[][] {
  let epoch = -1;
  let order = new Permutation(LENGTH, seedKey(SEED), 0);
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: batchSize }, (__, row) => {
      const place = step * batchSize + row;
      if (Math.floor(place / LENGTH) !== epoch) {
        epoch = Math.floor(place / LENGTH);
        order = new Permutation(LENGTH, seedKey(SEED), epoch);
      }
      return order.at(place % LENGTH);
    }),
  );
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

/** Sums of whole numbers, and a quarter of them, are exact. */
const tapped = (_: Value, { x }: Values) => ({
  loss: mean(mul(x, 0)),
  each: x,
  mean: mean(x),
  ...Object.fromEntries(Array.from({ length: 4 }, (__, at) => [`plus${at}`, add(mean(x), at)])),
  squares: mul(x, x),
});
/** Trains what it must, and reports the samples. */
const taps: TrainerOptions['loss'] = (y: Value, batch: Values) => {
  const metrics = tapped(y, batch);
  return { ...metrics, loss: add(metrics.loss, mean(mul(y, 0))) };
};

const STEPS = 3000;
/** Trains without moving anything. */
const still = (y: Value): Value => mean(mul(y, 0));

const rates: readonly (readonly [string, (step: number) => number])[] = [
  ['a warm-up before half a cosine', schedules.warmUp(schedules.cosine(0.1, { steps: 4000 }), { steps: 200 })],
  ['one rate', schedules.constant(0.3)],
  ['an exponential', schedules.exponential(0.7, { factor: 0.999 })],
  ['the step’s own number', (step) => step],
];

describe.each(['webgpu', 'cpu'] as const)('on %s', (kind) => {
  test('3,000 steps, of which 1,024 go in one submit, report the numbers of their own samples', async () => {
    const reports = await withTrainer(kind, { loss: taps }, (trainer) =>
      reportsOf(trainer, numbered, { steps: STEPS, stepsPerSubmit: 1024 }),
    );
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, at) => at + 1));
    const expected = samplesOf(STEPS, BATCH).map((samples) => {
      const own = total(samples) / BATCH;
      const plus = Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`plus${at}`, own + at]));
      return { loss: 0, each: own, mean: own, ...plus, squares: total(samples.map((x) => x * x)) / BATCH };
    });
    expect(reports.map(({ metrics }) => metrics)).toEqual(expected);
  });

  test('reports are those of `every` step that is asked for, also where a submit goes on at the ring’s beginning', async () => {
    const reports = await withTrainer(kind, { loss: taps }, (trainer) =>
      reportsOf(trainer, numbered, { steps: 1500, every: 700, stepsPerSubmit: 1000 }),
    );
    const samples = samplesOf(1500, BATCH);
    expect(reports.map(({ step, metrics }) => [step, metrics['mean']])).toEqual(
      [700, 1400, 1500].map((step) => [step, total(samples[step - 1]) / BATCH]),
    );
  });

  test('after steps on a smaller set, and a profile of it, a set’s samples are its own, where its stream stopped', async () => {
    const few = Float32Array.of(5, 6, 7, 8, 9);
    const other = dataset({ x: { data: few, shape: [1] }, y: { data: few, shape: [1] } });
    const reports = await withTrainer(kind, { loss: taps }, async (trainer) => {
      const before = await reportsOf(trainer, numbered, { steps: 3 });
      await reportsOf(trainer, other, { steps: 2 });
      await trainer.profile(1, { data: other });
      return [...before, ...(await reportsOf(trainer, numbered, { steps: 3 }))];
    });
    expect(reports.map(({ metrics }) => metrics['mean'])).toEqual(samplesOf(6, BATCH).map((own) => total(own) / BATCH));
  });

  test('batches of an iterable, whatever their sizes, report the numbers of their own samples', async () => {
    const sizes = [4, 4, 3, 4, 4, 4, 2, 4, 1, 1, 4, 3];
    let next = 0;
    const batches = sizes.map((size) => {
      const x = Float32Array.from({ length: size }, () => next++);
      return { x, y: x };
    });
    const reports = await withTrainer(kind, { loss: taps }, (trainer) => reportsOf(trainer, batches, { epochs: 3 }));
    const expected = batches.map(({ x }) => total([...x]) / x.length);
    const found = reports.map(({ metrics }) => metrics['mean']);
    const bound = 2 ** -24 * 3 * next; // of a sum, a third of which is rounded
    [...expected, ...expected, ...expected].forEach((each, at) =>
      expect(Math.abs(found[at] - each)).toBeLessThanOrEqual(bound),
    );
    expect(found).toHaveLength(3 * sizes.length);
  });

  test.each(kind === 'cpu' ? rates : rates.slice(0, 1))(
    '%s: each of 4,100 reports has its step’s learning rate, as f32 holds it',
    async (_, learningRate) => {
      const found = await withTrainer(kind, { loss: still, optimizer: sgd({ learningRate }) }, async (trainer) => {
        const reports = await reportsOf(trainer, numbered, { steps: 4100, stepsPerSubmit: 1000 });
        return reports.map((report) => report.learningRate);
      });
      expect(found).toEqual(Array.from({ length: 4100 }, (__, step) => Math.fround(learningRate(step))));
    },
  );

  describe('the norm of gradients', () => {
    const random = new Random(5, 'regression');
    const n = 24;
    const [ins, outs] = [3, 2];
    const draws = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
    const data = dataset({ x: { data: draws(n * ins), shape: [ins] }, y: { data: draws(n * outs), shape: [outs] } });
    const batch = { x: data.fields['x'].data, y: data.fields['y'].data };

    /** Of the mean of squares of x · weight + bias − y, in f64: of the weight, and of the bias. */
    function normsOf({ weight, bias }: Readonly<Record<string, Float32Array>>): readonly [number, number] {
      const dWeight = new Float64Array(ins * outs);
      const dBias = new Float64Array(outs);
      for (let i = 0; i < n; i++) {
        for (let o = 0; o < outs; o++) {
          let y = bias[o];
          for (let k = 0; k < ins; k++) y += batch.x[i * ins + k] * weight[k * outs + o];
          const dY = (2 * (y - batch.y[i * outs + o])) / (n * outs);
          dBias[o] += dY;
          for (let k = 0; k < ins; k++) dWeight[k * outs + o] += dY * batch.x[i * ins + k];
        }
      }
      return [Math.hypot(...dWeight), Math.hypot(...dBias)];
    }

    const both = ([weight, bias]: readonly [number, number]): number => Math.hypot(weight, bias);
    /** Sums of 48 terms below 1, rounded at each, beside norms above 0.05. */
    const RELATIVE = (48 * 2 ** -24) / 0.05;

    test.each<readonly [string, Optimizer, number, (norms: readonly [number, number]) => number]>([
      ['of all that trains', sgd({ learningRate: 0.1 }), 1, both],
      ['before they are clipped together', sgd({ learningRate: 0.1, clip: { globalNorm: 1e-3 } }), 1, both],
      ['before each is clipped', sgd({ learningRate: 0.1, clip: { norm: 1e-3 } }), 1, both],
      ['before each number is cut', sgd({ learningRate: 0.1, clip: { value: 1e-4 } }), 1, both],
      ['without decay', sgd({ learningRate: 0.1, weightDecay: 0.5 }), 1, both],
      ['without what is frozen', sgd({ groups: [{ match: 'weight', frozen: true }] }), 1, ([, bias]) => bias],
      ['of a step in five parts', sgd({ learningRate: 0.1, clip: { globalNorm: 1e-3 } }), 5, both],
    ])('is that %s, in f64', async (_, optimizer, microBatches, expected) => {
      const options = { model: linear(ins, outs), optimizer, batchSize: n, data, gradientNorm: true, microBatches };
      await withTrainer(kind, options, async (trainer) => {
        for (let step = 0; step < 4; step++) {
          const norm = expected(normsOf(await trainer.readParameters()));
          const found = (await trainer.step(batch)).metrics['gradientNorm'];
          expect(norm).toBeGreaterThan(0.05);
          expect(Math.abs(found / norm - 1)).toBeLessThanOrEqual(RELATIVE);
        }
      });
    });

    test('is infinite or NaN where they are', async () => {
      const model: Model = (x: Value, context: Context) => mul(context.apply(linear1, x, 'linear'), 1e30);
      const linear1 = linear(ins, outs);
      const options = { model, batchSize: n, data, gradientNorm: true };
      await withTrainer(kind, options, async (trainer) => {
        expect((await trainer.step(batch)).metrics['gradientNorm']).not.toBeLessThan(Infinity);
      });
    });
  });

  test('two phases report their own metrics, rates and norms under their names, and the sum of their losses', async () => {
    const phase = (name: string, trains: string, scale: number) => ({
      name,
      trains: [trains],
      optimizer: sgd({ learningRate: (step: number) => (step + 1) * scale }),
      loss: (y: Value, { x }: Values) => ({
        loss: add(mean(x), mean(mul(y, 0))),
        'aux.loss': mul(x, scale),
        twice: mul(x, 2),
      }),
    });
    const phases = [phase('a', 'weight', 0.5), phase('b', 'bias', 0.25)];
    await withTrainer(kind, { phases, gradientNorm: true }, async (trainer) => {
      const reports = await reportsOf(trainer, numbered, { steps: 5 });
      samplesOf(5, BATCH).forEach((samples, step) => {
        const own = total(samples) / BATCH;
        expect(reports[step].learningRate).toBe((step + 1) / 2);
        expect(reports[step].loss).toBe(2 * own);
        expect(reports[step].metrics).toEqual({
          'a.loss': own,
          'a.aux.loss': own / 2,
          'a.twice': 2 * own,
          'a.gradientNorm': 0,
          'a.learningRate': (step + 1) / 2,
          'b.loss': own,
          'b.aux.loss': own / 4,
          'b.twice': 2 * own,
          'b.gradientNorm': 0,
          'b.learningRate': (step + 1) / 4,
          loss: 2 * own,
        });
      });
    });
  });

  test('a metric whose name ends as the loss’s or the rate’s does is neither', async () => {
    const loss = (y: Value, { x }: Values) => ({
      loss: add(mean(x), mean(mul(y, 0))),
      'head.loss': mul(x, 3),
      'head.learningRate': mul(x, 5),
    });
    await withTrainer(kind, { loss, optimizer: sgd({ learningRate: 0.125 }) }, async (trainer) => {
      const [report] = await reportsOf(trainer, numbered, { steps: 1 });
      const own = total(samplesOf(1, BATCH)[0]) / BATCH;
      expect(report).toMatchObject({ loss: own, learningRate: 0.125 });
      expect(report.metrics).toEqual({ loss: own, 'head.loss': 3 * own, 'head.learningRate': 5 * own });
      const { loss: evaluated, 'head.loss': head } = await trainer.evaluate(numbered);
      expect([evaluated, head]).toEqual([18, 54]);
    });
  });

  test('a field that only evaluation reads is there', async () => {
    const one = linear(1, 1);
    const only: Model = (x: Value, context: Context) => context.apply(one, x, 'one');
    const loss = (y: Value, { x, y: other }: Values, { mode }: Context) => ({
      loss: still(y),
      seen: mode === 'train' ? x : other,
    });
    await withTrainer(kind, { model: only, loss }, async (trainer) => {
      expect((await reportsOf(trainer, numbered, { steps: 1 }))[0].metrics['seen']).toBe(
        total(samplesOf(1, BATCH)[0]) / BATCH,
      );
      // Of 0 … 36 thirty-sevenths.
      expect((await trainer.evaluate(numbered))['seen']).toBeCloseTo(18 / LENGTH, 6);
    });
  });

  test('a field that nobody reads does not change what the model is given', async () => {
    const { point, label } = clusters(LENGTH, 3).fields;
    const unread = { data: new Float32Array(LENGTH), shape: [1] };
    const net = linear(2, 3);
    const model: Model = (x: Values, context: Context) => context.apply(net, x['point'], 'net');
    const bare: Model = (x: Value, context: Context) => context.apply(net, x, 'net');
    const points = { point: { data: point.data as Float32Array, shape: [2] } };
    const labels = { label: label.data as Uint8Array };
    const run = (options: Partial<LossOptions>, data: Dataset) =>
      withTrainer(
        kind,
        { loss: crossEntropy, optimizer: sgd(), data, targets: 'label', ...options },
        async (trainer) => {
          const reports = await reportsOf(trainer, data, { steps: 9 });
          return [reports.map(({ loss }) => loss), await trainer.evaluate(data)];
        },
      );
    const more = dataset({ ...points, unread, ...labels });
    expect(await run({ model }, more)).toEqual(await run({ model: bare }, dataset({ ...points, ...labels })));
  });
});

test('a learning rate is that of its step in runs and single steps around the table’s end', async () => {
  const optimizer = sgd({ learningRate: (step) => step / 2 });
  const batch = { x: new Float32Array(BATCH), y: new Float32Array(BATCH) };
  await withTrainer('cpu', { loss: still, optimizer }, async (trainer) => {
    await reportsOf(trainer, numbered, { steps: 4094, every: 5000, stepsPerSubmit: 1000 });
    for (let step = 4094; step < 4098; step++) expect((await trainer.step(batch)).learningRate).toBe(step / 2);
    const [{ learningRate }] = await reportsOf(trainer, numbered, { steps: 1 });
    expect(learningRate).toBe(4098 / 2);
  });
});
