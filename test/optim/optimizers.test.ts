import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  adam,
  adamw,
  add,
  createTrainer,
  dataset,
  linear,
  mul,
  sgd,
  sub,
  sum,
  type Layer,
  type Model,
  type Optimizer,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { randomNormal } from '../../src/nn/initializers.ts';
import { SCHEDULE_ROWS } from '../../src/optim/optimizer.ts';
import { sharedDevice } from '../support/device.ts';

/** Fresh numbers at every run of the suite; the seed is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

/** More than a block of 64, so that a parameter's blocks are several. */
const SIZE = 70;
const STEPS = 100;
/** Of parameters around 1: f32 rounding of a hundred updates, against rules that differ by a hundredth and more. */
const TOLERANCE = 2e-5;

const WEIGHT_CURVATURE = 0.5;
const BIAS_CURVATURE = 1.5;

/**
 * Two points, each pulled to what the batch holds: Σ ½ c (p − t)², so that the gradient is c (p − t).
 * One of them decays as weights do, the other is left alone as biases are.
 */
const points: Layer = {
  name: 'points',
  parameters: {
    weight: { shape: [SIZE], initial: randomNormal(0, 1) },
    bias: { shape: [SIZE], initial: randomNormal(0, 1), decays: false },
  },
  apply: (t, { weight, bias }) => add(pull(weight, t, WEIGHT_CURVATURE), pull(bias, t, BIAS_CURVATURE)),
};

function pull(p: Value, t: Value, curvature: number): Value {
  const error = sub(p, t);
  return sum(mul(mul(error, error), curvature / 2));
}

/** What is to become of one parameter: the textbook's rule, written out once more in f64. */
interface Rule {
  readonly learningRate: (step: number) => number;
  readonly decay: number;
}

/** The change of one number at a step, counted from 0, where it is `p` and its gradient is `g`. */
type Change = (g: number, p: number, step: number, i: number) => number;

/** Sutskever et al. 2013 as PyTorch writes it: v ← μ v + g. */
function descent({ learningRate, decay }: Rule, momentum = 0, nesterov = false): Change {
  const velocity = new Float64Array(SIZE);
  return (gradient, p, step, i) => {
    const g = gradient + decay * p;
    velocity[i] = momentum * velocity[i] + g;
    return -learningRate(step) * (nesterov ? g + momentum * velocity[i] : velocity[i]);
  };
}

/** Kingma and Ba 2014, algorithm 1; with `decoupled`, Loshchilov and Hutter 2017, algorithm 2. */
function moments(
  { learningRate, decay }: Rule,
  beta1: number,
  beta2: number,
  epsilon: number,
  decoupled = false,
): Change {
  const first = new Float64Array(SIZE);
  const second = new Float64Array(SIZE);
  return (gradient, p, step, i) => {
    const g = decoupled ? gradient : gradient + decay * p;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g ** 2;
    const mean = first[i] / (1 - beta1 ** (step + 1));
    const square = second[i] / (1 - beta2 ** (step + 1));
    const shrink = decoupled ? decay * p : 0;
    return -learningRate(step) * (mean / (Math.sqrt(square) + epsilon) + shrink);
  };
}

const always =
  (rate: number): ((step: number) => number) =>
  () =>
    rate;

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly weight: () => Change;
  readonly bias: () => Change;
}

/** A case in which both parameters follow the same rule. */
const alike = (name: string, optimizer: Optimizer, change: () => Change): Case => ({
  name,
  optimizer,
  weight: change,
  bias: change,
});

const halving = (step: number): number => 0.2 * 0.97 ** step;

