import { loadFsdd, type Fsdd, type FsddOptions } from '../data/audio/fsdd.ts';
import type { Source } from '../data/fileSource.ts';
import { nodePlatform } from './mnist.ts';

/** `fsdd` of millrace/data, in Node. */
export const fsdd = (given: Source | FsddOptions = {}): Promise<Fsdd> =>
  loadFsdd(given, { ...nodePlatform, remedy: 'give its folder: by MILLRACE_DATA, --data, or folder(path)' });
