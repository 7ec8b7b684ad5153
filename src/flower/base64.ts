import { FormatError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';

export const toBase64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** @throws FormatError for what is no base64 */
export function fromBase64(name: string, text: string): Bytes {
  try {
    return Uint8Array.from(atob(text.replaceAll(/\s/g, '')), (letter) => letter.charCodeAt(0));
  } catch {
    throw new FormatError(`[readNodeKey] ${name} holds letters that are not base64 between its marks: copy it anew`);
  }
}
