import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import { counted } from '../../core/textFormat.ts';
import { byteCoder, partsOf, vocabularyCoder, type Coder } from './coders.ts';
import { huggingFaceCoder, type HuggingFaceTokenizers } from './huggingFaceCoder.ts';
import { pairCoder } from './pairCoder.ts';
import { formIn, SPECIALS, type Special, type TokenizerForm } from './tokenizerForm.ts';

/** Texts as tokens, whole numbers from 0 on, and back. */
export interface Tokenizer {
  /** Tokens that there are. */
  readonly size: number;
  /** The tokens that stand for no text, where there are such. */
  readonly special: Readonly<Partial<Record<Special, number>>>;
  /** What is kept beside a model's weights: `readTokenizer` makes the same of it. */
  readonly form: TokenizerForm;
  /** @throws DataError for a character or word that is not in the vocabulary, where no token stands for those */
  encode(text: string): Int32Array;
  /**
   * The text of tokens, without padding, begin and end; `�` for what was unknown. Words come with a blank between them.
   * @throws DataError for a number that is no token
   */
  decode(tokens: ArrayLike<number>): string;
}

/** What `tokenizer` may be told. */
export interface TokenizerOptions {
  /** What a token stands for: `characters`. Of parts of words there is `bytePairTokenizer`. */
  readonly kind?: 'characters' | 'words' | 'bytes' | undefined;
  /** How often a character or word must occur to have a token: 1. */
  readonly minCount?: number | undefined;
  /** Tokens at most, special ones among them; those of the rarest give way. */
  readonly maxSize?: number | undefined;
  /** Of words `['padding', 'unknown']`, else none. */
  readonly special?: readonly Special[] | undefined;
  /** Whether words are in small letters: true. */
  readonly lowerCase?: boolean | undefined;
}

/** Texts, or a single one, in a list. @throws DataError for what is neither, and if all are empty */
export function textsIn(where: string, given: string | Iterable<string>): string[] {
  const texts: unknown[] =
    typeof given === 'string' ? [given] : Symbol.iterator in Object(given) ? [...(given as Iterable<unknown>)] : [];
  const are =
    typeof given === 'string' || (Symbol.iterator in Object(given) && texts.every((one) => typeof one === 'string'));
  requireKind(where, 'what is given', given, are, 'a text, or a list of texts');
  if (!texts.some((text) => text !== '')) {
    throw new DataError(`[${where}] the text is empty: give one that has characters`);
  }
  return texts as string[];
}

/** @throws DataError for what is no list of special tokens */
export function requireSpecials(where: string, given: readonly Special[]): void {
  const are =
    Array.isArray(given) && given.every((name) => SPECIALS.includes(name)) && new Set(given).size === given.length;
  requireKind(where, 'special', given, are, `a list of some of ${SPECIALS.join(', ')}, each once`);
}

export const requireSize = (where: string, name: string, given: number): void =>
  requireKind(
    where,
    name,
    given,
    given === Infinity || (Number.isSafeInteger(given) && given > 0),
    'a whole number above 0',
  );

/**
 * A tokenizer of the characters, words or bytes of texts, the most frequent ones first.
 *
 *     tokenizer(text); // of characters: 65 of Shakespeare's
 *     tokenizer(sentences, { kind: 'words', minCount: 2, maxSize: 20_000 });
 *
 * @throws DataError for empty texts
 */
export function tokenizer(texts: string | Iterable<string>, options: TokenizerOptions = {}): Tokenizer {
  const where = 'tokenizer';
  const usual = { kind: 'characters', minCount: 1, maxSize: Infinity, special: undefined, lowerCase: true } as const;
  const { kind, minCount, maxSize, special, lowerCase } = optionsOf<TokenizerOptions, typeof usual>(
    where,
    options,
    usual,
  );
  requireKind(where, 'kind', kind, ['characters', 'words', 'bytes'].includes(kind), 'characters, words or bytes');
  requireSize(where, 'minCount', minCount);
  requireSize(where, 'maxSize', maxSize);
  const own = special ?? (kind === 'words' ? ['padding', 'unknown'] : []);
  requireSpecials(where, own);
  const all = textsIn(where, texts);
  if (kind === 'bytes') return tokenizerOf({ kind, special: own });
  const counts = new Map<string, number>();
  for (const text of all)
    for (const part of partsOf({ kind, lowerCase }, text)) counts.set(part, (counts.get(part) ?? 0) + 1);
  const frequent = [...counts].filter(([, count]) => count >= minCount);
  const tokens = frequent
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, Math.max(0, maxSize - own.length))
    .map(([part]) => part);
  if (tokens.length === 0) {
    throw new DataError(
      `[tokenizer] of ${counted(counts.size, 'different part')} none occurs ${minCount} times and has room beside ${counted(own.length, 'special token')}: give longer texts, a smaller minCount or a larger maxSize`,
    );
  }
  return tokenizerOf({ kind, special: own, tokens, ...(kind === 'words' && lowerCase && { lowerCase }) });
}

/**
 * Reads back a tokenizer's form, as from the JSON of a model file.
 * @param HuggingFace the class `Tokenizer` of @huggingface/tokenizers, which a form of `huggingFaceTokenizer` needs
 * @throws FormatError naming what is missing of it; DataError where that class is missing
 */
export const readTokenizer = (form: unknown, HuggingFace?: HuggingFaceTokenizers): Tokenizer =>
  tokenizerOf(formIn(form), HuggingFace);

/** What texts become beside the special tokens, which come first; theirs are where they are. */
function coderOf(form: TokenizerForm, HuggingFace: HuggingFaceTokenizers | undefined) {
  if (form.kind === 'huggingFace') return { first: 0, ...huggingFaceCoder(form, HuggingFace) };
  const coder: Coder =
    form.kind === 'bytes' ? byteCoder : form.kind === 'bytePairs' ? pairCoder(form) : vocabularyCoder(form);
  const special: Tokenizer['special'] = Object.fromEntries(form.special.map((name, at) => [name, at]));
  return { first: form.special.length, special, ...coder };
}

/** A tokenizer of a sound form. */
export function tokenizerOf(form: TokenizerForm, HuggingFace?: HuggingFaceTokenizers): Tokenizer {
  const { first, special, ...coder } = coderOf(form, HuggingFace);
  const size = first + coder.size;
  const unknown = special.unknown;
  const refuse = (part: string): void => {
    if (unknown !== undefined) return;
    throw new DataError(
      `[tokenizer] "${part}" is not among the ${size} ${form.kind} of the vocabulary: leave it out, or make the tokenizer with special: ['unknown']`,
    );
  };
  return {
    size,
    special,
    form,
    encode(text) {
      requireKind('tokenizer', 'what is encoded', text, typeof text === 'string', 'a text');
      return coder.encode(text, refuse).map((token) => (token < 0 ? unknown! : first + token));
    },
    decode(tokens) {
      const are = typeof tokens === 'object' && tokens !== null && 'length' in tokens;
      requireKind('tokenizer', 'what is decoded', tokens, are, 'a list of tokens');
      const given = Array.from(tokens);
      const at = given.findIndex((token) => !(Number.isInteger(token) && token >= 0 && token < size));
      if (at >= 0) {
        throw new DataError(
          `[tokenizer] token ${given[at]} at place ${at} is beyond the vocabulary, whose tokens are 0 … ${size - 1}: give those of this tokenizer`,
        );
      }
      return coder.decode(
        given
          .filter((token) => token >= first || token === unknown)
          .map((token) => (token < first ? -1 : token - first)),
      );
    },
  };
}
