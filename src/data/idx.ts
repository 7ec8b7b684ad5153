import { FormatError } from '../core/errors.ts';
import { sizeOf, type Shape } from '../core/shape.ts';
import { bytesOf } from './bytes.ts';
import { unpacked } from './gzip.ts';

/** Bytes of an IDX file of u8, the format of MNIST. */
export interface IdxArray {
  readonly shape: Shape;
  readonly data: Uint8Array;
}

const U8_TYPE = 0x08;

/**
 * Reads an IDX file of bytes, gzipped or not.
 * @throws FormatError naming the file, what it should hold and what it holds
 */
export async function readIdx(name: string, file: Uint8Array | ArrayBuffer): Promise<IdxArray> {
  const bytes = await unpacked('idx', name, bytesOf('idx', name, file));
  if (bytes.length < 4) {
    throw new FormatError(`[idx] ${name} has ${bytes.length} bytes, too few for a header: get the file again`);
  }
  const [zero0, zero1, type, rank] = bytes;
  if (zero0 !== 0 || zero1 !== 0 || type !== U8_TYPE || rank < 1 || rank > 4) {
    const magic = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new FormatError(
      `[idx] ${name} begins with ${magic}, but an IDX file of bytes begins with 00 00 08 and its number of axes: it is another kind of file`,
    );
  }
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw new FormatError(`[idx] ${name} ends inside its header: get the file again`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(shape);
  if (bytes.length - header !== size) {
    throw new FormatError(
      `[idx] ${name} announces [${shape.join(', ')}], ${size} bytes, but holds ${bytes.length - header}: it was cut short or extended; get the file again`,
    );
  }
  return { shape, data: bytes.subarray(header) };
}
