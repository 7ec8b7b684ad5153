import { DataError, FormatError } from '../../core/errors.ts';
import type { Tensor } from '../../data/safetensors.ts';
import type { Forward } from '../../train/emission/forward.ts';
import { featureOrders, inTheirOrder, reordered } from './featureOrder.ts';
import { leftIn, matchedModules, tensorsOfModule } from './matchedModules.ts';
import { modulesOf, tiedPaths } from './modules.ts';
import { below, type Tensors, type TorchModule } from './torchModule.ts';
import { requireNames, torchPath, type Names } from './torchNames.ts';

/* A model's tensors as a state dict, and a state dict as a model's tensors. */

/** What is counted has no fractions. */
export type TorchTensor = Tensor | Tensor<BigInt64Array>;

/** How many batches a norm has seen: PyTorch needs it where momentum is None, to average over all of them. */
const COUNTER = /(?:^|\.)num_batches_tracked$/;

/** Whether a tensor of a state dict only counts batches. */
export const isCounter = (name: string): boolean => COUNTER.test(name);

/** A model's modules, their features in PyTorch's order. @throws DataError for names that are of none */
function modulesIn(where: string, forward: Forward, names: Names) {
  const orders = featureOrders(forward);
  const modules = modulesOf(forward, inTheirOrder(forward.tensors, orders));
  requireNames(where, names, modules);
  return { orders, modules };
}

/** What an output that shares its weight with an embedding calls it, and what the embedding does. */
const tiedNames = (forward: Forward, names: Names): readonly (readonly [output: string, embedding: string])[] =>
  Array.from(tiedPaths(forward), (pair) => {
    const [output, embedding] = pair.map((path) => below(torchPath(path, forward.layers, names).path, 'weight'));
    return [output, embedding];
  });

/**
 * A model's tensors by PyTorch's names, in the order of their use.
 * @param batches that a norm's averages are of   @throws DataError for names that are of no layer, or two of which are one
 */
export function stateDictOf(
  where: string,
  forward: Forward,
  names: Names,
  batches: number,
): ReadonlyMap<string, TorchTensor> {
  const { modules } = modulesIn(where, forward, names);
  const tensors = new Map<string, TorchTensor>();
  const write = (name: string, tensor: TorchTensor): void => {
    if (!tensors.has(name)) tensors.set(name, tensor);
    else throw new DataError(`[${where}] two tensors would be "${name}": give each module a name of its own`);
  };
  for (const module of modules) {
    const { path } = torchPath(module.path, forward.layers, names);
    for (const [name, tensor] of Object.entries(module.tensors)) write(below(path, name), tensor);
    const counter = { shape: [], data: BigInt64Array.of(BigInt(Math.floor(batches))) };
    if (module.kind === 'batchNorm') write(below(path, 'num_batches_tracked'), counter);
  }
  for (const [output, embedding] of tiedNames(forward, names)) write(output, tensors.get(embedding)!);
  return tensors;
}

/** What of a model a state dict has. */
export interface Found {
  /** By the names that they have here, and laid out so. */
  readonly own: Tensors;
  /** PyTorch's modules by layers. */
  readonly names: Names;
  /** Of which the state dict has nothing. */
  readonly missing: readonly TorchModule[];
  /** Of the state dict, that the model lacks. */
  readonly left: Tensors;
}

/** @param file what the state dict is called   @throws FormatError where it is in doubt which of its modules is which layer */
export function foundIn(where: string, file: string, forward: Forward, tensors: Tensors, names: Names): Found {
  const { orders, modules } = modulesIn(where, forward, names);
  const given = withoutTied(where, file, tiedNames(forward, names), tensors);
  const matched = matchedModules(where, file, forward, modules, given, names);
  const taken = Array.from(matched, ([module, path]) => module.taken(tensorsOfModule(given, module, path)));
  const own = Object.entries(Object.assign({}, ...taken) as Tensors).map(([name, tensor]) => {
    return [name, reordered(tensor, orders.get(name) ?? [], true)] as const;
  });
  return {
    own: Object.fromEntries(own),
    names: Object.fromEntries(Array.from(matched, ([{ path }, theirs]) => [path, theirs])),
    missing: modules.filter((module) => !matched.has(module)),
    left: leftIn(given, matched),
  };
}

/** Of two that are no numbers there is nothing to compare. */
const differ = (one: number, other: number): boolean => one !== other && !(Number.isNaN(one) && Number.isNaN(other));

/** A file's tensors without counters, and without the copies of embeddings' weights that outputs share with them. */
function withoutTied(where: string, file: string, tied: ReturnType<typeof tiedNames>, tensors: Tensors): Tensors {
  for (const [name, of] of tied) {
    const [one, other] = [tensors[name], tensors[of]];
    if (one && other && one.data.some((number, at) => differ(number, other.data[at]))) {
      throw new FormatError(
        `[${where}] "${name}" and "${of}" of ${file} differ, but are one weight of the model: make its output a linear layer`,
      );
    }
  }
  const copies = new Set(tied.map(([name]) => name));
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !isCounter(name) && !copies.has(name)));
}
