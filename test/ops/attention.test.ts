// Attention: kernels against the reference, and the reference against difference quotients.

import { describe, expect, onTestFinished, test } from 'vitest';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Shape, type Spec } from '../../src/core/shape.ts';
import { summarize } from '../../src/gpu/device.ts';
import { link } from '../../src/gpu/link.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { attention, type AttentionOptions } from '../../src/ops/attention/attention.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import { slice } from '../../src/ops/shaping/pieces.ts';
import { reshape } from '../../src/ops/shaping/views.ts';
import { controlState } from '../../src/ops/training/control.ts';
import { planMemory } from '../../src/scheduler/memory.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { broken } from '../support/broken.ts';
import { checkOp, expectFaithful, type CheckOptions } from '../support/checkOp.ts';
import { backendOn, sharedDevice } from '../support/device.ts';
import { modestDevice } from '../support/otherDevice.ts';

interface Case {
  readonly N: number;
  readonly T: number;
  readonly S?: number;
  readonly H: number;
  readonly keyHeads?: number;
  readonly D: number;
}

interface Kind extends Omit<AttentionOptions, 'lengths' | 'mask' | 'dropout'> {
  readonly lengths?: true;
  /** Its shape. */
  readonly mask?: Shape;
  readonly dropout?: number;
}

const draws = { control: controlState('control', 7), stream: 'attention', partCount: 0 };

/** Every third query sees no key at all by its mask. */
const make =
  ({ S, T }: { readonly S: number; readonly T: number }) =>
  (_: number, { dtype, shape }: Spec) => {
    if (dtype === 'f32') return (random: { normal(): number }) => random.normal();
    if (shape.length === 1)
      return (random: { uniform(low: number, high: number): number }, at: number) =>
        at === 0 ? 0 : Math.floor(random.uniform(0, S + 1));
    return (random: { uniform(): number }, at: number) =>
      Math.floor(at / S) % Math.min(T, 3) === 2 || random.uniform() < 0.4 ? 0 : 1;
  };

const adapter = summarize(await sharedDevice()).name;
const inForm = (form: string): CheckOptions => ({ kernels: { adapter, forms: { '*': form } } });

function check(name: string, of: Case, kind: Kind = {}, also: CheckOptions = {}): void {
  const { N, T, S = T, H, keyHeads = H, D } = of;
  const { lengths, mask, dropout, ...options } = kind;
  const keys = [N, S, keyHeads, D];
  const specs = [[N, T, H, D], keys, keys, ...(lengths ? [spec([N], 'i32')] : []), ...(mask ? [spec(mask, 'u8')] : [])];
  checkOp(
    name,
    ([q, k, v, ...others]) =>
      attention(q, k, v, {
        ...options,
        ...(lengths && { lengths: others[0] }),
        ...(mask && { mask: others.at(-1)! }),
        ...(dropout !== undefined && { dropout: { rate: dropout, draws } }),
      }),
    [specs],
    { special: false, make: make({ S, T }), ...also },
  );
}

describe('eight lanes hand each other keys', () => {
  check('one query, one key', { N: 1, T: 1, H: 1, D: 8 });
  check('two queries', { N: 2, T: 2, S: 5, H: 2, D: 8 });
  check('causal', { N: 2, T: 64, H: 2, D: 32 }, { causal: true });
  check('causal, many', { N: 1, T: 257, H: 1, D: 64 }, { causal: true });
  check('causal, fewer keys than queries', { N: 1, T: 21, S: 9, H: 2, D: 8 }, { causal: true });
  check('a window of other keys', { N: 1, T: 7, S: 23, H: 4, keyHeads: 2, D: 80 }, { window: [2, 3], scale: 0.2 });
  check('a causal window', { N: 1, T: 65, H: 1, D: 128 }, { causal: true, window: 5 });
  check('odd heads', { N: 1, T: 7, S: 13, H: 3, keyHeads: 1, D: 6 }, { window: 3 });
  check('ragged', { N: 3, T: 19, H: 2, D: 32 }, { lengths: true });
  check('ragged, causal, within a window', { N: 3, T: 40, H: 2, D: 8 }, { lengths: true, causal: true, window: 9 });
  check('masked', { N: 2, T: 9, S: 21, H: 2, D: 8 }, { mask: [2, 1, 9, 21] });
  check('all of it', { N: 2, T: 9, S: 21, H: 4, keyHeads: 2, D: 8 }, { mask: [9, 21], dropout: 0.3, lengths: true });
  const many: Case = { N: 2, T: 37, S: 70, H: 4, keyHeads: 2, D: 12 };
  check('all of it, many', many, { mask: [37, 70], dropout: 0.3, lengths: true });
});

