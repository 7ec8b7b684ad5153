import { FormatError } from '../../core/errors.ts';

/**
 * Says what of a file is not read.
 * @param where the layer, its kind, or the file   @param what it has   @param way what can be done   @throws FormatError
 */
export function refuse(where: string, what: string, way: string): never {
  throw new FormatError(`[keras] ${where} cannot be read, as it ${what}: ${way}`);
}
