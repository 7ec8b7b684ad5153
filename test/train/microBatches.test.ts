import { describe, expect, test } from 'vitest';
import {
  add,
  createTrainer,
  crossEntropy,
  dropout,
  gaussianNoise,
  linear,
  matmul,
  mean,
  mul,
  neg,
  sequential,
  sgd,
  softplus,
  sub,
  sum,
  tanh,
  type Context,
  type Dataset,
  type FitOptions,
  type Layer,
  type Model,
  type Optimizer,
  type Report,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { broken } from '../support/broken.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const BATCH = 10;
const STEPS = 10;
const set = clusters(37, 3);

/** Of 10 samples in parts of 5, of 4, 4, 2, of 3, 3, 3, 1, of 2, and of one each. */
const COUNTS = [2, 3, 4, 7, 10];

/**
 * Gradients are sums of ten terms below 1 that are rounded in another order, at most twenty times, and a rate of 0.1 is
 * what comes through; parameters below 2 are rounded once a step: 10 · (0.1 · 20 + 2) · 2⁻²⁴. A share that is wrong by a
 * tenth moves them by 1e-3 and more.
 */
const TOLERANCE = 2.4e-6;

type Options = Partial<TrainerOptions>;
type Kind = 'webgpu' | 'cpu';

const small = (...between: readonly Layer[]): Model => sequential(linear(2, 8), tanh, ...between, linear(8, 3));

async function withTrainer<T>(
  kind: Kind,
  microBatches: number,
  options: Options,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const single = { model: small(), loss: crossEntropy, optimizer: sgd({ learningRate: 0.1 }) };
  const trainer = await createTrainer({
    ...(options.phases ? {} : single),
    batchSize: BATCH,
    seed: 7,
    microBatches,
    ...(kind === 'cpu' ? { backend: 'cpu' } : { device: await sharedDevice() }),
    ...options,
  } as TrainerOptions);
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

interface Outcome {
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly metrics: readonly Report['metrics'][];
  readonly rates: readonly number[];
}

const trained = (
  kind: Kind,
  microBatches: number,
  options: Options = {},
  fit: FitOptions = { steps: STEPS },
  data: Dataset = set,
): Promise<Outcome> =>
  withTrainer(kind, microBatches, options, async (trainer) => {
    const reports: Report[] = [];
    for await (const report of trainer.fit(data, fit)) reports.push(report);
    return {
      parameters: await trainer.readParameters(),
      metrics: reports.map(({ metrics }) => metrics),
      rates: reports.map(({ learningRate }) => learningRate),
    };
  });

function expectAlike(parts: Outcome, whole: Outcome): void {
  const far = Object.entries(whole.parameters).filter(
    ([name, numbers]) => !numbers.every((x, i) => Math.abs(x - parts.parameters[name][i]) <= TOLERANCE),
  );
  expect(far.map(([name]) => name)).toEqual([]);
}

/** Metrics are means of numbers below 10, each from parameters that are alike. */
const METRIC_TOLERANCE = 10 * TOLERANCE;

function expectSameReports(parts: Outcome, whole: Outcome): void {
  expect(parts.rates).toEqual(whole.rates);
  expect(parts.metrics.map((metrics) => Object.keys(metrics))).toEqual(
    whole.metrics.map((metrics) => Object.keys(metrics)),
  );
  whole.metrics.forEach((metrics, step) => {
    for (const [name, metric] of Object.entries(metrics)) {
      const error = Math.abs(parts.metrics[step][name] - metric);
      expect(error, `${name} of step ${step + 1}`).toBeLessThanOrEqual(METRIC_TOLERANCE);
    }
  });
}

/** Noise of the batch's own size is judged beside what is real. */
function adversaries(optimizer: () => Optimizer): TrainerOptions['phases'] {
  const generator = sequential(linear(4, 6), tanh, linear(6, 2));
  const discriminator = sequential(linear(2, 6), dropout(0.3), tanh, linear(6, 1));
  const fakes = (like: Value, context: Context): Value =>
    context.apply(generator, context.random('noise', [like.spec.shape[0], 4], 'uniform'), 'generator');
  const judged = (x: Value, context: Context): Value => context.apply(discriminator, x, 'discriminator');
  return [
    {
      name: 'discriminator',
      trains: [discriminator],
      optimizer: optimizer(),
      loss: (_, { point }, context) => ({
        loss: add(mean(softplus(neg(judged(point, context)))), mean(softplus(judged(fakes(point, context), context)))),
        fakes: fakes(point, context),
      }),
    },
    {
      name: 'generator',
      trains: [generator],
      optimizer: optimizer(),
      loss: (_, { point }, context) => mean(softplus(neg(judged(fakes(point, context), context)))),
    },
  ];
}

describe.each(['webgpu', 'cpu'] as const)('on %s', (kind) => {
  const cases: readonly (readonly [string, () => Options, FitOptions?, number?])[] = [
    ['the step', () => ({})],
    ['the last step of a run, which takes 7,', () => ({}), { epochs: 1 }],
    ['the last step of a run, which takes 2,', () => ({}), { epochs: 1 }, 32],
    ['the step with dropout and noise', () => ({ model: small(dropout(0.4), gaussianNoise(0.2)) })],
    [
      'the step under clipping by the norm of all',
      () => ({ optimizer: sgd({ learningRate: 0.1, clip: { globalNorm: 0.2 } }), gradientNorm: true }),
    ],
    [
      'the step with momentum, decay and a layer that stays',
      () => ({
        optimizer: sgd({
          learningRate: (step) => 0.05 / (1 + step),
          momentum: 0.5,
          weightDecay: 0.01,
          groups: [{ match: 'layer0.weight', frozen: true }],
        }),
      }),
    ],
    ['the step of two phases', () => ({ phases: adversaries(() => sgd({ learningRate: 0.1 }))!, gradientNorm: true })],
  ];
  for (const [title, options, fit = { steps: STEPS }, length = 37] of cases) {
    const data = length === 37 ? set : clusters(length, 3);
    let whole: Promise<Outcome> | undefined;
    const reference = (): Promise<Outcome> => (whole ??= trained(kind, 1, options(), fit, data));
    const counts = fit.epochs === undefined ? [2, 4] : COUNTS;

    test.each(counts)(`${title} in %i parts ends in the parameters of a whole one`, async (m) =>
      expectAlike(await trained(kind, m, options(), fit, data), await reference()),
    );
    test.each([2, 4])(`${title} in %i parts reports what a whole one does`, async (m) =>
      expectSameReports(await trained(kind, m, options(), fit, data), await reference()),
    );
  }

  test('the norm of gradients that is reported is the one before clipping', async () => {
    const optimizer = sgd({ learningRate: 0.1, clip: { globalNorm: 0.2 } });
    const { metrics } = await trained(kind, 4, { optimizer, gradientNorm: true });
    expect(metrics[0]['gradientNorm']).toBeGreaterThan(0.3);
  });

  test('a step on one’s own batch is the one that fit takes', async () => {
    const data = clusters(BATCH, 3, 5);
    const batch = { point: data.fields['point'].data, label: data.fields['label'].data };
    const byFit = await trained(kind, 4, { model: small(dropout(0.4)) }, { steps: 2, shuffle: false }, data);
    const byStep = await withTrainer(kind, 4, { model: small(dropout(0.4)), data }, async (trainer) => {
      const metrics = [(await trainer.step(batch)).metrics, (await trainer.step(batch)).metrics];
      return { parameters: await trainer.readParameters(), metrics, rates: byFit.rates };
    });
    expect(byStep).toEqual(byFit);
  });

  test('verify finds nothing in a step of two phases in 4 parts, and leaves no trace', async () => {
    const options = { phases: adversaries(() => sgd({ learningRate: 0.1, momentum: 0.5 }))!, data: set };
    const batch = { point: set.fields['point'].data.slice(0, 2 * BATCH) };
    const run = (watched: boolean) =>
      withTrainer(kind, 4, options, async (trainer) => {
        await trainer.step(batch);
        if (watched) {
          const { fault, loss, gradientError, checked } = await trainer.verify(batch);
          expect(fault?.message).toBeUndefined();
          expect(checked).toBeGreaterThanOrEqual(trainer.launchesPerStep);
          // Of f32 against f64, as in a step that is whole.
          expect(Math.abs(loss.actual - loss.reference)).toBeLessThan(1e-5);
          expect(gradientError).toBeLessThan(1e-5);
        }
        await trainer.step(batch);
        return trainer.readParameters();
      });
    expect(await run(true)).toEqual(await run(false));
  });
});

test.each([1, 3, 7])('%i steps a submit end in the same bits', async (stepsPerSubmit) => {
  const options = { model: small(dropout(0.4)) };
  const together = await trained('webgpu', 4, options, { steps: STEPS, stepsPerSubmit: 10 });
  expect(await trained('webgpu', 4, options, { steps: STEPS, stepsPerSubmit })).toEqual(together);
});

test('the loop may be left, and goes on, between whole steps', async () => {
  const whole = await trained('webgpu', 4);
  const parts = await withTrainer('webgpu', 4, {}, async (trainer) => {
    for await (const { step } of trainer.fit(set, { steps: 4, stepsPerSubmit: 1 })) if (step === 4) break;
    for await (const report of trainer.fit(set, { steps: 6 })) expect(report.loss).toBeGreaterThan(0);
    return trainer.readParameters();
  });
  expect(parts).toEqual(whole.parameters);
});

test('batches of an iterable are taken in parts, a short one too', async () => {
  const { point, label } = set.fields;
  const starts = [0, 10, 20, 30];
  const batches = starts.map((from) => ({
    point: point.data.slice(2 * from, 2 * (from + BATCH)),
    label: label.data.slice(from, from + BATCH),
  }));
  const run = (m: number) =>
    withTrainer('webgpu', m, { data: set }, async (trainer) => {
      for await (const report of trainer.fit(batches, { epochs: 2 })) expect(report.loss).toBeGreaterThan(0);
      return { parameters: await trainer.readParameters(), metrics: [], rates: [] };
    });
  expectAlike(await run(4), await run(1));
});

test('a loss that is a sum has the gradients of a whole batch', async () => {
  const total = (y: Value): Value => sum(mul(y, 0.01));
  const options = { loss: total, optimizer: sgd({ learningRate: 0.1 }), batchSize: 8 };
  const data = clusters(40, 3);
  const parts = await trained('webgpu', 4, options, { steps: 5 }, data);
  expectAlike(parts, await trained('webgpu', 1, options, { steps: 5 }, data));
});

test('labels that are ignored count in no part: the loss is that of the whole', async () => {
  const data = clusters(BATCH, 3, 5);
  // Of five samples and five, four and no labels are ignored.
  const label = Uint8Array.from(data.fields['label'].data, (each, at) => (at < 4 ? 7 : each));
  const loss = (y: Value, batch: Record<string, Value>): Value => crossEntropy(y, batch['label'], { ignoreIndex: 7 });
  const point = data.fields['point'].data as Float32Array;
  const lossOf = (m: number) =>
    withTrainer('webgpu', m, { data, loss }, async (trainer) => (await trainer.step({ point, label })).loss);
  expect(await lossOf(2)).toBeCloseTo(await lossOf(1), 6);
});

describe('verify names', () => {
  const batch = {
    point: set.fields['point'].data.slice(0, 2 * BATCH),
    label: set.fields['label'].data.slice(0, BATCH),
  };
  const faultOf = (m: number, options: Options) =>
    withTrainer('webgpu', m, { ...options, data: set }, async (trainer) => (await trainer.verify(batch)).fault);

  /** Its product is wrong where the batch has so many samples. */
  const faultyAt = (rows: number): Layer => ({
    parameters: linear(2, 7, { bias: false }).parameters,
    apply(x, bound) {
      const product = matmul(x, bound['weight']);
      const y = x.spec.shape[0] === rows ? broken(product, 'k >= block.end', 'k + 4u >= block.end') : [product];
      return sub(y[0], mean(y[0], { axes: -1, keepDimensions: true }));
    },
  });

  test.each([3, 1])('a faulty launch of the parts of %i samples', async (rows) => {
    const fault = await faultOf(4, { model: sequential(faultyAt(rows), linear(7, 3)) });
    expect(fault?.line).toMatch(new RegExp(`f32\\[${rows}, 7\\] = (takeSamples\\+)?matmul\\(`));
  });

  test('a faulty update behind the parts', async () => {
    const sound = sgd({ learningRate: 0.1 });
    const optimizer: Optimizer = {
      ...sound,
      update: (inputs) => broken(sound.update(inputs)[0], 'let rate = now.x * group.x', 'let rate = now.x'),
    };
    const halved: Optimizer = { ...optimizer, groups: [{ match: 'layer0', learningRateFactor: 0.5 }] };
    expect((await faultOf(4, { optimizer: halved }))?.op).toBe('sgd');
  });
});
