// Samples of fewer steps than others in an unrolled cell: held against the fused layer, and against TensorFlow.js.

import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import {
  add,
  constant,
  createTrainer,
  dataset,
  differentiate,
  input,
  linear,
  lstm,
  matmul,
  mean,
  mul,
  recurrent,
  reshape,
  sequential,
  sgd,
  sigmoid,
  slice,
  sub,
  sum,
  tanh,
  type Cell,
  type Layer,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { sharedBackend } from '../support/device.ts';
import tensorflow from '../goldens/recurrentTensorflow.json' with { type: 'json' };

const [N, T, C, H] = [4, 5, 3, 4];
const LENGTHS = [5, 2, 4, 1];
const random = new Random(3, 'ragged');
const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());

const x = input('x', spec([N, T, C]));
const lengths = input('lengths', spec([N], 'i32'));
const state = { h: input('h', spec([N, H])), c: input('c', spec([N, H])) };

/** A weighted sum, so that each element has a slope of its own. */
const waves = (value: Value, wave: (at: number) => number): Value =>
  sum(
    mul(
      value,
      constant(
        Float32Array.from({ length: sizeOf(value.spec.shape) }, (_, at) => wave(at)),
        value.spec,
      ),
    ),
  );

/** An LSTM's step by the parameters of the fused layer, `[C, H, 4]`, `[H, H, 4]` and `[H, 4]`. */
const stepOf =
  (inputWeight: Value, hiddenWeight: Value, inputBias: Value, hiddenBias: Value): Cell<{ h: [4]; c: [4] }> =>
  ({ x: now, state: { h, c } }) => {
    const wide = (value: Value, rows: number): Value => reshape(value, [rows, 4 * H]);
    const product = add(matmul(now, wide(inputWeight, C)), matmul(h, wide(hiddenWeight, H)));
    const z = reshape(add(product, add(wide(inputBias, 1), wide(hiddenBias, 1))), [N, H, 4]);
    const [i, f, g, o] = [0, 1, 2, 3].map((at) => reshape(slice(z, [null, null, { start: at, end: at + 1 }]), [N, H]));
    const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
    const y = mul(sigmoid(o), tanh(next));
    return { output: y, state: { h: y, c: next } };
  };

/** What both give, and what flows back, by name; the hand-written one's names end in 2. */
function graphOf(): { readonly graph: Graph; readonly batch: Record<string, Numbers> } {
  const registry = new Registry(1);
  const tracer = new Tracer(registry, 'train', null);
  const planes = (value: Value): Value => reshape(value, [1, N, H]);
  const fused = tracer.apply(
    lstm(C, H, { returns: 'all' }),
    { x, lengths, hidden: planes(state.h), cell: planes(state.c) },
    'net',
  );
  const leaves = registry.parameters.map(({ name, definition }) => tracer.parameter(name, definition.shape));
  const step = stepOf(...(leaves as [Value, Value, Value, Value]));
  const options = { initial: { h: [H], c: [H] }, returns: 'sequence and state' } as const;
  const own = tracer.apply(
    recurrent(step as never, options) as Layer<unknown, never>,
    { x, lengths, state },
    'own',
  ) as {
    output: Value;
    state: { h: Value; c: Value };
  };
  const all = [x, state.h, state.c, ...leaves];
  const lossOf = (sequence: Value, hidden: Value, cell: Value): Value =>
    add(
      waves(sequence, Math.cos),
      add(
        waves(hidden, Math.sin),
        waves(cell, (at) => Math.cos(2 * at)),
      ),
    );
  const [slopes, slopes2] = [
    lossOf(fused.sequence, fused.hidden, fused.cell!),
    lossOf(own.output, own.state.h, own.state.c),
  ].map((loss) => differentiate(loss, all));
  const named = (values: readonly (Value | null)[], end: string): [string, Value][] =>
    values.map((value, at) => [`slope ${at}${end}`, value!]);
  const outputs = Object.fromEntries([
    ['sequence', fused.sequence],
    ['sequence2', own.output],
    ['hidden', reshape(fused.hidden, [N, H])],
    ['hidden2', own.state.h],
    ['cell', reshape(fused.cell!, [N, H])],
    ['cell2', own.state.c],
    ...named(slopes, ''),
    ...named(slopes2, '2'),
  ]) as Record<string, Value>;
  const batch: Record<string, Numbers> = { lengths: Int32Array.from(LENGTHS) };
  for (const [name, { shape }] of [
    ...[x, state.h, state.c].map((value, at) => [['x', 'h', 'c'][at], value.spec] as const),
    ...registry.parameters.map(({ name: of, definition }) => [of, definition] as const),
  ]) {
    batch[name] = normals(sizeOf(shape));
  }
  return { graph: { outputs, writes: [] }, batch };
}

describe('an LSTM written by hand, ragged', () => {
  const { graph, batch } = graphOf();
  const names = Object.keys(graph.outputs).filter((name) => !name.endsWith('2'));
  const farthest = (of: Readonly<Record<string, Numbers>>, name: string): number =>
    Math.max(...Array.from(of[name], (y, at) => Math.abs(y - of[`${name}2`][at])));

  test('is the fused layer, forward and back, in f64', () => {
    const made = interpret(graph, { batch, precision: 'f64' }).outputs;
    for (const name of names) expect(farthest(made, name), `far in ${name}`).toBeLessThan(1e-12);
  });

  test('is the fused layer, forward and back, on WebGPU', async () => {
    const backend = await sharedBackend();
    const program = await backend.compile(graph);
    try {
      for (const name of program.fields.keys()) program.upload(name, batch[name]);
      backend.run([program]);
      const made = await backend.readOutputs(program);
      // A few steps of sums of a dozen products in f32.
      for (const name of names) expect(farthest(made, name), `far in ${name}`).toBeLessThan(2e-5);
    } finally {
      program.destroy();
      backend.destroy();
    }
  });
});

