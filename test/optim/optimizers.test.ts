import { beforeAll, describe, expect, test } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  add,
  dataset,
  linear,
  lion,
  mul,
  nadam,
  radam,
  rmsprop,
  sgd,
  sum,
  type Layer,
  type Model,
  type Optimizer,
  type ParameterGroup,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { SCHEDULE_ROWS } from '../../src/optim/optimizer.ts';
import {
  BIAS_CURVATURE,
  expectClose,
  follow,
  makeTrainer,
  points,
  SIZE,
  STEPS,
  train,
  WEIGHT_CURVATURE,
  type Trained,
} from '../support/points.ts';
import {
  always,
  descent,
  largestOf,
  lookingAhead,
  moments,
  ratioOfRoots,
  rectified,
  rootMeanSquare,
  signed,
  sumOfSquares,
  type Change,
  type Rule,
} from '../support/textbook.ts';

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly weight: () => Change;
  readonly bias: () => Change;
  readonly seed?: number;
}

/** A case in which both parameters follow the same rule. */
const alike = (name: string, optimizer: Optimizer, change: () => Change): Case => ({
  name,
  optimizer,
  weight: change,
  bias: change,
});

const halving = (step: number): number => 0.2 * 0.97 ** step;

/** A rule by itself, with decay in two groups of two rates, and with a rate that is a function of the step. */
function family(
  name: string,
  rate: number,
  make: (options: {
    readonly learningRate?: number | ((step: number) => number);
    readonly weightDecay?: number;
    readonly groups?: readonly ParameterGroup[];
  }) => Optimizer,
  change: (rule: Rule) => Change,
  seed?: number,
): readonly Case[] {
  const pinned = seed === undefined ? {} : { seed };
  const falling = (step: number): number => rate * 0.98 ** step;
  const groups: readonly ParameterGroup[] = [
    { match: 'weight', learningRateFactor: 0.5, weightDecay: 0.25 },
    { match: 'bias', weightDecay: 0.1, learningRateFactor: 2 },
  ];
  return [
    { ...alike(name, make({}), () => change({ learningRate: always(rate), decay: 0 })), ...pinned },
    {
      ...alike(`${name} with a rate that is a function of the step`, make({ learningRate: falling }), () =>
        change({ learningRate: falling, decay: 0 }),
      ),
      ...pinned,
    },
    {
      name: `${name} in groups`,
      optimizer: make({ weightDecay: 0.7, groups }),
      weight: () => change({ learningRate: always(rate / 2), decay: 0.25 }),
      bias: () => change({ learningRate: always(2 * rate), decay: 0.1 }),
      ...pinned,
    },
  ];
}

/** A sign that falls the other way in f32 moves a parameter by two rates; these numbers come near none. */
const SIGNED_SEED = 1;

