import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { allocate, sizeOf, spec, type Dtype, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { judge } from '../../src/cpu/judge.ts';
import { summarize } from '../../src/gpu/device.ts';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Node, State, Value } from '../../src/graph/graph.ts';
import {
  adam,
  affine,
  add,
  convolve,
  createTrainer,
  crossEntropy,
  dropout,
  crossEntropyRows,
  differentiate,
  div,
  exp,
  gelu,
  input,
  linear,
  log,
  matmul,
  mean,
  mul,
  neg,
  normalizeBy,
  read,
  relu,
  reshape,
  sequential,
  sqrt,
  sigmoid,
  simplify,
  silu,
  sub,
  sum,
  tanh,
  transpose,
} from '../../src/index.ts';
import { controlState } from '../../src/ops/training/control.ts';
import { dropElements } from '../../src/ops/random/dropout.ts';
import type { CrossEntropyRowsOptions } from '../../src/ops/losses/crossEntropy.ts';
import { sampleOrder, takeSamples } from '../../src/ops/data/samples.ts';
import type { KernelChoice } from '../../src/scheduler/kernelChoice.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard, plainProducts } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const MOST = 8;
const adapterWith = (most: number, software = true): AdapterTraits => ({
  software,
  maxStorageBuffersPerShaderStage: most,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  subgroupSize: 0,
});

const graphOf = (outputs: Readonly<Record<string, Value>>): Graph => ({ outputs, writes: [] });
const opsOf = (graph: Graph): string[] =>
  orderOf(graph)
    .filter(({ op }) => !op.view && op.name !== 'input' && op.name !== 'constant')
    .map(({ op }) => op.name);
const fusedOps = (outputs: Readonly<Record<string, Value>>, most = MOST): string[] =>
  opsOf(fuse(graphOf(outputs), adapterWith(most)));

const set = clusters(200, 3);

const x = input('x', spec([5, 7]));
const w = input('w', spec([7, 6]));
const r = input('r', spec([5, 6]));
const s = input('s', spec([5, 6]));
const bias = input('bias', spec([6]));
const one = input('one', spec([]));
const column = input('column', spec([5, 1]));

describe('fusing', () => {
  test('appends an activation, a row, a number and a residual to a product', () => {
    const y = add(mul(add(relu(matmul(x, w)), bias), one), r);
    expect(fusedOps({ y })).toEqual(['matmul+relu+add+mul+add']);
  });
  test('makes one launch of a chain of pointwise ops', () => {
    expect(fusedOps({ y: neg(exp(sub(mul(r, s), 1))) })).toEqual(['mul+sub+exp+neg']);
  });
  test('appends to a sum', () => {
    expect(fusedOps({ y: tanh(sum(r, { axes: 0 })) })).toEqual(['sum+tanh']);
  });
  test('looks through views', () => {
    expect(fusedOps({ y: relu(reshape(matmul(x, w), [30])) })).toEqual(['matmul+relu']);
  });
  test('stores what others read as well, and what the graph gives out', () => {
    const h = matmul(x, w);
    const graph = fuse(graphOf({ y: sum(tanh(h), { axes: 1 }), z: mul(sum(h), 2) }), adapterWith(MOST));
    expect(opsOf(graph)).toEqual(['matmul+tanh', 'sum', 'sum+mul']);
    const both = fuse(graphOf({ h, y: relu(h) }), adapterWith(MOST));
    expect(opsOf(both)).toEqual(['matmul+relu']);
    expect(both.outputs['h'].node).toBe(both.outputs['y'].node);
  });
  test('leaves alone what reads one value twice: of x − x a driver makes 0, and hides a NaN', () => {
    const h = matmul(x, w);
    expect(fusedOps({ y: sub(h, h) })).toEqual(['matmul', 'sub']);
  });
  test('leaves alone what is repeated along an axis that is not the last', () => {
    expect(fusedOps({ y: add(matmul(x, w), column) })).toEqual(['matmul', 'add']);
  });
  test('leaves alone what would change its shape', () => {
    expect(fusedOps({ y: add(sum(r, { axes: 0 }), r) })).toEqual(['sum', 'add']);
  });
  test('never waits for itself: of two products that are added and multiplied, one chain reads the other', () => {
    const [g, h] = [matmul(x, w), matmul(x, input('u', spec([7, 6])))];
    const ops = fusedOps({ y: add(g, h), z: mul(g, h) });
    expect(ops).toHaveLength(3);
    expect(ops.join()).toContain('+');
  });
  test('does not append what needs the chain by another way', () => {
    const h = matmul(x, w);
    const around = matmul(h, input('v', spec([6, 6])));
    expect(fusedOps({ y: add(h, around) })).toEqual(['matmul', 'matmul+add']);
  });
  test('never binds more than it may: it begins another launch', () => {
    const many = Array.from({ length: 9 }, (_, at) => input(`r${at}`, spec([5, 6])));
    const y = many.reduce((sum_, each) => add(sum_, each), matmul(x, w));
    const graph = fuse(graphOf({ y }), adapterWith(MOST));
    expect(opsOf(graph).length).toBeGreaterThan(1);
    for (const node of orderOf(graph)) expect(node.inputs.length + node.outputs.length).toBeLessThanOrEqual(MOST);
  });
});

