import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointsIn,
  type Checkpoints,
  type CheckpointsOptions,
  type Files,
} from '../train/checkpoints/checkpointFiles.ts';

const UNFINISHED = '.unfinished';

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder in which a file is there as a whole and for good, or not at all, whatever becomes of the process or the machine. */
function lastingFiles(folder: string): Files {
  const names = async (): Promise<string[]> => {
    try {
      return await readdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };
  return {
    names,
    read: (name) => readFile(join(folder, name)),
    async write(name, bytes) {
      await mkdir(folder, { recursive: true });
      const path = join(folder, name);
      const unfinished = `${path}.${process.pid}${UNFINISHED}`;
      try {
        const handle = await open(unfinished, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(unfinished, path);
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw error;
      }
      // The name is in the folder, whose turn it is to be on the disk. Windows cannot open one.
      if (process.platform !== 'win32') await sync(folder);
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    async tidy() {
      for (const name of await names()) if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true });
    },
  };
}

/**
 * Keeps checkpoints of a run in a folder: give it to `fit`, and `await store.newest()` to `trainer.load` to go on.
 *
 * ```ts
 * const saved = checkpoints({ folder: 'run1', every: { seconds: 60 }, best: 'validation.loss' });
 * const newest = await saved.newest();
 * if (newest) await trainer.load(newest);
 * await trainer.fit(train, { epochs: 20, validation, checkpoints: saved });
 * ```
 *
 * A file is written under another name, synced, renamed, and its folder synced: a process that is killed, a machine that
 * goes down, a disk that is full leave the files before as they were, and half a file is never taken for a whole one.
 * @throws DataError for options that are none
 */
export const checkpoints = (options: CheckpointsOptions): Checkpoints => checkpointsIn(lastingFiles, options);
