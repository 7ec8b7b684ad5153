import { describe, expect, onTestFinished, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Numbers, type Spec } from '../../src/core/shape.ts';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import { ctc, type CtcOptions } from '../../src/nn/losses.ts';
import { cast, mul, sum } from '../../src/ops/index.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { broken } from '../support/broken.ts';
import { checkOp, expectFaithful, type CheckOptions } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

type Batch = Readonly<Record<string, Numbers>>;

/** N samples of T frames under C logits, with up to S labels. */
const sized = (N: number, T: number, C: number, S: number, dtype: 'i32' | 'u32' | 'u8' = 'i32'): Spec[] => [
  spec([N, T, C]),
  spec([N, S], dtype),
  spec([N], dtype),
  spec([N], dtype),
];

const withLengths =
  (options: CtcOptions = {}) =>
  ([x, labels, inputLengths, labelLengths]: readonly Value[]): Value =>
    ctc(x, labels, { ...options, inputLengths, labelLengths });

/** Labels with repeats among them, and lengths of all sizes that the frames have room for. */
const ragged =
  (T: number, C: number, S: number, blank = 0): NonNullable<CheckOptions['make']> =>
  (at) =>
  (random) => {
    const shortest = T - Math.floor(T / 4);
    if (at === 0) return random.normal(0, 2);
    if (at === 1) return (blank + 1 + Math.floor(random.uniform(0, C - 1))) % C;
    if (at === 2) return Math.floor(random.uniform(shortest, T + 1));
    return Math.floor(random.uniform(0, Math.min(S, Math.floor((shortest + 1) / 2)) + 1));
  };

const checked = (name: string, [N, T, C, S]: readonly number[], options: CtcOptions = {}, check: CheckOptions = {}) =>
  checkOp(name, withLengths(options), [sized(N, T, C, S)], {
    make: ragged(T, C, S, options.blank),
    special: false,
    ...check,
  });

checked('ctc', [3, 7, 5, 3], {}, { special: true });
checked('ctc of one frame', [1, 1, 2, 1]);
checked('ctc of two frames', [2, 2, 4, 1]);
checked('ctc of more states than a vector has lanes', [5, 13, 3, 6]);
checked('ctc without labels', [2, 4, 3, 0]);
checked('ctc of many labels', [1, 30, 12, 12]);
checked('ctc with the last class for a blank', [3, 9, 4, 3], { blank: 3, reduction: 'sum' });
checked('ctc by sample', [3, 9, 4, 3], { blank: 2, reduction: 'none' }, { special: true });
checked('ctc where what has no path counts nothing', [3, 9, 4, 3], { zeroInfinity: true }, { special: true });
for (const dtype of ['u8', 'u32'] as const) {
  checkOp(`ctc, labels and lengths being ${dtype}`, withLengths(), [sized(5, 6, 4, 3, dtype)], {
    make: ragged(6, 4, 3),
    special: false,
  });
}
checkOp('ctc of whole rows', ([x, y]) => ctc(x, y), [[spec([3, 9, 4]), spec([3, 3], 'i32')]], {
  make: ragged(9, 4, 3),
});
checkOp('ctc of labels that are f32', ([x, y]) => ctc(x, cast(y, 'f32')), [[spec([2, 5, 4]), spec([2, 2], 'u8')]], {
  make: ragged(5, 4, 2),
  special: false,
});
describe('on a card', () => {
  const on = { on: asCard };
  checked('ctc', [3, 7, 5, 3], {}, { ...on, special: true });
  checked('ctc of more states than a workgroup has lanes', [1, 150, 5, 66], {}, on);
});

const C = 4;
const inputsOf = (N: number, T: number, S: number): Value[] =>
  sized(N, T, C, S).map((given, at) => input(`x${at}`, given));

/** Losses by sample, and the gradient of what they are together. */
function graphOf(N: number, T: number, S: number, options: CtcOptions = {}): Graph {
  const inputs = inputsOf(N, T, S);
  const loss = withLengths({ reduction: 'none', ...options })(inputs);
  const [gradient] = differentiate(sum(loss), [inputs[0]]);
  return { outputs: { loss, gradient: gradient! }, writes: [] };
}

