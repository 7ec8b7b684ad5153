// Graphs of ten thousand nodes in a row: nothing calls itself along them, and no pass looks at all of them for each.

import { describe, expect, test } from 'vitest';
import {
  add,
  createTrainer,
  dataset,
  differentiate,
  input,
  linear,
  mean,
  meanSquaredError,
  mul,
  neg,
  reshape,
  sequential,
  sgd,
  simplify,
  type Dataset,
  type Model,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { link } from '../../src/gpu/link.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import { planMemory } from '../../src/scheduler/memory.ts';
import { expand } from '../../src/transform/expand.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { sharedDevice } from '../support/device.ts';

const N = 10_000;

const set: Dataset = dataset({
  x: { data: Float32Array.from({ length: 8 }, (_, i) => Math.sin(1.7 * i)), shape: [2] },
  target: new Float32Array(4),
});

const batch = { x: Float32Array.of(0.5, -1, 0.25, 2), target: Float32Array.of(1, 0) };

/** N nodes in a row: half of them halve what the others double. */
const inARow: Model = sequential(...Array.from({ length: N / 2 }, () => (x: Value) => mul(add(x, x), 0.5)));

const repeated = (x: Value, f: (y: Value) => Value): Value =>
  Array.from({ length: N / 2 }).reduce<Value>((y) => f(y), x);

const same: Model = (x: Value) => x;

const trainerOf = async (backend: 'webgpu' | 'cpu', middle: Model): Promise<Trainer> =>
  createTrainer({
    model: sequential(linear(2, 2), middle, linear(2, 1)),
    loss: meanSquaredError,
    optimizer: sgd({ learningRate: 0.01 }),
    batchSize: 2,
    seed: 3,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: set,
  });

/** Of a few steps on one batch. */
async function lossesOf(backend: 'webgpu' | 'cpu', middle: Model, look?: (trainer: Trainer) => Promise<void>) {
  const trainer = await trainerOf(backend, middle);
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) losses.push((await trainer.step(batch)).loss);
  await look?.(trainer);
  trainer.destroy();
  return losses;
}

async function judge(trainer: Trainer): Promise<void> {
  expect((await trainer.evaluate(set)).loss).toBeGreaterThan(0);
  expect((await trainer.verify(batch)).fault).toBe(null);
  expect((await trainer.graph()).split('\n').length).toBeGreaterThan(N);
  expect((await trainer.summary()).split('\n').length).toBeGreaterThan(N / 2);
}

describe('ten thousand nodes in a row that change nothing', () => {
  test('train, are judged and printed on the CPU as if they were not there', async () =>
    expect(await lossesOf('cpu', inARow, judge)).toEqual(await lossesOf('cpu', same)));
  // Compiling them is a few texts, each of which many launches share.
  test('train on WebGPU as if they were not there', async () =>
    expect(await lossesOf('webgpu', inARow)).toEqual(await lossesOf('webgpu', same)));
});

/** What an adapter is told to be: lavapipe. */
const traits: AdapterTraits = {
  software: true,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 2 ** 15,
  maxComputeInvocationsPerWorkgroup: 1024,
  subgroupSize: 8,
};

/** What becomes of a function and its derivative: the function's value at 1, the derivative, launches, texts and slots. */
function compiled(f: (x: Value) => Value) {
  const x = input('x', spec([2]));
  const y = f(x);
  const [dX] = differentiate(mean(y), [x]);
  const graph = simplify({ outputs: { y, dX: dX! }, writes: [] });
  const { outputs } = interpret(graph, { batch: { x: Float32Array.of(1, 1) } });
  const fused = fuse(expand(graph, traits), traits);
  const order = orderOf(fused);
  const launches = order.flatMap((node) => (node.op.view ? [] : node.op.gpu(node, traits)));
  return {
    y: outputs['y'][0],
    dX: outputs['dX'][0],
    launches: launches.length,
    texts: new Set(launches.map(({ kernel }) => link(kernel))).size,
    slots: planMemory(fused, order).slots.length,
  };
}

const half = 0.5;

describe('compiled', () => {
  test('ten thousand nodes in a row are launches of 24 nodes, of few texts', () => {
    const row = compiled((x) => repeated(x, (y) => mul(neg(y), -1)));
    expect(row).toMatchObject({ y: 1, dX: half });
    expect(row.launches).toBeLessThan((2 * N) / 24 + 8);
    expect(row.texts).toBeLessThan(8);
  });
  test('ten thousand views of views are none', () => {
    const views = compiled((x) => repeated(x, (y) => reshape(reshape(y, [2, 1]), [2])));
    expect(views).toMatchObject({ y: 1, dX: half });
    expect(views.launches + views.slots).toBeLessThan(8);
  });
  test('a sum of ten thousand products has a gradient', () => {
    const wide = compiled((x) => {
      let terms = Array.from({ length: N }, (_, at) => mul(x, at % 2 ? 2 ** -10 : -(2 ** -10)));
      terms.push(x);
      while (terms.length > 1) {
        const halves = terms.filter((_, at) => at % 2 === 0);
        terms = halves.map((term, at) => (2 * at + 1 < terms.length ? add(term, terms[2 * at + 1]) : term));
      }
      return terms[0];
    });
    expect(wide).toMatchObject({ y: 1, dX: half });
  });
});
