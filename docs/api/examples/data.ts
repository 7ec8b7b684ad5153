// Examples of data sets and their files.

import { Tokenizer } from '@huggingface/tokenizers';
import { linear, logMel, features } from '../../../src/index.ts';
import {
  answersOf,
  bucketed,
  bucketedLines,
  bytePairTokenizer,
  cifar10,
  cifar10Classes,
  concat,
  encodeTable,
  encodeTexts,
  fashionMnist,
  featureCount,
  files,
  folds,
  forecastsOf,
  fsdd,
  huggingFaceTokenizer,
  labelledLines,
  lastWindow,
  levelled,
  likeliest,
  linesIn,
  linesOfTable,
  map,
  mnist,
  mono,
  namesColumns,
  onGround,
  outputCount,
  pairedLines,
  pick,
  prepareSeries,
  prepareTable,
  readClassFiles,
  readIdx,
  readLabelledLines,
  readLinesForm,
  readSafetensors,
  readSeriesForm,
  readTable,
  readTableForm,
  readText,
  readTokenizer,
  readWav,
  resample,
  rows,
  soundOf,
  split,
  spokenStrings,
  standardized,
  statisticsOf,
  syntheticDigits,
  textStream,
  tokenizer,
  trimmed,
  waveforms,
  windows,
  writeSafetensors,
  type Recording,
} from '../../../src/data/index.ts';
import { line, type Examples } from './stage.ts';

/** Twenty flowers of two kinds. */
const flowers = () =>
  readTable(
    'flowers.csv',
    `size,kind\n${Array.from({ length: 20 }, (_, i) => `${i},${i < 10 ? 'a' : 'b'}`).join('\n')}`,
  );

/** A series of sixty steps that rises and falls. */
const steps = () =>
  readTable('steps.csv', `y\n${Array.from({ length: 60 }, (_, i) => Math.sin(i / 3).toFixed(3)).join('\n')}`);

/** Two recordings of half a second, by the classes 0 and 1. */
const recordings = (): Recording[] =>
  [0, 1].map((label) => ({
    name: `${label}.wav`,
    label,
    sampleRate: 8000,
    samples: Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i / (3 + label))),
  }));

const lines = [
  { label: 'good', text: 'a fine film', line: 1, file: 'reviews.txt' },
  { label: 'bad', text: 'a dull film', line: 2, file: 'reviews.txt' },
];

export const sets: Examples = {
  rows() {
    console.log(rows(line, [3, 1, 1]).fields.x.data); // [0.04688, 0.01563, 0.01563]
  },
  concat() {
    console.log(concat(line, rows(line, [0, 1])).length); // 66
  },
  pick() {
    console.log(Object.keys(pick(line, 'x').fields)); // ['x']
  },
  map() {
    const doubled = map(line, ({ x, target }) => ({ x: x.map((number) => 2 * number), target }));
    console.log(doubled.fields.x.data[32]); // 1
  },
  split() {
    const [train, validation] = split(line, 0.75, { seed: 1 });
    console.log(train.length, validation.length); // 48 16
  },
  folds() {
    console.log(folds(line, 4).map(({ train, validation }) => [train.length, validation.length])); // [[48, 16], [48, 16], [48, 16], [48, 16]]
  },
  files() {
    const source = files([new File([Uint8Array.of(1)], 'train-images-idx3-ubyte')]); // as a page is given them
    console.log(source.origin?.kind); // undefined
  },
  async mnist() {
    const dropped = files([]); // the four files that a visitor drops; without it: a folder, the cache, mirrors
    console.log(await mnist(dropped).catch(({ name }: Error) => name)); // 'FormatError'
  },
  async fashionMnist() {
    const dropped = files([]);
    console.log(await fashionMnist(dropped).catch(({ name }: Error) => name)); // 'FormatError'
  },
  async cifar10() {
    const dropped = files([]); // data_batch_1.bin and its like
    console.log(await cifar10(dropped).catch(({ name }: Error) => name)); // 'FormatError'
  },
  cifar10Classes() {
    console.log(cifar10Classes.slice(0, 3)); // ['airplane', 'automobile', 'bird']
  },
  async fsdd() {
    const dropped = files([]); // 0_george_0.wav and its like
    console.log(await fsdd(dropped).catch(({ name }: Error) => name)); // 'FormatError'
  },
  async syntheticDigits() {
    const { train, test } = await syntheticDigits({ train: 20, test: 10, seed: 1 });
    console.log(train.length, test.fields.image.shape); // 20 [28, 28]
  },
  async readIdx() {
    const file = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3); // bytes, of one axis of 3
    const { shape, data } = await readIdx('labels.idx', file);
    console.log(shape, data); // [3] [1, 2, 3]
  },
  onGround() {
    const pixel = { width: 1, height: 1, channels: 2, data: Uint8Array.of(0, 127) }; // black, half transparent
    console.log(onGround(pixel, 255).data); // [128]
  },
  writeSafetensors() {
    const bytes = writeSafetensors({ tensors: { bias: { shape: [2], data: Float32Array.of(1, 2) } }, metadata: {} });
    console.log(bytes.length); // 96
  },
  readSafetensors() {
    const file = writeSafetensors({ tensors: { bias: { shape: [2], data: Float32Array.of(1, 2) } }, metadata: {} });
    console.log(readSafetensors('weights.safetensors', file).tensors['bias'].data); // [1, 2]
  },
};

