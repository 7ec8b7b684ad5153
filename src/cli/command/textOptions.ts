import { tokenizerNames, type Sampling, type TextWishes } from './commands.ts';
import type { Values } from './options.ts';
import { given, isPositive, number, oneOf, whole } from './optionValues.ts';

/** Options of training on text. */
export const textOptions = ['tokenizer', 'vocabulary', 'context', 'layers', 'heads', 'width', 'dropout'] as const;

export const samplingOptions = ['temperature', 'top-k', 'top-p', 'seed'] as const;

const isShare = (n: number): boolean => n >= 0 && n < 1;

export function textWishes(values: Values): TextWishes {
  const count = (name: 'vocabulary' | 'context' | 'layers' | 'heads' | 'width') =>
    given(values[name], (text) => whole(name, text, 1));
  return {
    tokenizer: given(values.tokenizer, (text) => oneOf('tokenizer', text, tokenizerNames)),
    vocabulary: count('vocabulary'),
    context: count('context'),
    layers: count('layers'),
    heads: count('heads'),
    width: count('width'),
    dropout: given(values.dropout, (text) => number('dropout', text, isShare, 'a share from 0 to below 1')),
  };
}

export const samplingOf = (values: Values): Sampling => ({
  temperature: given(values.temperature, (text) =>
    number('temperature', text, (n) => n >= 0 && n < Infinity, '0 or above'),
  ),
  topK: given(values['top-k'], (text) => whole('top-k', text, 1)),
  topP: given(values['top-p'], (text) => number('top-p', text, (n) => isPositive(n) && n <= 1, 'above 0, up to 1')),
  seed: whole('seed', values.seed ?? '1', 0),
});
