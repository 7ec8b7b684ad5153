// Whether safetensors' own package reads what is written here, and what it writes is read here, bit by bit; and which odd
// files either refuses. `npm run build`, `pip install safetensors==0.8.0 numpy`, then
// `node bench/safetensors.mjs [--python python3] [--out FILE]`

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { readSafetensors, writeSafetensors } from '../dist/data.js';
import { adam, batchNorm, createTrainer, crossEntropy, dataset, linear, sequential } from '../dist/index.js';

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, out: { type: 'string' } } });
const bytesOf = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');

const own = {
  F32: { shape: [2, 3], data: Float32Array.of(0, -0, 1 / 3, Infinity, NaN, 1e-45) },
  F64: { shape: [2], data: Float64Array.of(0.1, -1e300) },
  I32: { shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  U32: { shape: [1, 2], data: Uint32Array.of(0, 2 ** 32 - 1) },
  U8: { shape: [3], data: Uint8Array.of(0, 7, 255) },
  scalar: { shape: [], data: Float32Array.of(7) },
  nothing: { shape: [0, 4], data: new Float64Array(0) },
  'ünïcode 🙂 "quoted"\\': { shape: [1], data: Float32Array.of(1) },
};
const metadata = { format: 'millrace', note: 'ä "quoted"\n' };

/** What a trainer saves in the middle of its training, which has arenas and words of its own kinds. */
async function checkpoint() {
  const data = dataset({
    x: { data: new Float32Array(64).map((_, at) => at % 5), shape: [4] },
    label: new Uint8Array(16),
  });
  const model = sequential(linear(4, 3), batchNorm(3));
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 4,
    backend: 'cpu',
    data,
  });
  for await (const _ of trainer.fit(data, { steps: 3 }));
  const bytes = await trainer.save();
  trainer.destroy();
  return bytes;
}

/** A file of any header. */
function fileOf(header, behind = 0) {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(behind)]);
}

