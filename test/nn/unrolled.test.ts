import { describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { link } from '../../src/gpu/link.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import {
  adam,
  add,
  constant,
  createTrainer,
  dataset,
  defineLayer,
  differentiate,
  dropout,
  input,
  linear,
  meanSquaredError,
  mul,
  recurrent,
  sequential,
  sigmoid,
  simplify,
  slice,
  sub,
  sum,
  take,
  tanh,
  type Cell,
  type Layer,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { planMemory } from '../../src/scheduler/memory.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { sharedDevice } from '../support/device.ts';

const SEED = 11;
const [N, C, H] = [3, 2, 4];

const numbersOf = (name: string, shape: readonly number[]): Float64Array => {
  const random = new Random(SEED, name);
  return Float64Array.from({ length: sizeOf(shape) }, () => random.normal());
};

/** h ← tanh(x · W + b + h · U), c ← c / 2 + h, y = h · c. */
function twoStates(): Cell<typeof zeros> {
  const [ofX, ofH] = [linear(C, H), linear(H, H, { bias: false })];
  return ({ x, state: { h, c } }, context) => {
    const next = tanh(add(context.apply(ofX, x), context.apply(ofH, h)));
    const total = add(mul(c, 0.5), next);
    return { output: mul(next, total), state: { h: next, c: total } };
  };
}
const zeros = { h: [H], c: [H] } as const;
const one = [H] as const;
const wideZeros = { h: [64], c: [64] } as const;

/** The same in plain loops, in f64: by name, what is given; outputs of all steps `[N, T, H]`, and the last state. */
function loops(given: Readonly<Record<string, Float64Array>>, T: number, reverse: boolean) {
  const { x, h: firstH, c: firstC } = given;
  const [W, b, U] = ['linear0.weight', 'linear0.bias', 'linear1.weight'].map(
    (name) => given[`recurrent0.cell.${name}`],
  );
  const outputs = new Float64Array(N * T * H);
  let [h, c] = [Array.from(firstH), Array.from(firstC)];
  for (let step = 0; step < T; step++) {
    const t = reverse ? T - 1 - step : step;
    const nextH = h.map((_, at) => {
      const [n, j] = [Math.floor(at / H), at % H];
      let total = b[j];
      for (let i = 0; i < C; i++) total += x[(n * T + t) * C + i] * W[i * H + j];
      for (let i = 0; i < H; i++) total += h[n * H + i] * U[i * H + j];
      return Math.tanh(total);
    });
    c = c.map((old, at) => old / 2 + nextH[at]);
    h = nextH;
    h.forEach((y, at) => (outputs[(Math.floor(at / H) * T + t) * H + (at % H)] = y * c[at]));
  }
  return { outputs, h, c };
}

/** A layer on values: its inputs' and parameters' leaves by name. */
function traced<I, O>(layer: Layer<I, O>, x: I): { readonly output: O; readonly leaves: Record<string, Value> } {
  const registry = new Registry(SEED);
  const tracer = new Tracer(registry, 'train', null);
  const output = tracer.apply(layer, x);
  const leaves = registry.parameters.map(({ name, definition }) => [name, tracer.parameter(name, definition.shape)]);
  return { output, leaves: Object.fromEntries(leaves) as Record<string, Value> };
}

describe.each([1, 2, 5])('a cell with two states over %i steps', (T) => {
  describe.each([false, true])('reversed: %s', (reverse) => {
    const x = input('x', spec([N, T, C]));
    const state = { h: input('h', spec([N, H])), c: input('c', spec([N, H])) };
    const layer = recurrent(twoStates(), { initial: zeros, returns: 'sequence and state', reverse });
    const { output, leaves } = traced(layer, { x, state });
    const all: Record<string, Value> = { x, ...state, ...leaves };
    const batch = Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name, numbersOf(name, value.spec.shape)]),
    );
    const run = (outputs: Record<string, Value>) =>
      interpret({ outputs, writes: [] }, { batch, precision: 'f64' }).outputs;

    test('gives the outputs and the last state of plain loops, in f64', () => {
      const made = run({ y: output.output, ...output.state });
      const expected = loops(batch, T, reverse);
      expect(Math.max(...made['y'].map((y, at) => Math.abs(y - expected.outputs[at])))).toBeLessThan(1e-14);
      for (const name of ['h', 'c'] as const) {
        expect(Math.max(...made[name].map((y, at) => Math.abs(y - expected[name][at])))).toBeLessThan(1e-14);
      }
    });

    test('has the gradients of central differences, in f64', () => {
      const weights = numbersOf('weights', [N, T, H]);
      const weighted = mul(output.output, constant(Float32Array.from(weights), spec([N, T, H])));
      const lossOf = (given: typeof batch): number =>
        loops(given, T, reverse).outputs.reduce((total, y, at) => total + y * Math.fround(weights[at]), 0);
      const loss = sum(weighted);
      const names = Object.keys(all);
      const gradients = differentiate(
        loss,
        names.map((name) => all[name]),
      );
      const made = run(Object.fromEntries(names.map((name, at) => [name, gradients[at]!])));
      const step = 1e-5;
      for (const name of names) {
        const differences = batch[name].map((value, at) => {
          const [up, down] = [value + step, value - step].map((moved) =>
            lossOf({ ...batch, [name]: batch[name].with(at, moved) }),
          );
          return (up - down) / (2 * step);
        });
        const far = made[name].map((y, at) => Math.abs(y - differences[at]));
        expect(Math.max(...far), `gradient of ${name}`).toBeLessThan(1e-7);
      }
    });
  });
});

