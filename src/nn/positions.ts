import { described, optionsOf, requireFinite } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { formatSpec, spec } from '../core/shape.ts';
import { constant } from '../graph/leaf.ts';
import { specOf, type Value } from '../graph/graph.ts';
import { gather } from '../ops/indexing/gather.ts';
import { add } from '../ops/pointwise/arithmetic.ts';
import { slice } from '../ops/shaping/pieces.ts';
import { requireTable } from './embedding.ts';
import { randomNormal, type Initializer } from './initializers.ts';
import { defineLayer, type FloatLayer } from './layer.ts';

/** How many steps x has. @throws ShapeError unless it is `[…, T, width]` */
function stepsOf(where: string, x: Value, width: number): number {
  const given = specOf(where, 'x', x);
  const { shape, dtype } = given;
  if (dtype === 'f32' && shape.length >= 2 && shape.at(-1) === width) return shape.at(-2)!;
  throw new ShapeError(
    `[${where}] x is ${formatSpec(given)} but must be f32 […, T, ${width}], steps of ${width} features: reshape it`,
  );
}

/** What `positions` may be told. */
export interface PositionsOptions {
  /** N(0, 1) by default, as an embedding's. */
  readonly weightInitial?: Initializer;
}

/**
 * Adds to step t row t of the parameter `weight`, `[count, width]`: positions that are learned, as in GPT and BERT. PyTorch
 * has an `Embedding` of 0 … T − 1 for it, Keras `PositionEmbedding`.
 * @param count steps at most   @param width features of a step   @returns a layer from f32 `[…, T, width]` to its like
 * @throws ShapeError for more steps     Source: Gehring et al. 2017, 3.1
 */
export function positions(count: number, width: number, options: PositionsOptions = {}): FloatLayer {
  requireTable('positions', count, width);
  const defaults = { weightInitial: randomNormal(0, 1) };
  const { weightInitial } = optionsOf<PositionsOptions, typeof defaults>('positions', options, defaults);
  return defineLayer({
    name: 'positions',
    parameters: { weight: { shape: [count, width], initial: weightInitial } },
    apply(x, { weight }, { generation }) {
      const steps = stepsOf('positions', x, width);
      if (generation) {
        requireCapacity(generation.capacity, count);
        return add(x, gather(weight, generation.position));
      }
      if (steps > count) {
        throw new ShapeError(
          `[positions] x is ${formatSpec(x.spec)}, ${steps} steps, but there are ${count} positions: give the layer more, or cut what is longer`,
        );
      }
      return add(x, steps === count ? weight : slice(weight, [{ end: steps }]));
    },
  });
}

/** @throws ShapeError for contexts of a text that is generated beyond what is learned */
function requireCapacity(capacity: number, count: number): void {
  if (capacity <= count) return;
  throw new ShapeError(
    `[positions] a context of ${capacity} tokens, but there are ${count} positions: generate with a \`context\` of ${count} at most`,
  );
}

/** Sine and cosine of t · base^(−2i / width) in turn, `[steps, width]`. */
function wavesOf(steps: number, width: number, base: number): Float32Array {
  return Float32Array.from({ length: steps * width }, (_, at) => {
    const [t, feature] = [Math.floor(at / width), at % width];
    const angle = t * base ** ((-2 * Math.floor(feature / 2)) / width);
    return feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

/** What `sinusoidalPositions` may be told. */
export interface SinusoidalOptions {
  /** What the wavelengths grow to, over 2π: 10,000. */
  readonly base?: number;
}

/**
 * Adds to feature 2i of step t the sine of t · 10000^(−2i / width), and to feature 2i + 1 its cosine: nothing is learned, and
 * T may be any. Keras' `SinePositionEncoding` has the same numbers. The paper multiplies what it adds them to by √width
 * before; here that is the caller's.
 * @param width features of a step   @returns a layer from f32 `[…, T, width]` to its like
 * @throws DataError for a base that is not above 0     Source: Vaswani et al. 2017, 3.5
 */
export function sinusoidalPositions(width: number, options: SinusoidalOptions = {}): FloatLayer {
  const where = 'sinusoidalPositions';
  if (!(Number.isInteger(width) && width > 0)) {
    throw new ShapeError(`[${where}] a layer of ${described(width)} features: their number must be whole and positive`);
  }
  const { base } = optionsOf<SinusoidalOptions, { base: number }>(where, options, { base: 10_000 });
  requireFinite(where, 'base', base, Number.MIN_VALUE);
  return defineLayer({
    name: where,
    apply(x, _, { generation }) {
      const steps = generation?.capacity ?? stepsOf(where, x, width);
      const waves = constant(wavesOf(steps, width, base), spec([steps, width]));
      return add(x, generation ? gather(waves, generation.position) : waves);
    },
  });
}
