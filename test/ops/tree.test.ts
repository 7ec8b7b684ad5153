import { describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import {
  createTrainer,
  crossEntropy,
  linear,
  sgd,
  type BatchValues,
  type Context,
  type TrainerOptions,
} from '../../src/index.ts';
import {
  add,
  argmax,
  logSoftmax,
  max,
  mean,
  min,
  mul,
  softmax,
  sqrt,
  sum,
  type ReduceOptions,
} from '../../src/ops/index.ts';
import { crossEntropyRows } from '../../src/ops/losses/crossEntropy.ts';
import { partOf, sharingOf } from '../../src/ops/reductions/rowSharing.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { checkOp, distinct, expectFaithful } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard, asPlainCard, limited, plainProducts } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

/** Which difference quotients are right does not depend on the device. */
const onCard = { on: asCard, kinked: true };
const tied = { ...onCard, make: () => (random: Random) => Math.floor(random.uniform(0, 3)) };

/** Around what an invocation reads alone, around workgroups of 64 and of 256, and what fills one. The longest is first: it sees NaN. */
const lengths = [1021, 1025, 509, 257, 251, 127, 65, 61, 33, 32, 7, 2, 1];
const rows = [...lengths, 10_007].map((n) => [[3, n]]);
const columns = lengths.map((n) => [[n, 5]]);

describe('on a card', () => {
  checkOp('sum and mean of rows', ([x]) => [sum(x, { axes: 1 }), mean(x, { axes: 1 })], rows.slice(0, 3), onCard);
  checkOp('sum of rows', ([x]) => sum(x, { axes: 1 }), rows.slice(3), onCard);
  checkOp('sum of columns', ([x]) => sum(x, { axes: 0 }), [...columns, [[131, 37]]], onCard);
  checkOp('max and min of rows', ([x]) => [max(x, { axes: 1 }), min(x, { axes: 1 })], rows, {
    ...onCard,
    make: () => distinct,
  });
  checkOp('max of columns with ties', ([x]) => max(x, { axes: 0 }), columns, tied);
  checkOp('argmax of rows with ties', ([x]) => argmax(x), rows, tied);
  checkOp('argmax of columns', ([x]) => argmax(x, 0), columns, onCard);
  for (const dtype of ['i32', 'u32'] as const) {
    checkOp('argmax of integers', ([x]) => argmax(x), [[spec([5, 67], dtype)]], onCard);
  }

  for (const shape of [[131], [37, 67], [5, 41, 9], [3, 37, 2, 35]]) {
    for (const axes of subsetsOf(shape.length)) {
      const options: ReduceOptions = { axes };
      checkOp(
        `sum and max over axes ${axes.join(', ')}`,
        ([x]) => [sum(x, options), max(x, { ...options, keepDimensions: true })],
        [[shape]],
        { ...onCard, special: false },
      );
    }
  }

  describe.each<readonly [Shape, readonly number[]]>([
    [[100_003], [0]],
    [[10_007, 3], [0]],
    [
      [10_007, 3],
      [0, 1],
    ],
    [[3, 20_011], [1]],
    [[2, 6007, 5], [1]],
    [
      [2, 6007, 5],
      [0, 1],
    ],
  ])('few outputs of %j over axes %j', (shape, axes) => {
    const [options, kept] = [{ axes }, { axes, keepDimensions: true }];
    checkOp('', ([x]) => [sum(x, options), mean(x, kept), max(x, kept)], [[shape]], {
      ...onCard,
      differentiable: false,
    });

    test('are computed in two phases, with the same numbers where all are exact, whatever the parts', async () => {
      const x = input('x0', spec(shape));
      const outputs = { mean: mean(x, options), max: max(x, kept) };
      const batch = { x0: Float32Array.from({ length: sizeOf(shape) }, (_, at) => (at % 127) - 63) };
      const [card, plain] = [await run(outputs, batch, asCard), await run(outputs, batch, sharedDevice)];
      expect(card.launches.toSorted()).toEqual(['max', 'max', 'sum', 'sum']);
      expect(plain.launches.toSorted()).toEqual(['max', 'max', 'sum', 'sum']);
      expect(card.outputs['max'].every((largest) => largest === 63)).toBe(true);
      expect(card.outputs).toEqual(plain.outputs);
    });
  });

  const wide = lengths.slice(0, -4).map((n) => [[5, n]]);
  checkOp('softmax', ([x]) => softmax(x), wide, onCard);
  checkOp('log-softmax', ([x]) => logSoftmax(x), wide, onCard);
  const labelled = (['u8', 'i32', 'u32'] as const).flatMap((dtype, at) =>
    wide.filter((_, n) => n % 3 === at).map(([shape]) => [shape, spec([5], dtype)]),
  );
  checkOp('cross-entropy', ([x, y]) => crossEntropyRows(x, y).loss, labelled, onCard);
  checkOp(
    'cross-entropy, weighted, smoothed, with an ignored label',
    ([x, y]) => {
      const classWeights = Array.from({ length: x.spec.shape[1] }, (_, c) => 0.5 + (c % 3));
      return crossEntropyRows(x, y, { classWeights, labelSmoothing: 0.2, ignoreIndex: 4 }).loss;
    },
    labelled.slice(0, 2),
    { ...onCard, special: false },
  );

  test.each([0, 0.1])('cross-entropy is one launch with its gradient, smoothed by %f', async (labelSmoothing) => {
    const [x, label] = [input('x0', spec([67, 257])), input('label', spec([67], 'u8'))];
    const { loss, correct } = crossEntropyRows(x, label, { labelSmoothing });
    const [dX] = differentiate(loss, [x]);
    const batch = { x0: normal(67 * 257), label: Uint8Array.from({ length: 67 }, (_, n) => n) };
    // Row 3 has its largest at its label, before a NaN; row 4 has NaN at its label.
    batch.x0[3 * 257 + 3] = 50;
    batch.x0[3 * 257 + 200] = NaN;
    batch.x0[4 * 257 + 4] = NaN;
    const { launches } = await run({ loss, correct, dX: dX! }, batch, asCard, true);
    expect(launches).toEqual(['crossEntropy+crossEntropyGrad', 'sum']);
  });

  test('what follows a sum is appended to its second phase', async () => {
    const x = input('x0', spec([10_007, 3]));
    const y = sqrt(add(mul(sum(mul(x, x), { axes: 0 }), 0.5), 1));
    const batch = { x0: normal(30_021) };
    expect((await run({ y }, batch, asCard, true)).launches).toEqual(['mul', 'sum', 'sum+mul+add+sqrt']);
    expect((await run({ y }, batch, asCard, false)).launches).toEqual(['mul', 'sum', 'sum', 'mul', 'add', 'sqrt']);
  });

  test('of nothing, a sum is 0', async () => {
    const { outputs } = await run({ y: sum(input('x0', spec([3, 0])), { axes: 1 }) }, { x0: normal(0) }, asCard);
    expect(outputs['y']).toEqual(new Float32Array(3));
  });
});

describe.each([
  ["within WebGPU's default limits", asPlainCard],
  [
    'with 64 invocations and 256 bytes to a workgroup',
    async () => {
      const limits = { maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupStorageSize: 256 };
      return limited(limits, await asCard());
    },
  ],
])('on a card %s', (_, on) => {
  const options = { on, kinked: true };
  checkOp('sum', ([x]) => sum(x), [[[20_011]]], options);
  checkOp('sum and max of columns', ([x]) => [sum(x, { axes: 0 }), max(x, { axes: 0 })], [[[1021, 17]]], options);
  // With 16 invocations, eight share an output and have one term more than a block each.
  checkOp('sum of more than a block', ([x]) => sum(x, { axes: 1 }), [[[400, 513, 2]]], {
    ...options,
    differentiable: false,
  });
  checkOp('softmax', ([x]) => softmax(x), [[[3, 1021]]], options);
  checkOp('argmax', ([x]) => argmax(x), [[[3, 1021]]], options);
  checkOp('cross-entropy', ([x, y]) => crossEntropyRows(x, y).loss, [[[3, 1021], spec([3], 'u8')]], options);
});

describe('how a row is shared', () => {
  const card: AdapterTraits = {
    software: false,
    maxStorageBuffersPerShaderStage: 8,
    maxStorageBufferBindingSize: 2 ** 27,
    maxComputeWorkgroupStorageSize: 16_384,
    maxComputeInvocationsPerWorkgroup: 256,
    subgroupSize: 0,
  };
  const software = { ...card, software: true };

  test.each([16, 100, 128, 256, 1024])('keeps to powers of two and to limits, of %i invocations', (most) => {
    for (const bytes of [400, 1000, 16_384]) {
      const limits = { maxComputeInvocationsPerWorkgroup: most, maxComputeWorkgroupStorageSize: bytes };
      for (let length = 1; length < 1200; length += length < 70 ? 1 : 37) {
        for (const side of [1, 2, 3, 16, 17, 1000]) {
          const { width, shares } = sharingOf(length, { ...card, ...limits }, side);
          const isAlone = width === 64 && shares === 1;
          const isPower = Number.isInteger(Math.log2(width)) && Number.isInteger(Math.log2(shares));
          const fits = width <= Math.min(most, 256) && 12 * width <= bytes && shares <= Math.min(width, length);
          if (!isAlone && !(isPower && fits)) expect.fail(`${width} and ${shares} for ${length}, ${side}, ${bytes}`);
        }
      }
    }
  });
  test.each([
    [32, 1, 1],
    [33, 1, 8],
    [1024, 1, 256],
    [1024, 3, 64],
    [1024, 1000, 16],
  ])('of %i terms, with %i outputs side by side, is by %i', (length, side, shares) => {
    expect(sharingOf(length, card, side).shares).toBe(shares);
    expect(sharingOf(length, software, side).shares).toBe(1);
  });
  test.each([
    [1_000_000, 1, 1, 244, 128],
    [10_000_000, 1, 1, 1024, 128],
    [16_000, 1, 1, undefined, 15],
    [4000, 1, 1, undefined, undefined],
    [1_000_000, 1000, 1, undefined, undefined],
    [4096, 4096, 4096, 4, undefined],
  ])(
    'of %i terms, of %i outputs, %i side by side, is in %s parts, in software in %s',
    (length, outputs, side, ...parts) => {
      const found = [card, software].map((adapter) => partOf(length, outputs, adapter, side));
      expect(found.map((part) => part && Math.ceil(length / part))).toEqual(parts);
    },
  );
});

const CLASSES = 40;
const WIDTH = 160;
const [first, second] = [linear(2, WIDTH), linear(WIDTH, CLASSES)];

/** Rows and sums long enough for every form of a card. */
const options = (): TrainerOptions => ({
  model: (x: Value, context: Context) => {
    const h = mul(softmax(context.apply(first, x)), 20);
    return { h, y: context.apply(second, h, 'second') };
  },
  loss: ({ h, y }: Record<string, Value>, batch: BatchValues) => ({
    loss: add(crossEntropy(y, batch['label']), mean(mul(h, h))),
    // 20 / WIDTH, whatever is learned.
    height: mean(h),
    largest: mean(max(y, { axes: -1 })),
  }),
  optimizer: sgd({ learningRate: 0.2, momentum: 0.9 }),
  batchSize: 128,
  seed: 3,
});

test('thirty steps on a card are those on software, in the bits of a second run, and judged', async () => {
  const data = clusters(700, CLASSES);
  const train = async (device: GPUDevice) => {
    const trainer = await createTrainer({ ...options(), data, device, kernels: plainProducts });
    try {
      const reports: number[] = [];
      for await (const { loss, metrics } of trainer.fit(data, { steps: 30 })) {
        reports.push(loss, metrics['largest'], metrics['height']);
      }
      const { point, label } = data.fields;
      const batch = { point: point.data.slice(0, 256), label: label.data.slice(0, 128) };
      expect((await trainer.verify(batch)).fault, `seed ${SEED}`).toBeNull();
      return { reports, launches: trainer.launchesPerStep, parameters: await trainer.readParameters() };
    } finally {
      trainer.destroy();
    }
  };
  const plain = await train(await sharedDevice());
  const card = await train(await asCard());
  expect(card.reports).not.toEqual(plain.reports);
  expect(plain.reports[0]).toBeGreaterThan(plain.reports[87] + 0.2);
  card.reports.forEach((report, at) => expect(Math.abs(report - plain.reports[at])).toBeLessThan(1e-3));
  expect(await train(await asCard())).toEqual(card);
});

/** Runs a graph and has every launch judged. */
async function run(
  outputs: Readonly<Record<string, Value>>,
  batch: Readonly<Record<string, Numbers>>,
  on: () => Promise<GPUDevice>,
  fuse = false,
): Promise<{ launches: readonly string[]; outputs: Readonly<Record<string, Numbers>> }> {
  const backend = new GpuBackend(await on(), { fuse });
  const program = await backend.compile(simplify({ outputs, writes: [] }));
  expectFaithful(program.order, await backend.observe(program, batch));
  const read: Record<string, Numbers> = {};
  for (const name of Object.keys(outputs)) read[name] = await backend.readOutput(program, name);
  const { launches } = program;
  program.destroy();
  backend.destroy();
  return { launches, outputs: read };
}

function normal(length: number): Float32Array {
  const random = new Random(SEED, 'normal');
  return Float32Array.from({ length }, () => random.normal());
}

/** All sets of axes but the empty one. */
function subsetsOf(rank: number): number[][] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return Array.from({ length: 2 ** rank - 1 }, (_, set) => axes.filter((axis) => ((set + 1) >> axis) & 1));
}
