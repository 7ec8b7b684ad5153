import { describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import type { Value } from '../../src/graph/graph.ts';
import { ctcGreedy } from '../../src/ops/index.ts';
import { checkOp } from '../support/checkOp.ts';
import { asCard } from '../support/otherDevice.ts';

const both = ({ labels, lengths }: ReturnType<typeof ctcGreedy>): Value[] => [labels, lengths];

const decoded =
  (blank: number) =>
  ([x, lengths]: readonly Value[]): Value[] =>
    both(ctcGreedy(x, { lengths, blank }));

const cases = (dtype: 'i32' | 'u8') =>
  [
    [1, 1, 2],
    [3, 8, 3],
    [2, 17, 4],
    [5, 70, 2],
  ].map(([N, T, C]) => [spec([N, T, C]), spec([N], dtype)]);

/** Lengths of 1 … 8, or 1. */
const options = { differentiable: false, make: (at: number) => (at === 0 ? normal : lengths) } as const;
const normal = (random: { normal(): number }): number => random.normal();
const lengths = (random: { uniform(low: number, high: number): number }): number => Math.floor(random.uniform(1, 9));

checkOp('ctcGreedy', decoded(0), cases('i32'), options);
checkOp('ctcGreedy with another blank', decoded(1), cases('u8'), options);
checkOp('ctcGreedy of all frames', ([x]) => both(ctcGreedy(x)), [[[2, 200, 3]]], { differentiable: false });
checkOp('ctcGreedy on a card', ([x]) => both(ctcGreedy(x)), [[[2, 200, 3]]], { differentiable: false, on: asCard });

describe('ctcGreedy', () => {
  test('leaves out repeats, then blanks: a blank between two that are alike keeps both', () => {
    const classes = [0, 1, 1, 0, 1, 2, 2, 1];
    const logits = Float32Array.from({ length: classes.length * 3 }, (_, at) =>
      classes[Math.floor(at / 3)] === at % 3 ? 1 : 0,
    );
    const given = ctcGreedy(constant(logits, spec([1, 8, 3])));
    const { outputs } = interpret({ outputs: { ...given }, writes: [] });
    expect([...outputs['labels']]).toEqual([1, 1, 2, 1, -1, -1, -1, -1]);
    expect([...outputs['lengths']]).toEqual([4]);
  });

  test('refuses logits of two axes, and a blank that is no class', () => {
    expect(() => ctcGreedy(input('x', spec([4, 3])))).toThrow(
      '[ctcGreedy] logits are f32[4, 3] and lengths i32[4]: they',
    );
    expect(() => ctcGreedy(input('x', spec([2, 4, 3])), { blank: 3 })).toThrow('blank is 3 but must be a class, 0 … 2');
  });
});