describe('samples that lie on the GPU', () => {
  const LENGTH = 23;
  const control = controlState('control', SEED);
  const stateOf = (shape: readonly number[], dtype: Dtype): State => {
    const random = new Random(SEED, `samples ${shape.join()} ${dtype}`);
    const numbers = allocate({ shape: [LENGTH, ...shape], dtype });
    for (let i = 0; i < numbers.length; i++) numbers[i] = dtype === 'f32' ? random.normal() : random.uniform(0, 250);
    return { name: `data ${dtype}`, spec: spec([LENGTH, ...shape], dtype), initial: () => numbers, fixed: true };
  };
  const rows = (count: number): Value =>
    sampleOrder(read(control), { count, length: LENGTH, partRows: 0, shuffle: true });

  /** Runs a graph with fusion, holds each launch against f64, and names them. */
  async function launchesOf(
    outputs: Readonly<Record<string, Value>>,
    device = sharedDevice(),
    kernels: KernelChoice = plainProducts,
  ): Promise<readonly string[]> {
    const backend = new GpuBackend(await device, { fuse: true, kernels });
    const program = await backend.compile(simplify(graphOf(outputs)));
    try {
      for (const { node, inputs, outputs: left } of await backend.observe(program, batchOf(program.order))) {
        expect(judge(node, inputs, left), `${node.op.name}, seed ${SEED}`).toBeNull();
      }
      return program.launches;
    } finally {
      program.destroy();
      backend.destroy();
    }
  }

  describe.each([
    ['u8', { scale: 1 / 255, offset: 0 }],
    ['u8', { scale: 2, offset: -0.5 }],
    ['f32', null],
    ['i32', { scale: 0.5, offset: 1 }],
  ] as const)('as %s, seen by %j', (dtype, scale) => {
    test.each([1, 3, 4, 8, 13])('%i to a sample: are read by a product and by its gradient', async (size) => {
      const n = 9;
      const state = stateOf([size], dtype);
      const taken = takeSamples(rows(n), [read(state)], { label: 'x', held: LENGTH, dtype, scale });
      const y = relu(matmul(taken, input('w', spec([size, 6]))));
      const dWeight = matmul(taken, input('dY', spec([n, 6])), { transposeA: true });
      const launches = await launchesOf({ y, dWeight });
      expect(launches.toSorted()).toEqual(['sampleOrder', 'takeSamples+matmul', 'takeSamples+matmul+relu']);
    });
    test.each([1, 4])('%i channels to an image: are read by a convolution and by its gradient', async (channels) => {
      const n = 5;
      const size = [4, 5, channels];
      const taken = takeSamples(rows(n), [read(stateOf(size, dtype))], { label: 'x', held: LENGTH, dtype, scale });
      const [weight, shift] = [input('w', spec([3, 3, channels, 6])), input('b', spec([6]))];
      const y = relu(convolve(taken, weight, { bias: shift, padding: 'same' }));
      const [dWeight, dBias] = differentiate(sum(mul(y, input('r', spec([n, 4, 5, 6])))), [weight, shift]);
      const launches = await launchesOf({ y, dWeight: dWeight!, dBias: dBias! });
      expect(launches).toContain('takeSamples+conv2d+relu+reluGrad');
      expect(launches).toContain('takeSamples+conv2dWeights');
      expect(launches).not.toContain('takeSamples');
    });
  });

  test('what normalises a convolution by given numbers shares its launch on a card', async () => {
    const image = input('x', spec([2, 4, 4, 3]));
    const [average, logVariance, gamma, beta] = ['m', 'v', 'g', 'b'].map((name) => input(name, spec([6])));
    const moments = { mean: average, variance: exp(logVariance) };
    const y = relu(normalizeBy(convolve(image, input('w', spec([3, 3, 3, 6]))), moments, gamma, beta, 1e-5));
    expect(await launchesOf({ y }, asCard())).toEqual(['exp', 'conv2d+batchNorm+relu']);
    expect((await launchesOf({ y })).toSorted()).toEqual(['batchNorm+relu', 'conv2d', 'exp']);
  });
  test('what flows back through a reshape shares a launch with what follows, in either shape', async () => {
    const images = input('x', spec([3, 4, 5, 2]));
    const y = relu(images);
    const dHidden = matmul(input('d', spec([3, 7])), input('w', spec([7, 40])));
    const z = mul(reshape(dHidden, [3, 4, 5, 2]), y);
    expect(await launchesOf({ z })).toEqual(['relu', 'matmul+mul']);
  });

  test.each([
    ['naive', 13],
    ['naive', 16],
    ['subgroups', 13],
    ['slices', 13],
    ['tiles64', 13],
    ['tiles64', 20],
  ])(
    'are read by a product, its gradient and the sums of a bias in the form %s, %i to a sample',
    async (form, size) => {
      const adapter = summarize(await sharedDevice()).name;
      const n = 70;
      const taken = takeSamples(rows(n), [read(stateOf([size], 'u8'))], {
        label: 'x',
        held: LENGTH,
        dtype: 'u8',
        scale: { scale: 1 / 255, offset: 0.25 },
      });
      const [w5, b5] = [input('w', spec([size, 5])), input('b', spec([5]))];
      const y = mul(relu(affine(taken, w5, b5)), input('z', spec([n, 5])));
      const [dWeight, dBias] = differentiate(sum(y), [w5, b5]);
      const launches = await launchesOf({ y, dWeight: dWeight!, dBias: dBias! }, sharedDevice(), {
        adapter,
        forms: { '*': form },
      });
      expect(launches.filter((name) => name.startsWith('takeSamples+matmul'))).toHaveLength(2);
    },
  );

  test.each(['u8', 'u32', 'i32'] as const)('are read by cross-entropy as labels of %s', async (dtype) => {
    const labels = stateOf([], dtype);
    const numbers = labels.initial();
    numbers.forEach((label, at) => (numbers[at] = label % 7));
    const taken = takeSamples(rows(9), [read(labels)], { label: 'label', held: LENGTH, dtype, scale: null });
    const logits = input('logits', spec([9, 7]));
    const { loss } = crossEntropyRows(logits, taken, { labelSmoothing: 0.1 });
    const [dLogits] = differentiate(loss, [logits]);
    const launches = await launchesOf({ loss, dLogits: dLogits! });
    expect(launches).toEqual(['sampleOrder', 'takeSamples+crossEntropy+crossEntropyGrad', 'sum']);
  });

  describe('the end of a classifier', () => {
    test.each([
      [9, 5, 7],
      [1, 1, 2],
      [5, 64, 10],
      [3, 130, 32],
    ])('of %i rows, %i features and %i classes is one launch, and judged whole', async (n, inner, classes) => {
      const labels = stateOf([], 'u8');
      const numbers = labels.initial();
      numbers.forEach((label, at) => (numbers[at] = label % classes));
      const label = takeSamples(rows(n), [read(labels)], { label: 'label', held: LENGTH, dtype: 'u8', scale: null });
      const before = input('h', spec([n, inner]));
      const h = tanh(before);
      const [w9, b9] = [input('w', spec([inner, classes])), input('b', spec([classes]))];
      const { loss, correct } = crossEntropyRows(affine(h, w9, b9), label);
      const [dX, dWeight, dBias] = differentiate(loss, [before, w9, b9]).map((gradient) => gradient!);
      for (const device of [sharedDevice(), asCard()]) {
        const launches = await launchesOf({ loss, correct, dX, dWeight, dBias }, device);
        expect(launches).toContain('takeSamples+narrowLoss+tanhGrad');
        expect(launches).toHaveLength(5);
      }
    });
    test('stays in parts where a label may be ignored, where logits are wanted, or where there are many classes', async () => {
      const label = input('label', spec([9], 'u8'));
      const end = (classes: number, options: CrossEntropyRowsOptions, wanted: boolean) => {
        const [h, w9] = [input('h', spec([9, 5])), input('w', spec([5, classes]))];
        const logits = matmul(h, w9);
        const { loss } = crossEntropyRows(logits, label, options);
        const [dH] = differentiate(loss, [h]);
        return opsOf(fuse(simplify(graphOf({ loss, dH: dH!, ...(wanted && { logits }) })), adapterWith(16)));
      };
      expect(end(7, {}, false)).toContain('narrowLoss');
      for (const parts of [
        end(7, { ignoreIndex: 3 }, false),
        end(7, {}, true),
        end(33, {}, false),
        end(7, { labelSmoothing: 0.1 }, false),
      ]) {
        expect(parts.join()).not.toContain('narrowLoss');
      }
    });
  });

  test('are gathered once where something else reads them too, or where they lie in two parts', async () => {
    const state = stateOf([4], 'f32');
    const taken = takeSamples(rows(9), [read(state)], { label: 'x', held: LENGTH, dtype: 'f32', scale: null });
    const w4 = input('w', spec([4, 6]));
    expect(await launchesOf({ y: matmul(taken, w4), z: sum(taken) })).toContain('takeSamples');
    const parts = [read(state), read(state)];
    const split = takeSamples(rows(9), parts, { label: 'x', held: 12, dtype: 'f32', scale: null });
    expect(await launchesOf({ y: matmul(split, w4) })).toEqual(['sampleOrder', 'takeSamples', 'takeSamples', 'matmul']);
  });
});

