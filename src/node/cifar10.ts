import { BRING, loadCifar10, type Cifar10Options } from '../data/cifar10/load.ts';
import type { Mnist } from '../data/mnist/load.ts';
import type { Source } from '../data/fileSource.ts';
import { nodePlatform } from './mnist.ts';

/** `cifar10` of millrace/data, in Node, which reads PNG pictures only where `decode` is given. */
export function cifar10(given: Source | Cifar10Options = {}): Promise<Mnist> {
  const platform = { ...nodePlatform, remedy: `give a folder of ${BRING}: by MILLRACE_DATA, --data, or folder(path)` };
  return loadCifar10(given, platform);
}