const x = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
const y = { ...x, data_offsets: [4, 8] };
const text = JSON.stringify(x);
const odd = {
  'blanks behind the header': fileOf(`${JSON.stringify({ x })}    `, 4),
  'blanks in front of it': fileOf(`  ${JSON.stringify({ x })}`, 4),
  'tensors in another order': fileOf({ y, x }, 8),
  'no tensor': fileOf({}),
  'an unknown type': fileOf({ x: { ...x, dtype: 'F3' } }, 4),
  'a hole in front': fileOf({ y }, 8),
  'a hole between': fileOf({ x, z: { ...x, data_offsets: [8, 12] } }, 12),
  'an overlap': fileOf({ x, y: { ...x, data_offsets: [2, 6] } }, 6),
  'one on another': fileOf({ x, y: x }, 4),
  'bytes behind': fileOf({ x }, 5),
  'a tensor twice, alike': fileOf(`{"x":${text},"x":${text}}`, 4),
  'a shape twice': fileOf('{"x":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', 4),
  'a text twice': fileOf('{"__metadata__":{"a":"b","a":"c"}}'),
  'a number among the texts': fileOf({ __metadata__: { a: 1 } }),
  'null for the texts': fileOf('{"__metadata__":null}'),
  'no name': fileOf({ '': x }, 4),
  'the name of a prototype': fileOf(`{"__proto__":${text}}`, 4),
  'a shape of 1.0': fileOf('{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4),
  'a shape of 1e0': fileOf('{"x":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4),
  'a shape of -0': fileOf('{"x":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'),
  'a shape beyond 2⁶⁴': fileOf({ x: { ...x, shape: [2 ** 40, 2 ** 40] } }, 4),
  'a shape beyond 2⁶⁴ times 0': fileOf({ x: { ...x, shape: [2 ** 40, 2 ** 40, 0], data_offsets: [0, 0] } }),
  'more fields': fileOf({ x: { ...x, more: [{}] } }, 4),
  'a mark in front': fileOf('\ufeff{}'),
};

const folder = await mkdtemp(join(tmpdir(), 'millrace-safetensors-'));
try {
  const files = { own: writeSafetensors({ tensors: own, metadata }), checkpoint: await checkpoint(), ...odd };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, `${name}.safetensors`), bytes);
  const judge = join(dirname(fileURLToPath(import.meta.url)), 'peers/safetensors_judge.py');
  const { stdout } = await promisify(execFile)(values.python, [judge, folder], { maxBuffer: 2 ** 28 });
  const judged = JSON.parse(stdout);
  const wrong = [...ofOwn(judged.files['own']), ...ofCheckpoint(judged.files['checkpoint'], files['checkpoint'])];
  const python = await readFile(join(folder, 'python.safetensors'));
  wrong.push(...ofPython(judged.files['python'], judged.f32, readSafetensors('python', python)));
  const verdicts = Object.entries(odd).map(([name, bytes]) => {
    const { error } = judged.files[name];
    return { file: name, millrace: refusal(() => readSafetensors('f', bytes)), package: error ?? 'read' };
  });
  const differ = verdicts.filter((verdict) => (verdict.millrace === 'read') !== (verdict.package === 'read'));
  console.log(`${Object.values(judged.versions).join(', ')}: ${wrong.length} tensors differ`, wrong);
  console.table(verdicts.map(({ file, ...both }) => ({ file, ...mapped(both, (said) => said.slice(0, 50)) })));
  console.log(`of ${verdicts.length} odd files ${differ.length} are refused by one and read by the other`);
  const tensors = Object.values(judged.files).reduce((sum, file) => sum + Object.keys(file.tensors ?? {}).length, 0);
  const result = { versions: { node: process.version, ...judged.versions }, tensors, wrong, verdicts };
  if (values.out) await writeFile(values.out, `${JSON.stringify(result, null, 1)}\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true });
}

function mapped(object, f) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, f(value)]));
}

function refusal(read) {
  try {
    read();
    return 'read';
  } catch (error) {
    return error.message;
  }
}

/** What the package reads otherwise than it was written here. */
function ofOwn(read) {
  if (read.error) return [read.error];
  const names = Object.keys(own).filter((name) => {
    const { shape, bytes, dtype } = read.tensors[name] ?? {};
    const wanted = own[name];
    const kind = dtype === (/^[A-Z]/.test(name) ? name : dtype);
    return !(kind && String(shape) === String(wanted.shape) && bytes === bytesOf(wanted.data));
  });
  return sameTexts(read.metadata, metadata) ? names : [...names, 'metadata'];
}

function ofCheckpoint(read, bytes) {
  if (read.error) return [read.error];
  const { tensors, converted = {}, unread = {} } = readSafetensors('checkpoint', bytes);
  const names = [...Object.keys(tensors), ...Object.keys(unread)];
  const missing = names.filter((name) => !(name in read.tensors));
  const plain = Object.keys(tensors).filter((name) => !(name in converted));
  return [...missing, ...plain.filter((name) => read.tensors[name].bytes !== bytesOf(tensors[name].data))];
}

/** What is read here otherwise than the package wrote it, or than numpy has it in f32. */
function ofPython(written, f32, { tensors, unread = {}, metadata: texts }) {
  const differs = ([name, { shape }]) => {
    const tensor = tensors[name];
    return !tensor || String(tensor.shape) !== String(shape) || !alike(bytesOf(tensor.data), f32[name]);
  };
  const names = Object.entries(written.tensors)
    .filter(differs)
    .map(([name]) => name);
  return [...names, ...Object.keys(unread), ...(sameTexts(texts, written.metadata) ? [] : ['metadata'])];
}

/** In any order: the package keeps none. */
function sameTexts(one, other) {
  const entries = Object.entries(other);
  return Object.keys(one).length === entries.length && entries.every(([name, note]) => one[name] === note);
}

/** The same bits, or both NaN, whose bits a conversion may change. */
function alike(one, other) {
  const numbers = [one, other].map((hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
    return [new Float32Array(bytes.buffer), new Uint32Array(bytes.buffer)];
  });
  const [[a, aBits], [b, bBits]] = numbers;
  return (
    a.length === b.length && a.every((number, at) => aBits[at] === bBits[at] || (number !== number && b[at] !== b[at]))
  );
}
