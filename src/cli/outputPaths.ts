import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FormatError } from '../index.ts';
import type { Command, TrainCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';

/** What `--pictures` names in its folder. */
export const pictureFiles = (folder: string) =>
  ({ filters: join(folder, 'filters.png'), confusion: join(folder, 'confusion.png') }) as const;

/** The command that a file is written by: what the user ran. */
export type Writing = Extract<Command['command'], 'train' | 'node' | 'convert' | 'inspect'>;

/**
 * Mistakes about files, found before training rather than after it. A file that is there stays as it is until then; a
 * folder that is not comes to be.
 * @param others that are read
 */
export async function requirePlaces(
  by: Writing,
  { dataset, files, report, save, pictures, checkpoint }: TrainCommand,
  others: readonly string[] = [],
): Promise<void> {
  const drawn = pictures === undefined ? [] : Object.values(pictureFiles(pictures));
  const wanted = [report, save, ...drawn].filter((file) => file !== undefined);
  const taken = new Set([dataset, ...files, ...others].map((file) => resolve(file)));
  for (const file of wanted) {
    if (taken.has(resolve(file))) throw new UsageError(`${file} is named twice: it would be written over`);
    taken.add(resolve(file));
  }
  for (const folder of [pictures, checkpoint]) if (folder !== undefined) await makeFolder(by, folder);
  for (const file of wanted) {
    const isNew = !existsSync(file);
    const handle = await open(file, 'a').catch((cause: NodeJS.ErrnoException) => {
      throw unwritable(by, file, cause);
    });
    await handle.close();
    if (isNew) await rm(file);
  }
}

/** @throws FormatError where something else is in the way */
export async function makeFolder(by: Writing, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw unwritable(by, folder, cause);
  });
}

const unwritable = (by: Writing, file: string, cause: NodeJS.ErrnoException): FormatError =>
  new FormatError(`[${by}] ${file} cannot be written: ${whyNotWritten(cause)}: name another place`, { cause });

function whyNotWritten({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'its folder is not there';
  if (code === 'EEXIST') return 'it came to be just now';
  return code === 'EISDIR' ? 'it is a folder and no file' : message;
}

/** Why a file cannot be read, as a user would say it. */
export function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder and no file' : message;
}

/** @throws FormatError if the disk is full, or the place is gone */
export async function write(
  by: Writing,
  file: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly flag?: string } = {},
): Promise<void> {
  await writeFile(file, content, options).catch((cause: NodeJS.ErrnoException) => {
    throw unwritable(by, file, cause);
  });
}