describe('eight invocations have no lanes', () => {
  check('causal', { N: 1, T: 19, H: 2, keyHeads: 1, D: 8 }, { causal: true }, { on: modestDevice });
});

describe('tiles of 32', () => {
  const form = inForm('tiles32');
  check('one query, one key', { N: 1, T: 1, H: 1, D: 8 }, {}, form);
  check('causal', { N: 1, T: 64, H: 2, D: 32 }, { causal: true }, form);
  check('causal, many', { N: 1, T: 257, H: 1, D: 80 }, { causal: true }, form);
  check('other keys', { N: 1, T: 37, S: 70, H: 2, keyHeads: 1, D: 128 }, { window: 20 }, form);
  const all: Kind = { mask: [40, 70], dropout: 0.3, lengths: true };
  check('all of it', { N: 2, T: 40, S: 70, H: 4, keyHeads: 2, D: 64 }, all, form);
});

describe('tiles of 64', () => {
  const form = inForm('tiles64');
  check('ragged, causal', { N: 2, T: 70, H: 1, D: 32 }, { causal: true, lengths: true }, form);
  check('other keys', { N: 1, T: 65, S: 140, H: 2, keyHeads: 1, D: 80 }, {}, form);
});

/** q, k and v side by side, as one product makes them. */
const cutApart = (x: Value): readonly [Value, Value, Value] => {
  const cut = (start: number, end: number): Value => {
    const piece = slice(x, [null, null, { start: 8 * start, end: 8 * end }]);
    return reshape(piece, [...x.spec.shape.slice(0, 2), end - start, 8]);
  };
  return [cut(0, 4), cut(4, 6), cut(6, 8)];
};

describe('cut from one value', () => {
  checkOp('causal', ([x]) => attention(...cutApart(x), { causal: true }), [[[2, 5, 64]]], { special: false });

  test('nothing is cut apart or joined', () => {
    const x = input('x', spec([2, 5, 64]));
    const [slopes] = differentiate(sum(attention(...cutApart(x))), [x]);
    const order = orderOf({ outputs: { slopes: slopes! }, writes: [] });
    expect(order.map(({ op }) => op.name)).toEqual(expect.arrayContaining(['attention', 'attentionGrad']));
    expect(order.filter(({ op }) => ['slice', 'pad', 'concat'].includes(op.name))).toEqual([]);
  });
});

/** The op of attention's way back, of slopes of q. */
function gradientOf(slopes: Value): Value {
  let value = slopes;
  while (value.node.op.name !== 'attentionGrad') value = value.node.inputs[0];
  return value;
}

describe('a fault is found: ', () => {
  const [N, T, H, keyHeads, D] = [2, 21, 2, 1, 8];
  const specs = [spec([N, T, H, D]), spec([N, T, keyHeads, D]), spec([N, T, keyHeads, D]), spec([N], 'i32')];

  async function observe(outputs: readonly Value[]): Promise<() => void> {
    const backend = await backendOn(sharedDevice);
    const graph = { outputs: Object.fromEntries(outputs.map((value, at) => [`y${at}`, value])), writes: [] };
    const program = await backend.compile(graph);
    onTestFinished(() => {
      program.destroy();
      backend.destroy();
    });
    const random = new Random(5, 'fault');
    const floats = specs
      .slice(0, 3)
      .map(({ shape }) => Float32Array.from({ length: sizeOf(shape) }, () => random.normal()));
    const observed = await backend.observe(program, {
      ...Object.fromEntries(floats.map((numbers, at) => [`x${at}`, numbers])),
      x3: Int32Array.of(T, 17),
    });
    return () => expectFaithful(program.order, observed);
  }
  const operands = (): Value[] => specs.map((given, at) => input(`x${at}`, given));
  const attending = ([q, k, v, lengths]: readonly Value[]): Value =>
    attention(q, k, v, { causal: true, window: 18, lengths });

  test.each([
    ['the sum is not scaled down', 'sum[o] *= before[o];', ''],
    ['nor what was added up', 'left) * before[o]', 'left)'],
    ['a key behind counts', 't + sizes.right + 1u', 't + sizes.right + 2u'],
    ['a key before the window counts', 'keys + sizes.left >=', 'keys + sizes.left + 1u >='],
    ['no length counts', 'min(length, t + sizes.right + 1u)', 't + sizes.right + 1u'],
    ['lse is of powers of two', 'largest[o] * LN2', 'largest[o]'],
  ])('%s', async (_, right, wrong) => {
    expect(await observe(broken(attending(operands()), right, wrong))).toThrow('attention(');
  });

  test.each([
    ["a row's own part is not taken off", '* kept - delta', '* kept'],
    ['slopes are not scaled', 'sizes.scale * weight', 'weight'],
    ['a head is left out', 'reach.head * sizes.group + turn / reach.steps', 'reach.head * sizes.group'],
    ['no length counts', 'key < length', 'true'],
  ])('on the way back, %s', async (_, right, wrong) => {
    const values = operands();
    const [slopes] = differentiate(sum(attending(values)), [values[0]]);
    expect(await observe(broken(gradientOf(slopes!), right, wrong))).toThrow('attentionGrad(');
  });
});

