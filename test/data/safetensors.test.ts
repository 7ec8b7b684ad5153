import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/data/index.ts';
import { readStored } from '../../src/data/safetensors.ts';
import { swapped } from '../../src/data/tensorTypes.ts';
import { batchNorm, createTrainer, dataset, linear, meanSquaredError, sequential, sgd } from '../../src/index.ts';

const tensors = {
  weight: { shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 1e-38, NaN, Infinity]) },
  scalar: { shape: [], data: Float32Array.of(7) },
  none: { shape: [0, 4], data: new Float32Array(0) },
};

/** A file of any header. */
const fileOf = (header: unknown, body = new Uint8Array(8)): Uint8Array => {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
};

describe('safetensors', () => {
  test('come back as they were written, bit by bit', () => {
    const bytes = writeSafetensors({ tensors, metadata: { format: 'ü "quoted"' } });
    const read = readSafetensors('a', bytes);
    expect(read).toEqual({ tensors, metadata: { format: 'ü "quoted"' } });
    // Also where they lie inside a larger buffer, at an odd place.
    const inside = new Uint8Array(bytes.length + 3);
    inside.set(bytes, 3);
    expect(readSafetensors('a', inside.subarray(3))).toEqual(read);
  });

  test('have the layout of the format: length, JSON, numbers from a multiple of eight on', () => {
    const bytes = writeSafetensors({ tensors: { x: { shape: [1], data: Float32Array.of(1) } }, metadata: {} });
    const view = new DataView(bytes.buffer);
    const length = Number(view.getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as unknown;
    expect(header).toEqual({ __metadata__: {}, x: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } });
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  test('keep a header of 100 MB, and none that is longer', () => {
    // Only as long as is needed to tell: blanks behind the JSON.
    const file = (length: number): Uint8Array => {
      const bytes = new Uint8Array(8 + length).fill(0x20);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
      bytes.set([0x7b, 0x7d], 8);
      return bytes;
    };
    expect(readSafetensors('f', file(100_000_000))).toEqual({ tensors: {}, metadata: {} });
    expect(() => readSafetensors('f', file(100_000_001))).toThrow('a header of 100000001 bytes, of 100000000 at most');
  });

  test('are not written if numbers and shape differ', () => {
    const wrong = { x: { shape: [2], data: new Float32Array(3) } };
    expect(() => writeSafetensors({ tensors: wrong, metadata: {} })).toThrow('"x" is f32[2], 2 numbers, but 3 came');
    const bytes = { x: { shape: [2], data: new Uint8Array(3) } };
    expect(() => writeSafetensors({ tensors: bytes, metadata: {} })).toThrow('"x" is u8[2], 2 numbers, but 3 came');
  });

  test('are not written without a name', () => {
    const unnamed = { '': { shape: [], data: new Float32Array(1) } };
    expect(() => writeSafetensors({ tensors: unnamed, metadata: {} })).toThrow('a tensor has no name');
  });

  const x = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const one = (from: number): string => JSON.stringify({ dtype: 'F32', shape: [1], data_offsets: [from, from + 4] });
  const [none, four] = [new Uint8Array(0), new Uint8Array(4)];
  const many = Array.from({ length: 30 }, () => 2 ** 50);
  const broken: readonly (readonly [string, Uint8Array, string])[] = [
    ['an empty file', new Uint8Array(0), 'has 0 bytes, too few for a header'],
    ['a header beyond the end', fileOf({ x }).subarray(0, 20), 'it was cut short, or is no safetensors'],
    ['another kind of file', new TextEncoder().encode('PNG and so on, and so on'), 'announces a header of'],
    ['a header that is no JSON', fileOf('not json'), 'has a header that is no JSON'],
    ['a header that is a list', fileOf([1, 2]), 'has a header that is no JSON'],
    ['a tensor without a shape', fileOf({ x: { dtype: 'F32', data_offsets: [0, 8] } }), 'describes "x" without'],
    ['twice the bytes of a half', fileOf({ x: { ...x, dtype: 'F16' } }), 'gives "x", F16[2], the bytes 0 … 8'],
    ['too few bytes for a shape', fileOf({ x: { ...x, shape: [3] } }), 'which are not as many'],
    ['numbers that end early', fileOf({ x }, new Uint8Array(7)), 'but "x" ends at'],
    ['bytes of nobody behind', fileOf({ x }, new Uint8Array(9)), 'has 9 bytes of numbers, but "x" ends at 8'],
    ['bytes of nobody alone', fileOf({}, new Uint8Array(1)), 'has 1 bytes of numbers, but the header ends at 0'],
    [
      'tensors that overlap',
      fileOf({ y: { ...x, data_offsets: [4, 12] }, x }, new Uint8Array(12)),
      `has "y" begin at 4 of its numbers' bytes, but "x" ends at 8`,
    ],
    ['one tensor on another', fileOf({ x, y: x }), `has "y" begin at 0 of its numbers' bytes, but "x" ends at 8`],
    [
      'a hole in front',
      fileOf({ x: { ...x, data_offsets: [1, 9] } }, new Uint8Array(9)),
      `has "x" begin at 1 of its numbers' bytes, but the header ends at 0`,
    ],
    [
      'a hole',
      fileOf({ y: { ...x, data_offsets: [12, 20] }, x }, new Uint8Array(20)),
      `has "y" begin at 12 of its numbers' bytes, but "x" ends at 8`,
    ],
    ['two tensors of one name', fileOf(`{"x":${one(0)},"x":${one(4)}}`), 'has "x" twice in its header'],
    ['two alike of one name', fileOf(`{"x":${one(0)}, "\\u0078" :${one(0)}}`, four), 'has "x" twice in its header'],
    ['two empty ones of one name', fileOf('{"":0,"":0}'), 'has "" twice in its header'],
    [
      'two shapes of one tensor',
      fileOf('{"x":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', four),
      'has "shape" twice in its header',
    ],
    ['two texts of one name', fileOf('{"__metadata__":{"a":"b","a":"c"}}', none), 'has "a" twice in its header'],
    ['a tensor without a name', fileOf({ '': x }), 'has a tensor without a name'],
    ['a number among the texts', fileOf({ __metadata__: { epoch: 3 } }, none), 'what is no text, at "epoch"'],
    ['a list of texts', fileOf({ __metadata__: ['a'] }, none), 'has under "__metadata__" what is no text'],
    ['a fraction of a shape', fileOf({ x: { ...x, shape: [0.5, 4] } }), 'describes "x" without'],
    ['a negative shape', fileOf({ x: { ...x, shape: [-1, -2] } }), 'describes "x" without'],
    ['three offsets', fileOf({ x: { ...x, data_offsets: [0, 4, 8] } }), 'describes "x" without'],
    ['a shape as text', fileOf({ x: { ...x, shape: '2' } }), 'describes "x" without'],
    ['2⁶⁰ elements', fileOf({ x: { ...x, shape: [2 ** 30, 2 ** 30] } }), 'which are not as many'],
    ['more elements than have a number', fileOf({ x: { ...x, shape: many } }), 'which are not as many'],
    [
      '2⁶⁰ bytes',
      fileOf('{"x":{"dtype":"U8","shape":[1152921504606846976],"data_offsets":[0,1152921504606846976]}}'),
      'describes "x" without',
    ],
    ['2⁵² bytes', fileOf({ x: { dtype: 'U8', shape: [2 ** 52], data_offsets: [0, 2 ** 52] } }), 'but "x" ends at'],
    ['a shape that overflows to two', fileOf({ x: { ...x, shape: [2 ** 33, 2 ** 32] } }), 'which are not as many'],
    ['a header in front of which a mark stands', fileOf('\ufeff{}', none), 'has a header that is no JSON'],
    [
      'a header that is no UTF-8',
      fileOf('{"\ud800":1}'.replace('\ud800', '')).fill(0xff, 10, 11),
      'has a header that is no JSON',
    ],
    ['a header of 2⁶³ bytes', new Uint8Array(16).fill(0x80, 7, 8), 'announces a header of 9223372036854776000 bytes'],
    [
      'an unknown type that ends before it begins',
      fileOf({ x: { dtype: 'F4', shape: [1], data_offsets: [8, 0] } }),
      'gives "x"',
    ],
  ];
  test.each(broken)('%s is refused', (_, bytes, message) => {
    expect(() => readSafetensors('model.safetensors', bytes)).toThrow(message);
    expect(() => readSafetensors('model.safetensors', bytes)).toThrow('[safetensors] model.safetensors');
  });
});

type Write = (view: DataView, at: number, i: number) => void;
/** A tensor: its type, that type's bytes, a writer of its numbers, and its shape. */
type Given = readonly [dtype: string, bytes: number, write: Write, shape: number | readonly number[]];

/** A file of tensors, one behind the other. */
function fileWith(given: Readonly<Record<string, Given>>): Uint8Array {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, [dtype, bytes, write, extents]] of Object.entries(given)) {
    const shape = [extents].flat();
    const part = new Uint8Array(bytes * shape.reduce((a, b) => a * b, 1));
    for (let at = 0; at < part.length; at += bytes) write(new DataView(part.buffer), at, at / bytes);
    header[name] = { dtype, shape, data_offsets: [end, end + part.length] };
    parts.push(part);
    end += part.length;
  }
  return fileOf(header, Buffer.concat(parts));
}

