import { inflateRawSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { decodePng } from '../../src/cli/pictures/png.ts';
import { DataError, FormatError, ShapeError } from '../../src/core/errors.ts';
import type { Random } from '../../src/core/random.ts';
import { readBatch } from '../../src/data/cifar10/batches.ts';
import { readSprites } from '../../src/data/cifar10/sprites.ts';
import { unpacked } from '../../src/data/gzip.ts';
import {
  encodeTable,
  prepareTable,
  labelledLines,
  readIdx,
  readLabelledLines,
  readSafetensors,
  readTable,
  readTableForm,
  readTokenizer,
  readWav,
  writeSafetensors,
} from '../../src/data/index.ts';
import type { Source } from '../../src/data/fileSource.ts';
import { inflate, Output, TooMuch } from '../../src/data/inflate.ts';
import { readStored } from '../../src/data/safetensors.ts';
import { fromOnnx, readNpy, readNpz, writeNpy, writeNpz } from '../../src/interop/index.ts';
import { readZip } from '../../src/interop/zip.ts';
import { readTar } from '../../src/data/tar.ts';
import { progressIn } from '../../src/train/checkpoints/checkpoint.ts';
import { toJson } from '../../src/train/checkpoints/progress.ts';
import { progress } from '../support/checkpointed.ts';
import { input } from '../../src/index.ts';
import type { Layer, Values } from '../../src/nn/layer.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { onnx } from './onnxSamples.ts';
import { below, chance, mutated, oneOf, type Sample } from './mutate.ts';
import * as keras from './kerasSamples.ts';
import * as samples from './samples.ts';

/** A reader, what it is given, and what it may take. */
export interface Reader {
  readonly name: string;
  /** A file by a seed. */
  readonly make: (random: Random) => Sample;
  /** What a changed file becomes, so that the change is not refused at the door. */
  readonly mend?: (bytes: Uint8Array) => Uint8Array;
  /** Reads, and judges what it gives: an error of any other kind than the reader's own is a fault. */
  readonly read: (bytes: Uint8Array) => unknown;
  readonly isOwn: (error: unknown) => boolean;
  /** Bytes for which room may be made, for each of the file's. */
  readonly factor: number;
  /** And however small the file is: for tables of codes, lists of a few columns; 4 KiB if left out. */
  readonly room?: number;
}

const isOwn = (error: unknown): boolean =>
  [FormatError, DataError, ShapeError].some((kind) => error instanceof kind) && (error as Error).message.length > 10;

class Fault extends Error {}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Fault(what);
}

/** All that DEFLATE makes of a byte, in a buffer that is half empty at worst, and was made twice over when it has grown. */
const UNPACKED = 2 * 2 * 1032;
/** And once by the engine, whose word may not be believed. */
const UNPACKED_TWICE = UNPACKED + 2 * 1032;

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

async function idx(bytes: Uint8Array): Promise<void> {
  const { shape, data } = await readIdx('f', bytes);
  must(size(shape) === data.length, `[${shape.join()}] has ${data.length} numbers`);
}

function safetensors(bytes: Uint8Array): void {
  const { tensors, metadata } = readSafetensors('f', bytes);
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    must(size(shape) === data.length && name !== '', `"${name}" of [${shape.join()}] has ${data.length} numbers`);
  }
  const again = readSafetensors('g', writeSafetensors({ tensors, metadata }));
  must(Object.keys(again.tensors).join() === Object.keys(tensors).join(), 'what was written has other tensors');
  must(JSON.stringify(again.metadata) === JSON.stringify(metadata), 'what was written has other texts');
  const stored = Object.values(readStored('f', bytes).tensors);
  must(
    stored.reduce((sum, { data }) => sum + data.byteLength, 0) <= bytes.length,
    'tensors have more bytes than the file',
  );
}

async function table(bytes: Uint8Array): Promise<void> {
  const read = await readTable('f', bytes);
  must(
    read.rows.every(({ cells }) => cells.length === read.columns.length),
    'a row has other columns',
  );
  must(new Set(read.columns).size === read.columns.length, 'two columns have one name');
  try {
    const { form } = prepareTable(read);
    encodeTable(readTableForm(JSON.parse(JSON.stringify(form))), read);
  } catch (error) {
    // Of most tables nothing can be learned.
    if (!isOwn(error)) throw error;
  }
}

const form = {
  header: true,
  columns: ['a', 'b', 'c'],
  features: [
    { kind: 'number', name: 'a', mean: 1.5, deviation: 2, decimal: ',', grouped: true },
    { kind: 'category', name: 'b', categories: ['x', '__proto__'] },
  ],
  target: { kind: 'class', name: 'c', classes: ['0', '1'], asWritten: true },
  missing: ['-'],
};

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new FormatError('it is no JSON', { cause });
  }
}

async function tableForm(bytes: Uint8Array): Promise<void> {
  encodeTable(readTableForm(parsed(bytes)), await readTable('f', 'a,b,c\n1,x,0\n2,y,1\n'));
}