test('NaN and infinity in a query reach its own answer alone', async () => {
  const backend = await backendOn(sharedDevice);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => input(name, spec([1, 20, 1, 8])));
  const program = await backend.compile({ outputs: { y: attention(q, k, v) }, writes: [] });
  onTestFinished(() => {
    program.destroy();
    backend.destroy();
  });
  const random = new Random(5, 'special');
  const [ofQ, ofK, ofV] = [0, 1, 2].map(() => Float32Array.from({ length: 160 }, () => random.normal()));
  [ofQ[8 * 3], ofQ[8 * 11 + 5]] = [NaN, Infinity];
  const observed = await backend.observe(program, { q: ofQ, k: ofK, v: ofV });
  expectFaithful(program.order, observed);
  const [{ outputs }] = observed;
  const bad = Array.from({ length: 20 }, (_, t) => t).filter((t) =>
    outputs[0].subarray(8 * t, 8 * t + 8).some(Number.isNaN),
  );
  expect(bad).toEqual([3, 11]);
});

describe('of T steps', () => {
  const traits: AdapterTraits = {
    software: true,
    maxStorageBuffersPerShaderStage: 8,
    maxStorageBufferBindingSize: 2 ** 27,
    maxComputeWorkgroupStorageSize: 16_384,
    maxComputeInvocationsPerWorkgroup: 256,
    subgroupSize: 8,
  };
  /** A graph of loss and slopes of two samples, as it is run. */
  function graphOf(T: number, D = 32): Graph {
    const operands = ['q', 'k', 'v'].map((name) => input(name, spec([2, T, 4, D])));
    const [q, k, v] = operands;
    const loss = sum(attention(q, k, v, { causal: true, dropout: { rate: 0.1, draws } }));
    const slopes = differentiate(loss, operands);
    const outputs = Object.fromEntries(slopes.map((slope, at) => [`d${at}`, slope!]));
    return fuse(simplify({ outputs: { loss, ...outputs }, writes: [] }), traits);
  }
  const bytesOf = (T: number): number => {
    const graph = graphOf(T);
    return planMemory(graph, orderOf(graph)).slots.reduce((total, { bytes }) => total + bytes, 0);
  };

  test('what a program keeps grows with T, not with T²', () => {
    const each = [128, 256, 512, 1024, 2048].map((T) => bytesOf(T) / T);
    for (const bytes of each) expect(bytes / each[0]).toBeLessThan(1.05);
    // q, k, v, their slopes, y and its slope are nine; scores would be 2 · 4 · T more for each step.
    expect(each[4]).toBeLessThan(12 * 4 * (2 * 4 * 32));
  });

  test('all have one text, for any number of channels', () => {
    const textsOf = (T: number, D: number): string[] =>
      orderOf(graphOf(T, D))
        .filter(({ op }) => op.name.startsWith('attention'))
        .flatMap((node) => node.op.gpu(node, traits).map(({ kernel }) => link(kernel)));
    expect(textsOf(64, 32)).toEqual(textsOf(2048, 128));
  });
});
