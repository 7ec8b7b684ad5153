import { describe, expect, test } from 'vitest';
import type { Random } from '../../src/core/random.ts';
import { spec, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { input } from '../../src/graph/leaf.ts';
import { argmax } from '../../src/ops/reductions/argmax.ts';
import { broadcastTo, mean, sum } from '../../src/ops/reductions/sum.ts';
import { max, min } from '../../src/ops/reductions/extremum.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { checkOp, distinct } from '../support/checkOp.ts';

const shapes: readonly Shape[] = [
  [3, 5, 7],
  [1, 1, 1],
  [4, 1, 9],
  [2, 130, 3],
];
const cases = shapes.map((shape) => [shape]);

for (const axes of [undefined, 0, 1, -1, [0, 2], [0, 1], [1, 2]] as const) {
  const options = axes === undefined ? {} : { axes };
  const along = axes === undefined ? 'all axes' : `axes ${String(axes)}`;
  checkOp(`sum over ${along}`, ([x]) => sum(x, options), cases);
  checkOp(`mean over ${along}, kept`, ([x]) => mean(x, { ...options, keepDimensions: true }), cases);
  checkOp(`max over ${along}`, ([x]) => max(x, options), cases, { make: () => distinct });
  checkOp(`min over ${along}, kept`, ([x]) => min(x, { ...options, keepDimensions: true }), cases, {
    make: () => distinct,
  });
}
checkOp('sum of a long row', ([x]) => sum(x), [[[10007]]]);
const tied = { make: () => (random: Random) => Math.floor(random.uniform(0, 3)), kinked: true };
checkOp('max with ties', ([x]) => max(x, { axes: 1 }), cases, tied);
checkOp('min with ties', ([x]) => min(x), cases, tied);
for (const axis of [0, 1, -1]) {
  checkOp(`argmax along ${axis}`, ([x]) => argmax(x, axis), cases, { differentiable: false });
}
checkOp('argmax of integers', ([x]) => argmax(x), [[spec([5, 17], 'i32')], [spec([5, 17], 'u32')]], {
  differentiable: false,
});
checkOp('broadcast', ([x]) => broadcastTo(x, [4, 3, 5]), [[[3, 1]], [[5]], [[4, 1, 1]], [[]]]);

describe('reductions', () => {
  const x = input('x', spec([2, 3]));
  test('share the gradient of a tie evenly', () => {
    const gradient = differentiate(max(x), [x])[0]!;
    const { outputs } = interpret(
      { outputs: { gradient }, writes: [] },
      { batch: { x: Float32Array.of(1, 5, 5, 2, 5, 0) } },
    );
    expect([...outputs['gradient']]).toEqual([0, 1, 1, 0, 1, 0].map((share) => Math.fround(share / 3)));
  });
  test('refuse an axis that is not there, or twice', () => {
    expect(() => sum(x, { axes: 2 })).toThrow('[sum] axis 2 is not an axis of f32[2, 3]: use -2 … 1');
    expect(() => max(x, { axes: [0, -2] })).toThrow('name one axis of f32[2, 3] twice');
  });
  test('refuse integers and nothing at all', () => {
    expect(() => mean(input('n', spec([2], 'i32')))).toThrow('x is i32[2] but must be f32');
    expect(() => max(input('n', spec([0, 2])), { axes: 0 })).toThrow('no elements to choose from');
  });
});
