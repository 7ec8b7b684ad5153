import { FormatError } from '../../core/errors.ts';

/** Tokens that stand for no text: what fills rows, what is not in the vocabulary, where a text begins and ends. */
export type Special = 'padding' | 'unknown' | 'begin' | 'end';

export const SPECIALS: readonly Special[] = ['padding', 'unknown', 'begin', 'end'];

interface AnyForm {
  /** They are tokens 0, 1, …, in this order; those of texts follow. */
  readonly special: readonly Special[];
}

/** A token for each character, that is code point, or for each word. */
export interface VocabularyForm extends AnyForm {
  readonly kind: 'characters' | 'words';
  /** By falling count. */
  readonly tokens: readonly string[];
  /** Whether capital letters count as small ones: of words. */
  readonly lowerCase?: boolean | undefined;
}

/** A token for each of the 256 bytes of UTF-8. */
export interface BytesForm extends AnyForm {
  readonly kind: 'bytes';
}

/** Bytes, and pairs of tokens that are joined to one: merge i makes of two tokens, each below 256 + i, the token 256 + i. */
export interface BytePairsForm extends AnyForm {
  readonly kind: 'bytePairs';
  readonly merges: readonly (readonly [number, number])[];
}

/** What Hugging Face's files say. */
export interface HuggingFaceForm {
  readonly kind: 'huggingFace';
  /** Of tokenizer.json. */
  readonly json: object;
  /** Of tokenizer_config.json. */
  readonly config: object;
}

/** All that is needed to cut further texts as those were that a model learned from. Plain data, to be kept with it as JSON. */
export type TokenizerForm = VocabularyForm | BytesForm | BytePairsForm | HuggingFaceForm;

export const isObject = (given: unknown): given is object =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

export const BYTES = 256;

/** Bytes of a token at most: no piece of a text has more, see pieces.ts. */
const LONGEST = 65 * 4;

/** Checks a form that was read back from JSON. @throws FormatError naming what is missing */
export function formIn(given: unknown): TokenizerForm {
  const { kind, special, tokens, lowerCase, merges, json, config } = Object(given) as Readonly<Record<string, unknown>>;
  if (kind === 'huggingFace') {
    if (!isObject(json) || !isObject(config)) throw lacks('json and config, what the two files say');
    return { kind, json, config };
  }
  if (!isListOf(special, (name) => SPECIALS.includes(name as Special))) {
    throw lacks(`special, a list of some of ${SPECIALS.join(', ')}, each once`);
  }
  const own = special as Special[];
  switch (kind) {
    case 'bytes':
      return { kind, special: own };
    case 'characters':
    case 'words': {
      const areTexts = isListOf(tokens, (token) => typeof token === 'string' && token !== '');
      if (!areTexts || (tokens as string[]).length === 0) throw lacks('tokens, a list of texts, each once');
      return { kind, special: own, tokens: tokens as string[], ...(lowerCase === true && { lowerCase }) };
    }
    case 'bytePairs':
      return { kind, special: own, merges: mergesIn(merges) };
  }
  throw lacks('its kind, characters, words, bytes, bytePairs or huggingFace');
}

const isListOf = (given: unknown, isOne: (one: unknown) => boolean): boolean =>
  Array.isArray(given) && given.every(isOne) && new Set(given).size === given.length;

/** Merges, each of tokens that were there before. One after the other could double a token, so its bytes are counted. */
function mergesIn(given: unknown): (readonly [number, number])[] {
  const lengths = new Array<number>(BYTES).fill(1);
  const seen = new Set<string>();
  if (!Array.isArray(given)) throw lacks('merges, a list of pairs');
  return given.map((merge: unknown) => {
    const [a, b] = Array.isArray(merge) && merge.length === 2 ? (merge as readonly number[]) : [-1, -1];
    const length = lengths[a] + lengths[b];
    if (!(length <= LONGEST) || seen.has(`${a} ${b}`)) {
      throw lacks(
        `pairs of tokens that were there before, each once and of at most ${LONGEST} bytes, among its merges`,
      );
    }
    seen.add(`${a} ${b}`);
    lengths.push(length);
    return [a, b] as const;
  });
}

const lacks = (what: string): FormatError =>
  new FormatError(`[tokenizer] the description of a tokenizer lacks ${what}: make the tokenizer and train again`);
