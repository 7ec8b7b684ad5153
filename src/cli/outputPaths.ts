import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FormatError } from '../index.ts';
import type { TrainCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';

/** What `--pictures` names in its folder. */
export const pictureFiles = (folder: string) =>
  ({ filters: join(folder, 'filters.png'), confusion: join(folder, 'confusion.png') }) as const;

/**
 * Mistakes about files, found before training rather than after it. A file that is there stays as it is until then; a
 * folder that is not comes to be.
 */
export async function requirePlaces({
  dataset,
  files,
  report,
  save,
  pictures,
  checkpoint,
}: TrainCommand): Promise<void> {
  const drawn = pictures === undefined ? [] : Object.values(pictureFiles(pictures));
  const wanted = [report, save, ...drawn].filter((file) => file !== undefined);
  const taken = new Set([dataset, ...files].map((file) => resolve(file)));
  for (const file of wanted) {
    if (taken.has(resolve(file))) throw new UsageError(`${file} is named twice: it would be written over`);
    taken.add(resolve(file));
  }
  for (const folder of [pictures, checkpoint]) {
    if (folder === undefined) continue;
    await mkdir(folder, { recursive: true }).catch((cause: Error) => {
      throw unwritable(folder, cause);
    });
  }
  for (const file of wanted) {
    const isNew = !existsSync(file);
    const handle = await open(file, 'a').catch((cause: Error) => {
      throw unwritable(file, cause);
    });
    await handle.close();
    if (isNew) await rm(file);
  }
}

const unwritable = (file: string, cause: Error): FormatError =>
  new FormatError(`[train] ${file} cannot be written: ${cause.message}: name another place`, { cause });

/** Why a file cannot be read, as a user would say it. */
export function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder and no file' : message;
}

/** @throws FormatError if the disk is full, or the place is gone */
export async function write(
  file: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly flag?: string } = {},
): Promise<void> {
  await writeFile(file, content, options).catch((cause: Error) => {
    throw unwritable(file, cause);
  });
}