const words = { kind: 'words', special: ['unknown'], tokens: ['ab', 'c', 'é', '__proto__'], lowerCase: true };
const bytePairs = {
  kind: 'bytePairs',
  special: [],
  merges: [
    [97, 98],
    [256, 99],
    [257, 257],
    [195, 169],
  ],
};

function tokenizerForm(bytes: Uint8Array): void {
  const own = readTokenizer(parsed(bytes));
  const tokens = own.encode('ab cabcabc é, __proto__');
  must(
    tokens.every((token) => token >= 0 && token < own.size),
    'a token is beyond the vocabulary',
  );
  must(own.decode(tokens).length <= 260 * tokens.length, 'tokens have longer texts than pieces are');
  const again = readTokenizer(JSON.parse(JSON.stringify(own.form)));
  must(again.encode('ab cabcabc é').join() === own.encode('ab cabcabc é').join(), 'what was written cuts otherwise');
}

async function labelled(bytes: Uint8Array): Promise<void> {
  const { data, classes, tokenizer } = labelledLines(await readLabelledLines('f', bytes), { length: 4 });
  must(
    data.fields.label.data.every((label) => label < classes.length),
    'a label is beyond the classes',
  );
  must(
    data.fields.tokens.data.every((token) => token < tokenizer.size),
    'a token is beyond the vocabulary',
  );
}

/** zlib is the judge of what a stream holds, and of whether it is one. */
function inflated(bytes: Uint8Array): void {
  let wanted: Buffer | null = null;
  try {
    wanted = inflateRawSync(bytes);
  } catch {
    // Then it must be refused here too.
  }
  let own: Uint8Array;
  try {
    own = inflate(bytes, 0, new Output(2 ** 24)).data;
  } catch (error) {
    must(wanted === null, `zlib unpacks it: ${String(error)}`);
    throw error;
  }
  must(wanted?.equals(own) ?? false, wanted ? 'zlib unpacks it to something else' : 'zlib refuses it');
}

function checkpointText(bytes: Uint8Array): void {
  const metadata = { ['__millrace__']: Buffer.from(bytes).toString(), '__millrace__.format': '1' };
  const { run, stream } = progressIn('f', metadata)!;
  must(run === null || run.unreported.every((count) => count >= 0), 'steps have fewer than no samples');
  must(stream === null || Number.isSafeInteger(stream.position), 'a place is no number');
}

function tar(bytes: Uint8Array): void {
  let sum = 0;
  for (const [name, content] of readTar('cifar10', 'a.tar', bytes)) {
    must(typeof name === 'string' && content.buffer === bytes.buffer, `"${name}" is no part of the archive`);
    sum += content.length;
  }
  must(sum <= bytes.length, 'files have more bytes than the archive');
}

function wav(bytes: Uint8Array): void {
  const { sampleRate, channels } = readWav('f', bytes);
  must(sampleRate > 0 && channels.length > 0, 'there is no channel, or no rate');
  const count = channels.reduce((sum, { length }) => sum + length, 0);
  must(count <= bytes.length, `${count} samples are made of ${bytes.length} bytes`);
  must(
    channels.every((channel) => channel.length === channels[0].length && channel.every(Number.isFinite)),
    'channels differ in length, or a sample is no number',
  );
}

function png(bytes: Uint8Array): void {
  const { width, height, channels, data } = decodePng(bytes);
  must(width * height * channels === data.length, `${width} × ${height} × ${channels} has ${data.length} bytes`);
}

const isPngError = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof TypeError) && !/allocat|Invalid (typed )?array/i.test(error.message);

/** A picture of two images beside the labels of two, or the other way round. */
async function sprites(labelsFile: Uint8Array, picture: Uint8Array): Promise<void> {
  const files: Readonly<Record<string, Uint8Array>> = { 'train-labels.u8': labelsFile, 'train_00.png': picture };
  const source: Source = async (file) => (Object.hasOwn(files, file) ? files[file] : null);
  const { pixels, labels } = await readSprites(source, 'train', decodePng, 121);
  must(pixels.length === 3072 * labels.length, 'there are more labels than images');
}

function batch(bytes: Uint8Array): void {
  const { pixels, labels } = readBatch('data_batch_1.bin', bytes);
  must(pixels.length === 3072 * labels.length, 'there are more labels than images');
}

function npy(bytes: Uint8Array): void {
  const { shape, data } = readNpy('f', bytes);
  must(size(shape) === data.length, `[${shape.join()}] has ${data.length} numbers`);
  const again = readNpy('g', writeNpy({ shape, data }));
  must(again.shape.join() === shape.join() && again.data.join() === data.join(), 'what was written has other numbers');
}

function npz(bytes: Uint8Array): void {
  const arrays = readNpz('f', bytes);
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    must(size(shape) === data.length, `"${name}" of [${shape.join()}] has ${data.length} numbers`);
  }
  const again = readNpz('g', writeNpz(arrays));
  must(Object.keys(again).join() === Object.keys(arrays).join(), 'what was written has other arrays');
}

/** What is read, another reader reads so too, but for names that are no UTF-8. */
function zip(bytes: Uint8Array): void {
  const files = readZip('npz', 'f', bytes);
  const others = Object.values(unzipSync(bytes));
  for (const [name, content] of files) {
    must(
      others.some((other) => Buffer.from(content).equals(other)),
      `"${name}" has other bytes for another reader`,
    );
  }
}