export const tables: Examples = {
  async readTable() {
    const { columns, rows } = await readTable('flowers.csv', 'size,kind\n1.5,a\n2.5,b\n');
    console.log(columns, rows.length); // ['size', 'kind'] 2
  },
  async prepareTable() {
    const { train, test, form } = prepareTable(await flowers(), { target: 'kind', heldOut: 0.2, seed: 1 });
    console.log(train.length, test.length, form.target.name); // 16 4 'kind'
  },
  async encodeTable() {
    const { form } = prepareTable(await flowers(), { target: 'kind' });
    const { data } = encodeTable(form, await readTable('more.csv', 'size,kind\n3,a\n'));
    console.log(data.length, Object.keys(data.fields)); // 1 ['features', 'label']
  },
  async featureCount() {
    const { form } = prepareTable(await flowers());
    console.log(linear(featureCount(form), outputCount(form)).parameters['weight'].shape); // [1, 2]
  },
  async outputCount() {
    console.log(outputCount(prepareTable(await flowers()).form)); // 2
  },
  async answersOf() {
    const { form } = prepareTable(await flowers());
    console.log(answersOf(form, [2, 0, 0, 2])); // ['a', 'b']
  },
  likeliest() {
    console.log(likeliest([2, 0, 0, 2], 2)); // [0, 1]
  },
  async namesColumns() {
    const { form } = prepareTable(await flowers());
    console.log(namesColumns(form, ['size', 'kind'])); // true
  },
  async readTableForm() {
    const { form } = prepareTable(await flowers());
    const kept = JSON.stringify(form); // beside the weights
    console.log(readTableForm(JSON.parse(kept)).columns); // ['size', 'kind']
  },
  async windows() {
    const series = { columns: ['y'], data: Float32Array.of(1, 2, 3, 4, 5) };
    const set = windows(series, { length: 3, horizon: 1 });
    console.log(set.length, set.fields.target.data); // 2 [4, 5]
  },
  async prepareSeries() {
    const { train, test, form } = prepareSeries(await steps(), { length: 12, horizon: 3 });
    console.log(train.fields.x.shape, test.fields.target.shape, form.target); // [12, 1] [3, 1] 'y'
  },
  async lastWindow() {
    const { form } = prepareSeries(await steps(), { length: 12, horizon: 3 });
    console.log(lastWindow(form, await steps()).fields.x.shape); // [12, 1]
  },
  async forecastsOf() {
    const { form } = prepareSeries(await steps(), { length: 12, horizon: 3 });
    console.log(forecastsOf(form, [0, 0, 0]).length); // 3
  },
  async readSeriesForm() {
    const { form } = prepareSeries(await steps(), { length: 12, horizon: 3 });
    console.log(readSeriesForm(JSON.parse(JSON.stringify(form))).horizon); // 3
  },
};

