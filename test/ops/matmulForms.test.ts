import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import { input } from '../../src/graph/leaf.ts';
import { affine, matmul } from '../../src/ops/products/matmul.ts';
import { partsOf, productForms, type ProductShape } from '../../src/ops/products/matmulForms.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { checkOp, expectFaithful, type CheckOptions } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard, limited, modestDevice } from '../support/otherDevice.ts';

const adapter = summarize(await sharedDevice()).name;

/** Every product in one form, whatever the adapter is called. */
const inForm = (form: string): CheckOptions => ({ kernels: { adapter, forms: { '*': form } } });

/** M, N and K: odd and one past a tile of each size; whole vectors, the same. */
const odd = [
  [5, 7, 3],
  [1, 1, 1],
  [65, 67, 18],
  [131, 129, 35],
] as const;
const whole = [
  [4, 8, 4],
  [68, 132, 36],
  [128, 64, 64],
] as const;

const square = (extent: number): ProductShape => ({
  kind: 'AB',
  M: extent,
  N: extent,
  K: extent,
  matrices: 1,
  aMatrix: 0,
  bMatrix: 0,
  sums: 'none',
  parts: 1,
});

/** Those that this adapter has: without subgroups of eight one is missing. */
const here = productForms(traitsOf(await sharedDevice()), square(64)).names;

