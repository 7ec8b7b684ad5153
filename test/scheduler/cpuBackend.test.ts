import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import type { Graph, State, Value } from '../../src/graph/graph.ts';
import { input, read } from '../../src/graph/leaf.ts';
import { adam, crossEntropy, gelu, linear, relu, sequential } from '../../src/index.ts';
import { add, sub } from '../../src/ops/pointwise/arithmetic.ts';
import { mean } from '../../src/ops/reductions/sum.ts';
import { assign } from '../../src/ops/shaping/assign.ts';
import { reshape } from '../../src/ops/shaping/views.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { prepare } from '../../src/train/graphs/preparedModel.ts';
import { Programs } from '../../src/train/programs/programs.ts';
import { clusters } from '../support/toy.ts';

const total: State = { name: 'total', spec: spec([4]), initial: () => Float32Array.of(1, 2, 3, 4) };

/** Adds a field to a state, and gives what the state held before. */
const graph: Graph = {
  outputs: { before: reshape(read(total), [2, 2]), sum: add(read(total), input('x', spec([4]))) },
  writes: [[total, assign(total, add(read(total), input('x', spec([4]))))]],
};

const centred = (x: Value): Value => sub(x, mean(x, { axes: -1, keepDimensions: true }));

describe('the CPU backend', () => {
  test('keeps what was uploaded, though the caller’s array changes, and reads it at every run', async () => {
    const backend = new CpuBackend();
    const program = await backend.compile(graph);
    const x = Float32Array.of(1, 1, 1, 1);
    program.upload('x', x);
    program.upload('x', x.fill(10));
    x.fill(1000);
    backend.run([program]);
    backend.run([program]);
    expect([...(await backend.readState(total))]).toEqual([21, 22, 23, 24]);
  });

  test('gives outputs that later runs leave alone', async () => {
    const backend = new CpuBackend();
    const program = await backend.compile(graph);
    program.upload('x', new Float32Array(4).fill(10));
    backend.run([program]);
    const [before, sum] = await Promise.all(['before', 'sum'].map((name) => backend.readOutput(program, name)));
    backend.run([program]);
    expect([...before, ...sum]).toEqual([1, 2, 3, 4, 11, 12, 13, 14]);
  });

  test('observes what each node read before the states changed', async () => {
    const backend = new CpuBackend();
    const program = await backend.compile(graph);
    const observations = await backend.observe(program, { x: new Float32Array(4).fill(10) });
    const seen = observations.filter(({ node }) => node.op.name === 'add').map(({ inputs }) => [...inputs[0]]);
    expect(seen).toEqual(seen.map(() => [1, 2, 3, 4]));
    expect([...(await backend.readState(total))]).toEqual([11, 12, 13, 14]);
  });

  test('trains without making an array: no array buffer is there after a step that was not there before', async () => {
    const features = 24;
    const batchSize = 16;
    const data = clusters(batchSize, 3, 1, features);
    const backend = new CpuBackend();
    const prepared = prepare(
      { model: sequential(linear(features, 40), relu, centred, linear(40, 33), gelu, linear(33, 3)), batchSize },
      [{ name: 'train', loss: crossEntropy, optimizer: adam() }],
      data.fields,
    );
    const programs = new Programs(backend, prepared);
    const source = programs.table(batchSize);
    const step = await programs.step(batchSize, { source, shuffle: false });
    const training = step.map(({ program }) => program);
    const grown = Array.from({ length: 30 }, () => {
      const { arrayBuffers } = process.memoryUsage();
      for (const [name, { states }] of Object.entries(source.fields)) {
        backend.writeState(states[0], data.fields[name].data);
      }
      backend.run(training);
      return process.memoryUsage().arrayBuffers - arrayBuffers;
    });
    // The first step makes room for the products' panels.
    expect(Math.max(...grown.slice(1))).toBeLessThanOrEqual(0);
  });
});
