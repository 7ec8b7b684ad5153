import { describe, expect, test } from 'vitest';
import type { AdapterTraits } from '../../src/core/launch.ts';
import { spec } from '../../src/core/shape.ts';
import { applyOne, type Graph, type Op, type State, type Value } from '../../src/graph/graph.ts';
import { formatGraph } from '../../src/graph/formatGraph.ts';
import { input } from '../../src/graph/leaf.ts';
import { add, relu } from '../../src/ops/index.ts';
import { expand } from '../../src/transform/expand.ts';

const software: AdapterTraits = {
  software: true,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  subgroupSize: 0,
};
const card = { ...software, software: false };

/** On a card it is an addition, and what makes that so again and again is not asked twice. */
const doubleOp: Op<{ readonly times: number }> = {
  name: 'double',
  infer: ([x]) => [x],
  cpu: () => {},
  gpu: () => [],
  expand: ({ inputs: [x], attrs: { times } }, adapter) =>
    adapter.software ? undefined : [times > 1 ? add(double(x, times - 1), x) : add(x, x)],
};
const double = (x: Value, times = 1): Value => applyOne(doubleOp, [x], { times });

const x = input('x', spec([4]));
const graphOf = (y: Value): Graph => ({ outputs: { y }, writes: [] });

describe('expand', () => {
  test('puts several nodes in place of one where the op says so, and lets its readers read those', () => {
    const state: State = { name: 's', spec: spec([4]), initial: () => new Float32Array(4) };
    const inner = double(x);
    const graph: Graph = { outputs: { y: relu(double(inner)) }, writes: [[state, inner]] };
    expect(formatGraph(expand(graph, card))).toBe(
      [
        'x f32[4] = input()',
        '%0 f32[4] = add(x, x)',
        '%1 f32[4] = add(%0, %0)',
        '%2 f32[4] = relu(%1)',
        'output y = %2',
        'state s ← %0',
      ].join('\n'),
    );
  });
  test('leaves a graph as it is where no op asks for it', () => {
    const y = relu(double(relu(x)));
    expect(expand(graphOf(y), software).outputs['y']).toBe(y);
  });
  test('expands a value once, however many read it', () => {
    const shared = double(x);
    const { outputs } = expand(graphOf(add(relu(shared), shared)), card);
    const [left, right] = outputs['y'].node.inputs;
    expect(left.node.inputs[0]).toBe(right);
  });
  test('does not expand again what it was given', () => {
    const [first] = expand(graphOf(double(x, 3)), card).outputs['y'].node.inputs;
    expect(first.node.op).toBe(doubleOp);
    expect(first.node.attrs).toEqual({ times: 2 });
  });
});
