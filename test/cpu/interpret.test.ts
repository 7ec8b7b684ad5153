import { describe, expect, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { State } from '../../src/graph/graph.ts';
import { constant, input, read } from '../../src/graph/leaf.ts';
import { add } from '../../src/ops/pointwise/arithmetic.ts';
import { assign } from '../../src/ops/shaping/assign.ts';
import { reshape, viewOf } from '../../src/ops/shaping/views.ts';

const stateOf = (name: string, ...numbers: readonly number[]): State => ({
  name,
  spec: spec([numbers.length]),
  initial: () => Float32Array.from(numbers),
});

const listed = (numbers: Readonly<Record<string, Numbers>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(numbers).map(([name, list]) => [name, [...list]]));

describe('interpret', () => {
  test('shows a view of a state, and a view of that, as the state was before it changed', () => {
    const state = stateOf('state', 1, 2, 3, 4, 5, 6);
    const view = viewOf(state, 'part', [4], 1);
    const outputs = { view, square: reshape(view, [2, 2]), next: add(view, 10) };
    const after = interpret({ outputs, writes: [[state, assign(state, add(read(state), 100))]] });
    expect(listed(after.outputs)).toEqual({ view: [2, 3, 4, 5], square: [2, 3, 4, 5], next: [12, 13, 14, 15] });
    expect([...after.states.get(state)!]).toEqual([101, 102, 103, 104, 105, 106]);
  });

  test('exchanges two states that are each written with the other', () => {
    const [a, b] = [stateOf('a', 1, 2), stateOf('b', 3, 4)];
    const { states } = interpret({
      outputs: {},
      writes: [
        [a, read(b)],
        [b, reshape(read(a), [2])],
      ],
    });
    expect([...states.get(a)!, ...states.get(b)!]).toEqual([3, 4, 1, 2]);
  });

  test('looks at a field and at a constant without a copy, and leaves both alone', () => {
    const given = Float32Array.of(1, 2, 3, 4);
    const fixed = Float32Array.of(5, 6, 7, 8);
    const x = reshape(input('x', spec([4])), [2, 2]);
    const c = reshape(constant(fixed, spec([4])), [2, 2]);
    const { outputs } = interpret({ outputs: { x, c, sum: add(x, c) }, writes: [] }, { batch: { x: given } });
    outputs['x'].fill(0);
    outputs['c'].fill(0);
    expect([...given, ...fixed]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...outputs['sum']]).toEqual([6, 8, 10, 12]);
  });

  test('refuses a field of another size, and one that is missing, by name', () => {
    const graph = { outputs: { y: add(input('x', spec([3])), 1) }, writes: [] };
    expect(() => interpret(graph, { batch: { x: new Float32Array(2) } })).toThrow(
      '[interpret] field "x" needs 3 numbers, but 2 came',
    );
    expect(() => interpret(graph)).toThrow('needs 3 numbers, but the batch has none of that name');
  });
});