interface Operands {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
const stored = (transposeA: boolean, transposeB: boolean): Operands => ({ transposeA, transposeB });
const allWays = [stored(false, false), stored(false, true), stored(true, false), stored(true, true)];

/**
 * The ways to the operands are the same in all forms but `subgroups`, which is held in all of them; the others, which a
 * software driver compiles for seconds each, between them.
 */
const forms: readonly (readonly [form: string, odd: readonly Operands[], whole: readonly Operands[]])[] = [
  ['naive', [stored(false, false), stored(true, true)], [stored(false, true)]],
  ['registers4', [stored(false, true), stored(true, false)], [stored(true, true)]],
  ['registers8', [stored(false, false)], [stored(false, true), stored(true, false)]],
  ['registers8x12', [stored(false, false)], []],
  ['subgroups', allWays, allWays],
  ['slices', [stored(false, false), stored(true, true)], [stored(false, true)]],
  ['tiles32x64', [stored(false, true)], []],
  ['tiles64', [stored(true, true)], [stored(false, false)]],
  ['tiles128', [stored(false, false)], [stored(true, true)]],
];

const operandShapes = (
  sizes: readonly (readonly [number, number, number])[],
  { transposeA, transposeB }: Operands,
): Shape[][] => sizes.map(([M, N, K]) => [transposeA ? [K, M] : [M, K], transposeB ? [N, K] : [K, N]]);

describe.each(forms)('%s', (form, oddWays, wholeWays) => {
  if (!here.includes(form)) test('is not on this adapter', (context) => context.skip());
  else heldInForm(form, oddWays, wholeWays);
});

function heldInForm(form: string, oddWays: readonly Operands[], wholeWays: readonly Operands[]): void {
  for (const [name, sizes, ways] of [
    ['odd', odd, oddWays],
    ['whole', whole, wholeWays],
  ] as const) {
    for (const way of ways) {
      checkOp(
        `${name} matmul of ${way.transposeA ? 'Aᵀ' : 'A'} and ${way.transposeB ? 'Bᵀ' : 'B'}`,
        ([a, b]) => matmul(a, b, way),
        operandShapes(sizes, way),
        { ...inForm(form), differentiable: false },
      );
    }
  }
  // With its gradients, the column sums with the weight's; that of x, which is a way to B as others are, for one form.
  checkOp('affine', ([x, weight, bias]) => affine(x, weight, bias), [[[68, 36], [36, 132], [132]]], {
    ...inForm(form),
    ...(oddWays !== allWays && { withRespectTo: [1, 2] }),
    special: false,
  });
  if (oddWays !== allWays) return;
  checkOp(
    'batched matmul',
    ([a, b]) => matmul(a, b, { transposeB: true }),
    [
      [
        [3, 65, 18],
        [3, 7, 18],
      ],
      [
        [2, 2, 5, 20],
        [9, 20],
      ],
    ],
    inForm(form),
  );
}

/*
 * A card's tiles unroll whole steps, and take what is left of K apart; all else they share with a software adapter's. Whole
 * tiles beside edges, and several steps, with and without what is left. Past K of the first product are terms of the second.
 */
describe.each([
  ['tiles64', [131, 134, 37], stored(false, false)],
  ['tiles32x64', [68, 132, 48], stored(true, true)],
] as const)('%s of a card', (form, size, way) => {
  const two = operandShapes([size], way).map((shapes) => shapes.map((shape) => [2, ...shape]));
  checkOp('two products', ([a, b]) => matmul(a, b, way), two, {
    on: asCard,
    kernels: { adapter: 'a card', forms: { '*': form } },
    differentiable: false,
  });
});

describe('the forms of a product', () => {
  test('are a card’s by its size: tiles where there are many of them, slices where there are few', async () => {
    const card = traitsOf(await asCard());
    expect(productForms(card, square(4096)).names[0]).toBe('tiles128');
    expect(productForms(card, square(1024)).names[0]).toBe('tiles64');
    expect(productForms(card, square(128)).names[0]).toBe('slices');
  });
  test('of a software adapter are those that never wait', async () => {
    const software = { ...traitsOf(await sharedDevice()), subgroupSize: 8 };
    expect(productForms(software, square(512)).names[0]).toBe('subgroups');
    expect(productForms(software, { ...square(512), M: 4 }).names[0]).toBe('registers4');
    expect(productForms(software, { ...square(512), M: 1 }).names[0]).toBe('naive');
    expect(productForms({ ...software, subgroupSize: 4 }, square(512)).names[0]).toBe('registers8');
  });
  test('stay within the limits of the device', async () => {
    const limits = { maxComputeWorkgroupStorageSize: 16_384, maxComputeInvocationsPerWorkgroup: 256 };
    const smallest = { ...traitsOf(await limited(limits)), subgroupSize: 8 };
    expect(productForms(smallest, square(512)).names).toContain('tiles128');
    const tight = { ...smallest, maxComputeWorkgroupStorageSize: 16_383 };
    expect(productForms(tight, square(512)).names).not.toContain('tiles128');
    expect(productForms(tight, square(512)).names).not.toContain('slices');
    const few = { ...smallest, maxComputeInvocationsPerWorkgroup: 128 };
    expect(productForms(few, square(512)).names).toEqual([
      'subgroups',
      'registers8',
      'registers4',
      'naive',
      'registers8x12',
      'tiles32x64',
      'tiles64',
    ]);
  });
  test('are known by a kind that stays the same within a power of two', async () => {
    const traits = traitsOf(await sharedDevice());
    const shape = { ...square(100), kind: 'AᵀB', matrices: 3 };
    expect(productForms(traits, shape).kind).toBe('matmul AᵀB batched 128×128×128');
    expect(productForms(traits, { ...shape, M: 128 }).kind).toBe(productForms(traits, shape).kind);
    expect(productForms(traits, { ...shape, M: 129 }).kind).not.toBe(productForms(traits, shape).kind);
  });
});

describe('with WebGPU’s default limits', () => {
  test.each(['tiles64', 'tiles128', 'slices'])('%s computes the same', async (form) => {
    const modest = await modestDevice();
    expect(modest.limits.maxComputeWorkgroupStorageSize).toBe(16_384);
    expect(modest.limits.maxComputeInvocationsPerWorkgroup).toBe(256);
    const backend = new GpuBackend(modest, {
      fuse: false,
      kernels: { adapter: summarize(modest).name, forms: { '*': form } },
    });
    const [a, b] = [input('a', spec([70, 36])), input('b', spec([36, 132]))];
    const program = await backend.compile({ outputs: { c: matmul(a, b) }, writes: [] });
    const random = new Random(1, 'modest');
    const batch = Object.fromEntries(
      [a, b].map((value, at) => [
        'ab'[at],
        Float32Array.from({ length: sizeOf(value.spec.shape) }, () => random.normal()),
      ]),
    );
    expectFaithful(program.order, await backend.observe(program, batch));
    program.destroy();
    backend.destroy();
  });
});

describe('a product of few elements with many terms, on a card', () => {
  const onCard: CheckOptions = { on: asCard, kernels: 'guess' };
  checkOp('in parts', ([x, weight, bias]) => affine(x, weight, bias), [[[17, 2100], [2100, 10], [10]]], {
    ...onCard,
    differentiable: false,
  });
  checkOp('a weight’s gradient in parts', ([x, weight, bias]) => affine(x, weight, bias), [[[2051, 9], [9, 5], [5]]], {
    ...onCard,
    withRespectTo: [1, 2],
    special: false,
  });
  checkOp(
    'batched, in parts',
    ([a, b]) => matmul(a, b, { transposeB: true }),
    [
      [
        [3, 5, 2049],
        [3, 6, 2049],
      ],
    ],
    { ...onCard, differentiable: false },
  );

  test('is the same number as in one, where all are exact', async () => {
    const [M, N, K] = [9, 7, 2500];
    const [a, b, bias] = [input('a', spec([M, K])), input('b', spec([K, N])), input('bias', spec([N]))];
    const batch = Object.fromEntries(
      [a, b, bias].map(({ spec: { shape } }, at) => [
        ['a', 'b', 'bias'][at],
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + at) % 11) - 5),
      ]),
    );
    const graph = { outputs: { c: affine(a, b, bias) }, writes: [] };
    const run = async (device: GPUDevice) => {
      const backend = new GpuBackend(device, { kernels: 'guess' });
      const program = await backend.compile(graph);
      for (const [name, numbers] of Object.entries(batch)) program.upload(name, numbers);
      backend.run([program]);
      const c = await backend.readOutput(program, 'c');
      const { launches } = program;
      program.destroy();
      backend.destroy();
      return { c, launches };
    };
    const exact = interpret(graph, { batch, precision: 'f32' }).outputs['c'];
    for (const device of [await asCard(), await sharedDevice()]) {
      const { c, launches } = await run(device);
      expect(launches).toEqual(['matmul', 'sum+add']);
      expect(c).toEqual(exact);
    }
  });

  test('comes in as many parts as keep a card busy, and in one where it would be as soon done', async () => {
    const card = traitsOf(await asCard());
    const shape = (M: number, N: number, K: number) => ({ ...square(1), M, N, K });
    expect(partsOf(card, shape(64, 10, 8192))).toBe(16);
    expect(partsOf(card, shape(16, 16, 1e6))).toBe(256);
    expect(partsOf(card, shape(128, 128, 784))).toBe(1);
    expect(partsOf(card, shape(784, 128, 8192))).toBe(1);
    const software = traitsOf(await sharedDevice());
    expect(partsOf(software, shape(64, 10, 8192))).toBe(16);
    expect(partsOf(software, shape(784, 128, 8192))).toBe(1);
    // A part to each lane.
    expect(partsOf(software, shape(8, 9, 50_176))).toBe(784);
  });
});
