import { requireKind } from '../../core/argumentChecks.ts';
import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { bytesOf } from '../../data/bytes.ts';
import { isRecord } from '../../data/safetensorsHeader.ts';
import { readZip, writeZip } from '../zip.ts';
import { readNpy, writeNpy, type NumpyArray, type NumpyInput } from './npy.ts';
import { isNpy } from './npyHeader.ts';

const ENDING = '.npy';

/**
 * Reads a `.npz` file, as `numpy.savez` and `numpy.savez_compressed` write it: a zip archive of arrays.
 * @param name the file's, for messages   @param content its bytes
 * @returns arrays by name, each as `readNpy` gives it
 * @throws FormatError as `readNpy`, and for an archive that is broken, or holds something else
 */
export function readNpz(name: string, content: Uint8Array | ArrayBuffer): Readonly<Record<string, NumpyArray>> {
  const bytes = bytesOf('npz', name, content);
  if (isNpy(bytes)) throw new FormatError(`[npz] ${name} is a single array, as in .npy files: read it by readNpy`);
  const arrays = Array.from(readZip('npz', name, bytes), ([member, own]) => {
    if (member.endsWith(ENDING)) return [member.slice(0, -ENDING.length), readNpy(`${name}/${member}`, own)] as const;
    throw new FormatError(
      `[npz] ${name} holds "${member}", which is no array: give what numpy.savez wrote, whose members end in ${ENDING}`,
    );
  });
  return Object.fromEntries(arrays);
}

/**
 * The bytes of a `.npz` file, for `numpy.load`. The same arrays give the same bytes; nothing is packed.
 * @param arrays by name, each as for `writeNpy`
 * @throws ShapeError and DataError as `writeNpy`
 */
export function writeNpz(arrays: Readonly<Record<string, NumpyInput>>): Bytes {
  requireKind('npz', 'what is written', arrays, isRecord(arrays), 'arrays by name: { x: { shape, data } }');
  return writeZip(
    'npz',
    Object.entries(arrays).map(([name, array]) => [name + ENDING, writeNpy(array)] as const),
  );
}
