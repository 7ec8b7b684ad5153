import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Store } from '../data/download/fileStore.ts';

/** Where this system keeps what can be lost; null where there is no home. */
function cacheHome(): string | null {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  // A relative one must be ignored. Source: XDG Base Directory Specification 0.8.
  if (xdg && isAbsolute(xdg)) return xdg;
  if (process.platform === 'win32' && local) return local;
  let home = '';
  try {
    home = homedir();
  } catch {
    return null;
  }
  if (!isAbsolute(home)) return null;
  return process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
}

/** A folder as a store: it comes to be with the first file. */
export function folderStore(path: string): Store {
  return {
    text: `the cache ${path}`,
    read: (file) => readFile(join(path, file)).catch(() => null),
    write: async (file, bytes) => {
      await mkdir(path, { recursive: true });
      // Renamed when whole, so that nobody ever reads a half.
      const unfinished = join(path, `${file}.${randomUUID()}.tmp`);
      try {
        await writeFile(unfinished, bytes);
        await rename(unfinished, join(path, file));
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    remove: (file) => rm(join(path, file), { force: true }),
    extend: async (file, bytes, at) => {
      if (at === 0) await mkdir(path, { recursive: true });
      // Never truncated, and made only from its beginning: another process may be writing the same bytes to it.
      const flags = at === 0 ? constants.O_WRONLY | constants.O_CREAT : constants.O_WRONLY;
      const handle = await open(join(path, file), flags);
      try {
        await handle.write(bytes, 0, bytes.length, at);
      } finally {
        await handle.close();
      }
    },
  };
}

/** A folder of the user's cache; null where there is no place for one. */
export function userFolder(name: string): string | null {
  const home = cacheHome();
  return home === null ? null : join(home, 'millrace', name);
}

/** The user's cache of a set; null where there is no place for one. */
export function userStore(name: string): Store | null {
  const path = userFolder(name);
  return path === null ? null : folderStore(path);
}
