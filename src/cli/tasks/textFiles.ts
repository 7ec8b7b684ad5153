import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { linesIn, readText } from '../../data/index.ts';
import { FormatError } from '../../index.ts';
import { reasonOf } from '../outputPaths.ts';

/** The bytes of a file of text. @throws FormatError if there is none */
export const bytesOfText = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[text] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });

/** A file's text. @throws FormatError if there is none, or it is not in UTF-8 */
export const openText = async (path: string): Promise<string> => readText(basename(path), await bytesOfText(path));

/** Its lines, without what ends them. */
export const openLines = async (path: string): Promise<string[]> => linesIn(await openText(path));