type Run = (graph: Graph, batch: Batch) => Promise<Batch>;

const onCpu: Run = (graph, batch) => Promise.resolve(interpret(graph, { batch }).outputs);

const onDevice =
  (fuse: boolean, open = sharedDevice): Run =>
  async (graph, batch) => {
    const backend = new GpuBackend(await open(), { fuse });
    const program = await backend.compile(simplify(graph));
    onTestFinished(() => {
      program.destroy();
      backend.destroy();
    });
    expect(program.launches.includes('ctc+ctcGrad')).toBe(fuse);
    expectFaithful(program.order, await backend.observe(program, batch));
    backend.run([program]);
    return backend.readOutputs(program);
  };

const runs: readonly (readonly [string, Run])[] = [
  ['cpu', onCpu],
  ['webgpu', onDevice(false)],
  ['webgpu, in one launch', onDevice(true)],
  ['a card, in one launch', onDevice(true, asCard)],
];

const logitsOf = (size: number, stream: string, deviation = 2): Float32Array => {
  const random = new Random(1, stream);
  return Float32Array.from({ length: size }, () => random.normal(0, deviation));
};

/** −log of the sum over all paths, one by one. */
function lossOfAllPaths(logits: Numbers, T: number, labels: readonly number[]): number {
  const p = Array.from({ length: T }, (_, t) => {
    const e = Array.from(logits.subarray(t * C, (t + 1) * C), Math.exp);
    const total = e.reduce((a, b) => a + b, 0);
    return e.map((own) => own / total);
  });
  let total = 0;
  for (let number = 0; number < C ** T; number++) {
    const path = Array.from({ length: T }, (_, t) => Math.floor(number / C ** t) % C);
    const spelt = path.filter((c, t) => c !== 0 && c !== path[t - 1]);
    if (spelt.join() === labels.join()) total += path.reduce((product, c, t) => product * p[t][c], 1);
  }
  return -Math.log(total);
}

