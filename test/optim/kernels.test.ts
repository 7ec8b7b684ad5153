import { layOut } from '../../src/core/layout.ts';
import { spec, type Spec } from '../../src/core/shape.ts';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  lion,
  muon,
  nadam,
  radam,
  rmsprop,
  sgd,
} from '../../src/optim/index.ts';
import type { Optimizer, ParameterRange } from '../../src/optim/optimizer.ts';
import type { Value } from '../../src/graph/graph.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';

const ROWS = 7;

/** An arena as three parameters: two that do not fill their last block, where there is room, and the rest. */
function rangesOf(size: number): readonly ParameterRange[] {
  const sizes = size > 192 ? [100, 1, size - 192] : [size];
  return layOut(sizes.map((each, at) => ({ name: `p${at}`, shape: [each] }))).ranges.map((range) => ({
    ...range,
    trains: true,
  }));
}

/** Arenas of so many blocks, with moments as the optimizer has them. */
const arenas = ({ moments }: Optimizer, blocks: number): Spec[] => [
  ...Array.from({ length: 2 + Object.keys(moments).length }, () => spec([64 * blocks])),
  spec([blocks, 4]),
  spec([ROWS, 4]),
  spec([4], 'u32'),
];

const build =
  (optimizer: Optimizer) =>
  ([parameters, gradients, ...rest]: readonly Value[]): readonly Value[] => {
    const [groups, schedule, control] = rest.slice(-3);
    const ranges = rangesOf(parameters.spec.shape[0]);
    return optimizer.update({ parameters, gradients, moments: rest.slice(0, -3), groups, schedule, control, ranges });
  };

/** Means of what may be negative; the other moments are of squares, or of sizes. */
const means = new Set(['m', 'mean', 'velocity', 'momentum', 'adamw.m']);

/** Moments and tables as they come about: blocks that stay, gradients of which some are to be NaN. */
const made = ({ moments }: Optimizer, nan: number): CheckOptions => ({
  differentiable: false,
  special: false,
  make(at) {
    const names = Object.keys(moments);
    const last = 2 + names.length;
    if (at === 1) return (random) => (random.uniform() < nan ? NaN : random.normal(0, 0.1));
    if (at === last)
      return (random, index) => (index % 4 === 2 ? Number(random.uniform() < 0.7) : random.uniform(0, 0.1));
    if (at === last + 1) return (random) => random.uniform(0.001, 2);
    if (at === last + 2) return (random) => Math.floor(random.uniform(0, 1000));
    if (at >= 2 && !means.has(names[at - 2])) return (random) => random.uniform(0, 1e-3);
    return (random) => random.normal(0, 0.1);
  },
});

const check = (name: string, optimizer: Optimizer, blocks: readonly number[], nan: number): void =>
  checkOp(
    `update by ${name}`,
    build(optimizer),
    blocks.map((count) => arenas(optimizer, count)),
    made(optimizer, nan),
  );

for (const [name, optimizer] of [
  ['sgd', sgd()],
  ['sgd with momentum', sgd({ momentum: 0.9, weightDecay: 0.1 })],
  ['sgd with Nesterov’s momentum', sgd({ momentum: 0.8, nesterov: true })],
  ['adam', adam()],
  ['adam with decay', adam({ weightDecay: 0.1, beta1: 0.5 })],
  ['adamw', adamw()],
  ['rmsprop', rmsprop()],
  ['rmsprop with momentum', rmsprop({ momentum: 0.9 })],
  ['centered rmsprop', rmsprop({ centered: true })],
  ['centered rmsprop with momentum', rmsprop({ centered: true, momentum: 0.5 })],
  ['adagrad', adagrad()],
  ['adadelta', adadelta()],
  ['adamax', adamax()],
  ['nadam', nadam()],
  ['radam', radam()],
  ['lion', lion()],
  ['sgd of gradients that are cut', sgd({ clip: { value: 0.05 } })],
  ['adamw of gradients that are cut', adamw({ clip: { value: 0.01 } })],
] as const) {
  check(name, optimizer, [1, 3, 67], 0.02);
}

/** More elements than there are partial sums, and more than a block of each sum. */
const MANY_BLOCKS = 8300;

check('sgd under a norm that is seldom reached', sgd({ clip: { globalNorm: 10 } }), [1, 3, 131, MANY_BLOCKS], 0);
check('lion under a small norm', lion({ clip: { globalNorm: 0.1 } }), [1, 3, 131], 0);
check('adam under a norm that is NaN', adam({ clip: { globalNorm: 1 } }), [3], 0.02);
check('sgd under norms of its own that are seldom reached', sgd({ clip: { norm: 5 } }), [1, 4, 131, MANY_BLOCKS], 0);
check(
  'centered rmsprop under small norms of its own',
  rmsprop({ centered: true, momentum: 0.5, clip: { norm: 0.1 } }),
  [1, 4, 131],
  0,
);
check('adam under norms of its own of which some are NaN', adam({ clip: { norm: 1 } }), [1, 4], 0.02);

/** Matrices of all kinds, and what is left to AdamW: one number, and as many as fill the last block. */
const matrices = layOut(
  [[300, 70], [7, 30], [3, 40], [6, 6], [1, 1], [1], [64]].map((shape, at) => ({ name: `p${at}`, shape })),
);
/** Of two tables, each begins where a binding may. */
const TABLE_ROWS = Math.ceil(matrices.size / 64 / 16) * 16;

for (const [name, optimizer, nan] of [
  ['muon', muon(), 0],
  ['muon without Nesterov’s momentum, of which one matrix is another’s', muon({ nesterov: false, match: /[1-9]/ }), 0],
  ['muon under norms of its own', muon({ clip: { norm: 0.5 } }), 0],
  ['muon under a norm of all', muon({ clip: { globalNorm: 0.5 } }), 0],
  ['muon of gradients that are cut, of which some are NaN', muon({ clip: { value: 0.05 } }), 0.002],
] as const) {
  const specs = [
    ...Array.from({ length: 5 }, () => spec([matrices.size])),
    spec([2 * TABLE_ROWS, 4]),
    spec([2 * 16, 4]),
    spec([4], 'u32'),
  ];
  checkOp(
    `update by ${name}`,
    ([parameters, gradients, momentum, m, v, groups, schedule, control]) =>
      optimizer.update({
        parameters,
        gradients,
        moments: [momentum, m, v],
        groups,
        schedule,
        control,
        ranges: matrices.ranges.map((range) => ({ ...range, trains: true })),
      }),
    [specs],
    made(optimizer, nan),
  );
}
