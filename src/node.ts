import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from './core/errors.ts';
import type { Source } from './data/mnist.ts';

export { requestDevice, type DeviceOptions } from './gpu/device.ts';

/** A folder as a source of files. @throws FormatError if there is no such folder */
export function folder(path: string): Source {
  return async (file) => {
    const about = await stat(path).catch(() => null);
    if (!about?.isDirectory()) throw new FormatError(`[folder] ${path} is no folder: give one that holds the files`);
    return readFile(join(path, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
  };
}
