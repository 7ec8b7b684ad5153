import { requireKind } from '../../core/argumentChecks.ts';
import { DataError, FormatError } from '../../core/errors.ts';
import type { Coder } from './coders.ts';
import type { Tokenizer } from './tokenizer.ts';
import { isObject, SPECIALS, type HuggingFaceForm, type Special } from './tokenizerForm.ts';

/** What is asked of the class `Tokenizer` of the package @huggingface/tokenizers. */
export type HuggingFaceTokenizers = new (
  json: object,
  config: object,
) => {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly number[] };
  decode(tokens: number[], options: { readonly skip_special_tokens: boolean }): string;
  get_vocab(added?: boolean): ReadonlyMap<string, number>;
};

/** As whose names tokenizer_config.json tells the special tokens. Source: transformers, SPECIAL_TOKENS_ATTRIBUTES */
const NAMES: Readonly<Record<Special, readonly string[]>> = {
  padding: ['pad_token'],
  unknown: ['unk_token'],
  begin: ['bos_token', 'cls_token'],
  end: ['eos_token', 'sep_token'],
};

/** What their description makes of texts, and which of its tokens stand for none. */
export interface HuggingFaceCoder extends Coder {
  readonly special: Tokenizer['special'];
}

/** @throws DataError where the class is not at hand */
export function huggingFaceCoder(
  form: HuggingFaceForm,
  Tokenizer: HuggingFaceTokenizers | undefined,
): HuggingFaceCoder {
  if (!Tokenizer) {
    throw new DataError(
      "[tokenizer] this is a description of Hugging Face's: give their class as well, readTokenizer(form, Tokenizer), or the tokenizer itself",
    );
  }
  const isClass = typeof Tokenizer === 'function' && typeof Object(Tokenizer.prototype).get_vocab === 'function';
  requireKind('tokenizer', 'the class', Tokenizer, isClass, 'Tokenizer of the package @huggingface/tokenizers');
  const theirs = opened(form, Tokenizer);
  const places = theirs.get_vocab(true);
  let size = 0;
  for (const place of places.values()) size = Math.max(size, place + 1);
  return {
    size,
    special: specialIn(form, places),
    encode: (text) => Int32Array.from(theirs.encode(text, { add_special_tokens: false }).ids),
    // Of no tokens the package says that they are none.
    decode: (tokens) => (tokens.length === 0 ? '' : theirs.decode([...tokens], { skip_special_tokens: true })),
  };
}

function opened({ json, config }: HuggingFaceForm, Tokenizer: HuggingFaceTokenizers) {
  try {
    return new Tokenizer(json, config);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(
      `[huggingFaceTokenizer] the package does not read this: ${why}; give what tokenizer.json says, not tokenizer_config.json`,
      { cause },
    );
  }
}

/** Each special token is a text, or an object whose content it is. */
function contentOf(token: unknown): string | undefined {
  const content: unknown = isObject(token) && 'content' in token ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}

function specialIn({ config }: HuggingFaceForm, places: ReadonlyMap<string, number>): Tokenizer['special'] {
  const special: Partial<Record<Special, number>> = {};
  for (const name of SPECIALS) {
    const tokens = NAMES[name].map((key) => contentOf((config as Readonly<Record<string, unknown>>)[key]));
    const token = tokens.find((one) => one !== undefined);
    if (token === undefined) continue;
    const place = places.get(token);
    if (place === undefined) {
      throw new FormatError(
        `[huggingFaceTokenizer] the token for ${name} is "${token}", which is not among the ${places.size} of tokenizer.json: give the tokenizer_config.json beside it`,
      );
    }
    special[name] = place;
  }
  return special;
}
