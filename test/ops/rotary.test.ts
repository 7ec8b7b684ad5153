import { expect, test } from 'vitest';
import { interpret } from '../../src/cpu/interpret.ts';
import { spec } from '../../src/core/shape.ts';
import { constant } from '../../src/graph/leaf.ts';
import { rotary } from '../../src/ops/index.ts';
import { checkOp } from '../support/checkOp.ts';

checkOp('rotary positions', ([x]) => rotary(x), [[[2, 5, 3, 4]], [[1, 67, 2, 8]]]);
checkOp('rotary positions of the first heads', ([x]) => rotary(x, { base: 100, heads: 2 }), [[[2, 5, 3, 6]]], {
  special: false,
});

test('a query and a key meet at an angle that depends only on how far apart they are', () => {
  const [steps, width] = [12, 6];
  const vector = Float64Array.from({ length: width }, (_, at) => Math.cos(at * at));
  const everywhere = (from: readonly number[]) =>
    constant(
      Float32Array.from({ length: steps * width }, (_, at) => from[at % width]),
      spec([1, steps, 1, width]),
    );
  const turned = rotary(everywhere([...vector]), { base: 30 });
  const y = interpret({ outputs: { turned }, writes: [] }).outputs['turned'];
  const meet = (a: number, b: number): number =>
    vector.reduce((total, _, at) => total + y[a * width + at] * y[b * width + at], 0);
  for (const apart of [0, 1, 5]) {
    for (let t = 0; t + apart < steps; t++) expect(meet(t, t + apart)).toBeCloseTo(meet(0, apart), 5);
  }
  expect(Math.abs(meet(0, 1) - meet(0, 0))).toBeGreaterThan(0.1);
});

test('the pair (2i, 2i + 1) of step t is turned by t · base^(−2i / D)', () => {
  const x = constant(Float32Array.of(0, 0, 0, 0, 1, 0, 0, 2), spec([1, 2, 1, 4]));
  const { y } = interpret({ outputs: { y: rotary(x, { base: 16 }) }, writes: [] }).outputs;
  const expected = [Math.cos(1), Math.sin(1), -2 * Math.sin(0.25), 2 * Math.cos(0.25)];
  expected.forEach((number, at) => expect(y[4 + at]).toBeCloseTo(number, 6));
});