describe('numbers in the type of their array', () => {
  const given = {
    flags: { shape: [3], data: Uint8Array.of(0, 1, 255) },
    loss: { shape: [], data: Float64Array.of(0.1) },
    seeds: { shape: [2], data: Uint32Array.of(7, 2 ** 32 - 1) },
    weight: { shape: [2], data: Float32Array.of(-0, NaN) },
    steps: { shape: [1, 2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
    none: { shape: [0, 2], data: new Float64Array(0) },
  };
  const types = { flags: 'U8', loss: 'F64', seeds: 'U32', weight: 'F32', steps: 'I32', none: 'F64' };
  const file = writeSafetensors({ tensors: given, metadata: {} });

  test('come back as they were', () => {
    const wanted = Object.entries(given).map(([name, tensor]) => [name, { ...tensor, dtype: types[name as 'loss'] }]);
    expect(readStored('f', file)).toEqual({ tensors: Object.fromEntries(wanted), metadata: {} });
    // Also a Buffer, which is one of bytes, and an array of another frame's class.
    const text = writeSafetensors({ tensors: { text: { shape: [2], data: Buffer.from('ab') } }, metadata: {} });
    expect(readStored('f', text).tensors['text']).toEqual({ dtype: 'U8', shape: [2], data: Uint8Array.of(97, 98) });
  });

  test('become f32 where that has them, and are named', () => {
    const read = readSafetensors('f', file);
    expect([Object.keys(read.tensors), read.converted, read.unread]).toEqual([
      ['flags', 'loss', 'weight', 'none'],
      { flags: 'U8', loss: 'F64', none: 'F64' },
      {
        seeds: { dtype: 'U32', reason: 'is U32, and f32 does not have its element 1, 4294967295' },
        steps: { dtype: 'I32', reason: 'is I32, and f32 does not have its element 1, 2147483647' },
      },
    ]);
  });

  test('begin at a multiple of their bytes, in the order of the tensors else', () => {
    const begin = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, begin))) as Record<string, unknown>;
    expect(
      Object.entries(header).map(([name, entry]) => [name, (entry as { data_offsets?: unknown }).data_offsets]),
    ).toEqual([
      ['__metadata__', undefined],
      ['flags', [32, 35]],
      ['loss', [0, 8]],
      ['seeds', [8, 16]],
      ['weight', [16, 24]],
      ['steps', [24, 32]],
      ['none', [8, 8]],
    ]);
    expect(begin % 8).toBe(0);
  });

  test('are copies, which nobody changes with the file', () => {
    const bytes = file.slice();
    const { tensors: read } = readStored('f', bytes);
    bytes.fill(0);
    expect(read['seeds'].data).toEqual(given.seeds.data);
  });

  test('are turned round on a machine that keeps the highest byte first', () => {
    const turned = swapped(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4, true);
    expect([...turned]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
    expect([...swapped(Uint8Array.of(1, 2), 2)]).toEqual([1, 2]);
  });

  test('are given in their own type where it has no f32: halves by their bits, what is not known by its bytes', () => {
    const bytes = fileWith({
      half: ['F16', 2, (view, at) => view.setUint16(at, 0x3c00, true), 1],
      id: ['I64', 8, (view, at) => view.setBigInt64(at, -(2n ** 60n), true), []],
      eight: ['F8_E4M3', 1, (view, at) => view.setUint8(at, 9), 2],
    });
    expect(readStored('f', bytes).tensors).toEqual({
      half: { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) },
      id: { dtype: 'I64', shape: [], data: BigInt64Array.of(-(2n ** 60n)) },
      eight: { dtype: 'F8_E4M3', shape: [2], data: Uint8Array.of(9, 9) },
    });
  });
});

