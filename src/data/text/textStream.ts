import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import { counted } from '../../core/textFormat.ts';
import { dataset, type Dataset } from '../dataset.ts';
import { take } from '../samples.ts';
import { numbersIn, type GivenNumbers } from '../numbers.ts';

/** What `textStream` may be told. */
export interface TextStreamOptions {
  /** Tokens that a model sees of a text. */
  readonly context: number;
  /** The share of the tokens that is kept from training, the last ones: 0.1. */
  readonly heldOut?: number | undefined;
}

/** Windows of a text: `tokens` `[context]`, and at each place the one that follows, `target` `[context]`. */
export interface TextStream {
  /** A window for each place at which one begins, so that one that is drawn begins anywhere. */
  readonly train: Dataset<'tokens' | 'target'>;
  /** Windows behind each other, which tell each token that is held out once. */
  readonly validation: Dataset<'tokens' | 'target'>;
}

/** What `textStream` of several streams may be told. */
export interface ParallelStreamsOptions extends TextStreamOptions {
  /** Parts of the text that are read side by side, which is to be the `batchSize`. */
  readonly streams: number;
}

/** The same with `reset`, 1 where a window does not follow on the one before it in its stream. */
export interface ParallelStreams {
  /** The streams' first windows, then their second ones, and so on: for `fit(train, { shuffle: false })`. */
  readonly train: Dataset<'tokens' | 'target' | 'reset'>;
  /** Windows behind each other, each by itself; so many that batches of one for each stream have them all. */
  readonly validation: Dataset<'tokens' | 'target' | 'reset'>;
}

/**
 * A text to learn what comes next. Its windows overlap, and are kept as one text: n tokens take the room of 2 n, however
 * long a context is.
 *
 *     const { train, validation } = textStream(tokens, { context: 64 });
 *
 * With `streams` it is cut into as many parts, and each batch goes on in all of them where the one before it ended: for
 * recurrent models that carry their state, as `lstm(…, { streams })`, whose `reset` is the field of that name.
 * @param tokens `[n]`, as `tokenizer(…).encode` gives them
 * @throws DataError for a text that is shorter than its context
 */
export function textStream(tokens: GivenNumbers, options: ParallelStreamsOptions): ParallelStreams;
export function textStream(tokens: GivenNumbers, options: TextStreamOptions): TextStream;
export function textStream(tokens: GivenNumbers, options: TextStreamOptions): TextStream {
  const usual = { context: undefined, heldOut: 0.1, streams: undefined };
  const all = optionsOf<TextStreamOptions & { readonly streams?: number }, typeof usual>('textStream', options, usual);
  const { context, heldOut, streams } = all;
  requireCount('context', context);
  if (streams !== undefined) requireCount('streams', streams);
  const isShare = typeof heldOut === 'number' && heldOut > 0 && heldOut < 1;
  requireKind('textStream', 'heldOut', heldOut, isShare, 'a share between 0 and 1');
  const numbers = numbersIn('textStream', 'tokens', tokens, 'i32') as Int32Array;
  const learned = Math.floor(numbers.length * (1 - heldOut));
  requireRoom(numbers.length, { learned, context, streams: streams ?? 1 });
  const [train, validation] = [numbers.subarray(0, learned), numbers.subarray(learned)];
  const told = windowsOf(validation, context, context);
  if (streams === undefined) return { train: windowsOf(train, context, 1), validation: told };
  const { length, fields } = take(told, 0, told.length - (told.length % streams));
  const reset = dataset({ reset: new Int32Array(length).fill(1) });
  return {
    train: sideBySide(train, context, streams),
    validation: { length, fields: { ...fields, ...reset.fields } },
  };
}

/** Windows of a text without copying, each `stride` behind the one before. */
function windowsOf(text: Int32Array, context: number, stride: number): Dataset<'tokens' | 'target'> {
  const span = Math.floor((text.length - 1 - context) / stride) * stride + context;
  return dataset({
    tokens: { data: text.subarray(0, span), shape: [context], stride },
    target: { data: text.subarray(1, 1 + span), shape: [context], stride },
  });
}

/** Windows of as many parts of a text, the first ones of all parts first. */
function sideBySide(text: Int32Array, context: number, streams: number): Dataset<'tokens' | 'target' | 'reset'> {
  const steps = Math.floor((text.length - 1) / streams / context);
  const size = steps * streams * context;
  const [tokens, target] = [new Int32Array(size), new Int32Array(size)];
  const part = Math.floor((text.length - 1) / streams);
  for (let row = 0; row < steps * streams; row++) {
    const from = (row % streams) * part + Math.floor(row / streams) * context;
    tokens.set(text.subarray(from, from + context), row * context);
    target.set(text.subarray(from + 1, from + 1 + context), row * context);
  }
  return dataset({
    tokens: { data: tokens, shape: [context] },
    target: { data: target, shape: [context] },
    reset: Int32Array.from({ length: steps * streams }, (_, row) => (row < streams ? 1 : 0)),
  });
}

const requireCount = (name: string, count: number): void =>
  requireKind('textStream', name, count, Number.isSafeInteger(count) && count > 0, 'a whole number above 0');

/** @throws DataError where not one window of each stream fits each part */
function requireRoom(
  tokens: number,
  { learned, context, streams }: { readonly learned: number; readonly context: number; readonly streams: number },
): void {
  const least = streams * context + 1;
  if (learned >= least && tokens - learned >= least) return;
  const each = streams > 1 ? `${streams} streams of a context` : 'a context';
  throw new DataError(
    `[textStream] the text has ${counted(tokens, 'token')}, ${learned} to learn from and ${tokens - learned} held out, but ${each} of ${context} and what follows are ${least} of each: give a longer text, a smaller context, or another share as heldOut`,
  );
}
