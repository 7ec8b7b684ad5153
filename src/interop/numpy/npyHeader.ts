import { FormatError } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { refusePickled } from '../../data/pickledFile.ts';

/*
 * What stands in front of an array's numbers: a magic text, two bytes of version, the header's length, and the header, a
 * dictionary as Python writes it: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. It is taken apart entry by
 * entry; nothing of it is evaluated.   Source: numpy.org, numpy.lib.format
 */

/** What a header says. */
export interface NpyHeader {
  /** As NumPy writes it: `<f4`. */
  readonly dtype: string;
  readonly fortran: boolean;
  readonly shape: Shape;
  /** Where the numbers begin. */
  readonly begin: number;
}

/** A byte that no text has, and NUMPY. */
export const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** How many bytes the header's length has, by version. */
const lengthBytes: Readonly<Record<number, 2 | 4>> = { 1: 2, 2: 4, 3: 4 };
/** NumPy has no more axes, and reads no longer header. */
const [MOST_AXES, LONGEST_HEADER] = [64, 10_000];

/** Whether a file is one array of NumPy's. */
export const isNpy = (bytes: Uint8Array): boolean => MAGIC.every((byte, at) => bytes[at] === byte);

/** @param name the file's   @throws FormatError naming what is wrong with it */
export function readNpyHeader(name: string, bytes: Uint8Array): NpyHeader {
  refusePickled('npy', name, bytes);
  const fails = (what: string): FormatError => new FormatError(`[npy] ${name} ${what}`);
  if (!isNpy(bytes)) throw fails('does not begin as a .npy file does: give what numpy.save wrote');
  const [version, minor] = bytes.subarray(MAGIC.length);
  const width = lengthBytes[version];
  if (width === undefined || minor !== 0) {
    throw fails(`is of version ${version}.${minor} of its format, of which 1.0, 2.0 and 3.0 are read: save it anew`);
  }
  const at = MAGIC.length + 2;
  const begin = at + width;
  const lengthIn = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length =
    begin > bytes.length ? Infinity : width === 2 ? lengthIn.getUint16(at, true) : lengthIn.getUint32(at, true);
  if (begin + length > bytes.length || length > LONGEST_HEADER) {
    throw fails(
      `has ${bytes.length} bytes and announces a header of ${length}, of ${LONGEST_HEADER} at most: it was cut short; save it anew`,
    );
  }
  const text = new TextDecoder('latin1').decode(bytes.subarray(begin, begin + length));
  const { descr, fortran_order: fortran, shape } = entriesIn(text);
  const axes =
    /^\((.*)\)$/
      .exec(shape ?? '')?.[1]
      .match(/\d+/g)
      ?.map(Number) ?? [];
  if (descr === undefined || fortran === undefined || shape === undefined || axes.length > MOST_AXES) {
    throw fails('has a header that is not as NumPy writes it: it was damaged; save it anew');
  }
  return { dtype: descr.replace(/^'(.*)'$/, '$1'), fortran: fortran === 'True', shape: axes, begin: begin + length };
}

const ENTRY =
  /^(?:'(descr)'\s*:\s*('[^']*'|\[.*\])|'(fortran_order)'\s*:\s*(True|False)|'(shape)'\s*:\s*(\((?:\d+L?,\s*)*(?:\d+L?)?\)))\s*(?:,\s*|$)/s;

/** The entries of a dictionary, as they are written; none of what is no such dictionary, or has one twice. */
function entriesIn(text: string): { readonly [name in 'descr' | 'fortran_order' | 'shape']?: string } {
  let rest = /^\s*\{\s*(.*)\}\s*$/s.exec(text)?.[1] ?? '?';
  const entries = new Map<string, string>();
  while (rest !== '') {
    const found = ENTRY.exec(rest)?.filter((group) => group !== undefined);
    if (!found || entries.has(found[1])) return {};
    entries.set(found[1], found[2]);
    rest = rest.slice(found[0].length);
  }
  return Object.fromEntries(entries);
}