describe('tensors of other types', () => {
  const whole = [0, 1, -2, 127, -128];
  const integers = {
    I8: [1, (view, at, i) => view.setInt8(at, whole[i]), 5],
    I16: [2, (view, at, i) => view.setInt16(at, whole[i], true), 5],
    I32: [4, (view, at, i) => view.setInt32(at, whole[i], true), 5],
    I64: [8, (view, at, i) => view.setBigInt64(at, BigInt(whole[i]), true), 5],
  } as const satisfies Record<string, readonly [number, Write, number]>;

  test.each(Object.entries(integers))('%s are read as they are, and named', (dtype, [bytes, write, count]) => {
    const file = readSafetensors('f', fileWith({ w: [dtype, bytes, write, count] }));
    expect(file).toEqual({
      tensors: { w: { shape: [5], data: Float32Array.from(whole) } },
      metadata: {},
      converted: { w: dtype },
    });
  });

  const naturals: readonly (readonly [string, number, Write, number[]])[] = [
    ['U8', 1, (view, at, i) => view.setUint8(at, [0, 7, 255][i]), [0, 7, 255]],
    ['U16', 2, (view, at, i) => view.setUint16(at, [0, 7, 65_535][i], true), [0, 7, 65_535]],
    ['U32', 4, (view, at, i) => view.setUint32(at, [0, 7, 2 ** 31][i], true), [0, 7, 2 ** 31]],
    ['U64', 8, (view, at, i) => view.setBigUint64(at, [0n, 7n, 2n ** 63n][i], true), [0, 7, 2 ** 63]],
    ['BOOL', 1, (view, at, i) => view.setUint8(at, [0, 1, 1][i]), [0, 1, 1]],
    [
      'F64',
      8,
      (view, at, i) => view.setFloat64(at, [0.1, -Infinity, 1e-300][i], true),
      [Math.fround(0.1), -Infinity, 0],
    ],
  ];
  test.each(naturals)('%s are read, and named', (dtype, bytes, write, wanted) => {
    const file = readSafetensors('f', fileWith({ w: [dtype, bytes, write, 3] }));
    expect([Array.from(file.tensors['w'].data), file.converted]).toEqual([wanted, { w: dtype }]);
  });

  test('halves of both kinds are exact, for all of their bits', () => {
    const all = 65_536;
    const write: Write = (view, at, i) => view.setUint16(at, i, true);
    const file = readSafetensors('f', fileWith({ half: ['F16', 2, write, all], brain: ['BF16', 2, write, all] }));
    const [half, brain] = [file.tensors['half'].data, file.tensors['brain'].data];
    const bits = new Uint32Array(brain.buffer, brain.byteOffset, all);
    for (let i = 0; i < all; i++) {
      if (!Number.isNaN(brain[i])) expect(bits[i]).toBe((i << 16) >>> 0);
      const [power, part] = [(i >> 10) & 31, i & 1023];
      const size =
        power === 31 ? (part ? NaN : Infinity) : power === 0 ? part * 2 ** -24 : (1 + part / 1024) * 2 ** (power - 15);
      if (!Object.is(half[i], i & 0x8000 ? -size : size)) expect.fail(`half ${i} is ${half[i]}, not ${size}`);
    }
    // Source: Wikipedia, Half-precision floating-point format: 1/3, the largest, the smallest.
    expect([half[0x3555], half[0x7bff], half[0x0001]]).toEqual([0.333251953125, 65_504, 2 ** -24]);
  });

  test('what f32 does not have is named with the first such number, and the rest is read', () => {
    const file = readSafetensors(
      'f',
      fileWith({
        ids: ['I64', 8, (view, at, i) => view.setBigInt64(at, [3n, 2n ** 24n + 1n][i], true), 2],
        far: ['F64', 8, (view, at) => view.setFloat64(at, 1e300, true), 1],
        eight: ['F8_E4M3', 1, (view, at) => view.setUint8(at, 9), 3],
        spectrum: ['C64', 8, (view, at) => view.setFloat32(at, 1, true), 1],
        w: ['F32', 4, (view, at) => view.setFloat32(at, 2.5, true), 1],
      }),
    );
    expect(file).toEqual({
      tensors: { w: { shape: [1], data: Float32Array.of(2.5) } },
      metadata: {},
      unread: {
        ids: { dtype: 'I64', reason: 'is I64, and f32 does not have its element 1, 16777217' },
        far: { dtype: 'F64', reason: 'is F64, and f32 does not have its element 0, 1e+300' },
        eight: { dtype: 'F8_E4M3', reason: 'is F8_E4M3, which is not read' },
        spectrum: { dtype: 'C64', reason: 'is C64, which is not read' },
      },
    });
  });

  test('may stand beside no texts at all', () => {
    expect(readSafetensors('f', fileOf('{"__metadata__":null}', new Uint8Array(0)))).toEqual({
      tensors: {},
      metadata: {},
    });
  });

  test('have whole numbers however JSON writes them, and whatever else an entry has', () => {
    const json = '{"x":{"dtype":"F32","shape":[2.0,1e0],"data_offsets":[0,8],"more":[{"a":1,"a":2}]}}   ';
    expect(readSafetensors('f', fileOf(json)).tensors['x'].shape).toEqual([2, 1]);
  });

  test('lie in any order, empty and single ones among them, at odd places', () => {
    const f32 = (from: number, shape: number[]): unknown => ({
      dtype: 'F32',
      shape,
      data_offsets: [from, from + 4 * shape.reduce((a, b) => a * b, 1)],
    });
    const body = new Uint8Array(9);
    new DataView(body.buffer).setFloat32(1, 7, true);
    new DataView(body.buffer).setFloat32(5, 8, true);
    const header = {
      last: f32(5, [1, 1]),
      none: f32(5, [0, 3]),
      end: f32(9, [0]),
      scalar: f32(1, []),
      flag: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] },
    };
    const read = readSafetensors('f', fileOf(header, body)).tensors;
    expect(Object.fromEntries(Object.entries(read).map(([name, { data }]) => [name, [...data]]))).toEqual({
      last: [8],
      none: [],
      end: [],
      scalar: [7],
      flag: [0],
    });
  });

  test('may have any name that JSON has', () => {
    const json =
      '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"constructor":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
    const { tensors: read } = readSafetensors('f', fileOf(json));
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    const written = writeSafetensors({
      tensors: read,
      metadata: JSON.parse('{"__proto__":"a"}') as object as Record<string, string>,
    });
    const again = readSafetensors('f', written);
    expect([Object.keys(again.tensors), Object.keys(again.metadata)]).toEqual([
      ['__proto__', 'constructor'],
      ['__proto__'],
    ]);
    // A type's too.
    const odd = readSafetensors('f', fileOf('{"x":{"dtype":"constructor","shape":[8],"data_offsets":[0,8]}}'));
    expect(odd.unread).toEqual({ x: { dtype: 'constructor', reason: 'is constructor, which is not read' } });
  });
});

