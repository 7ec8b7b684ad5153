import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/data/index.ts';
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

  test('are not written if numbers and shape differ', () => {
    const wrong = { x: { shape: [2], data: new Float32Array(3) } };
    expect(() => writeSafetensors({ tensors: wrong, metadata: {} })).toThrow('"x" is f32[2], 2 numbers, but 3 came');
  });

  const x = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
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
    // The last of two of one name is kept, so that the first leaves a hole.
    [
      'two tensors of one name',
      fileOf(
        '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      ),
      'has "x" begin at 4',
    ],
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
    expect(Object.keys(readSafetensors('f', fileOf(json)).tensors)).toEqual(['__proto__', 'constructor']);
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
