import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireFinite, requireKind } from '../../core/argumentChecks.ts';
import { hashName } from '../../core/random.ts';
import { formatSpec, requireDtype, sameShape, sizeOf, spec, stridesOf } from '../../core/shape.ts';
import { apply, specOf, type Op, type Value } from '../../graph/graph.ts';
import { constant, read } from '../../graph/leaf.ts';
import { integerDtypes } from '../data/integerReader.ts';
import { uncast } from '../data/originalIntegers.ts';
import { less, mul } from '../pointwise/arithmetic.ts';
import { cast } from '../pointwise/cast.ts';
import { requireDropRate } from '../random/dropout.ts';
import type { Draws } from '../random/random.ts';
import { reshape } from '../shaping/views.ts';
import { forwardAccuracy } from './attentionBounds.ts';
import { attentionGradOp } from './attentionGrad.ts';
import { formsOf } from './attentionForms.ts';
import { forwardLaunches } from './attentionLaunches.ts';
import { flopsOf, FORWARD_INPUTS, optionalOf, type Attrs, type Extents } from './attentionNode.ts';
import { forward } from './attentionReference.ts';
import { operandsOf, sectionOf, slopesOf } from './operands.ts';
import { forwardWork } from './attentionWasm.ts';

/*
 * Attention whose scores are never stored: softmax is carried along from tile to tile of the keys, as the largest score so
 * far and the sum beside it, and what was added up is scaled down when a larger one comes. The way back computes each
 * weight again, from the scores and from what softmax divided by. Sources: Milakov and Gimelshein 2018; Dao et al. 2022.
 */

const WHERE = 'attention';

/** Products of a pair of query and key: its score, and weight · v. */
const PRODUCTS = 2;

const attentionOp: Op<Attrs, 'f32'> = {
  name: WHERE,
  infer(_, { extents: { N, T, H, D } }) {
    return [spec([N, T, H, D]), spec([N, H, T])];
  },
  cpu: forward,
  forms: formsOf,
  gpu: forwardLaunches,
  wasm: forwardWork,
  flops: (node) => flopsOf(node, PRODUCTS),
  accuracy: forwardAccuracy,
  vjp([dY], node) {
    const { inputs, outputs, attrs } = node;
    const nothing = inputs.slice(FORWARD_INPUTS).map(() => null);
    if (!dY) return [null, null, null, ...nothing];
    const { to, size, starts } = slopesOf(attrs);
    const [slopes] = apply(
      attentionGradOp,
      [...inputs.slice(0, FORWARD_INPUTS), ...outputs, dY, ...inputs.slice(FORWARD_INPUTS)],
      {
        ...attrs,
        to,
        size,
      },
    );
    const own = starts.map((first, at) =>
      attrs.shared[at] === at ? sectionOf(slopes, first, inputs[at].spec.shape) : null,
    );
    return [...own, ...nothing];
  },
  ranges(node) {
    const { S } = node.attrs.extents;
    const { lengths } = optionalOf(node.inputs, node.attrs, FORWARD_INPUTS);
    return node.inputs.map((input, at) =>
      at >= FORWARD_INPUTS && input === lengths ? { low: 0, high: S, meaning: `lengths of ${S} keys` } : null,
    );
  },
};

/** What attention leaves out, and what it draws. */
export interface AttentionOptions {
  /** Query i sees keys 0 … i alone: aligned at the first of each, as in PyTorch. */
  readonly causal?: boolean;
  /** `[N]` integers: keys that each sample has, 0 … S. */
  readonly lengths?: Value;
  /** Integers `[N, H, T, S]`, where 1 may stand for each extent but the last, and axes in front may be missing: not 0 where a query sees a key. */
  readonly mask?: Value;
  /** How far a query sees: so many keys up to its own place, if causal, else so many on either side; or how many before its own place and how many behind. */
  readonly window?: number | readonly [left: number, right: number];
  /** What scores are multiplied by: 1/√D. */
  readonly scale?: number;
  /** The share of the weights that is dropped, other ones at every step; draws of `[N, H, T]`. */
  readonly dropout?: { readonly rate: number; readonly draws: Draws };
}

/**
 * softmax(scale · q · kᵀ) · v, by head, over the keys that each query sees. Scores are never stored: memory grows with T. A query
 * that sees no key gets 0, and gives no gradient. NaN in a key or value may reach queries that do not see it, as 0 · NaN.
 * Heads stand behind time, as a projection leaves them and as in JAX; PyTorch's scaled_dot_product_attention has them before.
 * @param q `[N, T, H, D]`   @param k `[N, S, Hkv, D]`, H a multiple of Hkv: neighbouring heads share keys   @param v as k
 * @returns `[N, T, H, D]`
 * @throws ShapeError for other shapes, or a mask that is not of integers; DataError for options that say nothing, or lengths outside 0 … S
 * Source: Vaswani et al. 2017; Ainslie et al. 2023 for shared keys
 */
