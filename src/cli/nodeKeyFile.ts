import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createNodeKey, readNodeKey, type NodeKey } from '../flower/index.ts';
import { FormatError } from '../index.ts';
import type { NodeCommand } from './command/commands.ts';
import { reasonOf, write } from './outputPaths.ts';
import type { Terminal } from './terminal.ts';

/** Nobody but its owner reads it. */
const PRIVATE = 0o600;

const openHalf = (path: string): string => `${path}.pub`;

/** Where a node's key is. */
export const keyFilesOf = ({ key }: NodeCommand): readonly string[] => (key === undefined ? [] : [key, openHalf(key)]);

/** The key in a file, which is made where it is not there yet, with the public half beside it, in `.pub`. */
export async function nodeKeyIn(path: string, terminal: Terminal | null): Promise<NodeKey> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null;
    throw new FormatError(
      `[node] ${path} cannot be read: ${reasonOf(cause)}: name another file by --key, or make this one readable`,
      { cause },
    );
  });
  const key = text === null ? await createNodeKey() : await readNodeKey(path, text);
  const open = openHalf(path);
  if (text === null) {
    // Not over one that somebody else has made meanwhile.
    await write('node', path, key.privateKey, { mode: PRIVATE, flag: 'wx' });
    terminal?.line(`A new key is in ${path}. Where nodes must be known: flwr supernode register ${open}`);
  }
  if (text === null || !existsSync(open)) await write('node', open, `${key.openSsh}\n`);
  return key;
}
