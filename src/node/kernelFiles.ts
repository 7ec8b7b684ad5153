import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireKind } from '../core/argumentChecks.ts';
import type { KernelStorage } from '../scheduler/kernelChoice.ts';
import { userFolder } from './cache.ts';

/**
 * Keeps which kernels were fastest from one process to the next, in files, one for each adapter: give it as `kernels`.
 * @param path of a folder, which comes to be with the first file; one in the user's cache if left out
 */
export function kernelFiles(path: string | null = userFolder('kernels')): KernelStorage {
  requireKind('kernelFiles', 'the path', path, path === null || typeof path === 'string', 'a text');
  const fileOf = (key: string): string => join(path!, `${key.replace(/[^\w.-]+/g, ' ').trim()}.json`);
  return {
    getItem(key) {
      try {
        return path === null ? null : readFileSync(fileOf(key), 'utf8');
      } catch {
        return null;
      }
    },
    setItem(key, text) {
      if (path === null) return;
      mkdirSync(path, { recursive: true });
      // Renamed when whole, so that nobody ever reads a half.
      const unfinished = `${fileOf(key)}.${process.pid}.tmp`;
      writeFileSync(unfinished, text);
      renameSync(unfinished, fileOf(key));
    },
  };
}
