import { BYTES, type VocabularyForm } from './tokenizerForm.ts';
import { wordsOf } from './words.ts';

/** A tokenizer without special tokens: what it makes of texts are numbers from 0 on, and −1 of what is unknown to it. */
export interface Coder {
  readonly size: number;
  /** @param refuse told of each part that is unknown */
  encode(text: string, refuse: (part: string) => void): Int32Array;
  decode(tokens: readonly number[]): string;
}

/** What stands for what was unknown. */
const REPLACEMENT = '\ufffd';

export const partsOf = ({ kind, lowerCase = false }: Pick<VocabularyForm, 'kind' | 'lowerCase'>, text: string) =>
  kind === 'words' ? wordsOf(text, lowerCase) : Array.from(text);

export function vocabularyCoder(form: VocabularyForm): Coder {
  const { kind, tokens } = form;
  const places = new Map(tokens.map((token, at) => [token, at]));
  return {
    size: tokens.length,
    encode: (text, refuse) =>
      Int32Array.from(partsOf(form, text), (part) => {
        const place = places.get(part);
        if (place === undefined) refuse(part);
        return place ?? -1;
      }),
    decode: (given) => given.map((at) => tokens[at] ?? REPLACEMENT).join(kind === 'words' ? ' ' : ''),
  };
}

/** The text of some bytes. What is no UTF-8, as a character whose last byte is missing, is told as `�`. */
export const textOf = (bytes: Iterable<number>): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));

/** Of bytes nothing is unknown. */
export const byteCoder: Coder = {
  size: BYTES,
  encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
  decode: textOf,
};
