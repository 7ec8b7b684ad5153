import { spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { attention } from '../../../ops/attention/attention.ts';
import { tanh } from '../../../ops/pointwise/activations.ts';
import {
  add,
  div,
  equal,
  greaterEqual,
  lessEqual,
  maximum,
  mul,
  sub,
  where,
} from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { exp } from '../../../ops/pointwise/elementary.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { max } from '../../../ops/reductions/extremum.ts';
import { broadcastTo, sum } from '../../../ops/reductions/sum.ts';
import { concat, pad, slice } from '../../../ops/shaping/pieces.ts';
import { reshape, stopGradient } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { counted } from './counted.ts';
import { truthOf } from './pointwise.ts';

/*
 * Attention. Our own keeps no scores; where a file adds numbers to them, caps them, or asks for them, they are made one after
 * the other.
 */

// Legend: N samples, T queries, S keys, H heads, D their width.

/** Where inputs stand. */
const [Q, K, V, MASK, PAST_K, PAST_V, COUNTS] = [0, 1, 2, 3, 4, 5, 6];

/** Heads behind time: `[N, H, T, D]` of the file lies as `[N, T, H, D]`. */
const HEADS_BEHIND = [0, 2, 1, 3] as const;

interface Operands {
  readonly q: Value<'f32'>;
  readonly k: Value<'f32'>;
  readonly v: Value<'f32'>;
  readonly scale: number;
}

/** What a query sees, and what is added to its scores. */
interface Limits {
  /** Not 0 where a query sees a key: `[N, H, T, S]`, or 1 for an extent that makes no difference. */
  readonly seen: Value | undefined;
  readonly bias: Value | undefined;
  /** Keys before and behind a query's own place that it sees; negative: all. */
  readonly window: readonly [number, number];
  /** Keys that each sample has. */
  readonly counts: Value | undefined;
}

function attended(node: OnnxNode): readonly (Tensor | undefined)[] {
  const isFlat = node.tensor(Q).shape.length === 3;
  const [own, shared] = [node.int('q_num_heads', 0), node.int('kv_num_heads', 0)];
  node.int('softmax_precision', 1);
  const q = withHeads(node, Q, own);
  const [k, v] = [
    joinedTo(node, PAST_K, withHeads(node, K, shared)),
    joinedTo(node, PAST_V, withHeads(node, V, shared)),
  ];
  const scale = node.real('scale', 1 / Math.sqrt(q.spec.shape[3]));
  const cap = node.real('softcap', 0);
  const mode = node.int('qk_matmul_output_mode', 0);
  const limits = limitsOf(node, q.spec.shape[1], k.spec.shape[1]);
  const present = [k, v].map((value) => Tensor.of(value, 'float', HEADS_BEHIND));
  if (!limits.bias && cap === 0 && !node.wants(3)) {
    return [result(attendedAtOnce({ q, k, v, scale }, limits), isFlat), ...present];
  }
  const { y, stages } = attendedByScores({ q, k, v, scale }, wholeLimits(limits, q, k), cap);
  return [result(y, isFlat), ...present, node.wants(3) ? Tensor.of(stages[mode], 'float') : undefined];
}

/** `[N, T, H, D]` in the form that the file has it in. */
function result(y: Value, isFlat: boolean): Tensor {
  const [samples, queries, heads, width] = y.spec.shape;
  return isFlat
    ? Tensor.of(reshape(y, [samples, queries, heads * width]), 'float')
    : Tensor.of(y, 'float', HEADS_BEHIND);
}

/** An operand as `[N, T, H, D]`. */
function withHeads(node: OnnxNode, at: number, heads: number): Value<'f32'> {
  const tensor = node.tensor(at);
  if (tensor.shape.length === 4) return floats(tensor.as(HEADS_BEHIND));
  const [samples, steps, width] = tensor.shape;
  if (heads < 1 || width % heads !== 0) {
    node.refuse(`has ${heads} heads of ${width} features`, 'say q_num_heads and kv_num_heads, or give four axes');
  }
  return reshape(node.float(at), [samples, steps, heads, width / heads]);
}

/** What was kept of earlier steps, and what comes now. */
const joinedTo = (node: OnnxNode, past: number, now: Value<'f32'>): Value<'f32'> =>
  node.has(past) ? concat([floats(node.tensor(past).as(HEADS_BEHIND)), now], 1) : now;

function limitsOf(node: OnnxNode, queries: number, keys: number): Limits {
  const [left, right] = [node.int('left_window_size', -1), node.int('right_window_size', -1)];
  const window = [left, node.int('is_causal', 0) === 1 ? 0 : right] as const;
  const counts = node.has(COUNTS) ? node.integers(COUNTS) : undefined;
  const past = node.has(PAST_K) ? node.tensor(PAST_K).shape[2] : 0;
  const mask: Partial<Limits> = node.has(MASK) ? maskOf(node, keys) : {};
  const isBounded = window.some((reach) => reach >= 0);
  if (!isBounded || (past === 0 && !counts)) return { seen: undefined, bias: undefined, ...mask, window, counts };
  // Places of queries among the keys, where these begin earlier.
  const before = counts ? reshape(sub(cast(counts, 'i32'), queries), [-1, 1, 1, 1]) : past;
  const reach = reachOf(before, window, queries, keys);
  const seen = mask.seen ? both(mask.seen, reach) : reach;
  return { bias: undefined, ...mask, seen, window: [-1, -1], counts };
}

const both = (a: Value, b: Value): Value => cast(mul(cast(a, 'i32'), cast(b, 'i32')), 'u32');

/** Which keys each query sees whose own place is known, or each sample's. */
function reachOf(before: Value | number, [left, right]: Limits['window'], queries: number, keys: number): Value {
  const places = add(counted(queries, [1, 1, queries, 1]), before);
  const at = counted(keys, [1, 1, 1, keys]);
  const bounds: Value[] = [];
  if (left >= 0) bounds.push(greaterEqual(at, sub(places, left)));
  if (right >= 0) bounds.push(lessEqual(at, add(places, right)));
  return bounds.reduce((a, b) => both(a, b));
}

/** A mask of truths says which keys are seen, one of floats is added; one that ends early sees no further key. */
function maskOf(node: OnnxNode, keys: number): Partial<Limits> {
  const { type, numbers, shape } = node.tensor(MASK);
  const whole = [...[1, 1, 1, 1].slice(shape.length), ...shape];
  const extended = (value: Value, behind: number): Value => {
    const mask = reshape(value, whole);
    const missing = whole[3] === 1 ? 0 : keys - whole[3];
    const widths = [0, 0, 0, missing].map((width) => [0, width] as const);
    const full = missing > 0 ? pad(mask, widths, behind) : mask;
    return broadcastTo(full, [...whole.slice(0, 3), keys]);
  };
  if (type === 'float' && !numbers?.every((x) => x === 0 || x === -Infinity)) {
    return { bias: extended(node.float(MASK), -Infinity) };
  }
  if (type !== 'float') return { seen: cast(extended(cast(truthOf(node.number(MASK)), 'f32'), 0), 'u32') };
  const seen = Float32Array.from(numbers!, (x) => (x === 0 ? 1 : 0));
  return { seen: cast(extended(constant(seen, spec(shape)), 0), 'u32') };
}

/** By our own op. What values are wider than keys, or narrower, is filled up with zeros. */
function attendedAtOnce({ q, k, v, scale }: Operands, { seen, window, counts }: Limits): Value {
  const [own, width] = [v.spec.shape[3], Math.max(q.spec.shape[3], v.spec.shape[3])];
  const filled = (x: Value<'f32'>): Value<'f32'> => {
    const missing = width - x.spec.shape[3];
    return missing > 0
      ? pad(x, [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, missing],
        ])
      : x;
  };
  const isBounded = window.some((reach) => reach >= 0);
  const [left, right] = window.map((reach) => (reach < 0 ? Math.max(q.spec.shape[1], k.spec.shape[1]) : reach));
  const y = attention(filled(q), filled(k), filled(v), {
    scale,
    ...(seen && { mask: seen }),
    ...(counts && { lengths: counts }),
    ...(isBounded && { window: [left, right] as const }),
  });
  return own === width ? y : slice(y, [null, null, null, { end: own }]);
}