const sometimesPacked = (make: (random: Random) => Sample) => (random: Random) => samples.maybeGzipped(random, make);

/** Reads a model, and traces it for three samples. */
async function onnxModel(bytes: Uint8Array): Promise<void> {
  const { model, inputs } = await fromOnnx(bytes);
  const values = inputs.map(({ name, type, shape }) => {
    const own = (shape ?? [3, 2]).map((extent, axis) => (axis === 0 ? 3 : (extent ?? 2)));
    return [name, input(name, { shape: own, dtype: type === 'FLOAT' ? 'f32' : 'i32' })] as const;
  });
  const layer = model as Layer<Values, Values>;
  new Tracer(new Registry(0), 'evaluate', null).apply(layer, Object.fromEntries(values), '');
}

export const readers: readonly Reader[] = [
  // Beside the file, a million numbers may be computed of its constants, each of them in some steps.
  { name: 'ONNX', make: onnx, read: onnxModel, isOwn, factor: 512, room: 2 ** 24 },
  { name: 'IDX', make: samples.idx, read: idx, isOwn, factor: 1 },
  { name: 'safetensors', make: samples.safetensors, mend: samples.withLength, read: safetensors, isOwn, factor: 4 },
  { name: 'table', make: samples.table, read: table, isOwn, factor: 16 },
  {
    name: 'form of a table',
    make: () => ({ bytes: Buffer.from(JSON.stringify(form)) }),
    read: tableForm,
    isOwn,
    factor: 16,
  },
  {
    name: 'form of a tokenizer',
    make: (random) => ({ bytes: Buffer.from(JSON.stringify(oneOf(random, [words, bytePairs]))) }),
    read: tokenizerForm,
    isOwn,
    factor: 16,
    // The 256 bytes.
    room: 2 ** 15,
  },
  {
    name: 'labelled lines',
    make: sometimesPacked(samples.labelledLines),
    read: labelled,
    isOwn,
    factor: UNPACKED_TWICE,
  },
  {
    name: 'text of a checkpoint',
    make: () => ({ bytes: Buffer.from(toJson(progress)) }),
    read: checkpointText,
    isOwn,
    factor: 16,
  },
  { name: 'tar', make: samples.tar, mend: samples.withSums, read: tar, isOwn, factor: 1 },
  {
    name: 'DEFLATE',
    make: samples.deflated,
    read: inflated,
    isOwn: (error) => error instanceof TooMuch || /broken or end early/.test((error as Error).message),
    factor: UNPACKED,
  },
  {
    name: 'gzip',
    make: samples.gzip,
    read: (bytes) => unpacked('idx', 'f', bytes),
    isOwn,
    factor: UNPACKED_TWICE,
  },
  { name: 'gzipped IDX and tables', make: sometimesPacked(samples.idx), read: idx, isOwn, factor: UNPACKED_TWICE },
  { name: 'PNG', make: samples.png, read: png, isOwn: isPngError, factor: UNPACKED },
  {
    name: 'sprites',
    make: samples.sprite,
    read: (bytes) => sprites(Uint8Array.of(0, 1), bytes),
    isOwn,
    factor: UNPACKED,
  },
  {
    name: 'labels of sprites',
    make: samples.labels,
    read: (bytes) => sprites(bytes, samples.twoImages),
    isOwn,
    factor: 2,
    room: 2 ** 15,
  },
  // Twice for the other end first, as a number of each byte, by columns, and written again.
  { name: 'npy', make: samples.npy, read: npy, isOwn, factor: 64 },
  { name: 'npz', make: samples.npz, mend: samples.withZipSums, read: npz, isOwn, factor: 16 * UNPACKED },
  { name: 'zip', make: samples.zip, mend: samples.withZipSums, read: zip, isOwn, factor: 2 * UNPACKED, room: 2 ** 20 },
  // Numbers of a byte become floats.
  { name: 'HDF5', make: keras.hdf5, read: keras.readArrays, isOwn, factor: 8 },
  { name: 'config of Keras', make: keras.kerasConfig, read: keras.readConfig, isOwn, factor: 64, room: 2 ** 20 },
  { name: 'LayersModel', make: keras.layersModel, read: keras.readLayersModel, isOwn, factor: 64, room: 2 ** 16 },
  // A float for each byte, and the list of the channels.
  { name: 'WAV', make: samples.wav, read: wav, isOwn, factor: 16 },
  { name: 'batch', make: samples.batch, read: batch, isOwn, factor: 2 },
];

/** The file that comes under a number: made, and mostly changed. */
export function fileOf({ make, mend }: Reader, random: Random): Uint8Array {
  const sample = make(random);
  if (chance(random, 0.15)) return new Uint8Array(sample.bytes);
  const other = oneOf(random, [make(random).bytes, samples.noise(random, below(random, 64))]);
  const bytes = mutated(random, sample, other);
  return new Uint8Array(mend && chance(random, 0.5) ? mend(bytes) : bytes);
}
