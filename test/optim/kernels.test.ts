import { spec, type Spec } from '../../src/core/shape.ts';
import { adam, adamw, sgd } from '../../src/optim/index.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import type { Value } from '../../src/graph/graph.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';

const GROUPS = 3;
const ROWS = 7;

/** Arenas of so many blocks, with moments as the optimizer has them. */
const arenas = (optimizer: Optimizer, blocks: number): Spec[] => [
  ...Array.from({ length: 2 + optimizer.moments.length }, () => spec([64 * blocks])),
  spec([blocks], 'u32'),
  spec([GROUPS, 4]),
  spec([ROWS, 4]),
  spec([4], 'u32'),
];

const build =
  (optimizer: Optimizer) =>
  ([parameters, gradients, ...rest]: readonly Value[]): readonly Value[] => {
    const [blocks, groups, schedule, control] = rest.slice(-4);
    return optimizer.update({ parameters, gradients, moments: rest.slice(0, -4), blocks, groups, schedule, control });
  };

/** Moments and tables as they come about: squares above 0, group numbers in range, a group that stays. */
const made = (optimizer: Optimizer): CheckOptions => ({
  differentiable: false,
  special: false,
  make(at, { shape }) {
    const last = 2 + optimizer.moments.length;
    if (at === last) return (random) => Math.floor(random.uniform(0, GROUPS));
    if (at === last + 1)
      return (random, index) => (index % 4 === 2 ? Math.floor(index / 4) % GROUPS : random.uniform(0, 0.1));
    if (at === last + 2) return (random) => random.uniform(0.001, 2);
    if (at === last + 3) return (random) => Math.floor(random.uniform(0, 1000));
    if (at === last - 1 && shape.length === 1) return (random) => random.uniform(0, 1e-3);
    return (random) => random.normal(0, 0.1);
  },
});

for (const [name, optimizer] of [
  ['sgd', sgd()],
  ['sgd with momentum', sgd({ momentum: 0.9, weightDecay: 0.1 })],
  ['sgd with Nesterov’s momentum', sgd({ momentum: 0.8, nesterov: true })],
  ['adam', adam()],
  ['adam with decay', adam({ weightDecay: 0.1, beta1: 0.5 })],
  ['adamw', adamw()],
] as const) {
  checkOp(
    `update by ${name}`,
    build(optimizer),
    [1, 3, 67].map((blocks) => arenas(optimizer, blocks)),
    made(optimizer),
  );
}
