import { describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { Random } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers } from '../../src/core/shape.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Node, State, Value } from '../../src/graph/graph.ts';
import { isLeaf } from '../../src/graph/leaf.ts';
import { adam, affine, differentiate, input, mul, read, reshape, sum } from '../../src/index.ts';
import { normalizeBatch, runningAverages } from '../../src/ops/normalization/batchNorm.ts';
import { controlState, controlWords } from '../../src/ops/training/control.ts';
import { productForms } from '../../src/ops/products/matmulForms.ts';
import { record } from '../../src/ops/training/record.ts';
import { drawOrder, nextOrder } from '../../src/ops/data/samples.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';

const device = await sharedDevice();
const SEED = 5;
const control = controlState('control', SEED);

const stateOf = (name: string, shape: readonly number[], first = 0): State => ({
  name,
  spec: spec(shape),
  initial: () => Float32Array.from({ length: sizeOf(shape) }, (_, at) => first + at / 100),
});
const ring = stateOf('ring', [4, 2]);

// Several blocks of columns in every form, of which only one may do what rides.
const [ROWS, IN, OUT] = [37, 20, 72];
const x = input('x', spec([ROWS, IN]));
const weight = input('weight', spec([IN, OUT]));
const bias = input('bias', spec([OUT]));
const dY = input('dY', spec([ROWS, OUT]));
const metric = input('metric', spec([9]));

/** The gradients of a layer's weight and bias: one launch. */
function gradients(): Value[] {
  const loss = sum(mul(affine(x, weight, bias), dY));
  return differentiate(loss, [weight, bias]).map((gradient) => gradient!);
}

const counting = { column: 0, counts: 'step', taken: 5, length: 7 } as const;

/** Other launches than those of the gradient of a sum are what this is about. */
const isWatched = (name: string): boolean => !/^(mul|broadcast|sum)\b/.test(name);

const launchesOf = (graph: Graph): string[] =>
  orderOf(graph)
    .filter((node) => !isLeaf(node) && !node.op.view)
    .map(({ op }) => op.name)
    .filter(isWatched);

const binding = (maxStorageBuffersPerShaderStage: number): AdapterTraits => ({
  ...traitsOf(device),
  software: true,
  maxStorageBuffersPerShaderStage,
});

const fused = (graph: Graph, buffers = 16): string[] => launchesOf(fuse(graph, binding(buffers)));

function numbersFor(order: readonly Node[]): Record<string, Numbers> {
  const random = new Random(7, 'riders');
  const fields = [x, weight, bias, dY, metric, ...order.flatMap(({ inputs }) => inputs)];
  const labelled = fields.flatMap(({ node, spec: { shape } }) => {
    const { label, state } = node.attrs as { label?: string; state?: State };
    return label && !state
      ? [[label, Float32Array.from({ length: sizeOf(shape) }, () => random.normal())] as const]
      : [];
  });
  return Object.fromEntries(labelled);
}

/** Runs a graph once, each launch as its reference has it. @returns the names of its launches, and what states hold then */
async function ran(graph: Graph, states: readonly State[], kernels: GpuBackend['kernels'] | 'guess' = 'guess') {
  const backend = new GpuBackend(device, { fuse: true, kernels });
  const program = await backend.compile(graph);
  try {
    expectFaithful(program.order, await backend.observe(program, numbersFor(program.order)));
    const held = await Promise.all(states.map(async (state) => [...(await backend.readState(state))]));
    return { launches: program.launches.filter(isWatched), held };
  } finally {
    program.destroy();
    backend.destroy();
  }
}

