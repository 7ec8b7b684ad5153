import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModel } from '../../src/cli/modelFile.ts';
import { writeSafetensors } from '../../src/data/index.ts';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'millrace-model-'))));
afterAll(() => rm(folder, { recursive: true }));

/** A model of images of 2 × 2 in three classes: 15 weights. */
const image = { kind: 'image', shape: [2, 2], classes: ['a', 'b', 'c'] };
const size = { layers: 1, heads: 1, width: 4, dropout: 0 };
const text = { kind: 'text', tokenizer: { kind: 'bytes', special: [] }, context: 3, ...size };
const words = { kind: 'words', special: ['padding'], tokens: ['a'] };
const ngrams = { longest: 2, known: [[1]] };
const lines = { kind: 'lines', lines: { tokenizer: words, classes: ['a', 'b'], length: 3, ngrams }, ...size };
const tensors = {
  weight: { shape: [4, 3], data: new Float32Array(12) },
  bias: { shape: [3], data: new Float32Array(3) },
};

async function read(form: unknown) {
  const path = join(folder, 'model.safetensors');
  await writeFile(path, writeSafetensors({ tensors, metadata: { millrace: JSON.stringify(form) } }));
  return (await readModel(path)).form;
}

describe('the description in a model file', () => {
  test('is what it says, and nothing else', async () => {
    const levels = { ground: [0], border: { mean: 0, deviation: 1 }, whole: { mean: 0, deviation: 1 } };
    const input = { ...image, scaling: { scale: 1, offset: 0 }, levels };
    expect(await read({ input: { ...input, path: '../../etc' }, hidden: [], more: 1 })).toEqual({
      input,
      model: 'mlp',
      hidden: [],
    });
  });

  test('may be of any size where the model is none of it', async () => {
    const form = { input: { ...image, shape: [2 ** 20, 2 ** 20] }, model: 'resnet8', hidden: [] };
    expect(await read(form)).toEqual(form);
  });

  const what = 'does not say what it takes in';
  test.each<[string, unknown, string]>([
    ['a text', 'mlp', 'does not say how wide its layers are'],
    ['null', null, 'does not say how wide its layers are'],
    ['a layer of half a unit', { input: image, hidden: [0.5] }, 'does not say how wide its layers are'],
    ['the name of every object', { input: image, hidden: [], model: 'constructor' }, 'of a model "constructor" that'],
    ['a text of more layers', { input: { ...text, layers: 2 ** 40 }, model: 'gpt', hidden: [] }, 'more weights than'],
    ['a wider text', { input: { ...text, width: 2 ** 20 }, model: 'lstm', hidden: [] }, 'more weights than'],
    ['lines of more layers', { input: { ...lines, layers: 2 ** 40 }, model: 'gru', hidden: [] }, 'more weights than'],
    ['wider lines', { input: { ...lines, width: 2 ** 20 }, model: 'cnn', hidden: [] }, 'more weights than'],
    [
      'a translation of more layers',
      {
        input: { kind: 'translation', tokenizer: text.tokenizer, ...size, layers: 2 ** 40 },
        model: 'transformer',
        hidden: [],
      },
      'more weights than',
    ],
    ['a text of no context', { input: { ...text, context: 0 }, model: 'gpt', hidden: [] }, 'how many tokens it looks'],
    ['a text of half a head', { input: { ...text, heads: 0.5 }, model: 'gpt', hidden: [] }, 'how large its model is'],
    [
      'lines of more runs and classes',
      {
        input: {
          ...lines,
          lines: {
            ...lines.lines,
            classes: Array.from({ length: 99 }, (_, at) => `class ${at}`),
            ngrams: { ...ngrams, known: Array.from({ length: 99 }, (_, at) => [at]) },
          },
        },
        model: 'cnn',
        hidden: [],
      },
      'more weights than',
    ],
    [
      'lines without runs',
      { input: { ...lines, lines: { ...lines.lines, ngrams: undefined } }, model: 'cnn', hidden: [] },
      'which runs of words it knows',
    ],
    ['lines of no width', { input: { ...lines, width: 0 }, model: 'cnn', hidden: [] }, 'how large its model is'],
    ['no input', { hidden: [] }, what],
    ['a shape of texts', { input: { ...image, shape: ['2); evil(', 2] }, hidden: [] }, what],
    ['a shape of nothing', { input: { ...image, shape: [0, 2] }, hidden: [] }, what],
    ['four axes', { input: { ...image, shape: [1, 2, 2, 1] }, hidden: [] }, what],
    ['classes that are no texts', { input: { ...image, classes: [1, 2, 3] }, hidden: [] }, what],
    ['no classes', { input: { ...image, classes: [] }, hidden: [] }, what],
    [
      'scaling by a text',
      { input: { ...image, scaling: { scale: '1', offset: 0 } }, hidden: [] },
      'how its images are',
    ],
    [
      'levels without a ground',
      { input: { ...image, levels: { ground: [] } }, hidden: [] },
      'how light its images are',
    ],
    ['a table of nothing', { input: { kind: 'table' }, hidden: [] }, 'the description of a table lacks'],
    ['a weight more than there is', { input: image, hidden: [2] }, 'describes more weights than it holds'],
    ['2⁶⁰ weights', { input: image, hidden: [2 ** 30, 2 ** 30] }, 'describes more weights than it holds'],
    [
      'a picture of 2⁶⁰ pixels',
      { input: { ...image, shape: [2 ** 30, 2 ** 30] }, hidden: [] },
      'describes more weights',
    ],
  ])('is refused if it is %s', async (_, form, message) => {
    await expect(read(form)).rejects.toThrow(message);
  });
});
