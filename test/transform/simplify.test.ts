import { describe, expect, test } from 'vitest';
import { seedKey } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { applyOne, type Graph, type State, type Value } from '../../src/graph/graph.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import { asUseOf, constantOp } from '../../src/graph/leaf.ts';
import {
  add,
  constant,
  exp,
  input,
  leakyRelu,
  matmul,
  mul,
  random,
  read,
  relu,
  simplify,
  sum,
  transpose,
} from '../../src/index.ts';

const x = input('x', spec([2, 3]));
const control: State = {
  name: 'control',
  spec: spec([4], 'u32'),
  initial: () => Uint32Array.of(5, 0, ...seedKey(3)),
};
const outputs = (values: Readonly<Record<string, Value>>): Graph => ({ outputs: values, writes: [] });

/** Names of the ops that are left, in alphabetical order. */
const opsOf = (graph: Graph): string[] =>
  orderOf(graph)
    .map(({ op }) => op.name)
    .sort();

const reachedFrom = (value: Value) => orderOf(outputs({ value }));

const batch = { x: Float32Array.of(0.5, -1, 2, 3, -0.25, 1) };
const valuesOf = (graph: Graph): unknown => interpret(graph, { batch }).outputs;

describe('simplify merges', () => {
  test('two nodes of one op, one input and equal attributes', () => {
    const y = add(leakyRelu(x, { slope: 0.1 }), leakyRelu(x, { slope: 0.1 }));
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'input', 'leakyRelu']);
  });
  test('nodes above merged nodes', () => {
    const y = add(exp(relu(x)), exp(relu(x)));
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'exp', 'input', 'relu']);
  });
  test('two reads of one state', () => {
    const state: State = { name: 's', spec: spec([2]), initial: () => Float32Array.of(1, 2) };
    const graph = simplify(outputs({ y: add(read(state), read(state)) }));
    expect(opsOf(graph)).toEqual(['add', 'state']);
  });
  test('two inputs of one name', () => {
    const y = add(input('x', spec([2, 3])), x);
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'input']);
  });
  test('outputs under two names into one value', () => {
    const { outputs: named } = simplify(outputs({ a: relu(x), b: relu(x) }));
    expect(named['a']).toBe(named['b']);
  });
});

describe('simplify keeps apart', () => {
  test('nodes that differ in a number that is baked in', () => {
    const y = add(leakyRelu(x, { slope: 0.1 }), leakyRelu(x, { slope: 0.2 }));
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'input', 'leakyRelu', 'leakyRelu']);
  });
  test('nodes that differ in a flag only', () => {
    const square = input('q', spec([3, 3]));
    const y = add(matmul(square, square), matmul(square, square, { transposeB: true }));
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'input', 'matmul', 'matmul']);
  });
  test('nodes that take the same inputs in another order', () => {
    const a = input('a', spec([3, 3]));
    const b = input('b', spec([3, 3]));
    const y = add(matmul(a, b), matmul(b, a));
    expect(opsOf(simplify(outputs({ y }))).filter((name) => name === 'matmul')).toHaveLength(2);
  });
  test('constants of one size with other numbers', () => {
    const y = add(mul(x, 2), mul(x, 3));
    expect(valuesOf(simplify(outputs({ y })))).toEqual({ y: batch.x.map((number) => 5 * number) });
  });
  test('states of one name and size', () => {
    const make = (value: number): State => ({
      name: 's',
      spec: spec([1]),
      initial: () => Float32Array.of(value),
    });
    const graph = simplify(outputs({ y: add(read(make(1)), read(make(2))) }));
    expect(valuesOf(graph)).toEqual({ y: Float32Array.of(3) });
  });
  test('infinite attributes of different sign', () => {
    const y = leakyRelu(x, { slope: Infinity });
    const z = leakyRelu(x, { slope: -Infinity });
    const { outputs: named } = simplify(outputs({ y, z }));
    expect(named['y']).not.toBe(named['z']);
  });
});

describe('simplify computes ahead', () => {
  test('what depends on constants only', () => {
    const two = constant(Float32Array.of(1, 2, 3, 4), spec([2, 2]));
    const { outputs: named } = simplify(outputs({ y: sum(matmul(two, transpose(two))) }));
    // Rows (1, 2) and (3, 4): 5 + 11 + 11 + 25.
    expect(asUseOf(constantOp, named['y'].node)?.numbers).toEqual(Float32Array.of(52));
  });
  test('only the part that does', () => {
    const table = constant(Float32Array.of(1, 2, 3), spec([3]));
    const graph = simplify(outputs({ y: add(x, exp(exp(table))) }));
    expect(opsOf(graph)).toEqual(['add', 'constant', 'input']);
  });
  test('no numbers above a mebi-element', () => {
    const column = constant(new Float32Array(1025), spec([1025, 1]));
    const row = constant(new Float32Array(1024), spec([1024]));
    const y = add(column, row);
    expect(opsOf(simplify(outputs({ y })))).toContain('add');
  });
});

describe('simplify drops', () => {
  test('what only fed a constant that was computed ahead', () => {
    const table = constant(Float32Array.of(1, 2, 3), spec([3]));
    const { outputs: named } = simplify(outputs({ y: add(x, exp(exp(table))) }));
    expect(reachedFrom(named['y'])).not.toContain(table.node);
  });
  test('nothing that a state is left with', () => {
    const state: State = { name: 's', spec: spec([2, 3]), initial: () => new Float32Array(6) };
    const graph = simplify({ outputs: {}, writes: [[state, exp(x)]] });
    expect(opsOf(graph)).toEqual(['exp', 'input']);
  });
  test('nothing that changes a value', () => {
    const y = sum(mul(add(exp(relu(x)), exp(relu(x))), add(mul(x, 2), mul(x, 2))));
    expect(valuesOf(simplify(outputs({ y })))).toEqual(valuesOf(outputs({ y })));
  });
});

describe('simplify leaves an op with an effect', () => {
  const draw = (): Value => random(control, 'mask', [2, 3]);

  test('unmerged with its twin', () => {
    const y = add(draw(), draw());
    expect(opsOf(simplify(outputs({ y })))).toEqual(['add', 'random', 'random', 'state']);
  });
  test('where it was, though the nodes around it merge', () => {
    const drawn = draw();
    const graph = simplify(outputs({ y: add(exp(drawn), exp(drawn)) }));
    expect(opsOf(graph)).toEqual(['add', 'exp', 'random', 'state']);
  });
  test('to be run, though all that it reads is constant', () => {
    const { op, attrs } = draw().node;
    const fixed = constant(control.initial(), control.spec);
    const graph = simplify(outputs({ y: applyOne(op, [fixed], attrs) }));
    expect(opsOf(graph)).toEqual(['constant', 'random']);
  });
});
