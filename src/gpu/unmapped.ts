import { DataError } from '../core/errors.ts';

/** @throws DataError while the CPU has a buffer */
export function requireUnmapped(name: string, { mapState }: { readonly mapState: string }): void {
  if (mapState === 'unmapped') return;
  throw new DataError(`[data] the buffer of "${name}" is ${mapState} for the CPU: unmap it first`);
}
