import { beforeAll, describe, expect, test } from 'vitest';
import { adam, add, mul, rmsprop, sgd, sum, type Layer, type Optimizer } from '../../src/index.ts';
import { randomNormal } from '../../src/nn/initializers.ts';
import { BIAS_CURVATURE, expectClose, makeTrainer, points, SIZE, train, WEIGHT_CURVATURE } from '../support/points.ts';
import { always, descent, moments, rootMeanSquare, type Change } from '../support/textbook.ts';

/** What becomes of the gradients of all parameters together. */
type Clipped = (gradients: readonly number[]) => number[];

const byValue =
  (limit: number): Clipped =>
  (gradients) =>
    gradients.map((g) => Math.min(limit, Math.max(-limit, g)));

/** PyTorch's clip_grad_norm_, of the numbers of which some are frozen. */
const byNorm =
  (limit: number, seen: (at: number) => boolean = () => true): Clipped =>
  (gradients) => {
    const norm = Math.hypot(...gradients.filter((_, at) => seen(at)));
    return gradients.map((g) => g * Math.min(1, limit / (norm + 1e-6)));
  };

/** The same of each parameter by itself. */
const byOwnNorms =
  (limit: number): Clipped =>
  (gradients) =>
    [gradients.slice(0, SIZE), gradients.slice(SIZE)].flatMap(byNorm(limit));

const slow = { learningRate: always(0.05), decay: 0 };
/** Larger than the gradients at the end, smaller than those at the beginning. */
const NORM = 6;

interface Case {
  readonly name: string;
  readonly optimizer: Optimizer;
  readonly clipped: Clipped;
  readonly change: () => Change;
}

const cases: readonly Case[] = [
  {
    name: 'each number',
    optimizer: sgd({ learningRate: 0.05, clip: { value: 0.4 } }),
    clipped: byValue(0.4),
    change: () => descent(slow),
  },
  {
    name: 'each number, before decay is added',
    optimizer: sgd({ learningRate: 0.05, weightDecay: 0.3, clip: { value: 0.2 } }),
    clipped: byValue(0.2),
    change: () => descent({ ...slow, decay: 0.3 }),
  },
  {
    name: 'the norm',
    optimizer: sgd({ learningRate: 0.05, momentum: 0.5, clip: { globalNorm: NORM } }),
    clipped: byNorm(NORM),
    change: () => descent(slow, 0.5),
  },
  {
    name: 'the norm, before decay is added',
    optimizer: adam({ learningRate: 0.02, weightDecay: 0.3, epsilon: 0.1, clip: { globalNorm: 1 } }),
    clipped: byNorm(1),
    change: () => moments({ learningRate: always(0.02), decay: 0.3 }, 0.9, 0.999, 0.1),
  },
  {
    name: 'the norm of each parameter',
    optimizer: sgd({ learningRate: 0.05, momentum: 0.5, clip: { norm: NORM } }),
    clipped: byOwnNorms(NORM),
    change: () => descent(slow, 0.5),
  },
  {
    name: 'the norm of each parameter, before decay is added',
    optimizer: adam({ learningRate: 0.02, weightDecay: 0.3, epsilon: 0.1, clip: { norm: 1 } }),
    clipped: byOwnNorms(1),
    change: () => moments({ learningRate: always(0.02), decay: 0.3 }, 0.9, 0.999, 0.1),
  },
  {
    name: 'the norm of each parameter, where an update binds most',
    optimizer: rmsprop({ learningRate: 0.002, epsilon: 0.02, centered: true, momentum: 0.5, clip: { norm: NORM } }),
    clipped: byOwnNorms(NORM),
    change: () =>
      rootMeanSquare(
        { learningRate: always(0.002), decay: 0 },
        { alpha: 0.99, epsilon: 0.02, centered: true, momentum: 0.5 },
      ),
  },
  {
    name: 'a norm that is never reached',
    optimizer: sgd({ learningRate: 0.05, clip: { globalNorm: 1e6 } }),
    clipped: (gradients) => [...gradients],
    change: () => descent(slow),
  },
  {
    name: 'the norm of what is not frozen',
    optimizer: sgd({ learningRate: 0.05, clip: { globalNorm: 0.5 }, groups: [{ match: 'bias', frozen: true }] }),
    clipped: (gradients) => byNorm(0.5, (at) => at < SIZE)(gradients).map((g, at) => (at < SIZE ? g : 0)),
    change: () => descent(slow),
  },
];

describe.each(['webgpu', 'cpu'] as const)(
  'two hundred clipped steps on %s are those of the textbook in f64',
  (backend) => {
    test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, { optimizer, clipped, change }) => {
      const { before, after, targets } = await train(points, optimizer, backend);
      const p = [...before['weight'], ...before['bias']];
      const changes = [change(), change()];
      targets.forEach((t, step) => {
        const gradients = p.map((x, at) => (at < SIZE ? WEIGHT_CURVATURE : BIAS_CURVATURE) * (x - t[at % SIZE]));
        clipped(gradients).forEach((g, at) => (p[at] += changes[at < SIZE ? 0 : 1](g, p[at], step, at % SIZE)));
      });
      expectClose(after['weight'], p.slice(0, SIZE));
      expectClose(after['bias'], p.slice(SIZE));
    });
  },
);

test.each([[{ globalNorm: 1 }], [{ norm: 1 }]])('two runs clipped by %o end in the same bits', async (clip) => {
  const runs = await Promise.all([1, 2].map(() => train(points, sgd({ learningRate: 0.05, clip }), 'webgpu')));
  expect(runs[0].after).toEqual(runs[1].after);
});

/** One number, fewer than a block, several blocks, and more blocks than a workgroup has invocations. */
const sizes = [1, 5, 200, 64 * 300 + 7];
const LIMIT = 2;

describe.each(['webgpu', 'cpu'] as const)('on %s the norm of a parameter of', (backend) => {
  /** Each has gradients that are its numbers, so that a step of rate 1 takes away what clipping leaves of them. */
  const odd: Layer = {
    name: 'odd',
    parameters: Object.fromEntries(sizes.map((size) => [`p${size}`, { shape: [size], initial: randomNormal(0, 1) }])),
    apply: (t, p) =>
      Object.values(p).reduce((total, each) => add(total, mul(sum(mul(each, each)), 0.5)), mul(sum(t), 0)),
  };
  let before: Record<string, Float32Array>;
  let after: Record<string, Float32Array>;
  beforeAll(async () => {
    const trainer = await makeTrainer(odd, sgd({ learningRate: 1, clip: { norm: LIMIT } }), backend);
    before = await trainer.readParameters();
    await trainer.step({ t: new Float32Array(SIZE) });
    after = await trainer.readParameters();
    trainer.destroy();
  });

  test.each(sizes)('%i numbers is clipped by itself', (size) => {
    const gradient = Array.from(before[`p${size}`]);
    const left = byNorm(LIMIT)(gradient).map((g, at) => gradient[at] - g);
    expectClose(after[`p${size}`], left);
  });
});
