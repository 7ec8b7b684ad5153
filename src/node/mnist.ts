import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '../core/errors.ts';
import { fashionMnistEntry, mnistEntry, type CatalogueEntry } from '../data/download/catalogue.ts';
import { load, type Mnist, type MnistOptions, type Platform } from '../data/mnist/load.ts';
import { syntheticMnist } from '../data/mnist/mnist.ts';
import { knownNames } from '../data/mnist/mnistFiles.ts';
import type { Source } from '../data/fileSource.ts';
import { userStore } from './cache.ts';
import { folder, isFolder } from './folder.ts';

/** MILLRACE_DATA's folder of a set, or why there is none. @throws FormatError if MILLRACE_DATA is no folder */
async function namedFolder({ name, folder: own, torchvision }: CatalogueEntry): Promise<Source | string> {
  const root = process.env['MILLRACE_DATA'];
  if (!root) return 'MILLRACE_DATA is not set';
  if (!(await isFolder(root))) {
    throw new FormatError(`[${name}] MILLRACE_DATA is ${root}, which is no folder: set it to one, or to nothing`);
  }
  const below = join(root, own);
  if (await isFolder(below)) return folder(below);
  if (torchvision !== undefined && (await isFolder(join(root, torchvision)))) return folder(root);
  // Other sets' files have the same names.
  const here = own === mnistEntry.folder && (await readdir(root)).some((file) => knownNames.includes(file));
  return here ? folder(root) : `MILLRACE_DATA (${root}) holds no ${own}`;
}

export const nodePlatform: Platform = {
  page: false,
  named: namedFolder,
  store: async (entry) => userStore(entry.folder),
  remedy: 'give the folder of the four files: by MILLRACE_DATA, --data, or folder(path)',
};

/** `mnist` of millrace/data, in Node. */
export function mnist(given: Source | MnistOptions = {}): Promise<Mnist> {
  return load(mnistEntry, given, nodePlatform, syntheticMnist);
}

/** `fashionMnist` of millrace/data, in Node. */
export function fashionMnist(given: Source | MnistOptions = {}): Promise<Mnist> {
  return load(fashionMnistEntry, given, nodePlatform);
}
