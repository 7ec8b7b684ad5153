import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import type { Source } from '../data/fileSource.ts';

export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() ?? false;

/** A folder as a source of files. @throws FormatError if there is no such folder, or what has a file's name cannot be read */
export function folder(path: string): Source {
  requireKind('folder', 'the path', path, typeof path === 'string', 'a text');
  const read = async (file: string): Promise<Uint8Array | null> => {
    if (!(await isFolder(path))) throw new FormatError(`[folder] ${path} is no folder: give one that holds the files`);
    return readFile(join(path, file)).catch((cause: NodeJS.ErrnoException) => {
      // In a name with a folder before it, that may be a file.
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null;
      const why = cause.code === 'EISDIR' ? 'EISDIR, it is a folder and no file' : cause.message;
      throw new FormatError(`[folder] ${join(path, file)} cannot be read: ${why}`, { cause });
    });
  };
  return Object.assign(read, { origin: { kind: 'folder', text: path } as const });
}
