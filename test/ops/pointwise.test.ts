import type { Random } from '../../src/core/random.ts';
import * as ops from '../../src/ops/index.ts';
import { atan, isNaN } from '../../src/ops/pointwise/special.ts';
import { awayFromZero, checkOp, onGrids, positive } from '../support/checkOp.ts';

const unary = [[[67]], [[1]], [[3, 5, 13]], [[4097]]];
const kinked = { make: () => awayFromZero };
const tails = { tails: true };

checkOp('exp', ([x]) => ops.exp(x), unary, tails);
checkOp('log', ([x]) => ops.log(x), unary, { make: () => positive });
checkOp('sqrt', ([x]) => ops.sqrt(x), unary, { make: () => positive });
checkOp('abs', ([x]) => ops.abs(x), unary, kinked);
checkOp('neg', ([x]) => ops.neg(x), unary);
checkOp('sin', ([x]) => ops.sin(x), unary, tails);
checkOp('cos', ([x]) => ops.cos(x), unary, tails);
/** Angles from 2⁻³⁰ to the largest f32, either way, each tenth of them as close to a quarter turn as an f32 comes. */
const anyAngle = (random: Random, index: number): number =>
  index % 10 === 0
    ? Math.fround(Math.floor(random.uniform(1, 1e4)) * (Math.PI / 2))
    : random.uniform(-1, 1) * 2 ** random.uniform(-30, 128);
const angles = { make: () => anyAngle, differentiable: false };
checkOp('sin and cos of angles of any size', ([x]) => [ops.sin(x), ops.cos(x)], [[[4099]]], angles);
checkOp('erf', ([x]) => ops.erf(x), unary, tails);
checkOp('atan', ([x]) => atan(x), unary, tails);
/** Halves and wholes among other numbers, both ways from 0. */
const steps = { make: () => (random: Random) => Math.floor(random.uniform(-20, 20)) / 4, differentiable: false };
checkOp('floor, ceil, round and sign', ([x]) => [ops.floor(x), ops.ceil(x), ops.round(x), ops.sign(x)], unary, steps);
checkOp('isNaN', ([x]) => isNaN(x), unary, { differentiable: false });

checkOp('sigmoid', ([x]) => ops.sigmoid(x), unary, tails);
checkOp('relu', ([x]) => ops.relu(x), unary, kinked);
checkOp('tanh', ([x]) => ops.tanh(x), unary, tails);
checkOp('leaky relu', ([x]) => ops.leakyRelu(x, { slope: 0.2 }), unary, kinked);
checkOp('elu', ([x]) => ops.elu(x, { alpha: 1.3 }), unary, { ...kinked, ...tails });
checkOp('elu with a negative alpha', ([x]) => ops.elu(x, { alpha: -0.7 }), unary, kinked);
checkOp('selu', ([x]) => ops.selu(x), unary, { ...kinked, ...tails });
checkOp('expm1', ([x]) => ops.expm1(x), unary, tails);
checkOp('log1p', ([x]) => ops.log1p(x), unary, { make: () => positive });
checkOp('log of sigmoid', ([x]) => ops.logSigmoid(x), unary, tails);
checkOp('gelu', ([x]) => ops.gelu(x), unary, tails);
checkOp('gelu by tanh', ([x]) => ops.gelu(x, { approximate: 'tanh' }), unary, tails);
checkOp('silu', ([x]) => ops.silu(x), unary, tails);
checkOp('softplus', ([x]) => ops.softplus(x), unary, tails);

