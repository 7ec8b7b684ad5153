import { describe, expect, test } from 'vitest';
import {
  adamw,
  add,
  createTrainer,
  crossEntropy,
  input,
  linear,
  mul,
  muon,
  relu,
  reshape,
  schedules,
  sequential,
  sgd,
  slice,
  sub,
  sum,
  type Layer,
  type MuonOptions,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { spec } from '../../src/core/shape.ts';
import { randomNormal } from '../../src/nn/initializers.ts';
import { orthogonalize } from '../../src/optim/newtonSchulz.ts';
import { sharedDevice } from '../support/device.ts';
import { expectClose, follow, points, SEED, SIZE, train, WEIGHT_CURVATURE, type Trained } from '../support/points.ts';
import {
  always,
  descent,
  moments,
  orthogonal,
  transposed,
  type Change,
  type Matrix,
  type MatrixChange,
} from '../support/textbook.ts';
import { clusters } from '../support/toy.ts';

const both = ['webgpu', 'cpu'] as const;

/** By name, [in, out]: none fills its blocks of 64, and one needs two of them. */
const shapes = { wide: [4, 15], tall: [14, 5], square: [6, 6], row: [1, 9] } as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];

const pulled = (p: Value, t: Value, shape: readonly number[]): Value => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const target = reshape(slice(t, [null, { end: size }]), shape);
  const error = sub(p, target);
  return sum(mul(mul(error, error), WEIGHT_CURVATURE / 2));
};

/** Matrices, each pulled to the first numbers of the batch, and a bias that is pulled to all of them. */
const matrices: Layer = {
  name: 'matrices',
  parameters: {
    ...Object.fromEntries(names.map((name) => [name, { shape: shapes[name], initial: randomNormal(0, 1) }])),
    bias: { shape: [SIZE], initial: randomNormal(0, 1), decays: false },
  },
  apply: (t, p) =>
    names.reduce((total, name) => add(total, pulled(p[name], t, shapes[name])), pulled(p['bias'], t, [1, SIZE])),
};

const rowsOf = (numbers: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: numbers.length / columns }, (_, row) =>
    Array.from({ length: columns }, (__, column) => numbers[row * columns + column]),
  );

/** The textbook's matrix is [out, in]; ours is [in, out]. */
function followMatrix({ before, targets }: Trained, name: Name, change: MatrixChange): number[] {
  const [rows, columns] = shapes[name];
  let p = transposed(rowsOf(before[name], columns));
  targets.forEach((all, step) => {
    const t = transposed(rowsOf(all.subarray(0, rows * columns), columns));
    const g = p.map((row, i) => row.map((x, j) => WEIGHT_CURVATURE * (x - t[i][j])));
    const delta = change(g, p, step);
    p = p.map((row, i) => row.map((x, j) => x + delta[i][j]));
  });
  return transposed(p).flat();
}

interface Case {
  readonly name: string;
  readonly options: MuonOptions;
  readonly change: (name: Name) => MatrixChange;
  readonly bias: () => Change;
  /** A software GPU needs ten seconds for two hundred steps. */
  readonly only?: 'cpu';
}

const RATE = 0.01;
const LIMIT = 1.5;
const usual = { learningRate: always(RATE), decay: 0.1 };
const adamwBias = (): Change => moments({ learningRate: always(1e-3), decay: 0 }, 0.9, 0.999, 1e-8, true);
const falling = schedules.cosine(0.02, { steps: 200 });
const slowing = (step: number): number => 0.05 * 0.98 ** step;

/** PyTorch's clip_grad_norm_ of one parameter. */
const withNorm =
  (change: MatrixChange): MatrixChange =>
  (g, p, step) => {
    const factor = Math.min(1, LIMIT / (Math.hypot(...g.flat()) + 1e-6));
    return change(
      g.map((row) => row.map((x) => factor * x)),
      p,
      step,
    );
  };

const cases: readonly Case[] = [
  {
    name: 'with its defaults',
    options: {},
    change: () => orthogonal({ learningRate: always(1e-3), decay: 0.1 }),
    bias: adamwBias,
  },
  {
    name: 'with no option left as it is, and rates that are functions of the step',
    options: {
      learningRate: falling,
      weightDecay: 0.3,
      momentum: 0.8,
      nesterov: false,
      steps: 3,
      adjust: 'matchRmsAdamw',
      others: sgd({ learningRate: slowing, momentum: 0.5 }),
    },
    change: () =>
      orthogonal(
        { learningRate: falling, decay: 0.3 },
        {
          mu: 0.8,
          nesterov: false,
          steps: 3,
          ratio: (rows, columns) => 0.2 * Math.sqrt(Math.max(rows, columns)),
        },
      ),
    bias: () => descent({ learningRate: slowing, decay: 0 }, 0.5),
  },
  {
    name: 'in groups, each optimizer with its own',
    options: {
      learningRate: RATE,
      groups: [{ match: 'tall', learningRateFactor: 0.5, weightDecay: 1 }],
      others: sgd({ learningRate: 0.02, groups: [{ match: 'bias', learningRateFactor: 2, weightDecay: 0.3 }] }),
    },
    change: (name) => orthogonal(name === 'tall' ? { learningRate: always(RATE / 2), decay: 1 } : usual),
    bias: () => descent({ learningRate: always(0.04), decay: 0.3 }),
    only: 'cpu',
  },
  {
    name: 'with the norm of each matrix clipped, and not that of the bias',
    options: { learningRate: RATE, momentum: 0.6, clip: { norm: LIMIT }, others: sgd({ learningRate: RATE }) },
    change: () => withNorm(orthogonal(usual, { mu: 0.6 })),
    bias: () => descent({ learningRate: always(RATE), decay: 0 }),
    only: 'cpu',
  },
  {
    name: 'of some matrices, the others by another muon, the bias by descent',
    options: {
      learningRate: RATE,
      match: ['wide', /^sq/],
      others: muon({ learningRate: 2 * RATE, weightDecay: 0, others: sgd({ learningRate: RATE, momentum: 0.9 }) }),
    },
    change: (name) =>
      orthogonal(name === 'wide' || name === 'square' ? usual : { learningRate: always(2 * RATE), decay: 0 }),
    bias: () => descent({ learningRate: always(RATE), decay: 0 }, 0.9),
    only: 'cpu',
  },
];

