import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { judge } from '../../src/cpu/judge.ts';
import { orderOf, type Graph, type Value } from '../../src/graph/graph.ts';
import {
  adam,
  add,
  createTrainer,
  crossEntropy,
  div,
  exp,
  gelu,
  input,
  linear,
  matmul,
  mean,
  mul,
  neg,
  relu,
  reshape,
  sequential,
  sigmoid,
  silu,
  sub,
  sum,
  tanh,
  transpose,
} from '../../src/index.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { fuse } from '../../src/transform/fuse.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const MOST = 8;

const graphOf = (outputs: Readonly<Record<string, Value>>): Graph => ({ outputs, writes: [] });
const opsOf = (graph: Graph): string[] =>
  orderOf(graph)
    .filter(({ op }) => !op.view && op.name !== 'input' && op.name !== 'constant')
    .map(({ op }) => op.name);
const fusedOps = (outputs: Readonly<Record<string, Value>>, most = MOST): string[] =>
  opsOf(fuse(graphOf(outputs), most));

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
    const graph = fuse(graphOf({ y: sum(tanh(h), { axes: 1 }), z: mul(sum(h), 2) }), MOST);
    expect(opsOf(graph)).toEqual(['matmul+tanh', 'sum', 'sum+mul']);
    const both = fuse(graphOf({ h, y: relu(h) }), MOST);
    expect(opsOf(both)).toEqual(['matmul+relu']);
    expect(both.outputs['h'].node).toBe(both.outputs['y'].node);
  });
  test('reads the register twice where an op reads a value twice', () => {
    expect(fusedOps({ y: mul(matmul(x, w), matmul(x, w)) })).toHaveLength(2);
    const h = matmul(x, w);
    expect(fusedOps({ y: mul(h, h) })).toEqual(['matmul+mul']);
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
    const graph = fuse(graphOf({ y }), MOST);
    expect(opsOf(graph).length).toBeGreaterThan(1);
    for (const node of orderOf(graph)) expect(node.inputs.length + node.outputs.length).toBeLessThanOrEqual(MOST);
  });
});

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
      const batch: Record<string, Numbers> = {};
      for (const node of orderOf(graph)) {
        if (node.op.name !== 'input') continue;
        const { label } = node.attrs as { label: string };
        batch[label] = Float32Array.from({ length: node.outputs[0].spec.shape.reduce((a, b) => a * b, 1) }, () =>
          random.uniform(-1, 1),
        );
      }
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
    const set = clusters(200, 3);
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
