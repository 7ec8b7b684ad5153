import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { byteLength, spec } from '../../src/core/shape.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import { storageKey, storageOf, type Graph, type State, type Value } from '../../src/graph/graph.ts';
import { input, read } from '../../src/graph/leaf.ts';
import { add, mul, relu, sigmoid } from '../../src/ops/index.ts';
import { pack } from '../../src/ops/shaping/pack.ts';
import { reshape } from '../../src/ops/shaping/views.ts';
import { record } from '../../src/ops/training/record.ts';
import { planMemory } from '../../src/scheduler/memory.ts';

/** A random graph of many short and long lives, with reshapes in between. */
function randomGraph(seed: number): Graph {
  const random = new Random(seed, 'graph');
  const pick = (values: readonly Value[]): Value => values[Math.floor(random.uniform(0, values.length))];
  const values: Value[] = [input('a', spec([8, 3])), input('b', spec([8, 3]))];
  for (let i = 0; i < 40; i++) {
    const x = pick(values.slice(-8));
    const choice = random.uniform();
    if (choice < 0.3) values.push(relu(x));
    else if (choice < 0.5) values.push(reshape(reshape(x, [-1]), [8, 3]));
    else values.push(choice < 0.75 ? add(x, pick(values)) : mul(x, pick(values)));
  }
  return { outputs: { last: values[values.length - 1], middle: values[20] }, writes: [] };
}

describe('planned memory', () => {
  test('never puts two values that are alive together into one slot', () => {
    for (let seed = 0; seed < 50; seed++) {
      const graph = randomGraph(seed);
      const order = orderOf(graph);
      const { places } = planMemory(graph, order);
      const holder = new Map<object, Value>();
      for (const node of order) {
        for (const value of node.inputs) {
          const { root } = storageOf(value);
          expect(holder.get(places.get(value)!.home)).toBe(root);
        }
        if (node.op.view) continue;
        for (const value of node.outputs) holder.set(places.get(value)!.home, value);
      }
      for (const value of Object.values(graph.outputs)) {
        expect(holder.get(places.get(value)!.home)).toBe(storageOf(value).root);
      }
    }
  });

  test('never lets a launch read and write one slot', () => {
    for (let seed = 0; seed < 50; seed++) {
      const graph = randomGraph(seed);
      const order = orderOf(graph);
      const { places } = planMemory(graph, order);
      for (const node of order.filter(({ op }) => !op.view)) {
        const written = node.outputs.map((value) => places.get(value)!.home);
        for (const value of node.inputs) expect(written).not.toContain(places.get(value)!.home);
      }
    }
  });

  test('uses slots again: a chain of forty steps needs two, beside its input and its output', () => {
    let x = input('x', spec([16]));
    for (let i = 0; i < 40; i++) x = i % 2 ? relu(x) : sigmoid(x);
    const graph: Graph = { outputs: { x }, writes: [] };
    const { slots } = planMemory(graph, orderOf(graph));
    expect(slots).toHaveLength(4);
  });

  test('gives every slot the bytes of its largest value', () => {
    const graph = randomGraph(3);
    const order = orderOf(graph);
    const { places } = planMemory(graph, order);
    for (const node of order) {
      for (const value of node.outputs) {
        const { home, offset } = places.get(value)!;
        if ('bytes' in home) expect(home.bytes).toBeGreaterThanOrEqual(offset + byteLength(value.spec));
      }
    }
  });
});

describe('packed parts', () => {
  const a = input('a', spec([4]));
  const offsets = [0, 64];

  test('are computed where they belong', () => {
    const packed = pack([relu(a), sigmoid(a)], offsets, 128);
    const graph: Graph = { outputs: { packed }, writes: [] };
    const { places, copied } = planMemory(graph, orderOf(graph));
    expect([...copied.get(packed.node)!]).toEqual([]);
    const { home } = places.get(packed)!;
    expect(packed.node.inputs.map((value) => places.get(value))).toEqual([
      { home, offset: 0 },
      { home, offset: 256 },
    ]);
  });

  test('keep a slot if they are wanted twice, are leaves, or are read while the array is written', () => {
    const shared = relu(a);
    const twice = pack([shared, shared], offsets, 128);
    const leaf = pack([a, sigmoid(a)], offsets, 128);
    const first = sigmoid(a);
    const readToo = pack([first, relu(first)], offsets, 128);
    for (const [packed, expected] of [
      [twice, [0, 1]],
      [leaf, [0]],
      [readToo, [1]],
    ] as const) {
      const graph: Graph = { outputs: { packed }, writes: [] };
      expect([...planMemory(graph, orderOf(graph)).copied.get(packed.node)!]).toEqual(expected);
    }
  });
});

describe('the order of nodes', () => {
  const stateOf = (name: string, shape: readonly number[], dtype: 'f32' | 'u32'): State => ({
    name,
    spec: spec(shape, dtype),
    initial: () => (dtype === 'f32' ? new Float32Array(4) : new Uint32Array(6)),
  });
  const control = stateOf('control', [6], 'u32');
  const ring = stateOf('ring', [4, 1], 'f32');

  test('puts every reader of a state before the node that overwrites it, however the state was read', () => {
    const { writes } = record(control, ring, [relu(input('x', spec([3])))], { column: 0, counts: 'step' });
    const late = relu(reshape(read(ring), [4]));
    const order = orderOf({ outputs: { late }, writes });
    expect(order.indexOf(late.node)).toBeLessThan(order.indexOf(writes[0][1].node));
    expect(storageKey(late.node.inputs[0])).toBe(ring);
  });

  test('refuses a graph in which a state is read after it was overwritten', () => {
    const { writes } = record(control, ring, [input('x', spec([3]))], { column: 0, counts: 'step' });
    const both = add(reshape(read(ring), [4]), reshape(writes[1][1], [4]));
    expect(() => orderOf({ outputs: { both }, writes })).toThrow(
      '[graph] record overwrites a value in place that a later node still reads',
    );
  });
});
