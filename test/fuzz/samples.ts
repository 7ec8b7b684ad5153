// Files of every kind that is read, by a seed: as they should be, or nearly.

import { constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import type { Random } from '../../src/core/random.ts';
import { writeZip } from '../../src/interop/zip.ts';
import { tarOf } from '../support/cifar10.ts';
import { chunk, pngFile } from '../support/png.ts';
import { dataChunk, formatChunk, riff, wavForms } from '../support/sounds.ts';
import { below, chance, oneOf, type Sample } from './mutate.ts';

const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

export const noise = (random: Random, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = below(random, 256);
  return bytes;
};

const range = (from: number, to: number): number[] => many(to - from, (at) => from + at);

export function idx(random: Random): Sample {
  const shape = many(1 + below(random, 4), () => below(random, chance(random, 0.2) ? 40 : 5));
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { bytes: Buffer.concat([header, noise(random, Math.min(size, 4096))]), marks: range(2, header.length) };
}

const names = [
  'weight',
  'layer0.bias',
  '',
  '__proto__',
  'constructor',
  'ä\u0000"\\',
  '../../etc/passwd',
  '0',
  '\u{1f600}',
];
const widths = {
  F32: 4,
  F64: 8,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  constructor: 8,
};

export function safetensors(random: Random): Sample {
  let end = 0;
  const entries = many(below(random, 6), (at) => {
    const dtype = oneOf(random, Object.keys(widths) as (keyof typeof widths)[]);
    const shape = many(below(random, 4), () => below(random, 4));
    const size = shape.reduce((product, extent) => product * extent, widths[dtype]);
    const from = end + (chance(random, 0.02) ? below(random, 9) - 4 : 0);
    end = from + size;
    const name = chance(random, 0.7) ? `t${at}` : oneOf(random, names);
    return `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join()}],"data_offsets":[${from},${end}]}`;
  });
  if (chance(random, 0.5)) entries.push('"__metadata__":{"format":"pt"}');
  if (chance(random, 0.5)) entries.reverse();
  const json = Buffer.from(`{${entries.join(chance(random, 0.3) ? ' ,\n' : ',')}}${' '.repeat(below(random, 9))}`);
  const length = Buffer.alloc(8);
  length.writeUInt32LE(json.length);
  const bytes = Buffer.concat([length, json, noise(random, Math.max(0, end))]);
  return { bytes, marks: range(0, 8) };
}

/** The same with the length that its header then has, so that what was changed within is looked at. */
export function withLength(bytes: Uint8Array): Uint8Array {
  const end = bytes.lastIndexOf(0x7d);
  if (end < 8) return bytes;
  const mended = Buffer.from(bytes);
  mended.writeBigUInt64LE(BigInt(end - 7));
  return mended;
}

const cells = `1|0|-3|1.5|1,5|1.234|1,234|1,234,567.8|1e5|007|.5|3.|+|−2|1 000|1'000||?|NA|nan|-|none|yes|no|a b
"a"|"a""b"|"a\nb"|"|2020-01-02|12:30|column|x|x|ä|\u0000|\u202e|\u001b[31m|1e999|-1e-999`
  .split(/[|\n](?!b")/)
  .concat('1'.repeat(400), 'e'.repeat(90));

/** One or two cells, again and again: what is read more often than once takes long. */
function monotony(random: Random): Sample {
  const parts = many(1 + below(random, 3), () =>
    oneOf(random, [...cells, '\n', '\r', ',', ';', ' ', '\t', '""', ',"']),
  );
  const text = parts.join('').repeat(2 ** 14);
  return { bytes: Buffer.from(oneOf(random, ['', 'a,b\n', ',"']) + text.slice(0, 2 ** 14)) };
}

export function table(random: Random): Sample {
  if (chance(random, 0.005)) return monotony(random);
  const delimiter = oneOf(random, [',', ',', ';', '\t', '|', ' ', ':']);
  const columns = 1 + below(random, 5);
  const own = many(columns, () =>
    many(1 + below(random, 5), () => oneOf(random, chance(random, 0.7) ? cells.slice(0, 16) : cells)),
  );
  const odd = chance(random, 0.2) ? 0.03 : 0;
  const line = (choices: readonly (readonly string[])[]): string =>
    choices.map((words) => (chance(random, odd) ? oneOf(random, cells) : oneOf(random, words))).join(delimiter);
  const end = oneOf(random, ['\n', '\n', '\r\n', '\r']);
  const rows = many(below(random, chance(random, 0.1) ? 120 : 30), () => line(own));
  const head = chance(random, 0.6) ? [line(many(columns, () => cells))] : [];
  const front = chance(random, 0.1) ? oneOf(random, ['\ufeff', 'sep=;\n', 'sep="\n', '\ufeffsep=,\r\n']) : '';
  return { bytes: Buffer.from(front + [...head, ...rows].join(end) + (chance(random, 0.7) ? end : '')) };
}

function payload(random: Random): Uint8Array {
  const kind = below(random, 4);
  if (kind === 0) return noise(random, below(random, 300));
  if (kind === 1) return Buffer.alloc(below(random, 20_000), below(random, 256));
  const words = many(20, () => noise(random, 1 + below(random, 9)));
  return Buffer.concat(many(below(random, 200), () => oneOf(random, words)));
}

const strategies = [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE];
const options = (random: Random) => ({ level: oneOf(random, [0, 1, 6, 9]), strategy: oneOf(random, strategies) });

export const deflated = (random: Random): Sample => ({ bytes: deflateRawSync(payload(random), options(random)) });

export function gzip(random: Random): Sample {
  const members = many(1 + below(random, 3), () => {
    const plain = gzipSync(payload(random), options(random));
    if (chance(random, 0.7)) return plain;
    const header = Buffer.from(plain.subarray(0, 10));
    header[3] = 4 | 8;
    return Buffer.concat([header, Buffer.from([2, 0, 1, 2]), Buffer.from('name\0'), plain.subarray(10)]);
  });
  const between = chance(random, 0.2) ? Buffer.alloc(below(random, 600)) : new Uint8Array(0);
  const behind = chance(random, 0.1) ? noise(random, below(random, 20)) : new Uint8Array(0);
  const bytes = Buffer.concat([...members.flatMap((member) => [member, between]), behind]);
  return { bytes, marks: [...range(2, 14), ...range(Math.max(0, bytes.length - 8), bytes.length)] };
}

const paths = ['data_batch_1.bin', './a', '../../b', '/etc/passwd', '__proto__', 'a/./b//c', 'n'.repeat(99), ''];

export function tar(random: Random): Sample {
  const parts = many(1 + below(random, 4), () =>
    tarOf({ [oneOf(random, paths)]: noise(random, below(random, 1200)) }, oneOf(random, ['0', '0', '\0', '5', '2'])),
  );
  const bytes = Buffer.concat([
    ...parts.map((part) => part.subarray(0, -1024)),
    Buffer.alloc(oneOf(random, [0, 1024])),
  ]);
  return { bytes, marks: [...range(100, 160), ...range(257, 265)] };
}

export function wav(random: Random): Sample {
  const form = { ...oneOf(random, wavForms), channels: 1 + below(random, 3), extensible: chance(random, 0.3) };
  const samples = many(form.channels * below(random, 40), () => random.uniform(-1, 1));
  const chunks: (readonly [string, Uint8Array])[] = [
    ['fmt ', formatChunk(form)],
    ['data', dataChunk(samples, form)],
  ];
  if (chance(random, 0.4)) chunks.splice(below(random, 3), 0, ['LIST', noise(random, below(random, 9))]);
  if (chance(random, 0.1)) chunks.reverse();
  const bytes = riff(...chunks);
  return { bytes, marks: [...range(4, 8), ...range(16, 44), ...range(60, 70)] };
}

/** The same with the sums that its headers then have. */
export function withSums(bytes: Uint8Array): Uint8Array {
  const mended = Buffer.from(bytes);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    if (mended[at + 257] !== 0x75) continue;
    mended.write(' '.repeat(8), at + 148);
    const sum = mended.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    mended.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
  }
  return mended;
}

const types = [
  { type: 0, samples: 1, depths: [1, 2, 4, 8, 8, 16] },
  { type: 2, samples: 3, depths: [8, 8, 16] },
  { type: 3, samples: 1, depths: [1, 2, 4, 8, 8] },
  { type: 4, samples: 2, depths: [8, 16] },
  { type: 6, samples: 4, depths: [8, 16] },
];

export function png(random: Random): Sample {
  const { type, samples, depths } = oneOf(random, types);
  const depth = oneOf(random, chance(random, 0.03) ? [3, 4, 16] : depths);
  const [width, height] = [chance(random, 0.02) ? 0 : 1 + below(random, 12), 1 + below(random, 9)];
  const lineBytes = 1 + Math.ceil((width * depth * samples) / 8);
  // Lines with filters, seldom more or less of them than the header says.
  const lines = noise(
    random,
    Math.max(0, height * lineBytes + (chance(random, 0.1) ? oneOf(random, [-1, 1, 999]) : 0)),
  );
  for (let at = 0; at < lines.length; at += lineBytes) lines[at] = below(random, chance(random, 0.95) ? 5 : 6);
  const data = deflateSync(chance(random, 0.02) ? Buffer.alloc(50_000) : lines, { level: 1 });
  const chunks = [
    ...(type === 3 || chance(random, 0.1)
      ? [chunk('PLTE', noise(random, 3 * oneOf(random, [0, 1, 9, 256, 256])))]
      : []),
    ...(chance(random, 0.3) ? [chunk('tRNS', noise(random, oneOf(random, [1, 2, 4, 6])))] : []),
    ...(chance(random, 0.1)
      ? [chunk(oneOf(random, ['iCCP', 'tEXt', 'pHYs', 'acTL']), noise(random, below(random, 20)))]
      : []),
  ];
  const bytes = pngFile([width, height, depth, type, chance(random, 0.2) ? 1 : 0], data, chunks);
  return { bytes, marks: [...range(8, 30), ...range(33, 41)] };
}

const spriteOf = (byte: number): Uint8Array =>
  pngFile([1024, 2, 8, 2], deflateSync(Buffer.alloc(2 * 3073, byte), { level: 1 }));

/** A picture of two images, one in each row. */
export const sprite = (random: Random): Sample => ({
  bytes: spriteOf(below(random, 5)),
  marks: [...range(8, 30), ...range(33, 41)],
});

export const twoImages = spriteOf(0);

export const labels = (random: Random): Sample => ({
  bytes: noise(random, below(random, chance(random, 0.5) ? 4 : 300)).map(
    (byte) => byte % (chance(random, 0.01) ? 11 : 10),
  ),
});

export function batch(random: Random): Sample {
  const bytes = Buffer.concat(many(below(random, 3), (at) => Buffer.alloc(3073, at)));
  return { bytes, marks: [0, 3073] };
}

/** Lines of a label and a few words, seldom without one of them. */
export function labelledLines(random: Random): Sample {
  const words = ['good', "isn't", 'été', '...', '3.5', '\u2028', '🙂', '', '\t'];
  const line = (): string =>
    [...many(1 + below(random, 6), () => oneOf(random, words))].join(oneOf(random, [' ', ' ', '\t', '']));
  const lines = many(1 + below(random, 9), () => `${oneOf(random, ['0', '1', 'pos'])} ${line()}`);
  return { bytes: Buffer.from(lines.join(oneOf(random, ['\n', '\r\n', '\n\n']))) };
}

/** A file, or the same packed once or twice. */
export function maybeGzipped(random: Random, make: (random: Random) => Sample): Sample {
  const { bytes } = make(random);
  const once = gzipSync(bytes, options(random));
  return { bytes: chance(random, 0.2) ? gzipSync(once) : once };
}

const kinds = ['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1', 'O', 'c8', 'U3', 'V2'];

/** An array as NumPy writes it, seldom with another number of bytes. */
export function npy(random: Random): Sample {
  const kind = oneOf(random, chance(random, 0.9) ? kinds.slice(0, 12) : kinds);
  const shape = many(below(random, 4), () => below(random, 5));
  const size = shape.reduce((product, extent) => product * extent, Number(kind.slice(1)));
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const fortran = chance(random, 0.3) ? 'True' : 'False';
  const text = `{'descr': '${oneOf(random, ['<', '>', '|'])}${kind}', 'fortran_order': ${fortran}, 'shape': ${tuple}, }`;
  const version = 1 + below(random, 3);
  const header = Buffer.from(text.padEnd(63) + '\n');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUInt16LE(header.length);
  // Of truths, halves and others most numbers are such.
  const numbers = noise(random, size || 0).map((byte) => (chance(random, 0.5) ? byte : byte & 1));
  const bytes = Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    length,
    header,
    numbers,
  ]);
  return { bytes, marks: range(6, 12) };
}

