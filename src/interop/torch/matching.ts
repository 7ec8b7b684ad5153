import { FormatError } from '../../core/errors.ts';
import { quotedList } from '../../core/textFormat.ts';
import { type Tensors, type TorchModule } from './torchModule.ts';
import { areNumbered, naturally } from './torchNames.ts';

/*
 * Which of a file's modules is which layer. Where all names are the expected ones, they say it. Else shapes do, where there
 * is one module for a layer; and where there are several for as many layers, their order, if only numbers tell them apart:
 * words, as encoder and decoder, say nothing of who is first.
 */

/** Tensors of a file, module by module. */
export type Groups = ReadonlyMap<string, Tensors>;

/** Parameters that lie directly in a module whose others, as `out_proj`, are modules: name and path. */
const OF_ATTENTION = /^(?:(.*)\.)?((?:in|[qkv])_proj_(?:weight|bias)|bias_[kv])$/;
const OUT_OF_ATTENTION = /^(?:(.*)\.)?(out_proj\.(?:weight|bias))$/;

/** A file's tensors by module, in the order of numbers. */
export function groupsOf(tensors: Tensors): Groups {
  const attentions = new Set(
    Object.keys(tensors).flatMap((name) => OF_ATTENTION.exec(name)?.[1] ?? (OF_ATTENTION.test(name) ? '' : [])),
  );
  const groups = new Map<string, Record<string, Tensors[string]>>();
  for (const name of Object.keys(tensors).toSorted(naturally)) {
    const [, path = '', own] = [OUT_OF_ATTENTION.exec(name)].find((found) => found && attentions.has(found[1] ?? '')) ??
      /^(?:(.*)\.)?([^.]+)$/.exec(name) ?? [name, '', name];
    groups.set(path, { ...groups.get(path), [own]: tensors[name] });
  }
  return groups;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** Whether a module's tensors are there, of its shapes; and, if they are to be all, no others. */
export function fits({ tensors, optional }: TorchModule, theirs: Tensors | undefined, all: boolean): boolean {
  if (!theirs) return false;
  const own = Object.entries(tensors).every(([name, { shape }]) =>
    Object.hasOwn(theirs, name) ? same(theirs[name].shape, shape) : optional.includes(name),
  );
  return own && (!all || Object.keys(theirs).every((name) => Object.hasOwn(tensors, name)));
}

/** weight [3, 4], bias [3]. */
export const shapesOf = (tensors: Tensors): string =>
  Object.entries(tensors)
    .map(([name, { shape }]) => `${name} [${shape.join(', ')}]`.trim())
    .join(', ');

/** What a module's tensors are, for those that are alike. */
const likeness = ({ tensors }: TorchModule): string =>
  Object.entries(tensors)
    .map(([name, { shape }]) => `${name} ${shape.join()}`)
    .toSorted()
    .join(' ');

/** Layers and the paths of modules for which shapes leave no doubt. @throws FormatError where they do */
export function matchedByShape(
  where: string,
  file: string,
  modules: readonly TorchModule[],
  groups: Groups,
): ReadonlyMap<TorchModule, string> {
  const alike = new Map<string, TorchModule[]>();
  for (const module of modules) alike.set(likeness(module), [...(alike.get(likeness(module)) ?? []), module]);
  const matched = new Map<TorchModule, string>();
  for (const [first, ...others] of alike.values()) {
    const paths = [...groups].filter(([, tensors]) => fits(first, tensors, true)).map(([path]) => path);
    if (paths.length === 0) continue;
    if (paths.length !== others.length + 1 || !areNumbered(paths)) {
      const layers = [first, ...others].map(({ path }) => path);
      throw new FormatError(
        `[${where}] ${quotedList(layers)} could be ${quotedList(paths.slice(0, MOST_NAMED))} of ${file}, which have these shapes, ${shapesOf(first.tensors)}: say which is which by names: { ${JSON.stringify(first.path)}: ${JSON.stringify(paths[0])} }`,
      );
    }
    for (const [at, module] of [first, ...others].entries()) matched.set(module, paths[at]);
  }
  return matched;
}

const MOST_NAMED = 12;