export function attention(q: Value, k: Value, v: Value, options?: AttentionOptions): Value<'f32'> {
  const { causal, lengths, mask, window, scale, dropout } = optionsOf(WHERE, options, {
    causal: false,
    lengths: undefined,
    mask: undefined,
    window: undefined,
    scale: undefined,
    dropout: undefined,
  });
  const extents = extentsOf(q, k, v);
  const { N, D } = extents;
  const seenMask = mask && maskOf(mask, extents);
  const counts = lengths && lengthsOf(lengths, N);
  const drawn = dropout && drawnOf(dropout);
  if (scale !== undefined) requireFinite(WHERE, 'scale', scale);
  // A launch binds eight buffers, and the way back has six of its own.
  const folds = seenMask && counts && drawn;
  const whole = folds ? folded(seenMask, counts, extents) : seenMask;
  const control = dropout && read(dropout.draws.control);
  const given = [folds ? undefined : counts, whole, control].filter((value) => value !== undefined);
  const { inputs, from, shared } = operandsOf(q, k, v);
  const attrs: Attrs = {
    extents,
    from,
    shared,
    ...reachOf(window, causal, extents),
    scale: scale ?? 1 / Math.sqrt(D),
    lengths: counts !== undefined && !folds,
    mask: whole ? maskStrides(whole) : null,
    dropout: drawn ?? null,
  };
  return apply(attentionOp, [...inputs, ...given], attrs)[0];
}

function extentsOf(q: Value, k: Value, v: Value): Extents {
  const specs = { q: specOf(WHERE, 'q', q), k: specOf(WHERE, 'k', k), v: specOf(WHERE, 'v', v) };
  for (const [name, given] of Object.entries(specs)) requireDtype(WHERE, name, given, 'f32');
  const [N, T, H, D] = specs.q.shape;
  const [, S, keyHeads] = specs.k.shape;
  const is =
    specs.q.shape.length === 4 &&
    sameShape(specs.k.shape, [N, S, keyHeads, D]) &&
    sameShape(specs.v.shape, specs.k.shape) &&
    sizeOf([T, S, keyHeads, D]) > 0 &&
    H > 0 &&
    H % keyHeads === 0;
  if (!is) {
    throw new ShapeError(
      `[attention] q is ${formatSpec(specs.q)}, k ${formatSpec(specs.k)} and v ${formatSpec(specs.v)}: they must be [N, T, H, D] and twice [N, S, Hkv, D], heads behind time, H a multiple of Hkv`,
    );
  }
  return { N, T, S, H, keyHeads, D };
}

function lengthsOf(lengths: Value, N: number): Value {
  const given = specOf(WHERE, 'lengths', lengths);
  const integers = uncast(lengths);
  requireDtype(WHERE, 'lengths', integers.spec, ...integerDtypes);
  if (sameShape(given.shape, [N])) return integers;
  throw new ShapeError(
    `[attention] lengths are ${formatSpec(given)} but there are ${N} samples: give each a number of keys`,
  );
}

/** A mask of four axes. */
function maskOf(mask: Value, { N, T, S, H }: Extents): Value {
  const given = specOf(WHERE, 'the mask', mask);
  const integers = uncast(mask);
  requireDtype(WHERE, 'the mask', integers.spec, ...integerDtypes);
  const shape = [...[1, 1, 1].slice(0, Math.max(0, 4 - given.shape.length)), ...given.shape];
  const fits = [N, H, T].every((extent, axis) => shape[axis] === extent || shape[axis] === 1);
  if (fits && shape.length === 4 && shape[3] === S) return reshape(integers, shape);
  throw new ShapeError(
    `[attention] the mask is ${formatSpec(given)} but must be [${N}, ${H}, ${T}, ${S}], samples, heads, queries, keys: any but the last may be 1, and those in front left out`,
  );
}

function maskStrides({ spec: { shape } }: Value): NonNullable<Attrs['mask']> {
  const [n, h, t] = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  return [n, h, t];
}

/** A mask that knows of the lengths, too. */
function folded(mask: Value, lengths: Value, { N, S }: Extents): Value {
  const places = constant(
    Int32Array.from({ length: S }, (_, j) => j),
    spec([1, 1, 1, S], 'i32'),
  );
  const within = less(places, reshape(cast(lengths, 'i32'), [N, 1, 1, 1]));
  return cast(mul(cast(within, 'f32'), cast(mask, 'f32')), 'u32');
}

function drawnOf({ rate, draws }: NonNullable<AttentionOptions['dropout']>): NonNullable<Attrs['dropout']> {
  requireDropRate(rate, WHERE);
  const isDraws = typeof draws === 'object' && draws !== null && 'control' in draws;
  requireKind(WHERE, 'what it draws by', draws, isDraws, 'what context.draws(…) gives');
  return { rate, stream: hashName(draws.stream), partCount: draws.partCount };
}

/** How many keys a query sees before and behind its own place. */
function reachOf(window: AttentionOptions['window'], causal: boolean, { T, S }: Extents) {
  const is =
    window === undefined ||
    (typeof window === 'number' ? isCount(window) && (!causal || window > 0) : isPair(window) && window.every(isCount));
  requireKind(WHERE, 'window', window, is, 'a number of keys, 1 or more, or two, [left, right]');
  const [left, right] =
    typeof window === 'number' ? [causal ? window - 1 : window, window] : (window ?? [Infinity, Infinity]);
  return { left: Math.min(left, T), right: causal ? 0 : Math.min(right, S) };
}

const isCount = (given: unknown): boolean => Number.isInteger(given) && (given as number) >= 0;
const isPair = (given: unknown): given is readonly [number, number] => Array.isArray(given) && given.length === 2;