export const texts: Examples = {
  tokenizer() {
    const words = tokenizer('the cat and the dog', { kind: 'words' });
    const tokens = words.encode('the dog');
    console.log(words.decode(tokens)); // 'the dog'
  },
  readTokenizer() {
    const kept = JSON.stringify(tokenizer('abc').form);
    console.log(readTokenizer(JSON.parse(kept)).size); // 3
  },
  bytePairTokenizer() {
    const pairs = bytePairTokenizer('low lower lowest', { size: 260 });
    console.log(pairs.encode('low').length < 3); // true
  },
  huggingFaceTokenizer() {
    // The two files of a model, as JSON.
    const json = {
      model: { type: 'WordLevel', vocab: { a: 0, b: 1, '[UNK]': 2 }, unk_token: '[UNK]' },
      pre_tokenizer: { type: 'Whitespace' },
      normalizer: null,
      post_processor: null,
      decoder: null,
      added_tokens: [],
    };
    console.log(huggingFaceTokenizer(Tokenizer, json).encode('b a')); // [1, 0]
  },
  textStream() {
    const tokens = Int32Array.from({ length: 100 }, (_, i) => i % 7);
    const { train, validation } = textStream(tokens, { context: 8, heldOut: 0.2 });
    console.log(train.fields.tokens.shape, validation.length); // [8] 2
  },
  async readText() {
    console.log(await readText('page.txt', new TextEncoder().encode('Grüße'))); // 'Grüße'
  },
  linesIn() {
    console.log(linesIn('one\r\ntwo\n')); // ['one', 'two']
  },
  async readLabelledLines() {
    const lines = await readLabelledLines('reviews.txt', 'good a fine film\nbad a dull film\n');
    console.log(lines.map(({ label, text }) => `${label}: ${text}`)); // ['good: a fine film', 'bad: a dull film']
  },
  async readClassFiles() {
    const lines = await readClassFiles([new File(['fine'], 'film.good'), new File(['dull'], 'film.bad')]);
    console.log(lines.map(({ label }) => label)); // ['good', 'bad']
  },
  async linesOfTable() {
    const table = await readTable('reviews.csv', 'text,stars\na fine film,5\na dull film,1\n');
    console.log(linesOfTable(table, { text: 'text', label: 'stars' })[0].label); // '5'
  },
  labelledLines() {
    const { data, classes } = labelledLines(lines, { length: 4 });
    console.log(data.fields.tokens.shape, classes); // [4] ['bad', 'good']
  },
  encodeTexts() {
    const { form } = labelledLines(lines, { length: 4 });
    console.log(encodeTexts(form, ['a fine film']).fields.length.data); // [3]
  },
  readLinesForm() {
    const { form } = labelledLines(lines, { length: 4 });
    console.log(readLinesForm(JSON.parse(JSON.stringify(form))).classes); // ['bad', 'good']
  },
  bucketedLines() {
    const batches = bucketedLines(labelledLines(lines), { batchSize: 2 });
    console.log(batches.steps, batches.shapes); // 1 [3]
  },
  pairedLines() {
    const [pair] = pairedLines({ name: 'de', text: 'ein Hund\n' }, { name: 'en', text: 'a dog\n' });
    console.log(pair); // ['ein Hund', 'a dog']
  },
  bucketed() {
    const bytes = readTokenizer({ kind: 'bytes', special: ['padding', 'begin', 'end'] });
    const batches = bucketed([['ein Hund', 'a dog']], { tokenizer: bytes, batchSize: 1 });
    console.log(batches.steps, [...batches][0].length); // 1 1
  },
};

export const sounds: Examples = {
  readWav() {
    const head = [0x52494646, 38, 0x57415645, 0x666d7420, 16];
    const file = new DataView(new ArrayBuffer(46));
    head.forEach((word, i) => file.setUint32(4 * i, word, i === 1 || i === 4));
    [1, 1].forEach((half, i) => file.setUint16(20 + 2 * i, half, true)); // PCM, one channel
    [8000, 16_000].forEach((word, i) => file.setUint32(24 + 4 * i, word, true));
    [2, 16].forEach((half, i) => file.setUint16(32 + 2 * i, half, true));
    file.setUint32(36, 0x64617461);
    file.setUint32(40, 2, true);
    file.setInt16(44, 16_384, true);
    const { sampleRate, channels } = readWav('click.wav', file.buffer);
    console.log(sampleRate, channels[0]); // 8000 [0.5]
  },
  soundOf() {
    const samples = soundOf({ sampleRate: 8000, channels: [new Float32Array(800).fill(0.5)] }, 16_000);
    console.log(samples.length); // 1600
  },
  mono() {
    console.log(mono([Float32Array.of(1, 0), Float32Array.of(0, 0)])); // [0.5, 0]
  },
  levelled() {
    const samples = levelled(Float32Array.from({ length: 800 }, (_, i) => Math.sin(i)));
    console.log(Math.sqrt(samples.reduce((total, s) => total + s * s, 0) / 800)); // 0.1
  },
  resample() {
    console.log(resample(new Float32Array(800), 8000, 16_000).length); // 1600
  },
  trimmed() {
    const samples = new Float32Array(8000);
    samples.fill(0.5, 3000, 4000);
    console.log(trimmed(samples, 8000).length < 8000); // true
  },
  waveforms() {
    const { fields } = waveforms(recordings(), { samples: 4000 });
    console.log(fields.x.shape, fields.label.data); // [4000] [0, 1]
  },
  spokenStrings() {
    const strings = spokenStrings(recordings(), { count: 3, seed: 1, digits: [2, 2] });
    console.log(strings.map(({ labels }) => labels.length)); // [2, 2, 2]
  },
  async statisticsOf() {
    const heard = await features(recordings(), logMel({ sampleRate: 8000, mels: 10 }), { backend: 'cpu' });
    console.log(statisticsOf(heard).mean.length); // 10
  },
  async standardized() {
    const heard = await features(recordings(), logMel({ sampleRate: 8000, mels: 10 }), { backend: 'cpu' });
    console.log(standardized(heard, statisticsOf(heard)).length); // 2
  },
};

/** Of `millrace` itself. */
export const heard: Examples = {
  async features() {
    const set = await features(recordings(), logMel({ sampleRate: 8000, mels: 10 }), { backend: 'cpu' });
    console.log(set.fields.x.shape); // [48, 10]
  },
};