/** Limits of which each is a mask. */
function wholeLimits({ seen, bias, window, counts }: Limits, q: Value, k: Value): Pick<Limits, 'seen' | 'bias'> {
  const [queries, keys] = [q.spec.shape[1], k.spec.shape[1]];
  const isBounded = window.some((reach) => reach >= 0);
  const masks = [
    ...(seen ? [seen] : []),
    ...(isBounded ? [reachOf(0, window, queries, keys)] : []),
    ...(counts ? [lessEqual(add(counted(keys, [1, 1, 1, keys]), 1), reshape(cast(counts, 'i32'), [-1, 1, 1, 1]))] : []),
  ];
  return { bias, seen: masks.length > 0 ? masks.reduce((a, b) => both(a, b)) : undefined };
}

/** The least number but minus infinity, from which nothing can be taken away that is NaN. */
const LOWEST = -3.4e38;

/** Score by score: as products leave them, capped, with what is added, and as weights. */
function attendedByScores({ q, k, v, scale }: Operands, { seen, bias }: Pick<Limits, 'seen' | 'bias'>, cap: number) {
  const heads = q.spec.shape[2];
  const before = (x: Value): Value => transpose(repeated(x, heads), [0, 2, 1, 3]);
  const raw = mul(matmul(before(q), before(k), { transposeB: true }), scale);
  const capped = cap === 0 ? raw : mul(tanh(div(raw, cap)), cap);
  const biased = bias ? add(capped, bias) : capped;
  const scores = seen ? where(seen, biased, -Infinity) : biased;
  // A query that sees no key has weights of 0.
  const largest = stopGradient(maximum(max(scores, { axes: -1, keepDimensions: true }), LOWEST));
  const powers = exp(sub(scores, largest));
  const total = sum(powers, { axes: -1, keepDimensions: true });
  const weights = div(powers, where(equal(total, 0), 1, total));
  return { y: transpose(matmul(weights, before(v)), [0, 2, 1, 3]), stages: [raw, capped, scores, weights] };
}

/** As many heads as queries have: neighbours share keys. */
function repeated(x: Value, heads: number): Value {
  const [samples, steps, own, width] = x.spec.shape;
  if (own === heads) return x;
  const apart = reshape(x, [samples, steps, own, 1, width]);
  return reshape(broadcastTo(apart, [samples, steps, own, heads / own, width]), [samples, steps, heads, width]);
}

/** Attention over keys and values. */
export const attentionOperators: Operators = {
  Attention: { apply: attended },
};
