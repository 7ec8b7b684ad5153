import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { formatSpec, spec } from '../core/shape.ts';
import { isValue, specOf, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { attention, type AttentionOptions } from '../ops/attention/attention.ts';
import { sectionOf } from '../ops/attention/operands.ts';
import { rotary as turned, rotaryAngles, rotaryOptionsOf, turnedBy } from '../ops/attention/rotary.ts';
import { gather } from '../ops/indexing/gather.ts';
import { lessEqual, sub } from '../ops/pointwise/arithmetic.ts';
import { requireDropRate } from '../ops/random/dropout.ts';
import { slice } from '../ops/shaping/pieces.ts';
import { reshape } from '../ops/shaping/views.ts';
import type { Generation } from './generation.ts';
import { randomUniform, torchUniform, zeros, type Initializer } from './initializers.ts';
import { linear } from './layers.ts';
import { defineLayer, type Context, type Layer } from './layer.ts';

/** What attention takes: what asks, alone or with what belongs to it. */
export interface Attended {
  /** What asks, `[N, T, width]`. */
  readonly x: Value;
  /** What is attended to, `[N, S, memoryWidth]`, of a layer that was given `memoryWidth`; x itself of any other. */
  readonly memory?: Value;
  /** `[N]` integers: how many steps of what is attended to each sample has. All of them if left out. */
  readonly lengths?: Value;
  /** `[N, H, T, S]` integers, 1 where a query sees a key; extents but the last may be 1, and leading axes missing. */
  readonly mask?: Value;
}

/** How attention goes, in a layer of its own or in a transformer's. */
export interface AttendingOptions {
  /** Heads of keys and values, which several heads of queries share: as many as those if left out. */
  readonly keyHeads?: number;
  /** Whether step t sees steps 0 … t alone. */
  readonly causal?: boolean;
  /** How far a step sees: so many steps up to its own, if causal, else so many on either side; or `[left, right]`. */
  readonly window?: number | readonly [left: number, right: number];
  /** Positions by turning queries and keys: `true`, or the base of the wavelengths. See `rotary`. */
  readonly rotary?: boolean | { readonly base?: number };
  /** Whether its products have biases: true. */
  readonly bias?: boolean;
}

/** What `multiHeadAttention` may be told. */
export interface MultiHeadAttentionOptions extends AttendingOptions {
  /** The share of the weights that is dropped in training: 0. */
  readonly dropout?: number;
  /** Features of what is attended to, if that is not x itself: the layer takes `{ x, memory }`. */
  readonly memoryWidth?: number;
  /** Of queries, keys and values. Glorot's uniform law of all of them as one matrix if left out, as in PyTorch. */
  readonly weightInitial?: Initializer;
  /** Of the output. Uniform in ±1 / √width if left out, as in PyTorch. */
  readonly outputInitial?: Initializer;
}

/** A layer from steps, alone or with what belongs to them, to their like. */
export type AttentionLayer = Layer<Value | Attended, Value<'f32'>>;

const usual = {
  keyHeads: undefined,
  causal: false,
  window: undefined,
  rotary: undefined,
  bias: true,
  dropout: 0,
  memoryWidth: undefined,
  weightInitial: undefined,
  outputInitial: undefined,
};

/**
 * Attention in several heads: queries, keys and values are products of x, or of x and of a memory, each head looks for
 * itself, and a product brings together what all have found. As PyTorch's `MultiheadAttention` with `batch_first`: its first
 * values, its equations, and no positions, but for `rotary`. Keras has one matrix and bias for each head's queries, keys and
 * values, and Glorot's law for each. PyTorch masks what is not to be seen; here 1 is seen.
 *
 * Parameters: of x alone `input.weight` `[width, (heads + 2 keyHeads) · D]`, queries, keys and values in one; of a memory
 * `query.weight` and `keyValue.weight`; `output.weight` `[width, width]`; and biases. `transformerWeights` takes PyTorch's
 * over.
 * @param width features of x and of what comes out   @param heads D = width / heads features each
 * @returns a layer from `[N, T, width]`, or from `{ x, memory, lengths, mask }`, to `[N, T, width]`
 * @throws ShapeError unless the heads divide the width, and what comes in fits; DataError for other options
 * Source: Vaswani et al. 2017, 3.2.2
 */
export function multiHeadAttention(
  width: number,
  heads: number,
  options: MultiHeadAttentionOptions = {},
): AttentionLayer {
  const where = 'multiHeadAttention';
  const filled = optionsOf<MultiHeadAttentionOptions, typeof usual>(where, options, usual);
  const { keyHeads = heads, causal, window, bias, dropout, memoryWidth, weightInitial, outputInitial } = filled;
  requireHeads(width, heads, keyHeads);
  requireDropRate(dropout, where);
  requireFeatures(memoryWidth);
  const base = baseOf(filled.rotary);
  const D = width / heads;
  const [asked, seen] = [heads * D, 2 * keyHeads * D];
  const product = (features: number, made: number, fallback: Initializer) =>
    linear(features, made, { bias, weightInitial: weightInitial ?? fallback, biasInitial: zeros });
  // As one matrix of both, where it is one in PyTorch.
  const apart = (features: number, made: number): Initializer =>
    glorotOf(features, memoryWidth === width ? asked + seen : made);
  const input = product(width, asked + seen, glorotOf(width, asked + seen));
  const query = product(width, asked, apart(width, asked));
  const keyValue = product(memoryWidth ?? width, seen, apart(memoryWidth ?? width, seen / 2));
  const output = linear(width, width, {
    bias,
    weightInitial: outputInitial ?? torchUniform(width),
    biasInitial: zeros,
  });

  /** x by heads, of which the first ones are turned by their steps. */
  const byHeads = (x: Value, all: number, placed: number, generation: Generation | null): Value<'f32'> => {
    const apartInHeads = reshape(x, [...x.spec.shape.slice(0, 2), all, D]) as Value<'f32'>;
    if (base === undefined) return apartInHeads;
    if (!generation) return turned(apartInHeads, { base, heads: placed });
    const angles = rotaryAngles(generation.capacity, D, base);
    return turnedBy(apartInHeads, gather(angles, generation.position), placed);
  };
  const operandsOf = ({ x, memory }: Attended, context: Context): readonly [Value, Value, Value] => {
    const { generation } = context;
    if (!memory) {
      const all = byHeads(context.apply(input, x, 'input'), heads + 2 * keyHeads, heads + keyHeads, generation);
      if (generation) {
        // Of one token they lie behind each other.
        const own = sectionOf(all, asked, [1, 1, 2 * keyHeads, D]);
        const kept = generation.append('keysAndValues', own);
        return [sectionOf(all, 0, [1, 1, heads, D]), headsOf(kept, 0, keyHeads), headsOf(kept, keyHeads, keyHeads)];
      }
      return [headsOf(all, 0, heads), headsOf(all, heads, keyHeads), headsOf(all, heads + keyHeads, keyHeads)];
    }
    const q = byHeads(context.apply(query, x, 'query'), heads, heads, generation);
    const both = byHeads(context.apply(keyValue, memory, 'keyValue'), 2 * keyHeads, keyHeads, null);
    return [q, headsOf(both, 0, keyHeads), headsOf(both, keyHeads, keyHeads)];
  };
  return defineLayer({
    name: where,
    apply(given: Value | Attended, _, context) {
      const attended = attendedOf(given, width, memoryWidth);
      const { x, lengths, mask } = attended;
      const [q, k, v] = operandsOf(attended, context);
      const [N, T] = x.spec.shape;
      const { generation } = context;
      const found = attention(q, k, v, {
        ...(generation && !attended.memory
          ? seenBy(generation, window, causal)
          : { causal, ...(lengths && { lengths }), ...(window !== undefined && { window }) }),
        ...(mask && { mask }),
        ...(dropout > 0 &&
          context.mode === 'train' && {
            dropout: { rate: dropout, draws: context.draws('weights', [N, heads, T]) },
          }),
      });
      return context.apply(output, reshape(found, [N, T, width]), 'output');
    },
  });
}

const headsOf = (all: Value, start: number, count: number): Value =>
  slice(all, [null, null, { start, end: start + count }]);

/** What the last token of a text sees: all tokens so far, or those within its window. */
function seenBy(
  { position, length, capacity }: Generation,
  window: AttendingOptions['window'],
  causal: boolean,
): AttentionOptions {
  if (window === undefined) return { lengths: length };
  const before = typeof window === 'number' ? window - (causal ? 1 : 0) : window[0];
  const places = constant(
    Uint32Array.from({ length: capacity }, (_, at) => at),
    spec([capacity], 'u32'),
  );
  return { lengths: length, mask: lessEqual(sub(position, places), before) };
}

/** Uniform in ±√(6 / (in + out)). */
const glorotOf = (fanIn: number, fanOut: number): Initializer => {
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  return randomUniform(-limit, limit);
};

function baseOf(given: MultiHeadAttentionOptions['rotary']): number | undefined {
  if (given === undefined || given === false) return undefined;
  return rotaryOptionsOf(given === true ? {} : given).base;
}

/** @throws ShapeError unless the heads divide what they are to divide */
function requireHeads(width: number, heads: number, keyHeads: number): void {
  const areCounts = [width, heads, keyHeads].every((count) => Number.isInteger(count) && count > 0);
  if (areCounts && width % heads === 0 && heads % keyHeads === 0) return;
  throw new ShapeError(
    `[multiHeadAttention] ${described(heads)} heads, ${described(keyHeads)} of them with keys, of ${described(width)} features: heads must divide the features, and those with keys the heads`,
  );
}

function requireFeatures(memoryWidth: number | undefined): void {
  const is = memoryWidth === undefined || (Number.isInteger(memoryWidth) && memoryWidth > 0);
  requireKind('multiHeadAttention', 'memoryWidth', memoryWidth, is, 'a number of features, whole and positive');
}

const names: readonly string[] = ['x', 'memory', 'lengths', 'mask'] satisfies (keyof Attended)[];

const isAttended = (given: unknown): given is Attended =>
  typeof given === 'object' && given !== null && Object.keys(given).every((name) => names.includes(name));

/** What attention is given, if it fits the layer. @throws ShapeError or DataError for what does not */
function attendedOf(given: Value | Attended, width: number, memoryWidth: number | undefined): Attended {
  const where = 'multiHeadAttention';
  const attended = isValue(given) ? { x: given } : given;
  const wanted = `a value [N, T, ${width}], or { x, memory, lengths, mask }`;
  requireKind(where, 'what it is given', attended, isAttended(attended), wanted);
  requireSteps(where, 'x', attended.x, width);
  const { memory } = attended;
  const isMemory = (memory === undefined) === (memoryWidth === undefined);
  const way =
    memoryWidth === undefined ? 'left out, or the layer made with memoryWidth' : 'a value, for it was made so';
  requireKind(where, 'memory', memory, isMemory, way);
  if (memory) requireSteps(where, 'memory', memory, memoryWidth!, attended.x.spec.shape[0]);
  return attended;
}

/** @throws ShapeError unless x is `[N, T, width]` */
export function requireSteps(where: string, name: string, x: Value, width: number, samples?: number): void {
  const given = specOf(where, name, x);
  const [N, T, features] = given.shape;
  const fits = given.shape.length === 3 && features === width && T > 0 && (samples === undefined || N === samples);
  if (fits && given.dtype === 'f32') return;
  throw new ShapeError(
    `[${where}] ${name} is ${formatSpec(given)} but must be f32 [${samples ?? 'N'}, T, ${width}], samples, steps, features: reshape it`,
  );
}
