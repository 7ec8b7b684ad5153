import { requireKind } from '../../core/argumentChecks.ts';
import type { HuggingFaceTokenizers } from './huggingFaceCoder.ts';
import { tokenizerOf, type Tokenizer } from './tokenizer.ts';
import { isObject } from './tokenizerForm.ts';

/**
 * A tokenizer that Hugging Face's tokenizer.json describes, through the package @huggingface/tokenizers, whose class is
 * handed in. Tokens have the numbers that they have there.
 *
 *     import { Tokenizer } from '@huggingface/tokenizers';
 *     const own = huggingFaceTokenizer(Tokenizer, JSON.parse(json), JSON.parse(config));
 *
 * @param json what tokenizer.json says
 * @param config what tokenizer_config.json says, which names the tokens for padding, unknown, begin (or `cls_token`) and
 *   end (or `sep_token`); without it there are none of those
 * @throws FormatError for what the package does not read, and for a special token that is not in the vocabulary
 */
export function huggingFaceTokenizer(Tokenizer: HuggingFaceTokenizers, json: object, config: object = {}): Tokenizer {
  const where = 'huggingFaceTokenizer';
  requireKind(where, 'json', json, isObject(json), 'the object that tokenizer.json has, read by JSON.parse');
  requireKind(
    where,
    'config',
    config,
    isObject(config),
    'the object that tokenizer_config.json has, read by JSON.parse',
  );
  return tokenizerOf({ kind: 'huggingFace', json, config }, Tokenizer);
}