describe('what a file is given as', () => {
  const written = writeSafetensors({ tensors: { w: { shape: [2], data: Float32Array.of(3, 5) } }, metadata: {} });

  test('may be an ArrayBuffer, or any view of the bytes', () => {
    const apart = new Uint8Array(written.length + 7);
    apart.set(written, 7);
    const given = [written.buffer, Buffer.from(written), new DataView(apart.buffer, 7), apart.subarray(7)];
    for (const bytes of given) {
      expect(Array.from(readSafetensors('w', bytes as Uint8Array).tensors['w'].data)).toEqual([3, 5]);
    }
  });

  test.each([
    ['the text "w.safetensors"', 'w.safetensors'],
    ['null', null],
    ['nothing', undefined],
    ['an array of 2', [1, 2]],
    ['of the kind Blob', new Blob([written])],
    ['a promise, which is to be awaited', Promise.resolve(written)],
  ])('is not %s', (kind, given) => {
    expect(() => readSafetensors('w', given as unknown as ArrayBuffer)).toThrow(
      new FormatError(
        `[safetensors] w is given as ${kind}, but is read from its bytes: give a Uint8Array, or an ArrayBuffer as \`await response.arrayBuffer()\` has it`,
      ),
    );
  });

  test('may be an ArrayBuffer for loadWeights, which keeps it as it was then', async () => {
    const data = {
      x: { shape: [2], dtype: 'f32', scale: null },
      target: { shape: [1], dtype: 'f32', scale: null },
    } as const;
    const model = linear(2, 1);
    const trainer = await createTrainer({
      model,
      loss: meanSquaredError,
      optimizer: sgd(),
      batchSize: 1,
      backend: 'cpu',
      data,
    });
    const weight = { shape: [2, 1], data: Float32Array.of(3, 5) };
    const { buffer } = writeSafetensors({
      tensors: { weight, bias: { shape: [1], data: Float32Array.of(7) } },
      metadata: {},
    });
    const loading = trainer.loadWeights(buffer);
    new Uint8Array(buffer).fill(0);
    await loading;
    expect(Array.from((await trainer.readParameters())['weight'])).toEqual([3, 5]);
  });
});

