import { describe, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/data/index.ts';

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
    ['half precision', fileOf({ x: { ...x, dtype: 'F16' } }), 'holds "x" as F16, but only F32 is read'],
    ['too few bytes for a shape', fileOf({ x: { ...x, shape: [3] } }), 'which are not as many'],
    ['numbers that end early', fileOf({ x }, new Uint8Array(7)), 'but "x" ends at'],
  ];
  test.each(broken)('%s is refused', (_, bytes, message) => {
    expect(() => readSafetensors('model.safetensors', bytes)).toThrow(message);
    expect(() => readSafetensors('model.safetensors', bytes)).toThrow('[safetensors] model.safetensors');
  });
});