/** As `expectClose`; besides, directions of small singular values grow 3.4445⁵ ≈ 480 times, and their roundings do. */
const TOLERANCE = 2e-4;

const expectNear = (actual: ArrayLike<number>, expected: ArrayLike<number>): void => {
  const errors = Array.from(expected, (x, i) => Math.abs(x - actual[i]));
  expect(Math.max(...errors), `seed ${SEED}`).toBeLessThanOrEqual(TOLERANCE);
};

describe.each(both)('two hundred steps of muon on %s are those of the textbook in f64', (backend) => {
  const own = cases.filter(({ only = backend }) => only === backend);
  test.each(own.map((each) => [each.name, each] as const))('%s', async (_, { options, change, bias }) => {
    const trained = await train(matrices, muon(options), backend);
    const { before, after, targets } = trained;
    for (const name of names) expectNear(after[name], followMatrix(trained, name, change(name)));
    expectClose(after['bias'], follow(before['bias'], targets, WEIGHT_CURVATURE, bias()));
  });
});

test.each([
  ['tall', [300, 7]],
  ['wide', [7, 300]],
])('a %s matrix is multiplied by squares of its shorter side', (_, shape) => {
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    seen.add(value);
    for (const each of value.node.inputs) if (!seen.has(each)) visit(each);
  };
  visit(orthogonalize(input('x', spec(shape)), 5, 1));
  const products = [...seen].map((value) => value.spec.shape.join());
  expect(new Set(products)).toEqual(new Set([shape.join(), '7,7']));
});

test('muon without a matrix leaves all parameters to the other optimizer', async () => {
  const [alone, left] = await Promise.all(
    [sgd({ momentum: 0.5 }), muon({ others: sgd({ momentum: 0.5 }) })].map((each) => train(points, each, 'cpu')),
  );
  expect(left.after).toEqual(alone.after);
});

const frozen = [{ match: /tall|bias/, frozen: true }];
test.each([
  ['both optimizers freeze', muon({ groups: frozen, clip: { globalNorm: 1 } })],
  ['each freezes', muon({ groups: [{ match: 'tall', frozen: true }], others: sgd({ groups: frozen }) })],
])('parameters that %s stay as they are, to the bit', async (_, optimizer) => {
  const { before, after } = await train(matrices, optimizer, 'cpu');
  for (const name of ['tall', 'bias']) expect(after[name]).toEqual(before[name]);
  for (const name of ['wide', 'square', 'row']) expect(after[name]).not.toEqual(before[name]);
});

describe.each(both)('a small net on %s', (backend) => {
  const data = clusters(32, 3);
  const batch = Object.fromEntries(Object.entries(data.fields).map(([name, { data: numbers }]) => [name, numbers]));
  const trainer = async (options: MuonOptions): Promise<Trainer> =>
    createTrainer({
      model: sequential(linear(2, 24), relu, linear(24, 12), relu, linear(12, 3)),
      loss: crossEntropy,
      optimizer: muon(options),
      batchSize: 32,
      seed: 1,
      backend,
      ...(backend === 'webgpu' && { device: await sharedDevice() }),
      data,
    });

  test('learns under muon: its loss falls to a tenth', async () => {
    const net = await trainer({ learningRate: 0.02, others: adamw({ learningRate: 0.01 }) });
    const { loss: before } = await net.evaluate(data);
    for await (const _ of net.fit(data, { steps: 60, every: 60 }));
    const { loss: after } = await net.evaluate(data);
    net.destroy();
    expect(before).toBeGreaterThan(0.5);
    expect(after).toBeLessThan(before / 10);
  });

  test.each([[{ norm: 0.1 }], [{ globalNorm: 0.1 }], [{ value: 0.01 }]])(
    'passes verify under muon with a clip of %o',
    async (clip) => {
      const net = await trainer({ clip });
      for await (const _ of net.fit(data, { steps: 2 }));
      const { ok, fault, checked } = await net.verify(batch);
      net.destroy();
      expect(fault?.message).toBeUndefined();
      expect(ok).toBe(true);
      // Three products and a polynomial in each of five iterations, of three matrices.
      expect(checked).toBeGreaterThan(3 * 5 * 4);
    },
  );
});
