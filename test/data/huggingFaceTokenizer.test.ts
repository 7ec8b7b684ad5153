import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import { expect, test } from 'vitest';
import { bucketed, encodeTexts, huggingFaceTokenizer, labelledLines, readTokenizer } from '../../src/data/index.ts';

interface Golden {
  readonly name: string;
  readonly json: object;
  readonly config: Readonly<Record<string, unknown>>;
  readonly size: number;
  readonly texts: readonly { readonly text: string; readonly tokens: readonly number[]; readonly decoded: string }[];
}

const url = new URL('../goldens/huggingFace.json', import.meta.url);
const { cases } = JSON.parse(await readFile(url, 'utf8')) as { readonly cases: readonly Golden[] };
const [bytePairs, wordPieces] = cases;

test.each(cases)("of $name has the tokens of Hugging Face's library, and gives back its texts", (golden) => {
  const own = huggingFaceTokenizer(Tokenizer, golden.json, golden.config);
  const again = readTokenizer(JSON.parse(JSON.stringify(own.form)), Tokenizer);
  expect(own.size).toBe(golden.size);
  for (const { text, tokens, decoded } of golden.texts) {
    expect([...own.encode(text)]).toEqual(tokens);
    expect([...again.encode(text)]).toEqual(tokens);
    expect(own.decode(tokens)).toBe(decoded);
  }
});

test('special tokens are those that the settings name, where the vocabulary has them, and are no text', () => {
  const own = huggingFaceTokenizer(Tokenizer, wordPieces.json, wordPieces.config);
  expect(own.special).toEqual({ padding: 0, unknown: 1, begin: 2, end: 3 });
  const tokens = own.encode('The wheel turns');
  expect(own.decode([2, ...tokens, 3, 0, 0])).toBe('the wheel turns');
  expect(huggingFaceTokenizer(Tokenizer, bytePairs.json, bytePairs.config).special).toEqual({
    padding: 0,
    begin: 1,
    end: 2,
  });
  expect(huggingFaceTokenizer(Tokenizer, wordPieces.json).special).toEqual({});
});

test('sentences and pairs of them are made sets by it as by our own', () => {
  const tokenizer = huggingFaceTokenizer(Tokenizer, bytePairs.json, bytePairs.config);
  const batches = [...bucketed([['the wheel', 'turns']], { tokenizer, batchSize: 1 })];
  const target = [...tokenizer.encode('turns'), 2];
  expect(batches.map(({ fields }) => [...fields.target.data])).toEqual([target]);
  const lines = ['good', 'bad'].map((label, at) => ({ label, text: `the ${label} wheel`, file: 'f', line: at + 1 }));
  const { form, data } = labelledLines(lines, { tokenizer });
  const kept = JSON.parse(JSON.stringify(form)) as typeof form;
  const texts = lines.map(({ text }) => text);
  expect(encodeTexts(kept, texts, readTokenizer(kept.tokenizer, Tokenizer)).fields.tokens.data).toEqual(
    data.fields.tokens.data,
  );
  expect(() => encodeTexts(kept, texts)).toThrow(/description of Hugging Face's: give their class/);
  expect(() =>
    labelledLines(lines, { form: kept, tokenizer: huggingFaceTokenizer(Tokenizer, bytePairs.json) }),
  ).toThrow(/tokenizer is .* must be one with a token for padding/);
});
