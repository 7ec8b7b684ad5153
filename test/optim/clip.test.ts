import { describe, expect, test } from 'vitest';
import { adam, sgd, type Optimizer } from '../../src/index.ts';
import { BIAS_CURVATURE, expectClose, points, SIZE, train, WEIGHT_CURVATURE } from '../support/points.ts';
import { always, descent, moments, type Change } from '../support/textbook.ts';

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

test('two runs with a clipped norm end in the same bits', async () => {
  const runs = await Promise.all(
    [1, 2].map(() => train(points, sgd({ learningRate: 0.05, clip: { globalNorm: 1 } }), 'webgpu')),
  );
  expect(runs[0].after).toEqual(runs[1].after);
});