const cases: readonly Case[] = [
  alike('sgd', sgd({ learningRate: 0.05 }), () => descent({ learningRate: always(0.05), decay: 0 })),
  alike('sgd with momentum', sgd({ learningRate: 0.05, momentum: 0.9 }), () =>
    descent({ learningRate: always(0.05), decay: 0 }, 0.9),
  ),
  alike("sgd with Nesterov's momentum", sgd({ learningRate: 0.05, momentum: 0.8, nesterov: true }), () =>
    descent({ learningRate: always(0.05), decay: 0 }, 0.8, true),
  ),
  alike(
    'sgd with momentum and decay, of biases too',
    sgd({ learningRate: 0.05, momentum: 0.5, weightDecay: 0.3 }),
    () => descent({ learningRate: always(0.05), decay: 0.3 }, 0.5),
  ),
  alike('sgd with a rate that is a function of the step', sgd({ learningRate: halving }), () =>
    descent({ learningRate: halving, decay: 0 }),
  ),
  alike('adam', adam({ learningRate: 0.02, beta1: 0.8, beta2: 0.98, epsilon: 0.01 }), () =>
    moments({ learningRate: always(0.02), decay: 0 }, 0.8, 0.98, 0.01),
  ),
  alike('adam with its defaults', adam(), () => moments({ learningRate: always(1e-3), decay: 0 }, 0.9, 0.999, 1e-8)),
  alike('adam with decay, of biases too', adam({ learningRate: 0.02, weightDecay: 0.4 }), () =>
    moments({ learningRate: always(0.02), decay: 0.4 }, 0.9, 0.999, 1e-8),
  ),
  alike('adam with a rate that is a function of the step', adam({ learningRate: halving }), () =>
    moments({ learningRate: halving, decay: 0 }, 0.9, 0.999, 1e-8),
  ),
  {
    name: 'adamw, whose biases do not decay',
    optimizer: adamw({ learningRate: 0.02, weightDecay: 0.4 }),
    weight: () => moments({ learningRate: always(0.02), decay: 0.4 }, 0.9, 0.999, 1e-8, true),
    bias: () => moments({ learningRate: always(0.02), decay: 0 }, 0.9, 0.999, 1e-8, true),
  },
  alike(
    'adamw whose biases decay by a group',
    adamw({ learningRate: 0.02, weightDecay: 0.4, groups: [{ match: 'bias', weightDecay: 0.4 }] }),
    () => moments({ learningRate: always(0.02), decay: 0.4 }, 0.9, 0.999, 1e-8, true),
  ),
  {
    name: 'adamw with its defaults, decay 0.01 in a group of five times the rate',
    optimizer: adamw({ groups: [{ match: /^w/, learningRateFactor: 5 }] }),
    weight: () => moments({ learningRate: always(5e-3), decay: 0.01 }, 0.9, 0.999, 1e-8, true),
    bias: () => moments({ learningRate: always(1e-3), decay: 0 }, 0.9, 0.999, 1e-8, true),
  },
];

const makeTrainer = async (model: Model, optimizer: Optimizer, backend: 'webgpu' | 'cpu'): Promise<Trainer> =>
  createTrainer({
    model,
    loss: (y: Value) => y,
    optimizer,
    batchSize: 1,
    seed: SEED,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: dataset({ t: { data: new Float32Array(SIZE), shape: [SIZE] } }),
  });

type Parameters = Readonly<Record<string, Float32Array>>;

interface Trained {
  readonly before: Parameters;
  readonly after: Parameters;
  readonly targets: readonly Float32Array[];
}

/** Trains on targets of its own for each step, which are handed back. */
async function train(model: Model, optimizer: Optimizer, backend: 'webgpu' | 'cpu'): Promise<Trained> {
  const random = new Random(SEED, 'targets');
  const targets = Array.from({ length: STEPS }, () => Float32Array.from({ length: SIZE }, () => random.normal(1, 0.3)));
  const trainer = await makeTrainer(model, optimizer, backend);
  try {
    const before = await trainer.readParameters();
    for (const t of targets) await trainer.step({ t });
    return { before, after: await trainer.readParameters(), targets };
  } finally {
    trainer.destroy();
  }
}

function follow(
  start: Float32Array,
  targets: readonly Float32Array[],
  curvature: number,
  change: Change,
): Float64Array {
  const p = Float64Array.from(start);
  targets.forEach((t, step) => {
    for (let i = 0; i < SIZE; i++) p[i] += change(curvature * (p[i] - t[i]), p[i], step, i);
  });
  return p;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const errors = Array.from(expected, (x, i) => Math.abs(x - actual[i]));
  expect(Math.max(...errors), `seed ${SEED}`).toBeLessThanOrEqual(TOLERANCE);
}

describe.each(['webgpu', 'cpu'] as const)('a hundred steps on %s are those of the textbook in f64', (backend) => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, { optimizer, weight, bias }) => {
    const { before, after, targets } = await train(points, optimizer, backend);
    expectClose(after['weight'], follow(before['weight'], targets, WEIGHT_CURVATURE, weight()));
    expectClose(after['bias'], follow(before['bias'], targets, BIAS_CURVATURE, bias()));
  });
});

