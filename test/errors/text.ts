import { dataset, readTokenizer, textStream, tokenizer } from '../../src/data/index.ts';
import type { Case } from '../support/provoke.ts';

const form = { kind: 'words', special: ['unknown'], tokens: ['a'] };

const described = [
  null,
  { ...form, special: ['start'] },
  { ...form, tokens: [] },
  { ...form, kind: 'letters' },
  { kind: 'bytePairs', special: [], merges: 3 },
  { kind: 'bytePairs', special: [], merges: [[97, 300]] },
].map((given): Case => ['[tokenizer] the description', () => readTokenizer(given)]);

export const texts: readonly Case[] = [
  ['[<tokenizer>] the text is empty', () => tokenizer(['', ''])],
  ['[tokenizer] of', () => tokenizer('a b', { kind: 'words', minCount: 2 })],
  ['[tokenizer] "<text>" is not among', () => tokenizer('ab').encode('abc')],
  ['[tokenizer] token', () => tokenizer('ab').decode([2])],
  ...described,
  ['[textStream] the text', () => textStream(new Int32Array(40), { context: 40 })],
  ['[textStream] the text', () => textStream(new Int32Array(400), { context: 10, streams: 8 })],
  [
    '[dataset] field "<name>" has <n> numbers, but',
    () => dataset({ x: { data: new Float32Array(10), shape: [3], stride: 2 } }),
  ],
];
