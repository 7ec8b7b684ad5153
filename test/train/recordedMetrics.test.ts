import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  accuracy,
  add,
  cast,
  createTrainer,
  crossEntropy,
  dataset,
  div,
  earlyStop,
  exp,
  f1Score,
  fromValues,
  greater,
  linear,
  matmul,
  max,
  mean,
  meanSquaredError,
  metric,
  min,
  mul,
  bitsPerCharacter,
  perplexity,
  rootMeanSquaredError,
  reshape,
  rSquared,
  sgd,
  slice,
  sqrt,
  sub,
  sum,
  take,
  type Context,
  type Dataset,
  type Decision,
  type Loss,
  type Metric,
  type Model,
  type Report,
  type Trainer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

type Kind = 'webgpu' | 'cpu';
type Values = Readonly<Record<string, Value>>;

const LENGTH = 24;
const CLASSES = 3;
const IGNORED = 255;
const SEED = Date.now() % 1_000_003;
const random = new Random(SEED, 'figures');
const draws = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());

/** Of 24 samples 16 count, none of those from 8 to 11. */
const labels = Uint8Array.from({ length: LENGTH }, (_, at) => {
  if ((at >= 8 && at < 12) || at % 6 === 4) return IGNORED;
  return at % 3 === 2 ? 1 + (at % 2) : 0;
});
const points = draws(2 * LENGTH);
/** Years: far from 0, and close together. */
const years = Float32Array.from({ length: LENGTH }, () => 2000 + 10 * random.normal());
/** As far from 0 as f32 has a few digits left. */
const fars = Float32Array.from(years, (year) => 1e6 + 0.7 + 0.3 * (year - 2000));
const set = dataset({
  x: { data: points, shape: [2] },
  year: { data: years, shape: [1] },
  far: { data: fars, shape: [1] },
  mask: Float32Array.from(labels, (label) => (label === IGNORED ? 0 : 1 + label)),
  label: labels,
});

const weights = [0.5, -0.3, 0.8, 0.2, 0.9, -0.7].map(Math.fround);
const biases = [0.1, 0, -0.2].map(Math.fround);
const net = () => linear(2, CLASSES, { weightInitial: fromValues(weights), biasInitial: fromValues(biases) });
function modelOf(): Model {
  const layer = net();
  return (fields: Values, context: Context) => context.apply(layer, fields['x'], 'net');
}
const firstOf = (o: Value): Value => slice(o, [null, { start: 0, end: 1 }]);
const flat = (column: Value): Value => reshape(column, [-1]);
/** A guess of the year. */
const guess = (o: Value): Value => add(mul(firstOf(o), 5), 2000);

/** What f64 loops know of each sample. */
const rows = Array.from(labels, (label, n) => {
  const z = biases.map((bias, c) => bias + points[2 * n] * weights[c] + points[2 * n + 1] * weights[CLASSES + c]);
  const logSum = Math.log(z.reduce((all, each) => all + Math.exp(each), 0));
  const best = z.indexOf(Math.max(...z));
  return { label, best, first: z[0], nll: logSum - z[label], error: 5 * z[0] + 2000 - years[n], year: years[n] };
});
type Row = (typeof rows)[number];
const counted = rows.filter(({ label }) => label !== IGNORED);
const total = <T>(of: readonly T[], each: (one: T) => number): number => of.reduce((all, one) => all + each(one), 0);
const average = <T>(of: readonly T[], each: (one: T) => number): number => total(of, each) / of.length;
const CLASS_WEIGHTS = [1, 5, 0.2];
const weightOf = ({ label }: Row): number => CLASS_WEIGHTS[label];
const weightedMean = total(counted, (row) => weightOf(row) * row.nll) / total(counted, weightOf);
const plainMean = average(counted, ({ nll }) => nll);
const middle = average(rows, ({ year }) => year);
const truths = (of: readonly Row[], is: (row: Row) => boolean): number => of.filter(is).length;
const hitsOf = (c: number): number => truths(counted, ({ best, label }) => best === c && label === c);
const bothOf = (c: number): number =>
  truths(counted, ({ best }) => best === c) + truths(counted, ({ label }) => label === c);
