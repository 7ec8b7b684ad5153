import { FormatError } from '../../core/errors.ts';

/** Says what of an HDF5 file is not read. @param what it has   @param way what can be done   @throws FormatError */
export function refuse(what: string, way: string): never {
  throw new FormatError(`[hdf5] the file cannot be read, as ${what}: ${way}`);
}
