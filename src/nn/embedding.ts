import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { formatSpec, requireDtype, sizeOf, type Shape } from '../core/shape.ts';
import { isValue, specOf, type Value } from '../graph/graph.ts';
import { gather } from '../ops/indexing/gather.ts';
import { integerDtypes } from '../ops/data/integerReader.ts';
import { matmul } from '../ops/products/matmul.ts';
import { randomNormal, type Initializer } from './initializers.ts';
import { defineLayer, type Layer } from './layer.ts';

/** What `embedding` may be told. */
export interface EmbeddingOptions {
  /** The index that fills up short sequences: it gives 0, and no gradient flows through it. */
  readonly padding?: number;
  /** N(0, 1) by default, as in PyTorch; Keras takes uniform numbers in ±0.05. */
  readonly weightInitial?: Initializer;
}

/** What goes back through an embedding: from vectors to a number for each of its rows. */
interface Scored {
  readonly scored: Value;
}

/** From integers of any shape to f32 vectors. */
export type EmbeddingLayer = Layer<Value | Scored, Value<'f32'>>;

/** @throws ShapeError for numbers of rows or features that are none */
export function requireTable(where: string, count: number, width: number): void {
  if (Number.isInteger(count) && count > 0 && Number.isInteger(width) && width > 0) return;
  throw new ShapeError(
    `[${where}] a table of ${described(count)} rows of ${described(width)} features: both must be whole and positive`,
  );
}

/** The same law, with a row of 0. */
const without =
  (initial: Initializer, row: number, width: number): Initializer =>
  (shape: Shape, random) =>
    initial(shape, random).fill(0, row * width, (row + 1) * width);

/**
 * A vector for each of `count` integers, as words of a vocabulary: row i of the parameter `weight`, `[count, width]`. As
 * PyTorch's `Embedding`. What the gradient costs grows with the integers, not with the rows.
 * @param count rows; integers are 0 … count − 1   @param width features of a row
 * @returns a layer from integers `[…]` to f32 `[…, width]`
 * @throws ShapeError for other dtypes; DataError, where batches are checked, for an integer that is no row
 */
export function embedding(count: number, width: number, options: EmbeddingOptions = {}): EmbeddingLayer {
  requireTable('embedding', count, width);
  const defaults = { padding: undefined, weightInitial: randomNormal(0, 1) };
  const { padding, weightInitial } = optionsOf<EmbeddingOptions, typeof defaults>('embedding', options, defaults);
  const isRow = padding === undefined || (Number.isInteger(padding) && padding >= 0 && padding < count);
  requireKind('embedding', 'padding', padding, isRow, `one of ${count} rows, from 0`);
  const initial = padding === undefined ? weightInitial : without(weightInitial, padding, width);
  return defineLayer({
    name: 'embedding',
    parameters: { weight: { shape: [count, width], initial } },
    apply(given: Value | Scored, { weight }) {
      if (!isValue(given) && 'scored' in Object(given)) return matmul(given.scored, weight, { transposeB: true });
      const indices = given as Value;
      requireDtype('embedding', 'x', specOf('embedding', 'x', indices), ...integerDtypes);
      return gather(weight, indices, 0, { ...(padding !== undefined && { padding }) });
    },
  });
}

/**
 * The output layer that shares an embedding's weight: x · weightᵀ, a logit for each row, without a bias. What both learn is
 * added up. As PyTorch's models tie `lm_head.weight`, and Keras' `ReversibleEmbedding`.
 * @returns a layer from f32 `[…, width]` to `[…, count]`     Source: Press and Wolf 2017
 */
export function tied(table: EmbeddingLayer): Layer<Value, Value<'f32'>> {
  const { weight } = Object(Object(table).parameters) as EmbeddingLayer['parameters'];
  const is = (Object(table) as EmbeddingLayer).name === 'embedding' && weight !== undefined;
  requireKind('tied', 'what is tied', table, is, 'an embedding, as embedding(count, width)');
  const width = weight.shape[1];
  return defineLayer({
    name: 'tied',
    apply(x: Value, _, context) {
      const given = specOf('tied', 'x', x);
      if (
        given.dtype !== 'f32' ||
        given.shape.length < 2 ||
        given.shape.at(-1) !== width ||
        sizeOf(given.shape) === 0
      ) {
        throw new ShapeError(
          `[tied] x is ${formatSpec(given)} but must be f32 […, ${width}], as the embedding's own vectors`,
        );
      }
      return context.apply(table, { scored: x }, 'embedding');
    },
  });
}
