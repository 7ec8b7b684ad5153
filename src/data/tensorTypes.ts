/*
 * The number types of a safetensors file, and how they become f32: halves and small integers as they are, f64 rounded,
 * larger integers where f32 has them exactly.
 */

interface TensorType {
  readonly bytes: number;
  /** An integer is exact or nothing: it counts or names something. */
  readonly integer?: true;
  read(view: DataView, at: number): number | bigint;
}

const BITS_OF_F16 = { fraction: 10, exponent: 5 } as const;

/** Source: IEEE 754-2019, 3.6 */
function halfOf(bits: number): number {
  const { fraction, exponent } = BITS_OF_F16;
  const [sign, power, part] = [
    bits >> (fraction + exponent) ? -1 : 1,
    (bits >> fraction) & (2 ** exponent - 1),
    bits & (2 ** fraction - 1),
  ];
  if (power === 2 ** exponent - 1) return part > 0 ? NaN : sign * Infinity;
  // Those without a power have no leading one either.
  return sign * (power > 0 ? 2 ** fraction + part : part) * 2 ** (Math.max(power, 1) - 25);
}

/** The upper half of an f32. */
function brainHalfOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

/** By the names that files give them. Source: huggingface.co/docs/safetensors */
export const tensorTypes: Readonly<Record<string, TensorType>> = {
  F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  F16: { bytes: 2, read: (view, at) => halfOf(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: (view, at) => brainHalfOf(view.getUint16(at, true)) },
  I64: { bytes: 8, integer: true, read: (view, at) => view.getBigInt64(at, true) },
  U64: { bytes: 8, integer: true, read: (view, at) => view.getBigUint64(at, true) },
  I32: { bytes: 4, integer: true, read: (view, at) => view.getInt32(at, true) },
  U32: { bytes: 4, integer: true, read: (view, at) => view.getUint32(at, true) },
  I16: { bytes: 2, integer: true, read: (view, at) => view.getInt16(at, true) },
  U16: { bytes: 2, integer: true, read: (view, at) => view.getUint16(at, true) },
  I8: { bytes: 1, integer: true, read: (view, at) => view.getInt8(at) },
  U8: { bytes: 1, integer: true, read: (view, at) => view.getUint8(at) },
  BOOL: { bytes: 1, integer: true, read: (view, at) => Number(view.getUint8(at) !== 0) },
};

/** Whether a type counts or names, rather than measures: no weight is of it. */
export const isInteger = (dtype: string): boolean => tensorTypes[dtype]?.integer ?? false;

/** Whether a type is an integer of 8 bits: as a weight it is a quantised one, which means nothing without its scale. */
export const isQuantised = (dtype: string): boolean => isInteger(dtype) && tensorTypes[dtype].bytes === 1;

/** A tensor's numbers, or why f32 cannot hold them, as it goes behind the tensor's name. */
export function numbersOf(dtype: string, view: DataView, size: number): Float32Array | string {
  const { bytes, integer, read } = tensorTypes[dtype];
  const numbers = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    const number = read(view, at * bytes);
    numbers[at] = Number(number);
    const isKept = integer
      ? typeof number === 'bigint'
        ? BigInt(numbers[at]) === number
        : numbers[at] === number
      : Number.isFinite(numbers[at]) || !Number.isFinite(number);
    if (!isKept) return `is ${dtype}, and f32 does not have its element ${at}, ${String(number)}`;
  }
  return numbers;
}