const occurring = [0, 1, 2].filter((c) => bothOf(c) > 0);
const ignoring = { ignoreIndex: IGNORED };
const byClass = { ...ignoring, classWeights: CLASS_WEIGHTS };
type Figure = readonly [name: string, (o: Value, batch: Values) => Value | Metric, number];
const figures: readonly Figure[] = [
  ['cross-entropy by class weights', (o, { label }) => crossEntropy(o, label, byClass), weightedMean],
  ['cross-entropy without ignored labels', (o, { label }) => crossEntropy(o, label, ignoring), plainMean],
  [
    'a sum of two losses with denominators of their own, and a penalty',
    (o, { label }) => add(add(crossEntropy(o, label, byClass), mul(crossEntropy(o, label, ignoring), 0.25)), 0.125),
    weightedMean + plainMean / 4 + 0.125,
  ],
  [
    'accuracy over what counts',
    (o, { label }) => accuracy(o, label, ignoring),
    average(counted, ({ best, label }) => (best === label ? 1 : 0)),
  ],
  [
    'a masked mean that a user divides',
    (o, { mask }) => div(sum(mul(flat(firstOf(o)), mask)), sum(mask)),
    total(counted, ({ label, first }) => (1 + label) * first) / total(counted, ({ label }) => 1 + label),
  ],
  ['a sum', (o) => sum(firstOf(o)), total(rows, ({ first }) => first)],
  [
    'a sum divided by the number of samples',
    (o) => div(sum(firstOf(o)), o.spec.shape[0]),
    average(rows, ({ first }) => first),
  ],
  [
    'a sum times one by the number of samples',
    (o) => mul(sum(firstOf(o)), 1 / o.spec.shape[0]),
    average(rows, ({ first }) => first),
  ],
  [
    'a deviation over one sample less',
    (o) => sqrt(div(sum(mul(firstOf(o), firstOf(o))), o.spec.shape[0] - 1)),
    Math.sqrt(total(rows, ({ first }) => first ** 2) / (LENGTH - 1)),
  ],
  ['a sum of shares', (o) => sum(mul(firstOf(o), 1 / o.spec.shape[0])), average(rows, ({ first }) => first)],
  [
    'a product along the samples',
    (o, { mask }) => div(reshape(matmul(reshape(mask, [1, -1]), firstOf(o)), []), sum(mask)),
    total(counted, ({ label, first }) => (1 + label) * first) / total(counted, ({ label }) => 1 + label),
  ],
  [
    'the range between two extremes',
    (o) => sub(max(firstOf(o)), min(firstOf(o))),
    Math.max(...rows.map(({ first }) => first)) - Math.min(...rows.map(({ first }) => first)),
  ],
  [
    'root mean squared error',
    (o, { year }) => rootMeanSquaredError(guess(o), year),
    Math.sqrt(average(rows, ({ error }) => error ** 2)),
  ],
  ['perplexity', (o, { label }) => perplexity(o, label, byClass), Math.exp(weightedMean)],
  ['bitsPerCharacter', (o, { label }) => bitsPerCharacter(o, label, byClass), weightedMean / Math.LN2],
  [
    'a geometric mean of a user',
    (o) => exp(mean(mul(firstOf(o), 0.5))),
    Math.exp(average(rows, ({ first }) => first / 2)),
  ],
  [
    'R²',
    (o, { year }) => rSquared(guess(o), year),
    1 - total(rows, ({ error }) => error ** 2) / total(rows, ({ year }) => (year - middle) ** 2),
  ],
  [
    'R² of what is a million from 0',
    (o, { far }) => rSquared(add(mul(firstOf(o), 0), 1e6), far),
    1 - total([...fars], (t) => (t - 1e6) ** 2) / total([...fars], (t) => (t - average([...fars], (x) => x)) ** 2),
  ],
  [
    'F1 of many classes',
    (o, { label }) => f1Score(o, label, ignoring),
    average(occurring, (c) => (2 * hitsOf(c)) / bothOf(c)),
  ],
  [
    'F1 of all classes together',
    (o, { label }) => f1Score(o, label, { ...ignoring, average: 'micro' }),
    (2 * total([0, 1, 2], hitsOf)) / total([0, 1, 2], bothOf),
  ],
  [
    'a metric of sums',
    (o) =>
      metric({
        sums: { squares: mul(firstOf(o), firstOf(o)), n: o.spec.shape[0] },
        finish: ({ squares, n }) => Math.sqrt(squares / n),
      }),
    Math.sqrt(average(rows, ({ first }) => first ** 2)),
  ],
  [
    'the largest of all, merged by a user',
    (o) =>
      metric({
        sums: { top: max(firstOf(o)) },
        merge: (a, b) => ({ top: Math.max(a.top, b.top) }),
        finish: ({ top }) => top,
      }),
    Math.max(...rows.map(({ first }) => first)),
  ],
  [
    'F1 of two classes',
    (o, { mask }) => f1Score(firstOf(o), cast(greater(mask, 0), 'f32')),
    (2 * rows.filter(({ first, label }) => first > 0 && label !== IGNORED).length) /
      (rows.filter(({ first }) => first > 0).length + counted.length),
  ],
];