describe.each(runs)('ctc: %s', (_, run) => {
  test('its loss is that of all paths that spell the labels, one by one', async () => {
    const T = 5;
    const texts = [[1, 2], [3, 3], [], [1, 2, 1], [2]];
    const x0 = logitsOf(texts.length * T * C, 'paths');
    const batch = {
      x0,
      x1: Int32Array.from(texts.flatMap((text) => [...text, 0, 0, 0].slice(0, 3))),
      x2: Int32Array.of(5, 5, 5, 4, 1),
      x3: Int32Array.from(texts, ({ length }) => length),
    };
    const { loss } = await run(graphOf(texts.length, T, 3), batch);
    for (const [n, text] of texts.entries()) {
      const right = lossOfAllPaths(x0.subarray(n * T * C), batch.x2[n], text);
      expect(Math.abs(loss[n] - right)).toBeLessThan(1e-5);
    }
  });

  // Two labels in one frame, two alike in two, a label that is no class, the blank, a length beyond the frames, beyond the labels.
  const impossible = {
    x0: logitsOf(8 * 3 * C, 'impossible'),
    x1: Int32Array.from([1, 2, 2, 2, 1, C, 1, 0, 1, 2, 1, 2, -1, 1, 1, 2]),
    x2: Int32Array.of(1, 2, 3, 3, 4, 3, 3, 3),
    x3: Int32Array.of(2, 2, 2, 2, 2, 3, 2, 2),
  };

  test('what no path spells has an infinite loss and no gradient that is a number, and none but it', async () => {
    const { loss, gradient } = await run(graphOf(8, 3, 2), impossible);
    expect([...loss.subarray(0, 7)]).toEqual(new Array(7).fill(Infinity));
    expect(Number.isFinite(loss[7])).toBe(true);
    const ofSample = Array.from({ length: 8 }, (_x, n) => [...gradient.subarray(n * 3 * C, (n + 1) * 3 * C)]);
    expect(ofSample.map((own) => own.filter(Number.isNaN).length / C)).toEqual([1, 2, 3, 3, 3, 3, 3, 0]);
  });

  test('with zeroInfinity it counts nothing', async () => {
    const { loss, gradient } = await run(graphOf(8, 3, 2, { zeroInfinity: true }), impossible);
    expect([...loss.subarray(0, 7)]).toEqual(new Array(7).fill(0));
    expect(gradient.subarray(0, 7 * 3 * C).every((own) => own === 0)).toBe(true);
    expect(gradient.subarray(7 * 3 * C).every((own) => own !== 0)).toBe(true);
  });

  test('what lies behind lengths is not looked at, and has no gradient', async () => {
    const x0 = logitsOf(2 * 3 * C, 'padding');
    x0.fill(NaN, 2 * C, 3 * C);
    const batch = { x0, x1: Int32Array.of(1, -7, 2, 99), x2: Int32Array.of(2, 3), x3: Int32Array.of(1, 1) };
    const { loss, gradient } = await run(graphOf(2, 3, 2), batch);
    expect(loss.every(Number.isFinite)).toBe(true);
    expect([...gradient.subarray(2 * C, 3 * C)]).toEqual(new Array(C).fill(0));
  });

  test('NaN stays NaN in its own sample alone, with zeroInfinity too', async () => {
    const x0 = logitsOf(2 * 3 * C, 'NaN');
    x0[1] = NaN;
    const batch = { x0, x1: Int32Array.of(1, 2, 2, 3), x2: Int32Array.of(3, 3), x3: Int32Array.of(2, 2) };
    const { loss, gradient } = await run(graphOf(2, 3, 2, { zeroInfinity: true }), batch);
    expect([...loss].map(Number.isNaN)).toEqual([true, false]);
    expect(gradient.subarray(0, C).every(Number.isNaN)).toBe(true);
    expect(gradient.subarray(3 * C).every(Number.isFinite)).toBe(true);
  });

  test('a class that −∞ forbids is in no path', async () => {
    const x0 = new Float32Array(3 * C).map((_x, at) => (at % C === 0 ? -Infinity : 0));
    const batch = { x0, x1: Int32Array.of(1, 2), x2: Int32Array.of(3), x3: Int32Array.of(2) };
    const { loss, gradient } = await run(graphOf(1, 3, 2), batch);
    // 112 and 122, each of probability 3⁻³.
    expect(Math.abs(loss[0] - Math.log(27 / 2))).toBeLessThan(1e-6);
    expect([0, C, 2 * C].map((at) => gradient[at])).toEqual([0, 0, 0]);
  });

  test('over 2,000 frames it is as exact as over few', async () => {
    const [T, S] = [2000, 40];
    const batch = {
      x0: logitsOf(T * C, 'long'),
      x1: Int32Array.from({ length: S }, (_x, at) => 1 + ((at * at) % 3)),
      x2: Int32Array.of(T),
      x3: Int32Array.of(S),
    };
    const graph = graphOf(1, T, S);
    const doubles = { ...batch, x0: Float64Array.from(batch.x0) };
    const right = interpret(graph, { batch: doubles, precision: 'f64' }).outputs;
    const { loss, gradient } = await run(graph, batch);
    expect(Math.abs(loss[0] / right['loss'][0] - 1)).toBeLessThan(1e-6);
    expect(Math.max(...gradient.map((own, at) => Math.abs(own - right['gradient'][at])))).toBeLessThan(3e-6);
  });
});

test('where losses count differently, the gradient is a launch of its own', async () => {
  const inputs = inputsOf(2, 5, 2);
  const weights = constant(Float32Array.of(1, 3), spec([2]));
  const loss = sum(mul(weights, withLengths({ reduction: 'none' })(inputs)));
  const [gradient] = differentiate(loss, [inputs[0]]);
  const backend = new GpuBackend(await sharedDevice(), { fuse: true });
  const program = await backend.compile(simplify({ outputs: { loss, gradient: gradient! }, writes: [] }));
  onTestFinished(() => {
    program.destroy();
    backend.destroy();
  });
  expect(program.launches).toContain('ctcGrad');
  const batch = {
    x0: logitsOf(2 * 5 * C, 'weighted'),
    x1: Int32Array.of(1, 2, 3, 3),
    x2: Int32Array.of(5, 4),
    x3: Int32Array.of(2, 2),
  };
  expectFaithful(program.order, await backend.observe(program, batch));
});