test('the last output is that of the last step, and of the first one when reversed', () => {
  const x = input('x', spec([N, 5, C]));
  const ends = [false, true].map((reverse) => {
    const [ofX, ofH] = [linear(C, H), linear(H, H, { bias: false })];
    const cell: Cell<readonly [4]> = ({ x: now, state }, context) => {
      const h = tanh(add(context.apply(ofX, now), context.apply(ofH, state)));
      return { output: h, state: h };
    };
    const [all, last] = (['sequence', 'last'] as const).map((returns) => {
      const { output, leaves } = traced(recurrent(cell, { initial: one, returns, reverse }), x);
      const batch = { x, ...leaves };
      const given = Object.entries(batch).map(([name, { spec: of }]) => [name, numbersOf(name, of.shape)]);
      const y = returns === 'last' ? output : slice(output, [null, reverse ? { end: 1 } : { start: -1 }]);
      const options = { batch: Object.fromEntries(given), precision: 'f64' } as const;
      return interpret({ outputs: { y }, writes: [] }, options).outputs['y'];
    });
    return [[...all], [...last]];
  });
  for (const [all, last] of ends) expect(last).toEqual(all);
});

/** Cells of which each has something that once gave a text to each length: slices, separate products, no product in the loop. */
const cells: Record<string, () => Cell<typeof wideZeros>> = {
  'an LSTM with its gates side by side': () => {
    const [ofX, ofH] = [linear(64, 256), linear(64, 256, { bias: false })];
    return ({ x, state: { h, c } }, context) => {
      const z = add(context.apply(ofX, x), context.apply(ofH, h));
      const [i, f, g, o] = [0, 64, 128, 192].map((start) => slice(z, [null, { start, end: start + 64 }]));
      const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
      const y = mul(sigmoid(o), tanh(next));
      return { output: y, state: { h: y, c: next } };
    };
  },
  'an LSTM with a product for each gate': () => {
    const ofX = [0, 1, 2, 3].map(() => linear(64, 64));
    const ofH = [0, 1, 2, 3].map(() => linear(64, 64, { bias: false }));
    return ({ x, state: { h, c } }, context) => {
      const [i, f, g, o] = ofX.map((layer, k) => add(context.apply(layer, x), context.apply(ofH[k], h)));
      const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
      const y = mul(sigmoid(o), tanh(next));
      return { output: y, state: { h: y, c: next } };
    };
  },
  'a gated average without a product in the loop': () => {
    const [gate, candidate] = [linear(64, 64), linear(64, 64)];
    return ({ x, state: { h, c } }, context) => {
      const f = sigmoid(context.apply(gate, x));
      const next = add(mul(f, h), mul(sub(1, f), tanh(context.apply(candidate, x))));
      return { output: next, state: { h: next, c } };
    };
  },
};

const adapter: AdapterTraits = {
  software: true,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  subgroupSize: 8,
};

/** Launches of loss and gradients of two cells, one behind the other, and their kernels' texts. */
function costOf(cell: () => Cell<typeof wideZeros>, T: number) {
  const initial = wideZeros;
  const layer = sequential(recurrent(cell(), { initial }), recurrent(cell(), { initial, returns: 'last' }));
  const { output, leaves } = traced(layer, input('x', spec([8, T, 64])));
  const gradients = differentiate(sum(output), Object.values(leaves));
  const outputs = Object.fromEntries(Object.keys(leaves).map((name, at) => [name, gradients[at]!]));
  const graph: Graph = fuse(simplify({ outputs, writes: [] }), adapter);
  const { slots } = planMemory(graph, orderOf(graph));
  const order = orderOf(graph).filter(({ op }) => !op.view);
  const launches = order.flatMap((node) => node.op.gpu(node, adapter));
  const elements = order.reduce((total, { outputs: made }) => total + sizeOf(made[0].spec.shape), 0);
  const texts = launches.map(({ kernel }) => link(kernel));
  return { launches: launches.length, elements, texts: new Set(texts), buffers: slots.map(({ bytes }) => bytes) };
}