const cases: readonly Case[] = [
  ...family('rmsprop with its defaults', 0.01, rmsprop, (rule) => rootMeanSquare(rule, { alpha: 0.99, epsilon: 1e-8 })),
  ...family(
    'rmsprop with momentum and a large epsilon',
    0.003,
    (options) => rmsprop({ learningRate: 0.003, alpha: 0.9, epsilon: 0.1, momentum: 0.8, ...options }),
    (rule) => rootMeanSquare(rule, { alpha: 0.9, epsilon: 0.1, momentum: 0.8 }),
  ),
  ...family(
    'centered rmsprop',
    0.002,
    (options) => rmsprop({ learningRate: 0.002, alpha: 0.95, epsilon: 0.02, centered: true, ...options }),
    (rule) => rootMeanSquare(rule, { alpha: 0.95, epsilon: 0.02, centered: true }),
  ),
  ...family(
    'centered rmsprop with momentum',
    0.002,
    (options) => rmsprop({ learningRate: 0.002, epsilon: 0.02, centered: true, momentum: 0.5, ...options }),
    (rule) => rootMeanSquare(rule, { alpha: 0.99, epsilon: 0.02, centered: true, momentum: 0.5 }),
  ),
  ...family('adagrad with its defaults', 0.01, adagrad, (rule) =>
    sumOfSquares(rule, { slowing: 0, initial: 0, epsilon: 1e-10 }),
  ),
  ...family(
    'adagrad that slows down and begins high',
    0.05,
    (options) =>
      adagrad({ learningRate: 0.05, learningRateDecay: 0.1, initialAccumulator: 0.3, epsilon: 0.02, ...options }),
    (rule) => sumOfSquares(rule, { slowing: 0.1, initial: 0.3, epsilon: 0.02 }),
  ),
  ...family('adadelta with its defaults', 1, adadelta, (rule) => ratioOfRoots(rule, 0.9, 1e-6)),
  ...family(
    'adadelta with a large epsilon',
    0.5,
    (options) => adadelta({ learningRate: 0.5, rho: 0.8, epsilon: 1e-3, ...options }),
    (rule) => ratioOfRoots(rule, 0.8, 1e-3),
  ),
  ...family('adamax with its defaults', 2e-3, adamax, (rule) => largestOf(rule, 0.9, 0.999, 1e-8)),
  ...family(
    'adamax with a large epsilon',
    0.02,
    (options) => adamax({ learningRate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 0.1, ...options }),
    (rule) => largestOf(rule, 0.8, 0.95, 0.1),
  ),
  ...family('nadam with its defaults', 2e-3, nadam, (rule) =>
    lookingAhead(rule, 0.9, 0.999, { epsilon: 1e-8, psi: 4e-3 }),
  ),
  ...family(
    'nadam with a momentum that rises at once',
    0.01,
    (options) => nadam({ learningRate: 0.01, beta1: 0.8, beta2: 0.98, epsilon: 0.05, momentumDecay: 1, ...options }),
    (rule) => lookingAhead(rule, 0.8, 0.98, { epsilon: 0.05, psi: 1 }),
  ),
  ...family('radam with its defaults', 1e-3, radam, (rule) => rectified(rule, 0.9, 0.999, 1e-8)),
  ...family(
    'radam with a short memory and a large epsilon',
    0.02,
    (options) => radam({ learningRate: 0.02, beta1: 0.8, beta2: 0.9, epsilon: 0.1, ...options }),
    (rule) => rectified(rule, 0.8, 0.9, 0.1),
  ),
  ...family('lion with its defaults', 1e-4, lion, (rule) => signed(rule, 0.9, 0.99), SIGNED_SEED),
  ...family(
    'lion with large steps',
    0.01,
    (options) => lion({ learningRate: 0.01, beta1: 0.5, beta2: 0.8, ...options }),
    (rule) => signed(rule, 0.5, 0.8),
    SIGNED_SEED,
  ),
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

describe.each(['webgpu', 'cpu'] as const)('two hundred steps on %s are those of the textbook in f64', (backend) => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, { optimizer, weight, bias, seed }) => {
    const { before, after, targets } = await train(points, optimizer, backend, seed);
    expectClose(after['weight'], follow(before['weight'], targets, WEIGHT_CURVATURE, weight()));
    expectClose(after['bias'], follow(before['bias'], targets, BIAS_CURVATURE, bias()));
  });
});

describe.each(['webgpu', 'cpu'] as const)('a frozen parameter on %s stays as it is, to the bit, under', (backend) => {
  const groups = [{ match: 'bias', frozen: true }];
  const weightDecay = 0.1;
  test.each(
    [
      adadelta({ groups, weightDecay }),
      adagrad({ groups, weightDecay }),
      adam({ groups, weightDecay }),
      adamax({ groups, weightDecay }),
      adamw({ groups, weightDecay }),
      lion({ groups, weightDecay }),
      nadam({ groups, weightDecay }),
      radam({ groups, weightDecay }),
      rmsprop({ groups, weightDecay, momentum: 0.5 }),
      sgd({ groups, weightDecay, momentum: 0.5, clip: { globalNorm: 1 } }),
    ].map((optimizer) => [optimizer.name, optimizer] as const),
  )('%s', async (_, optimizer) => {
    const { before, after } = await train(points, optimizer, backend);
    expect(after['bias']).toEqual(before['bias']);
    expect(after['weight']).not.toEqual(before['weight']);
  });
});

/** Parameters, gradients, groups, schedule and control: WebGPU's default limit is 8 storage buffers. */
const BUFFERS_OF_ALL = 5;

test('no update binds more buffers than every device has', () => {
  const { moments: most } = rmsprop({ centered: true, momentum: 0.5, clip: { globalNorm: 1 } });
  expect(BUFFERS_OF_ALL + Object.keys(most).length).toBeLessThanOrEqual(8);
});

test('descent without momentum keeps nothing beside the parameters', () => {
  expect(sgd().moments).toEqual({});
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
    const model: Model = (t: Value, context) => mul(sum(context.apply(layer, t, '')), 0);
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