describe('a fault of its kernel is found', () => {
  test.each([
    ['a label skipped to from one alike', 'label != label_at(at - select(0u, 1u, s > 1u))', 'label != label_at(at)'],
    ['the blank behind the last label left out', 'let last = 2u * count;', 'let last = max(2u * count, 1u) - 1u;'],
    [
      'a frame read for the one before',
      'let base = (n * sizes.frames + t)',
      'let base = (n * sizes.frames + max(t, 1u) - 1u)',
    ],
    ['a total that leaves out a frame', 'if (t >= frames) { break; }', 'if (t + 1u >= frames) { break; }'],
  ])('%s', async (_, right, wrong) => {
    const [T, S] = [6, 2];
    const loss = withLengths({ reduction: 'none' })(inputsOf(2, T, S));
    const [broke] = broken(loss, right, wrong);
    const backend = new GpuBackend(await sharedDevice(), { fuse: false });
    const program = await backend.compile({ outputs: { broke }, writes: [] });
    onTestFinished(() => {
      program.destroy();
      backend.destroy();
    });
    const batch = {
      x0: logitsOf(2 * T * C, 'fault'),
      x1: Int32Array.of(1, 2, 3, 3),
      x2: Int32Array.of(T, T),
      x3: Int32Array.of(2, 2),
    };
    const observed = await backend.observe(program, batch);
    expect(() => expectFaithful(program.order, observed)).toThrow('ctc(');
  });
});

test('its kernels have one text, whatever the sizes are', () => {
  const traits = { software: true, maxComputeWorkgroupStorageSize: 32_768, maxComputeInvocationsPerWorkgroup: 256 };
  const kernelsOf = (N: number, T: number, classes: number, S: number): unknown[] => {
    const inputs = sized(N, T, classes, S).map((given, at) => input(`x${at}`, given));
    const loss = withLengths({ reduction: 'none' })(inputs);
    const [gradient] = differentiate(sum(loss), [inputs[0]]);
    return [loss, gradient!].flatMap(({ node }) =>
      node.op.gpu(node, traits as AdapterTraits).map(({ kernel }) => kernel),
    );
  };
  expect(kernelsOf(1, 5, 3, 1)).toEqual(kernelsOf(9, 2000, 30, 100));
});

describe('ctc refuses', () => {
  const [x, labels] = [input('x', spec([2, 5, C])), input('y', spec([2, 3], 'i32'))];
  test.each<readonly [string, () => unknown, string]>([
    [
      'logits of two axes',
      () => ctc(input('x', spec([5, C])), labels),
      '[ctc] logits are f32[5, 4] but labels are i32[2, 3]',
    ],
    [
      'labels of other samples',
      () => ctc(x, input('y', spec([3, 3], 'i32'))),
      'but labels are i32[3, 3]: they must be',
    ],
    ['labels that are no integers', () => ctc(x, input('y', spec([2, 3]))), '[ctc] labels is f32[2, 3] but must be'],
    [
      'lengths of other samples',
      () => ctc(x, labels, { labelLengths: input('l', spec([3], 'i32')) }),
      '[ctc] labelLengths are i32[3] for 2 samples: give one length for each, as logits are f32[2, 5, 4]',
    ],
    ['a blank that is no class', () => ctc(x, labels, { blank: C }), '[ctc] blank is 4 but must be a class, 0 … 3'],
    ['another reduction', () => ctc(x, labels, { reduction: 'max' as 'sum' }), 'but must be "mean", "sum" or "none"'],
  ])('%s', (_, slip, says) => {
    expect(slip).toThrow(says);
  });
});
