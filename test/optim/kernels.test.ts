import { describe, expect, test } from 'vitest';
import { layOut } from '../../src/core/parameterLayout.ts';
import { spec, type Numbers, type Spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
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
import type { Graph, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { uploadBatch } from '../../src/scheduler/backend.ts';
import { checkOp, type CheckOptions } from '../support/checkOp.ts';
import { sharedBackend } from '../support/device.ts';

const ROWS = 7;

/** An arena as three parameters: two that do not fill their last block, where there is room, and the rest. */
function rangesOf(size: number): readonly ParameterRange[] {
  const sizes = size > 192 ? [100, 1, size - 192] : [size];
  const [page] = layOut(sizes.map((each, at) => ({ name: `p${at}`, shape: [each] })));
  return page.ranges.map((range) => ({ ...range, trains: true }));
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
const [matrices] = layOut(
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

describe('a moment that is no longer a normal number', () => {
  const shapes = arenas(adam(), 1);
  const graph = (): Graph => {
    const [p, m, v] = build(adam())(shapes.map((given, at) => input(`${at}`, given)));
    return { outputs: { p, m, v }, writes: [] };
  };
  const filled = (...start: readonly number[]): Float32Array =>
    Float32Array.from({ length: 64 }, (_, i) => start[i] ?? 1);
  // Multiplied by 0.9 and 0.999: below 2⁻¹²⁶, not below it, and no number at all.
  const moments = filled(2 ** -149, -3e-39, 2 ** -126, -2e-38, 2e-38, NaN, 0.5);
  const batch = {
    0: filled(),
    1: new Float32Array(64),
    2: moments,
    3: moments.map(Math.abs),
    4: Float32Array.of(1, 0, 1, 1),
    5: Float32Array.from({ length: 4 * ROWS }, () => 1),
    6: new Uint32Array(4),
  };
  const expectFlushed = ({ p, m, v }: Readonly<Record<string, Numbers>>): void => {
    expect(Array.from(m.subarray(0, 7)).map(Math.abs)).toEqual(
      [0, 0, 0, 0.9 * 2e-38, 0.9 * 2e-38, NaN, 0.45].map(near),
    );
    expect(Array.from(v.subarray(0, 7))).toEqual([0, 0, 0, 2e-38, 2e-38, NaN, 0.5].map((x) => near(0.999 * x)));
    expect(Array.from(p.subarray(0, 3))).toEqual([1, 1, 1]);
  };
  const near = (x: number): unknown => (x > 0 ? expect.closeTo(x, Math.ceil(-Math.log10(x)) + 5) : x);

  test('is 0 from then on, on the CPU', () => expectFlushed(interpret(graph(), { batch }).outputs));
  test('is 0 from then on, on WebGPU', async () => {
    const backend = await sharedBackend();
    const program = await backend.compile(graph());
    uploadBatch(program, batch);
    backend.run([program]);
    expectFlushed(await backend.readOutputs(program));
    program.destroy();
    backend.destroy();
  });
});
