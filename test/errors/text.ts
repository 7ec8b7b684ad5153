import { Tokenizer } from '@huggingface/tokenizers';
import {
  dataset,
  huggingFaceTokenizer,
  labelledLines,
  pairedLines,
  readClassFiles,
  readLabelledLines,
  readLinesForm,
  readText,
  readTokenizer,
  textStream,
  tokenizer,
} from '../../src/data/index.ts';
import { textFiles } from '../../src/node.ts';
import { leastTokenizerJson } from '../support/huggingFace.ts';
import type { Case } from '../support/provoke.ts';

const form = { kind: 'words', special: ['unknown'], tokens: ['a'] };

const lines = (text: string) => readLabelledLines('f', text);
const linesForm = { tokenizer: { kind: 'bytes', special: ['padding'] }, classes: ['a', 'b'], length: 3 };

const described = [
  null,
  { ...form, special: ['start'] },
  { ...form, tokens: [] },
  { ...form, kind: 'letters' },
  { kind: 'bytePairs', special: [], merges: 3 },
  { kind: 'bytePairs', special: [], merges: [[97, 300]] },
  { kind: 'huggingFace', json: {} },
].map((given): Case => ['[tokenizer] the description', () => readTokenizer(given)]);

export const texts: readonly Case[] = [
  ['[<tokenizer>] the text is empty', () => tokenizer(['', ''])],
  ['[tokenizer] of', () => tokenizer('a b', { kind: 'words', minCount: 2 })],
  ['[tokenizer] "<text>" is not among', () => tokenizer('ab').encode('abc')],
  ['[tokenizer] token', () => tokenizer('ab').decode([2])],
  ...described,
  ['[tokenizer] this is a description', () => readTokenizer({ kind: 'huggingFace', json: {}, config: {} })],
  ['[huggingFaceTokenizer] the package', () => huggingFaceTokenizer(Tokenizer, { pad_token: '[PAD]' })],
  [
    '[huggingFaceTokenizer] the token',
    () => huggingFaceTokenizer(Tokenizer, leastTokenizerJson, { pad_token: '[PAD]' }),
  ],
  ['[textFiles] <path>', () => textFiles('/nowhere/at/all')],
  ['[text] <file> is', () => readText('f', Uint8Array.of(0xff))],
  ['[lines] <file>: line', () => lines('a b\nc\n')],
  ['[lines] <file> has', () => lines('\n')],
  ['[lines] there is', () => readClassFiles([new File(['a'], 'a')])],
  ['[labelledLines] all', async () => labelledLines(await lines('a b\n'))],
  ['[labelledLines] <file>: line', async () => labelledLines(await lines('c b\n'), { form: readLinesForm(linesForm) })],
  ['[labelledLines] the description', () => readLinesForm({ ...linesForm, classes: ['a'] })],
  ['[pairedLines] <file>', () => pairedLines({ name: 'a', text: 'x\ny' }, { name: 'b', text: 'x' })],
  ['[textStream] the text', () => textStream(new Int32Array(40), { context: 40 })],
  ['[textStream] the text', () => textStream(new Int32Array(400), { context: 10, streams: 8 })],
  [
    '[dataset] field "<name>" has <n> numbers, but',
    () => dataset({ x: { data: new Float32Array(10), shape: [3], stride: 2 } }),
  ],
];