describe('parameters in groups', () => {
  const encoder = { ...points };
  const decoder = { ...points };
  const model: Model = (t: Value, context) =>
    add(context.apply(encoder, t, 'encoder'), context.apply(decoder, t, 'decoder'));
  const optimizer = sgd({
    learningRate: 0.05,
    weightDecay: 0.2,
    groups: [
      { match: 'decoder.weight', frozen: true },
      { match: /bias$/, weightDecay: 0 },
      { match: 'encoder', learningRateFactor: 0.25, weightDecay: 0.5 },
    ],
  });
  let trained: Trained;
  beforeAll(async () => {
    trained = await train(model, optimizer, 'cpu');
  });
  const expectFollowed = (name: string, curvature: number, rule: Rule): void => {
    const { before, after, targets } = trained;
    expectClose(after[name], follow(before[name], targets, curvature, descent(rule)));
  };

  test('of a name that begins a parameter’s have its rate and decay', () =>
    expectFollowed('encoder.weight', WEIGHT_CURVATURE, { learningRate: always(0.0125), decay: 0.5 }));
  test('that match several belong to the first', () =>
    expectFollowed('encoder.bias', BIAS_CURVATURE, { learningRate: always(0.05), decay: 0 }));
  test('of a pattern have its decay', () =>
    expectFollowed('decoder.bias', BIAS_CURVATURE, { learningRate: always(0.05), decay: 0 }));
  test('stay as they are, to the bit, where they are frozen', () => {
    const { before, after } = trained;
    expect(after['decoder.weight']).toEqual(before['decoder.weight']);
  });
});

describe('adamw on a linear layer without gradient', () => {
  const rate = 0.1;
  const decay = 0.5;
  const layer = linear(SIZE, 3);
  let trained: Trained;
  beforeAll(async () => {
    const model: Model = (t: Value, context) => mul(sum(context.apply(layer, t)), 0);
    trained = await train(model, adamw({ learningRate: rate, weightDecay: decay }), 'cpu');
  });

  test('shrinks the weights by the same factor at each step', () => {
    const { before, after } = trained;
    expectClose(
      after['weight'],
      before['weight'].map((w) => w * (1 - rate * decay) ** STEPS),
    );
  });
  test('leaves the biases as they are', () => {
    const { before, after } = trained;
    expect(after['bias']).toEqual(before['bias']);
  });
});

describe('past the rows of the schedule’s table', () => {
  const steps = SCHEDULE_ROWS + 3;
  /** The gradient is 1, and the rates are distinct powers of two: their sum in the parameter shows which were used. */
  const rates: Readonly<Record<number, number>> = {
    0: 1,
    1: 2,
    [SCHEDULE_ROWS - 1]: 4,
    [SCHEDULE_ROWS]: 8,
    [SCHEDULE_ROWS + 1]: 16,
  };
  const optimizer = sgd({ learningRate: (step) => rates[step] ?? 0 });
  const slope: Layer = {
    name: 'slope',
    parameters: { p: { shape: [1], initial: () => Float32Array.of(0) } },
    apply: (t, { p }) => add(sum(p), mul(sum(t), 0)),
  };
  const sumOfRates = -31;
  const origin = dataset({ t: { data: new Float32Array(SIZE), shape: [SIZE] } });
  const fit = async (trainer: Trainer, count: number): Promise<void> => {
    for await (const _ of trainer.fit(origin, { steps: count, every: count }));
  };

  test.each(['webgpu', 'cpu'] as const)('fit on %s takes the rates of its own steps', async (backend) => {
    const trainer = await makeTrainer(slope, optimizer, backend);
    await fit(trainer, steps);
    expect((await trainer.readParameters())['p'][0]).toBe(sumOfRates);
    trainer.destroy();
  });
  test.each(['webgpu', 'cpu'] as const)('step on %s takes the rates of its own steps', async (backend) => {
    const trainer = await makeTrainer(slope, optimizer, backend);
    await fit(trainer, SCHEDULE_ROWS - 2);
    for (let step = SCHEDULE_ROWS - 2; step < steps; step++) await trainer.step({ t: new Float32Array(SIZE) });
    expect((await trainer.readParameters())['p'][0]).toBe(sumOfRates);
    trainer.destroy();
  });
  test('adam corrects its moments by its own steps', async () => {
    const rate = 1e-4;
    const trainer = await makeTrainer(points, adam({ learningRate: rate }), 'cpu');
    const { weight: before } = await trainer.readParameters();
    await fit(trainer, steps);
    const { weight: after } = await trainer.readParameters();
    const change = moments({ learningRate: always(rate), decay: 0 }, 0.9, 0.999, 1e-8);
    const targets = Array.from({ length: steps }, () => new Float32Array(SIZE));
    expectClose(after, follow(before, targets, WEIGHT_CURVATURE, change));
    trainer.destroy();
  });
});
