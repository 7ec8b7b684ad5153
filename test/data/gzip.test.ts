import { inflateRawSync, gzipSync, deflateRawSync, constants } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { readIdx, readTable } from '../../src/data/index.ts';
import { mostUnpacked, unpacked } from '../../src/data/gzip.ts';
import { inflate, Output, TooMuch } from '../../src/data/inflate.ts';

/** Where the first member's compressed bytes end, and what they hold; its header is the plainest. */
function firstOf(bytes: Uint8Array): { readonly data: Uint8Array; readonly end: number } {
  const body = bytes.subarray(10);
  const { buffer, engine } = inflateRawSync(body, { info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  return { data: buffer, end: 10 + engine.bytesWritten + 8 };
}

/** An engine that reads one member, and fails or falls silent where more bytes come. */
const engineThat = (fails: boolean) =>
  class {
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
    constructor() {
      const pieces: Uint8Array[] = [];
      const all = new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece) => void pieces.push(piece),
        flush(controller) {
          const bytes = Buffer.concat(pieces);
          const { data, end } = firstOf(bytes);
          if (end > bytes.length || (fails && end < bytes.length)) throw new TypeError('Junk found after the end');
          controller.enqueue(data);
        },
      });
      [this.readable, this.writable] = [all.readable, all.writable];
    }
  };

const engines: readonly (readonly [string, unknown])[] = [
  ['this one', globalThis.DecompressionStream],
  ['one that fails behind a member', engineThat(true)],
  ['one that stops behind a member', engineThat(false)],
  ['none', undefined],
];

const text = (from: number, length: number): string =>
  Array.from({ length }, (_, i) => `${i + from},${(i * i) % 97}\n`).join('');

const random = new Random(7, 'gzip');
const noise = Uint8Array.from({ length: 70_000 }, () => Math.floor(random.uniform(0, 256)));

/** A member with all that a header may hold. */
function decorated(data: Uint8Array | string): Buffer {
  const plain = gzipSync(data);
  const header = Buffer.from(plain.subarray(0, 10));
  header[3] = 2 | 4 | 8 | 16;
  const extra = Buffer.from([3, 0, 1, 2, 3]);
  return Buffer.concat([header, extra, Buffer.from('name.csv\0a comment\0'), Buffer.from([9, 9]), plain.subarray(10)]);
}

afterEach(() => void vi.unstubAllGlobals());

describe.each(engines)('in an engine with a DecompressionStream as %s', (_, engine) => {
  const read = async (bytes: Uint8Array): Promise<Buffer> => {
    vi.stubGlobal('DecompressionStream', engine);
    return Buffer.from(await unpacked('table', 'rows.csv.gz', bytes));
  };
  const [first, second] = [text(0, 300), text(300, 41)];

  const files: readonly (readonly [string, Uint8Array, Uint8Array | string])[] = [
    ['one member', gzipSync(first), first],
    ['members joined', Buffer.concat([gzipSync(first), gzipSync(second)]), first + second],
    // An engine that stops could be believed by the length alone.
    ['members of one length', Buffer.concat([gzipSync('1,2\n'), gzipSync('3,4\n')]), '1,2\n3,4\n'],
    ['an empty member between', Buffer.concat([gzipSync(first), gzipSync(''), gzipSync(second)]), first + second],
    ['headers with names', Buffer.concat([decorated(second), decorated(first)]), second + first],
    ['zeros behind', Buffer.concat([gzipSync(first), gzipSync(second), Buffer.alloc(512)]), first + second],
    ['zeros between', Buffer.concat([gzipSync(first), Buffer.alloc(100), gzipSync(second)]), first + second],
    [
      'zeros between and behind',
      Buffer.concat([
        gzipSync(first),
        Buffer.alloc(1),
        gzipSync(''),
        Buffer.alloc(511),
        gzipSync(second),
        Buffer.alloc(9),
      ]),
      first + second,
    ],
    ['zeros and other bytes behind', Buffer.concat([gzipSync(first), Buffer.alloc(9), Buffer.from('signed')]), first],
    ['other bytes behind', Buffer.concat([gzipSync(first), Buffer.from('signed')]), first],
    [
      'a packed file packed as it is',
      gzipSync(Buffer.concat([gzipSync(first), gzipSync(second)]), { level: 0 }),
      Buffer.concat([gzipSync(first), gzipSync(second)]),
    ],
    ['nothing', gzipSync(''), ''],
  ];
  test.each(files)('%s: all of it is read', async (__, bytes, wanted) => {
    expect((await read(bytes)).equals(Buffer.from(wanted))).toBe(true);
  });

  const both = Buffer.concat([gzipSync(first), gzipSync(second)]);
  const broken: readonly (readonly [string, Uint8Array])[] = [
    ['cut in its second member', both.subarray(0, both.length - 30)],
    ['cut in its second header', both.subarray(0, gzipSync(first).length + 5)],
    ['cut in its last sum', both.subarray(0, both.length - 3)],
    ['with a wrong sum', Buffer.concat([both.subarray(0, both.length - 8), Buffer.alloc(8)])],
    [
      'with a second member of another kind',
      Buffer.concat([gzipSync(first), Buffer.from([0x1f, 0x8b, 9, 0, 0, 0, 0, 0])]),
    ],
    ['cut behind zeros', Buffer.concat([gzipSync(first), Buffer.alloc(100), gzipSync(second).subarray(0, 30)])],
    ['of two bytes', both.subarray(0, 2)],
  ];
  test.each(broken)('a file %s is refused', async (__, bytes) => {
    await expect(read(bytes)).rejects.toThrow('[table] rows.csv.gz: the gzip stream is broken or cut short');
  });
});

