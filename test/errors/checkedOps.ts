// What it takes to produce the errors of `checkOp`: ops that are wrong. On the CPU the f32 run is what a kernel is elsewhere.

import { apply, checkOp, type Op } from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

const checked = (op: Partial<Op<null, 'f32'>> & Pick<Op, 'cpu'>): Promise<unknown> => {
  const whole: Op<null, 'f32'> = {
    name: 'own',
    infer: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
    gpu: () => [],
    ...op,
  };
  return checkOp((x) => apply(whole, [x], null), [[4, 3]], {
    backend: 'cpu',
    seed: 1,
    differentiable: 'vjp' in op,
  });
};

/** By what is lost on the way: nothing in f64, a rounding in f32. */
const restOfThird: Op['cpu'] = ([x], [y]) =>
  x.forEach((a, i) => {
    y[i] = a / 3;
    y[i] = y[i] * 3 - a + 1e-9;
  });

/** Each run gives what no other gives. */
const fickle = (): Op['cpu'] => {
  let runs = 0;
  return (_, [y]) => void y.fill(runs++);
};

export const checkedOps: readonly Case[] = [
  ['[checkOp] <op>: output <n>[', () => checked({ cpu: restOfThird })],
  ['[checkOp] d loss', () => checked({ cpu: ([x], [y]) => x.forEach((a, i) => (y[i] = a / 2)), vjp: ([dY]) => [dY] })],
  [
    '[checkOp] <op>: output <n> has other bits',
    () => checked({ cpu: fickle(), accuracy: () => ({ ulps: 0, magnitude: 'result', absolute: 1e9 }) }),
  ],
];
