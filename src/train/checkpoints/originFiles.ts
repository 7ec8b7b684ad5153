import { DataError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { checkpointsIn, type Checkpoints, type CheckpointsOptions, type Files } from './checkpointFiles.ts';

const UNFINISHED = '.unfinished';

/** That engines have, and TypeScript's library does not name yet. */
type Movable = FileSystemFileHandle & { move?(name: string): Promise<void> };

/** That workers have. */
interface Access {
  truncate(size: number): void;
  write(bytes: Bytes, options: { readonly at: number }): number;
  flush(): void;
  close(): void;
}

/** A folder of the files that a browser keeps for an origin alone. */
function originFiles(folder: string): Files {
  const open = async (): Promise<FileSystemDirectoryHandle> => {
    const { storage } = globalThis.navigator ?? {};
    if (typeof storage?.getDirectory !== 'function') {
      throw new DataError(
        "[checkpoints] an origin's own files are in pages over https and their workers, and not here: in Node take checkpoints of millrace/node",
      );
    }
    return (await storage.getDirectory()).getDirectoryHandle(folder, { create: true });
  };
  const names = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const name of (await open()).keys()) found.push(name);
    return found;
  };
  return {
    names,
    async read(name) {
      const handle = await (await open()).getFileHandle(name);
      return new Uint8Array(await (await handle.getFile()).arrayBuffer());
    },
    async write(name, bytes) {
      const directory = await open();
      const handle: Movable = await directory.getFileHandle(`${name}${UNFINISHED}`, { create: true });
      try {
        await writeAll(handle, bytes);
        // Where a file cannot be renamed, one that was cut is told by its digest.
        if (handle.move) await handle.move(name);
        else {
          await writeAll(await directory.getFileHandle(name, { create: true }), bytes);
          await directory.removeEntry(`${name}${UNFINISHED}`);
        }
      } catch (error) {
        await directory.removeEntry(`${name}${UNFINISHED}`).catch(() => undefined);
        throw error;
      }
    },
    async remove(name) {
      await (await open()).removeEntry(name);
    },
    async tidy() {
      const directory = await open();
      for (const name of await names()) if (name.endsWith(UNFINISHED)) await directory.removeEntry(name);
    },
  };
}

/** In a worker by a handle of its own, which is on the disk once it is flushed; in a page by a stream. */
async function writeAll(handle: FileSystemFileHandle, bytes: Bytes): Promise<void> {
  const own = handle as unknown as { createSyncAccessHandle?(): Promise<Access> };
  if (own.createSyncAccessHandle && 'WorkerGlobalScope' in globalThis) {
    const access = await own.createSyncAccessHandle();
    try {
      access.truncate(0);
      const written = access.write(bytes, { at: 0 });
      if (written < bytes.length)
        throw new DOMException(`only ${written} of ${bytes.length} bytes fit`, 'QuotaExceededError');
      access.flush();
    } finally {
      access.close();
    }
    return;
  }
  const stream = await handle.createWritable();
  try {
    await stream.write(bytes);
  } catch (error) {
    await stream.abort();
    throw error;
  }
  await stream.close();
}

/**
 * Keeps checkpoints of a run among the files that a browser keeps for a page's origin: the same as `checkpoints` of
 * `millrace/node`, where the folder is one of these. A browser may clear them where room is short, unless
 * `navigator.storage.persist()` was granted.
 * @throws DataError for options that are none; from `fit` and `newest` where there are no such files
 */
export const checkpoints = (options: CheckpointsOptions): Checkpoints => checkpointsIn(originFiles, options);
