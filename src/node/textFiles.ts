import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FormatError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import type { NamedFile } from '../data/fileSource.ts';
import { isFolder } from './folder.ts';

/** What stands beside data and tells of them. */
const ABOUT = /^(?:\.|readme|licen[cs]e)/i;

async function named(path: string): Promise<NamedFile> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new FormatError(`[textFiles] ${path} cannot be read: ${cause.message}`, { cause });
  });
  return { name: basename(path), arrayBuffer: async () => new Uint8Array(bytes).buffer };
}

/**
 * A file, or all files of a folder in the order of their names, for `readClassFiles`. Those that a system hides are passed
 * over, and README and LICENSE.
 * @throws FormatError for what cannot be read
 */
export async function textFiles(path: string): Promise<NamedFile[]> {
  requireKind('textFiles', 'the path', path, typeof path === 'string', 'a text');
  if (!(await isFolder(path))) return [await named(path)];
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !ABOUT.test(entry.name)).map(({ name }) => name);
  return Promise.all(names.sort().map((name) => named(join(path, name))));
}