describe('a backend', () => {
  test.each([
    ['0', ['matmul', 'relu']],
    ['1', ['matmul+relu']],
    [undefined, ['matmul+relu']],
  ])('under MILLRACE_FUSE=%s, and not told otherwise, makes of a layer the launches %j', async (value, launches) => {
    vi.stubEnv('MILLRACE_FUSE', value);
    try {
      const backend = new GpuBackend(await sharedDevice());
      const told = new GpuBackend(await sharedDevice(), { fuse: true });
      const graph = graphOf({ y: relu(matmul(x, w)) });
      expect((await backend.compile(graph)).launches).toEqual(launches);
      expect((await told.compile(graph)).launches).toEqual(['matmul+relu']);
      backend.destroy();
      told.destroy();
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

/** Numbers for all fields that a graph reads. */
function batchOf(order: readonly Node[]): Record<string, Numbers> {
  const fields = order.filter(({ op }) => op.name === 'input');
  return Object.fromEntries(
    fields.map(({ attrs, outputs: [{ spec: given }] }) => {
      const { label } = attrs as { label: string };
      const random = new Random(SEED, label);
      return [label, Float32Array.from({ length: sizeOf(given.shape) }, () => random.uniform(-1, 1))];
    }),
  );
}

/** A graph of so many ops, each on values that came before. */
function randomGraph(random: Random, count: number): Graph {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.uniform(0, list.length))];
  const square = [input('a', spec([6, 6])), input('b', spec([6, 6]))];
  const extras = [bias, one, input('column6', spec([6, 1]))];
  for (let at = 0; at < count; at++) {
    const [p, q] = [pick(square), pick(square)];
    const made = pick([
      () => mul(matmul(p, q), 0.3),
      () => add(p, q),
      () => mul(p, sigmoid(q)),
      () => tanh(p),
      () => gelu(p),
      () => silu(p),
      () => relu(p),
      () => add(p, pick(extras)),
      () => sub(pick(extras), p),
      () => div(p, add(exp(neg(q)), 1)),
      () => reshape(transpose(p), [6, 6]),
      () => mul(p, mean(q, { axes: 0 })),
    ])();
    square.push(made);
  }
  return graphOf(Object.fromEntries([0, 1, 2].map((at) => [`o${at}`, square[square.length - 1 - 2 * at]])));
}

describe('a fused graph', () => {
  test.each([4, 9, 20, 40])('of %i random ops gives on the GPU what the plain one gives in f64', async (count) => {
    const device = await sharedDevice();
    for (let round = 0; round < 4; round++) {
      const random = new Random(SEED, `graph ${count} ${round}`);
      const graph = randomGraph(random, count);
      const batch = batchOf(orderOf(graph));
      const backend = new GpuBackend(device, { fuse: true });
      const program = await backend.compile(graph);
      try {
        for (const { node, inputs, outputs } of await backend.observe(program, batch)) {
          expect(judge(node, inputs, outputs), `${node.op.name}, seed ${SEED}, round ${round}`).toBeNull();
        }
        const { outputs } = interpret(graph, { batch, precision: 'f64' });
        for (const [name, value] of Object.entries(program.graph.outputs)) {
          const actual = await backend.readOutput(program, name);
          const largest = Math.max(1, ...outputs[name].map(Math.abs));
          expect(value.spec).toEqual(graph.outputs[name].spec);
          // f32's rounding through as many ops as there are, each of which may double it.
          actual.forEach((y, i) => expect(Math.abs(y - outputs[name][i]) / largest).toBeLessThan(1e-3));
        }
      } finally {
        program.destroy();
        backend.destroy();
      }
    }
  });

  test.each([
    ['overflow', log(add(exp(r), 1)), 100],
    ['underflow', log(sigmoid(r)), -200],
    ['come near a root’s end', sqrt(sub(exp(r), 1)), 1e-8],
    ['meet NaN', tanh(add(exp(r), 1)), NaN],
  ])('whose steps %s is judged by what f32 holds of them', async (_, y, value) => {
    const backend = new GpuBackend(await sharedDevice(), { fuse: true });
    const program = await backend.compile(graphOf({ y }));
    try {
      expect(program.launches).toHaveLength(1);
      const [observed] = await backend.observe(program, { r: new Float32Array(30).fill(value) });
      expect(judge(observed.node, observed.inputs, observed.outputs)).toBeNull();
    } finally {
      program.destroy();
      backend.destroy();
    }
  });

  test('is told of, op by op, when one of its steps is wrong', async () => {
    const backend = new GpuBackend(await sharedDevice(), { fuse: true });
    const program = await backend.compile(graphOf({ y: add(relu(matmul(x, w)), bias) }));
    try {
      const random = new Random(SEED, 'wrong');
      const numbers = (length: number) => Float32Array.from({ length }, () => random.normal());
      const [observed] = await backend.observe(program, { x: numbers(35), w: numbers(42), bias: numbers(6) });
      expect(judge(observed.node, observed.inputs, observed.outputs)).toBeNull();
      const wrong = observed.outputs.map((output) => output.map((y) => y * 1.001));
      expect(judge(observed.node, observed.inputs, wrong)).not.toBeNull();
    } finally {
      program.destroy();
      backend.destroy();
    }
  });

  test.each([
    ['ReLU', relu],
    ['GELU', gelu],
    ['SiLU', silu],
  ])('of a net with %s learns as the plain one does, in fewer launches', async (_, activation) => {
    const run = async (fused: boolean) => {
      const trainer = await createTrainer({
        model: sequential(linear(2, 16), activation, linear(16, 16), activation, linear(16, 3)),
        loss: crossEntropy,
        optimizer: adam({ learningRate: 1e-2 }),
        batchSize: 32,
        seed: 3,
        device: await sharedDevice(),
        fuse: fused,
        data: set,
      });
      try {
        const losses: number[] = [];
        for await (const { loss } of trainer.fit(set, { steps: 30 })) losses.push(loss);
        const { fault } = await trainer.verify({
          point: set.fields['point'].data.slice(0, 64),
          label: set.fields['label'].data.slice(0, 32),
        });
        return { losses, fault, launches: trainer.launchesPerStep };
      } finally {
        trainer.destroy();
      }
    };
    const [plain, fused] = [await run(false), await run(true)];
    expect(fused.fault).toBeNull();
    expect(fused.launches).toBeLessThanOrEqual(plain.launches - 4);
    // One rounding less here and there, through 30 steps.
    fused.losses.forEach((loss, at) => expect(Math.abs(loss - plain.losses[at])).toBeLessThan(1e-4));
  });
});

describe('dropout', () => {
  const control = controlState('control', 1);
  const dropped = (rate = 0.3): Value => dropElements(control, 'test', relu(matmul(x, w)), rate);
  const opsFor = (software: boolean): string[] =>
    opsOf(fuse(graphOf({ y: mul(dropped(), 2) }), adapterWith(8, software)));

  test('is drawn where a card has the product in a register, and by counters where a CPU plays the GPU', () => {
    expect(opsFor(false)).toEqual(['state', 'matmul+relu+dropout+mul']);
    expect(opsFor(true)).toEqual(['state', 'matmul+relu', 'dropout+mul']);
  });

  test('keeps the same elements in both, in steps and their parts, through thirty of them', async () => {
    const run = async (fused: boolean, microBatches: number) => {
      const trainer = await createTrainer({
        model: sequential(linear(2, 21), relu, dropout(0.4), linear(21, 22), relu, dropout(0.2), linear(22, 3)),
        loss: crossEntropy,
        optimizer: adam({ learningRate: 1e-2 }),
        batchSize: 32,
        seed: 3,
        device: await asCard(),
        kernels: plainProducts,
        fuse: fused,
        microBatches,
        data: set,
      });
      try {
        const losses: number[] = [];
        for await (const { loss } of trainer.fit(set, { steps: 30 })) losses.push(loss);
        const { fault } = await trainer.verify({
          point: set.fields['point'].data.slice(0, 64),
          label: set.fields['label'].data.slice(0, 32),
        });
        return { losses, fault, graph: await trainer.graph() };
      } finally {
        trainer.destroy();
      }
    };
    const [plain, fused, parts] = [await run(false, 1), await run(true, 1), await run(true, 2)];
    for (const { losses, fault } of [fused, parts]) {
      expect(fault).toBeNull();
      losses.forEach((loss, at) => expect(Math.abs(loss - plain.losses[at])).toBeLessThan(1e-4));
    }
  });
});