/** The running sum of x, which tells which steps were counted. */
const total: Cell<readonly [1]> = ({ x: now, state: before }) => {
  const sumOfNow = add(before, now);
  return { output: sumOfNow, state: sumOfNow };
};
const ones = { x: new Float32Array(N * T).fill(1), lengths: Int32Array.from(LENGTHS) };
const initial = [1] as const;

const counted = (returns: 'sequence' | 'last', reverse: boolean): number[] => {
  const given = { x: input('x', spec([N, T, 1])), lengths };
  const layer = recurrent(total, { initial, returns, reverse });
  const outputs = { y: new Tracer(new Registry(1), 'train', null).apply(layer, given, '') };
  return [...interpret({ outputs, writes: [] }, { batch: ones, precision: 'f64' }).outputs['y']];
};

test('the last output is that of the last step of each sample, and reversed it begins there', () => {
  expect(counted('last', false)).toEqual(LENGTHS);
  expect(counted('last', true)).toEqual(LENGTHS);
  const row = (length: number, of: (t: number) => number): number[] =>
    Array.from({ length: T }, (_, t) => (t < length ? of(t) : 0));
  expect(counted('sequence', false)).toEqual(LENGTHS.flatMap((length) => row(length, (t) => t + 1)));
  expect(counted('sequence', true)).toEqual(LENGTHS.flatMap((length) => row(length, (t) => length - t)));
});

test('a GRU whose reset lies before the product, ragged, is that of TensorFlow.js', () => {
  const { extents, resetBefore: theirs, x: numbers } = tensorflow;
  const { samples, steps, features, units } = extents;
  const [{ given, slopes }] = theirs.nets;
  const shapes = { kernel: [features, 3 * units], recurrent_kernel: [units, 3 * units], bias: [1, 3 * units] } as const;
  const leaf = (name: keyof typeof shapes): Value => input(name, spec(shapes[name]));
  const weights = { kernel: leaf('kernel'), recurrent_kernel: leaf('recurrent_kernel'), bias: leaf('bias') };
  const gate = (value: Value, at: number): Value => slice(value, [null, { start: at * units, end: (at + 1) * units }]);
  const cell: Cell<readonly [4]> = ({ x: now, state: h }) => {
    const fromX = add(matmul(now, weights.kernel), weights.bias);
    const [z, r] = [0, 1].map((at) => sigmoid(add(gate(fromX, at), matmul(h, gate(weights.recurrent_kernel, at)))));
    const made = tanh(add(gate(fromX, 2), matmul(mul(r, h), gate(weights.recurrent_kernel, 2))));
    const next = add(mul(z, h), mul(sub(1, z), made));
    return { output: next, state: next };
  };
  const xs = input('x', spec([samples, steps, features]));
  const layer = recurrent(cell, { initial: [4] as const, returns: 'sequence and state' });
  const own = { x: xs, lengths: input('lengths', spec([samples], 'i32')) };
  const made = new Tracer(new Registry(1), 'train', null).apply(layer, own, '');
  const loss = add(waves(made.output, Math.cos), waves(made.state, Math.sin));
  const [dX, ...dWeights] = differentiate(loss, [xs, ...Object.values(weights)]);
  const batch = { ...given, x: numbers, lengths: theirs.lengths };
  const result = interpret(
    {
      outputs: {
        sequence: made.output,
        hidden: made.state,
        slopeOfX: dX!,
        ...Object.fromEntries(Object.keys(weights).map((name, at) => [name, dWeights[at]!])),
      },
      writes: [],
    },
    { batch: batch as unknown as Record<string, Numbers>, precision: 'f64' },
  ).outputs;
  for (const [name, expected] of Object.entries({ ...theirs, ...slopes })) {
    if (!(name in result)) continue;
    const far = (expected as number[]).map((y, at) => Math.abs(y - result[name][at]) / Math.max(1, Math.abs(y)));
    expect(Math.max(...far), `far in ${name}`).toBeLessThan(1e-5);
  }
  expect(Object.keys(result)).toHaveLength(6);
});

describe('bad lengths are named', () => {
  const model = recurrent(total, { initial, returns: 'last' });
  const run = (given: number[]): Promise<unknown> => {
    const data = dataset({
      x: { data: new Float32Array(given.length * T), shape: [T, 1] },
      lengths: { data: Int32Array.from(given), shape: [] },
    });
    const loss = (outputs: Value): Value => mean(outputs);
    const net = sequential(model, linear(1, 1));
    const options = { loss, inputs: ['x', 'lengths'] as const, optimizer: sgd(), backend: 'cpu' } as const;
    return createTrainer({ model: net, ...options, batchSize: given.length, data }).then((trainer) =>
      trainer.fit(data, { steps: 1 }),
    );
  };

  test.each([0, T + 1])('%i of 5 steps', async (length) => {
    await expect(run([T, length])).rejects.toThrow(
      `[lengths] "lengths"[1] is ${length}, but lengths of 5 steps must be 1 … 5: mend the data`,
    );
  });

  test('those of other samples, and names that mean nothing', () => {
    const tracer = new Tracer(new Registry(1), 'train', null);
    const given = { x: input('x', spec([N, T, 1])), lengths: input('lengths', spec([N])) };
    expect(() => tracer.apply(model, given, '')).toThrow(
      '[recurrent] lengths is f32[4] but must be a number for each of 4 samples: lengths are integers, as i32[4]',
    );
    expect(() => tracer.apply(model, { x: given.x, length: lengths } as never, '')).toThrow(
      'but must be a value [N, T, …], or { x, state, lengths }',
    );
  });
});