describe('a record', () => {
  const [dWeight, dBias] = gradients();
  const recording: Graph = { outputs: { dWeight, dBias }, writes: record(control, ring, [metric], counting).writes };
  const adapter = traitsOf(device);
  const product = {
    kind: 'AᵀB',
    M: IN,
    N: OUT,
    K: ROWS,
    matrices: 1,
    aMatrix: 0,
    bMatrix: 0,
    sums: 'columns',
    parts: 1,
  };
  const forms = productForms(adapter, product as Parameters<typeof productForms>[1]).names;

  test.each(['naive', 'registers4', 'slices', 'tiles64', 'subgroups'].filter((form) => forms.includes(form)))(
    'rides on a product in the form %s, and is done once',
    async (form) => {
      const { launches, held } = await ran(recording, [control], {
        adapter: summarize(device).name,
        forms: { '*': form },
      });
      expect(launches).toEqual(['matmulSums+record']);
      const [step, part, ...seed] = controlWords(SEED);
      expect(held[0]).toEqual([step + 1, part, ...seed.slice(0, 3), 5]);
    },
  );

  test('rides where there are buffers for both, and has a launch of its own where there are not', () => {
    // Two operands, product and sums; the control before and after, ring and metric.
    expect(fused(recording, 8)).toEqual(['matmulSums+record']);
    expect(fused(recording, 7).toSorted()).toEqual(['matmulSums', 'record']);
  });

  test('does not ride on the launch that makes what it records, however far between', () => {
    const writes = record(control, ring, [sum(mul(dWeight, 3))], counting).writes;
    expect(fused({ outputs: { dWeight, dBias }, writes }).filter((name) => name.includes('+record'))).toEqual([]);
  });
});

describe('on an update', () => {
  const BLOCKS = 4;
  const arena = (name: string): State => stateOf(name, [64 * BLOCKS], 1);
  const arenas = [arena('parameters'), arena('m'), arena('v')];
  const order: State = { name: 'order', spec: spec([50], 'u32'), initial: () => new Uint32Array(50) };
  const updated = (step: Value, others?: Value): (readonly [State, Value])[] => {
    const values = adam().update({
      parameters: read(arenas[0]),
      gradients: others ?? input('gradients', spec([64 * BLOCKS])),
      moments: arenas.slice(1).map(read),
      groups: read(stateOf('groups', [BLOCKS, 4], 1)),
      schedule: read(stateOf('schedule', [4, 4], 1)),
      control: step,
      ranges: [{ name: 'p', shape: [64 * BLOCKS], offset: 0, size: 64 * BLOCKS, trains: true }],
    });
    return arenas.map((state, at) => [state, values[at]]);
  };

  test('rides the order of the next step’s samples, from where the record counted on', async () => {
    const { writes, next, counted } = record(control, ring, [metric], counting);
    const stream = { length: 7, shuffle: true };
    const drawn = nextOrder(next, read(order), stream);
    const graph: Graph = { outputs: {}, writes: [...writes, ...updated(counted), [order, drawn]] };
    const { launches, held } = await ran(graph, [order]);
    expect(launches).toEqual(['record', 'adam+sampleOrder']);
    const there = controlWords(SEED);
    there[5] = 5;
    const expected = new Uint32Array(50);
    drawOrder(expected, there, stream);
    expect(held[0]).toEqual([...expected]);
  });

  test('the record does not ride that it waits for, nor one that overwrites what it reads', () => {
    const { writes, counted } = record(control, ring, [metric], counting);
    const waiting = [...updated(counted), ...writes];
    expect(fused({ outputs: {}, writes: waiting })).toEqual(['record', 'adam']);
    const wide = stateOf('wide ring', [BLOCKS, 64]);
    const overwriting = record(control, wide, [metric], counting).writes;
    const reading = [...updated(input('step', spec([6], 'u32')), reshape(read(wide), [-1])), ...overwriting];
    expect(fused({ outputs: {}, writes: reading })).toEqual(['adam', 'record']);
  });
});

test('running averages ride on the norm that reads the same moments', async () => {
  const pixels = input('pixels', spec([6, 5]));
  const [gamma, beta] = ['gamma', 'beta'].map((name) => input(name, spec([5])));
  const states = [stateOf('running mean', [5]), stateOf('running variance', [5], 2)];
  const { y, ...moments } = normalizeBatch(pixels, gamma, beta, 1e-5);
  const { mean, variance } = runningAverages({ mean: read(states[0]), variance: read(states[1]) }, moments, 0.1, 6);
  const { launches } = await ran(
    {
      outputs: { y },
      writes: [
        [states[0], mean],
        [states[1], variance],
      ],
    },
    [],
  );
  expect(launches).toEqual(['moments', 'batchNorm+runningAverages']);
});
