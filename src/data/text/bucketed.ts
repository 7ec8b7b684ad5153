import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { requireSeed } from '../../core/random.ts';
import { dataset, type Dataset, type FieldSpec } from '../dataset.ts';
import type { Lengths } from './bucketShapes.ts';
import { bucketsOf, type Batch } from './buckets.ts';
import { requirePairs, type SentencePair } from './sentencePairs.ts';
import { requireSize, type Tokenizer } from './tokenizer.ts';

/**
 * Fields of pairs: `source` `[S]`, with the end behind it, and `sourceLength`; `input` `[T]`, the target behind the
 * beginning, and at each place the token that follows, `target` `[T]`, with the end behind it; and `length`, how many of
 * both count. What is shorter has padding behind it: `crossEntropy` with `ignoreIndex: tokenizer.special.padding`.
 */
export type PairFields = 'source' | 'sourceLength' | 'input' | 'target' | 'length';

/** What `bucketed` may be told. */
export interface BucketedOptions {
  /** Of both sides, or one of each: they must have tokens for padding, begin and end, the same in both. */
  readonly tokenizer: Tokenizer | readonly [source: Tokenizer, target: Tokenizer];
  /** Pairs of a batch. */
  readonly batchSize: number;
  /** Shapes at most that batches have: 8. Each is a program to compile, and the last, short batch another. */
  readonly shapes?: number | undefined;
  /** Tokens of a side at most, its end among them: 128. What is longer loses its end. */
  readonly longest?: number | undefined;
  /** Fixes the order of pairs and batches in each epoch: 0. */
  readonly seed?: number | undefined;
}

/** Batches of pairs of like length, for `fit(batches, { epochs })`. Each epoch has an order of its own. */
export interface Bucketed extends Iterable<Dataset<PairFields>> {
  /** What samples are like in the longest shape, for `createTrainer({ data })`. */
  readonly specs: Readonly<Record<PairFields, FieldSpec>>;
  /** Lengths of source and target by bucket, the shortest first. */
  readonly shapes: readonly Lengths[];
  /** Batches of an epoch. */
  readonly steps: number;
  /** The share of all tokens in an epoch's batches that is padding. */
  readonly padding: number;
  /** The batches of an epoch, counted from 0, behind the first `taken`. */
  epoch(number: number, taken?: number): Iterable<Dataset<PairFields>>;
  /** Other pairs in the longest shape, as to validate by. */
  padded(pairs: readonly SentencePair[]): Dataset<PairFields>;
}

/** Tokens of both sides, without begin and end. */
type Tokens = readonly [Int32Array, Int32Array];

const USUAL = { tokenizer: undefined, batchSize: undefined, shapes: 8, longest: 128, seed: 0 };

/**
 * Pairs of sentences in batches of a few shapes, so that little of what is computed is padding.
 *
 *     const batches = bucketed(pairs, { tokenizer, batchSize: 64 });
 *     const trainer = await createTrainer({ model, loss, optimizer, batchSize: 64, data: batches.specs });
 *     for await (const report of trainer.fit(batches, { epochs: 10, validation: batches.padded(others) })) …
 *
 * Within an epoch each pair comes once; what is left of a bucket goes with the next longer one. An epoch follows from seed
 * and number alone, so that a run that goes on from a checkpoint ends in the same bits.
 * @throws DataError for what is no list of pairs, and for tokenizers without padding, begin and end
 */
export function bucketed(pairs: readonly SentencePair[], options: BucketedOptions): Bucketed {
  const where = 'bucketed';
  requirePairs(where, pairs);
  const given = optionsOf<BucketedOptions, typeof USUAL>(where, options, USUAL);
  const { batchSize, shapes: most, longest, seed } = given;
  for (const [name, count] of Object.entries({ batchSize, shapes: most, longest })) requireSize(where, name, count);
  requireSeed(where, seed);
  const coder = coderOf(given.tokenizer, longest);
  const all = pairs.map(coder.tokensOf);
  const buckets = bucketsOf(all.map(lengthsOf), { where, batchSize, shapes: most, seed });
  const { shapes, steps, padding } = buckets;
  const made = ({ bucket, samples }: Batch) =>
    coder.rowsOf(
      samples.map((at) => all[at]),
      shapes[bucket],
    );
  const epoch = function* (number: number, taken = 0) {
    for (const batch of buckets.epoch(number).slice(taken)) yield made(batch);
  };
  return {
    specs: coder.rowsOf([all[0]], shapes.at(-1)!).fields,
    shapes,
    steps,
    padding,
    epoch,
    [Symbol.iterator]: () => epoch(0),
    padded(others) {
      requirePairs('bucketed.padded', others);
      return coder.rowsOf(others.map(coder.tokensOf), shapes.at(-1)!);
    },
  };
}

/** Either side has its end, or its beginning, beside its tokens. */
const lengthsOf = ([source, target]: Tokens): Lengths => [source.length + 1, target.length + 1];

const specialsOf = (of: Tokenizer): (number | undefined)[] => [
  of?.special?.padding,
  of?.special?.begin,
  of?.special?.end,
];

/** How pairs become tokens, and tokens rows. */
function coderOf(given: BucketedOptions['tokenizer'], longest: number) {
  const [source, target] = Array.isArray(given)
    ? (given as readonly Tokenizer[])
    : [given as Tokenizer, given as Tokenizer];
  const [padding, begin, end] = specialsOf(target);
  const are = [...specialsOf(source), padding, begin, end].every((token) => token !== undefined);
  const wanted = 'one with tokens for padding, begin and end, or two that have the same ones';
  const areSame = specialsOf(source).join() === specialsOf(target).join();
  requireKind('bucketed', 'tokenizer', given, are && areSame, wanted);
  return {
    tokensOf: ([text, other]: SentencePair): Tokens => [
      source.encode(text).subarray(0, longest - 1),
      target.encode(other).subarray(0, longest - 1),
    ],
    rowsOf(rows: readonly Tokens[], [S, T]: Lengths): Dataset<PairFields> {
      const filled = (width: number, row: (own: Tokens) => readonly [Iterable<number>, Iterable<number>]) => {
        const data = new Int32Array(rows.length * width).fill(padding!);
        rows.forEach((own, at) => {
          const [before, behind] = row(own);
          data.set([...before, ...behind].slice(0, width), at * width);
        });
        return { data, shape: [width] };
      };
      return dataset({
        source: filled(S, ([own]) => [own.subarray(0, S - 1), [end!]]),
        sourceLength: Int32Array.from(rows, ([own]) => Math.min(S, own.length + 1)),
        input: filled(T, ([, own]) => [[begin!], own]),
        target: filled(T, ([, own]) => [own.subarray(0, T - 1), [end!]]),
        length: Int32Array.from(rows, ([, own]) => Math.min(T, own.length + 1)),
      });
    },
  };
}