/** Files in an archive, of one writer or another. */
function archive(random: Random, files: Readonly<Record<string, Uint8Array>>): Sample {
  const bytes = chance(random, 0.4)
    ? writeZip('zip', Object.entries(files))
    : zipSync(files, { level: oneOf(random, [0, 1, 9]) });
  const begin = Buffer.from(bytes).indexOf('PK\u0001\u0002');
  return { bytes, marks: [...range(4, 30), ...range(begin, begin + 46), ...range(bytes.length - 22, bytes.length)] };
}

export const npz = (random: Random): Sample =>
  archive(random, Object.fromEntries(many(below(random, 4), (at) => [`x${at}.npy`, npy(random).bytes])));

export const zip = (random: Random): Sample =>
  archive(random, Object.fromEntries(many(below(random, 4), (at) => [oneOf(random, paths) + at, payload(random)])));

/** The same with the sums of what is stored in it, so that what was changed within is looked at. */
export function withZipSums(bytes: Uint8Array): Uint8Array {
  const mended = Buffer.from(bytes);
  for (let at = mended.indexOf('PK\u0001\u0002'); at >= 0; at = mended.indexOf('PK\u0001\u0002', at + 1)) {
    if (at + 46 > mended.length || mended.readUInt16LE(at + 10) !== 0) continue;
    const member = mended.readUInt32LE(at + 42);
    if (member + 30 > mended.length) continue;
    const from = member + 30 + mended.readUInt16LE(member + 26) + mended.readUInt16LE(member + 28);
    mended.writeUInt32LE(crc32(mended.subarray(from, from + mended.readUInt32LE(at + 20))), at + 16);
  }
  return mended;
}