describe('a bomb', () => {
  const million = gzipSync(Buffer.alloc(2 ** 20));
  const members = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => million));
  const large = gzipSync(Buffer.alloc(2 ** 26 + 1));
  test.each<[string, Buffer, unknown]>([
    ['one member, by the engine', large, globalThis.DecompressionStream],
    ['64 members and a byte, by the engine', Buffer.concat([members(64), gzipSync('1')]), DecompressionStream],
    ['one member, without an engine', large, undefined],
    ['64 members and a byte, without an engine', Buffer.concat([members(64), gzipSync('1')]), undefined],
  ])('of %s is refused', async (_, bytes, engine) => {
    vi.stubGlobal('DecompressionStream', engine);
    await expect(unpacked('table', 'rows.csv.gz', bytes)).rejects.toThrow(
      `[table] rows.csv.gz has ${bytes.length} bytes and becomes more than 67108864`,
    );
  });

  test('is nothing of 64 MiB', async () => {
    expect(await unpacked('table', 'rows.csv.gz', members(64))).toHaveLength(2 ** 26);
  });

  test('is what becomes more than 64 MiB, and more than a hundred times itself', () => {
    expect([0, 671_088, 671_089, 10 ** 7].map(mostUnpacked)).toEqual([2 ** 26, 2 ** 26, 67_108_900, 10 ** 9]);
  });

  test('is fed to the engine in pieces, and no longer than needed to tell', async () => {
    let taken = 0;
    const much = new Uint8Array(2 ** 24);
    vi.stubGlobal(
      'DecompressionStream',
      class extends TransformStream<Uint8Array, Uint8Array> {
        constructor() {
          super({
            transform(piece, controller) {
              taken += piece.length;
              controller.enqueue(much);
            },
          });
        }
      },
    );
    const bytes = new Uint8Array(500_000);
    bytes.set([0x1f, 0x8b]);
    await expect(unpacked('table', 'a.gz', bytes)).rejects.toThrow('becomes more than 67108864');
    // Five pieces are too much, and some are on their way.
    expect(taken / 2 ** 14).toBeLessThan(10);
  });
});

describe('what is gzipped in members', () => {
  test('is read whole by tables and IDX files alike', async () => {
    vi.stubGlobal('DecompressionStream', engineThat(true));
    const table = await readTable('two.csv.gz', Buffer.concat([gzipSync(text(0, 30)), gzipSync(text(30, 30))]));
    expect(table.rows).toHaveLength(60);
    const idx = Buffer.concat([gzipSync(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3)), gzipSync(Uint8Array.of(7, 8, 9))]);
    expect(Array.from((await readIdx('labels.gz', idx)).data)).toEqual([7, 8, 9]);
  });
});

describe('inflate', () => {
  const data = Buffer.concat([
    Buffer.from(text(0, 20_000)),
    noise,
    Buffer.alloc(100_000, 'ab'),
    noise.subarray(0, 900),
  ]);
  const ways: readonly (readonly [string, Parameters<typeof deflateRawSync>[1]])[] = [
    ['codes of its own', { level: 9 }],
    ['the fixed codes', { strategy: constants.Z_FIXED }],
    ['no repetitions', { strategy: constants.Z_HUFFMAN_ONLY }],
    ['no codes', { level: 0 }],
    ['a small window', { windowBits: 9, memLevel: 1 }],
  ];
  test.each(ways)('unpacks a stream of %s, and says where it ends', (_, options) => {
    const packed = deflateRawSync(data, options);
    const { data: read, end } = inflate(Buffer.concat([Buffer.from('before'), packed, Buffer.from('behind')]), 6);
    expect(Buffer.from(read).equals(data)).toBe(true);
    expect(end).toBe(6 + packed.length);
  });

  test('takes no more room than it fills, of however many streams', () => {
    const empty = deflateRawSync('');
    const output = new Output();
    for (let stream = 0; stream < 1000; stream++) inflate(empty, 0, output);
    inflate(deflateRawSync('abcabcabc'), 0, output);
    expect(new TextDecoder().decode(output.all)).toBe('abcabcabc');
    expect(output.all.buffer.byteLength).toBeLessThan(2000);
    expect(() => inflate(deflateRawSync(Buffer.alloc(2000)), 0, new Output(1999))).toThrow(TooMuch);
    expect(inflate(deflateRawSync(Buffer.alloc(2000)), 0, new Output(2000)).data).toHaveLength(2000);
  });

  test('repeats nothing of the stream before', () => {
    // A fixed block of one repetition, of length 3 and distance 1.
    const repetition = Uint8Array.of(0b00000011, 0b00000010, 0b00000000, 0);
    const output = new Output();
    inflate(deflateRawSync('abc'), 0, output);
    expect(() => inflate(repetition, 0, output)).toThrow('broken');
  });

  test('of bytes that were changed ends, in an error or in other bytes', () => {
    const packed = deflateRawSync(data.subarray(0, 5000));
    let failed = 0;
    for (let trial = 0; trial < 300; trial++) {
      const other = Uint8Array.from(packed);
      other[Math.floor(random.uniform(0, other.length))] ^= 1 << Math.floor(random.uniform(0, 8));
      try {
        inflate(other, 0);
      } catch (error) {
        failed++;
        expect((error as Error).message).toBe('the compressed bytes are broken or end early');
      }
    }
    expect(failed).toBeGreaterThan(0);
  });
});
