import { requireKind } from '../../core/argumentChecks.ts';
import { FormatError } from '../../core/errors.ts';
import { bytesOf, requireFileName } from '../bytes.ts';
import { unpacked } from '../gzip.ts';

/**
 * The text of a file in UTF-8, gzipped or not, without a byte order mark.
 * @param file its bytes, also in a buffer as `fetch` gives it, or its text   @throws FormatError for what is no such text
 */
export async function readText(name: string, file: Uint8Array | ArrayBuffer | string): Promise<string> {
  requireFileName('text', name);
  if (typeof file === 'string') return file;
  const bytes = await unpacked('text', name, bytesOf('text', name, file));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`[text] ${name} is no text in UTF-8: save it as UTF-8`, { cause });
  }
}

/** The lines of a text, without their ends; nothing stands behind the last one's. */
export function linesIn(text: string): string[] {
  requireKind('linesIn', 'what is given', text, typeof text === 'string', 'a text');
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