describe.each(Object.entries(cells))('%s', (_, cell) => {
  const [at16, at64, at128] = [16, 64, 128].map((T) => costOf(cell, T));

  test('has as many kernels for 64 steps as for 16, and they are no longer', () => {
    expect(at64.texts.size).toBe(at16.texts.size);
    const longest = ({ texts }: typeof at16): number => Math.max(...[...texts].map(({ length }) => length));
    expect(longest(at64)).toBe(longest(at16));
  });

  test('adds up the gradients of its weights as they come, so that few of them wait in memory', () => {
    const large = ({ buffers }: typeof at64): number => buffers.filter((bytes) => bytes >= 4 * 64 * 64).length;
    expect(large(at128)).toBe(large(at64));
  });

  test('has launches, and writes numbers, in proportion to the steps', () => {
    for (const what of ['launches', 'elements'] as const) {
      const perStep = (at64[what] - at16[what]) / 48;
      expect((at128[what] - at64[what]) / 64 / perStep, `${what} of a step`).toBeCloseTo(1, 1);
    }
  });
});

describe.each(['webgpu', 'cpu'] as const)('a recurrent layer on %s', (backend) => {
  const place = async () => (backend === 'cpu' ? ({ backend } as const) : { device: await sharedDevice() });
  const [length, steps] = [48, 6];
  const random = new Random(SEED, 'series');
  const xs = Float32Array.from({ length: length * steps * C }, () => random.normal());
  // The mean of the first feature over time.
  const target = Float32Array.from({ length }, (_, n) => {
    let total = 0;
    for (let t = 0; t < steps; t++) total += xs[(n * steps + t) * C];
    return total / steps;
  });
  const set = dataset({ x: { data: xs, shape: [steps, C] }, target: { data: target, shape: [1] } });

  test('learns, as every launch agrees with f64, and has its weights once', async () => {
    const first = defineLayer({
      parameters: { h: { shape: [H], initial: (shape) => new Float32Array(sizeOf(shape)) } },
      apply: (_x: Value, { h }) => add(constant(new Float32Array(16 * H), spec([16, H])), h),
    });
    const [ofX, ofH] = [linear(C, H), linear(H, H, { bias: false })];
    const drop = dropout(0.1);
    const net = recurrent(
      ({ x, state }, context) => {
        const h = tanh(add(context.apply(ofX, context.apply(drop, x)), context.apply(ofH, state)));
        return { output: h, state: h };
      },
      { initial: first, returns: 'last' },
    );
    const trainer = await createTrainer({
      model: sequential(net, linear(H, 1)),
      loss: meanSquaredError,
      optimizer: adam({ learningRate: 0.02 }),
      batchSize: 16,
      seed: SEED,
      ...(await place()),
    });
    const before = (await trainer.step(take(set, 0, 16))).loss;
    expect((await trainer.summary()).match(/layer0\.cell\.linear1/g)).toHaveLength(1);
    const { fault, gradientError } = await trainer.verify(take(set, 0, 16));
    expect(fault).toBeNull();
    expect(gradientError).toBeLessThan(1e-5);
    const after = await trainer.fit(set, { epochs: 40 });
    expect(after.loss).toBeLessThan(before / 4);
    expect(Object.keys(await trainer.readParameters())).toEqual([
      'layer0.initial.h',
      'layer0.cell.linear0.weight',
      'layer0.cell.linear0.bias',
      'layer0.cell.linear1.weight',
      'layer1.weight',
      'layer1.bias',
    ]);
    trainer.destroy();
  });
});

describe('recurrent refuses', () => {
  const x = input('x', spec([N, 5, C]));
  const apply = (layer: Layer<never, unknown>, given: unknown = x) => traced(layer, given as never);
  const keep: Cell<readonly [4]> = ({ state }) => ({ output: state, state });

  test('a sequence without steps, or without an axis for them', () => {
    expect(() => apply(recurrent(keep, { initial: one }), input('x', spec([N, 0, C])))).toThrow(
      '[recurrent] x is f32[3, 0, 2] but must be a sequence [N, T, …] of at least one step',
    );
    expect(() => apply(recurrent(keep, { initial: one }), input('x', spec([N])))).toThrow('a sequence [N, T, …]');
  });
  test('a state that changes its shape', () => {
    const grows: Cell<readonly [4]> = ({ x: now }) => ({ output: now, state: now });
    expect(() => apply(recurrent(grows, { initial: one }))).toThrow(
      "[recurrent] the cell's state is f32[3, 2] but it was given f32[3, 4]: a state keeps its shape",
    );
  });
  test('a cell that gives no output', () => {
    const silent = (() => ({ h: x })) as never;
    expect(() => apply(recurrent(silent, { initial: one }))).toThrow('[recurrent] what the cell gives is');
  });
  test('options that say nothing of the first state', () => {
    expect(() => recurrent(keep as never, {} as never)).toThrow('[recurrent] initial is nothing but must be');
    expect(() => recurrent(keep as never, { initial: { h: 4 } } as never)).toThrow(
      '[recurrent] initial.h is 4 but must be',
    );
    expect(() => recurrent(keep as never, { initial: one, returns: 'all' } as never)).toThrow('[recurrent] returns is');
  });
});