async function withTrainer<T>(
  kind: Kind,
  options: Partial<LossOptions>,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await createTrainer({
    model: modelOf(),
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 5,
    ...(kind === 'cpu' ? { backend: 'cpu' } : { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

async function reportsOf(trainer: Trainer, data: Dataset, options: Parameters<Trainer['fit']>[1]): Promise<Report[]> {
  const reports: Report[] = [];
  for await (const report of trainer.fit(data, options)) reports.push(report);
  return reports;
}

const all: Loss = (o: Value, batch: Values) => ({
  loss: mean(mul(o, 0)),
  ...Object.fromEntries(figures.map(([name, of]) => [name, of(o, batch)])),
});

/** Two dozen terms, none beyond 2,100, in f32: the errors of a year's guess are off by a few 1e-4 of 10. */
const RELATIVE = 1e-4;

function expectFigures(found: Readonly<Record<string, number>>): void {
  for (const [name, , right] of figures) {
    expect(Math.abs(found[name] - right), `${name} is ${found[name]}, not ${right} (seed ${SEED})`).toBeLessThanOrEqual(
      RELATIVE * Math.max(0.1, Math.abs(right)),
    );
  }
}

/** Samples in their own order, so that one batch of four is ignored as a whole. */
const inOrder = { shuffle: false } as const;

describe.each(['webgpu', 'cpu'] as const)('on %s', (kind) => {
  test.each([LENGTH, 10, 4])('a set in batches of %i has the figures that f64 loops over all of it give', (batchSize) =>
    withTrainer(kind, { loss: all, batchSize }, async (trainer) => expectFigures(await trainer.evaluate(set))),
  );

  test('a step in parts reports the figures of all its samples', () =>
    withTrainer(kind, { loss: all, batchSize: LENGTH, microBatches: 6, data: set }, async (trainer) => {
      const [{ metrics }] = await reportsOf(trainer, set, { steps: 1, ...inOrder });
      expectFigures(metrics);
    }));

  test('a decision without validation sees the figures of all samples since it was last asked', async () => {
    const seen: Readonly<Record<string, number>>[] = [];
    const decision: Decision = { name: 'look', start: () => (metrics) => (seen.push(metrics), null) };
    const options = { loss: all, batchSize: 10, optimizer: sgd({ learningRate: 0 }), data: set };
    await withTrainer(kind, options, (trainer) => reportsOf(trainer, set, { epochs: 1, decisions: [decision] }));
    expect(seen).toHaveLength(1);
    expectFigures(seen[0]);
  });

  /** Something that is learned beside the model. */
  const scale = {
    parameters: { s: { shape: [], initial: fromValues([0.3]) } },
    apply: (_: Value, { s }: Values): Value => s,
  };
  const losses: readonly (readonly [string, Loss])[] = [
    ['class weights and ignored labels', (o: Value, { label }: Values) => crossEntropy(o, label, byClass)],
    [
      'a sum times what is learned',
      (o: Value, { mask }: Values, context: Context) =>
        mul(mul(sum(mul(flat(firstOf(o)), mask)), 0.05), exp(context.apply(scale, o, 'scale'))),
    ],
    [
      'a product along the samples by one sample less',
      (o: Value, { mask }: Values) =>
        div(reshape(matmul(reshape(mask, [1, -1]), firstOf(mul(o, o))), []), o.spec.shape[0] - 1),
    ],
    ['the root of a mean', (o: Value, { mask }: Values) => rootMeanSquaredError(flat(firstOf(o)), mask)],
    [
      'a quotient of two sums that both depend on the weights',
      (o: Value) => div(sum(mul(o, o)), add(sum(exp(firstOf(o))), 1)),
    ],
    [
      'a weighted mean times what is learned, and a plain mean',
      (o: Value, { label, mask }: Values, context: Context) =>
        add(
          mul(crossEntropy(o, label, byClass), exp(context.apply(scale, o, 'scale'))),
          meanSquaredError(flat(firstOf(o)), mask),
        ),
    ],
  ];
  test.each(losses)('a loss of %s trains in parts as in the whole', async (_, loss) => {
    const run = (microBatches: number) =>
      withTrainer(kind, { loss, batchSize: LENGTH, microBatches, data: set }, async (trainer) => {
        const reports = await reportsOf(trainer, set, { steps: 3, ...inOrder });
        return { losses: reports.map((report) => report.loss), ...(await trainer.readParameters()) };
      });
    const [whole, parts] = [await run(1), await run(6)];
    // Two dozen terms below 4 in another order, three times.
    const far = Object.entries<ArrayLike<number>>(whole).flatMap(([name, numbers]) =>
      Array.from(numbers, (x, at) => ({ name, x, inParts: (parts as Record<string, ArrayLike<number>>)[name][at] })),
    );
    expect(far.filter(({ x, inParts }) => !(Math.abs(x - inParts) < 1e-5))).toEqual([]);
  });

  test.each([8, 4, 2])('a model of pairs has its figures in batches of %i, too', async (batchSize) => {
    const layer = net();
    const model: Model = ({ x }: Values, context: Context) =>
      reshape(reshape(context.apply(layer, x, 'net'), [-1, 2, CLASSES]), [-1, CLASSES]);
    const loss: Loss = (o: Value, batch: Values) => crossEntropy(o, batch, ignoring);
    await withTrainer(kind, { model, loss, batchSize }, async (trainer) => {
      expect((await trainer.evaluate(set)).loss).toBeCloseTo(plainMean, 5);
    });
  });

  test('verify finds nothing in a step in parts whose loss is a quotient, and knows its loss', () =>
    withTrainer(kind, { loss: losses[0][1], batchSize: LENGTH, microBatches: 6, data: set }, async (trainer) => {
      const { fault, loss } = await trainer.verify(set);
      expect(fault?.message).toBeUndefined();
      expect(loss.actual).toBeCloseTo(weightedMean, 5);
      expect(loss.reference).toBeCloseTo(weightedMean, 6);
    }));

  test('a loss or accuracy to which no sample counts is NaN, and said once for each set', async () => {
    const said: string[] = [];
    const options: Partial<LossOptions> = {
      loss: (o: Value, batch: Values) => crossEntropy(o, batch, ignoring),
      batchSize: 3,
      data: set,
      warn: (text) => said.push(text),
    };
    await withTrainer(kind, options, async (trainer) => {
      const nothing = take(set, 8, 12);
      for (let time = 0; time < 2; time++) {
        expect(await trainer.evaluate(nothing)).toEqual({ loss: NaN, accuracy: NaN });
      }
      expect(said).toEqual([expect.stringContaining('"loss", "accuracy" are NaN')]);
      expect((await trainer.evaluate(set)).loss).toBeCloseTo(plainMean, 5);
      // A step of them changes nothing.
      const before = await trainer.readParameters();
      await reportsOf(trainer, nothing, { steps: 1 });
      expect(await trainer.readParameters()).toEqual(before);
      expect(said).toHaveLength(2);
    });
  });

  test('a decision goes by the labels that count, though a whole batch of validation has none', async () => {
    const loss: Loss = (o: Value, batch: Values) => crossEntropy(o, batch, ignoring);
    const reports = await withTrainer(kind, { loss, batchSize: 4 }, (trainer) =>
      reportsOf(trainer, set, { epochs: 5, validation: set, decisions: [earlyStop({ patience: 3 })] }),
    );
    expect(reports.at(-1)).toMatchObject({ step: 30 });
    expect(reports.at(-1)!.validation!.loss).toBeLessThan(plainMean);
  });

  test.each([12, 6, 4])('twelve samples under class weights in batches of %i have a loss of 1.30099', (batchSize) => {
    const x = Float32Array.from({ length: 24 }, (_, i) => 2 * Math.sin(1.7 * i));
    const label = Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2);
    const data = dataset({ x: { data: x, shape: [2] }, label });
    const loss: Loss = (o: Value, batch: Values) => crossEntropy(o, batch, { classWeights: [1, 5, 0.2] });
    return withTrainer(kind, { model: net(), loss, batchSize }, async (trainer) => {
      expect((await trainer.evaluate(data)).loss).toBeCloseTo(1.30099, 5);
    });
  });

  test('sixty steps end by no decision, though half of validation is ignored', async () => {
    const x = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const of = (...label: number[]): Dataset => dataset({ x: { data: x, shape: [2] }, label: Uint8Array.from(label) });
    const whole = of(0, 1, 0, 1, 0, 1, 0, 1);
    const half = of(0, 1, 0, 1, IGNORED, IGNORED, IGNORED, IGNORED);
    const loss: Loss = (o: Value, batch: Values) => crossEntropy(o, batch, ignoring);
    await withTrainer(kind, { model: linear(2, 2), loss, batchSize: 4 }, async (trainer) => {
      const decisions = [earlyStop({ patience: 3, restoreBest: true })];
      const reports = await reportsOf(trainer, whole, { epochs: 30, validation: half, decisions });
      const { step, decided } = reports.at(-1)!;
      if (step < 60) expect(decided).toEqual([expect.stringContaining('was not better than')]);
      // The half that counts stands in both sets.
      const [{ loss: ofHalf, accuracy: hits }, ofTwo] = [
        await trainer.evaluate(half),
        await trainer.evaluate(take(whole, 0, 4)),
      ];
      expect(ofHalf).toBeCloseTo(ofTwo.loss, 6);
      expect(hits).toBe(ofTwo['accuracy']);
    });
  });
});
