import { FormatError } from '../core/errors.ts';
import { described, requireKind } from '../core/argumentChecks.ts';
import type { Bytes } from '../core/globalTypes.ts';
import { kindOf } from './numbers.ts';

/** What all readers of files are given. @throws DataError for a name that is none, as where the arguments were exchanged */
export const requireFileName = (where: string, name: unknown): void =>
  requireKind(
    where,
    'the name',
    name,
    typeof name === 'string' && !name.includes('\n'),
    "the file's, in front of what it holds",
  );

/**
 * A file's bytes, in whatever view or buffer they come.
 * @param name the file's, for messages   @throws FormatError for what has to be read first, as a Response or a Blob
 */
export function bytesOf(where: string, name: string, given: unknown): Uint8Array {
  requireFileName(where, name);
  if (ArrayBuffer.isView(given)) return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  if (kindOf(given).endsWith('ArrayBuffer')) return new Uint8Array(given as ArrayBuffer);
  throw new FormatError(
    `[${where}] ${name} is given as ${described(given)}, but is read from its bytes: give a Uint8Array, or an ArrayBuffer as \`await response.arrayBuffer()\` has it`,
  );
}

/** Bytes one behind the other. */
export function joinedBytes(parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