describe('loadWeights', () => {
  /** A batch norm of two features, its file as PyTorch's half precision has it, and more. */
  async function load(more: Readonly<Record<string, Given>>): Promise<Readonly<Record<string, ArrayLike<number>>>> {
    const trainer = await createTrainer({
      model: sequential(linear(1, 2), batchNorm(2)),
      loss: meanSquaredError,
      optimizer: sgd(),
      batchSize: 2,
      backend: 'cpu',
      data: dataset({ x: { data: [1, 2], shape: [1] }, target: { data: [1, 2, 3, 4], shape: [2] } }),
    });
    const halves: Given = ['BF16', 2, (view, at, i) => view.setUint16(at, [0x3f80, 0x4000][i], true), 2];
    const given: Readonly<Record<string, Given>> = {
      'layer0.weight': [halves[0], halves[1], halves[2], [1, 2]],
      'layer0.bias': ['F64', 8, (view, at, i) => view.setFloat64(at, i + 0.5, true), 2],
      'layer1.gamma': halves,
      'layer1.beta': ['I32', 4, (view, at, i) => view.setInt32(at, i - 3, true), 2],
      'layer1.runningMean': halves,
      'layer1.runningVariance': halves,
      ...more,
    };
    await trainer.loadWeights(fileWith(given), 'half.safetensors');
    return trainer.readParameters();
  }

  const counted: Given = ['I64', 8, (view, at) => view.setBigInt64(at, 2n ** 60n + 1n, true), []];

  test('reads weights of other types, and passes over the integers beside them', async () => {
    const read = await load({
      'layer1.num_batches_tracked': counted,
      flag: ['BOOL', 1, () => undefined, 1],
      codes: ['I8', 1, () => undefined, 3],
    });
    expect(Object.fromEntries(Object.entries(read).map(([name, numbers]) => [name, Array.from(numbers)]))).toEqual({
      'layer0.weight': [1, 2],
      'layer0.bias': [0.5, 1.5],
      'layer1.gamma': [1, 2],
      'layer1.beta': [-3, -2],
    });
  });

  test.each<[string, Readonly<Record<string, Given>>, string]>([
    [
      'a weight of a type that is not read',
      { 'layer0.bias': ['F8_E5M2', 1, () => undefined, 2] },
      '"layer0.bias" is f32[2] here but in half.safetensors it is F8_E5M2, which is not read: convert it to F32',
    ],
    [
      'a weight that f32 does not have',
      { 'layer1.gamma': [...counted.slice(0, 3), 2] as unknown as Given },
      '"layer1.gamma" is f32[2] here but in half.safetensors it is I64, and f32 does not have its element 0',
    ],
    ...(['I8', 'U8', 'BOOL'] as const).map((dtype): [string, Readonly<Record<string, Given>>, string] => [
      `a weight of ${dtype}, which is quantised`,
      { 'layer0.bias': [dtype, 1, (view, at, i) => view.setUint8(at, i), 2] },
      `"layer0.bias" is f32[2] here but in half.safetensors it is ${dtype}, which is no weight without its scale: convert`,
    ]),
    ['halves that the model lacks', { more: ['F16', 2, () => undefined, 1] }, 'half.safetensors holds "more", which'],
    [
      'bytes that the model lacks',
      { eight: ['F8_E4M3', 1, () => undefined, 3] },
      'half.safetensors holds "eight", which',
    ],
  ])('refuses %s', async (_, more, message) => {
    await expect(load(more)).rejects.toThrow(`[weights] ${message}`);
  });
});