const binary = [
  [
    [5, 7],
    [5, 7],
  ],
  [[1], [1]],
  [
    [3, 1, 5],
    [4, 1],
  ],
  [[2, 3, 4], [4]],
  [[], [2, 3]],
  [
    [65, 129],
    [65, 1],
  ],
];
checkOp('add', ([a, b]) => ops.add(a, b), binary);
checkOp('sub', ([a, b]) => ops.sub(a, b), binary);
checkOp('mul', ([a, b]) => ops.mul(a, b), binary);
checkOp('div', ([a, b]) => ops.div(a, b), binary, { make: () => awayFromZero });
checkOp('maximum', ([a, b]) => ops.maximum(a, b), binary, { make: onGrids });
checkOp('minimum', ([a, b]) => ops.minimum(a, b), binary, { make: onGrids });
const tied = { make: () => (random: Random) => Math.floor(random.uniform(-2, 2)), kinked: true };
checkOp('maximum with ties', ([a, b]) => ops.maximum(a, b), binary, tied);
checkOp('minimum with ties', ([a, b]) => ops.minimum(a, b), binary, tied);
checkOp('relu and abs at 0', ([x]) => [ops.relu(x), ops.abs(x)], [[[65]]], tied);
checkOp('add along lines that threads share', ([a, b]) => ops.add(a, b), [
  [
    [3, 131, 257],
    [131, 1],
  ],
]);
checkOp('pow', ([a, b]) => ops.pow(a, b), binary, { make: () => positive });
checkOp('pow of a negative base', ([a]) => ops.pow(a, 3), unary, { make: () => awayFromZero });

const still = { differentiable: false, special: false };
checkOp(
  'equal',
  ([a, b]) => ops.equal(a, b),
  [
    [
      { shape: [9], dtype: 'i32' },
      { shape: [9], dtype: 'i32' },
    ],
  ],
  still,
);
checkOp(
  'notEqual',
  ([a, b]) => ops.notEqual(a, b),
  [
    [
      { shape: [9], dtype: 'u32' },
      { shape: [9], dtype: 'u32' },
    ],
  ],
  still,
);
checkOp('equality of f32', ([a, b]) => [ops.equal(a, b), ops.notEqual(a, b)], binary, { ...tied, ...still });
checkOp('less', ([a, b]) => ops.less(a, b), binary, still);
checkOp('lessEqual', ([a, b]) => ops.lessEqual(a, b), binary, still);
checkOp('greater', ([a, b]) => ops.greater(a, b), binary, still);
checkOp('greaterEqual', ([a, b]) => ops.greaterEqual(a, b), binary, still);
checkOp('where', ([a, b]) => ops.where(ops.less(a, 0.1), a, b), binary, { make: onGrids, special: false });
checkOp(
  'integer arithmetic',
  ([a, b]) => [ops.add(a, b), ops.mul(a, b), ops.sub(a, b)],
  [
    [
      { shape: [3, 5], dtype: 'i32' },
      { shape: [5], dtype: 'i32' },
    ],
  ],
  still,
);

const distances = [
  [
    [5, 7],
    [5, 7],
  ],
  [[1], [1]],
  [[131], [131]],
];
checkOp('squared errors', ([x, t]) => ops.squaredErrors(x, t), distances, tails);
checkOp('absolute errors', ([x, t]) => ops.absoluteErrors(x, t), distances, { make: onGrids });
checkOp('Huber errors', ([x, t]) => ops.huberErrors(x, t, 0.7), distances, { make: onGrids, ...tails });
checkOp('binary cross-entropies', ([x, t]) => ops.binaryCrossEntropies(x, t), distances, tails);
checkOp('Kullback-Leibler terms', ([x, t]) => ops.kullbackLeiblerTerms(x, t), distances, { make: () => positive });

checkOp(
  'cast from u8 with a scale',
  ([x]) => ops.cast(x, 'f32', { scale: 1 / 255, offset: -0.5 }),
  [[{ shape: [7, 3], dtype: 'u8' }], [{ shape: [1], dtype: 'u8' }], [{ shape: [5, 784], dtype: 'u8' }]],
  still,
);
checkOp('cast to integers', ([x]) => ops.cast(x, 'i32'), [[[19]]], still);
checkOp('cast from integers', ([x]) => ops.cast(x, 'f32'), [[{ shape: [19], dtype: 'u32' }]], still);
