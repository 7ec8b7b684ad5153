import { FormatError } from '../../core/errors.ts';
import type { Forward } from '../../train/emission/forward.ts';
import { fits, groupsOf, matchedByShape, shapesOf } from './matching.ts';
import { below, type Tensors, type TorchModule } from './torchModule.ts';
import { torchPath, type Names } from './torchNames.ts';

/** The tensors of a module at a path, by their names in it. */
export function tensorsOfModule(given: Tensors, { tensors }: TorchModule, path: string): Tensors {
  const own = Object.keys(tensors).flatMap((name) => {
    const whole = below(path, name);
    return Object.hasOwn(given, whole) ? [[name, given[whole]] as const] : [];
  });
  return Object.fromEntries(own);
}

/** Which of the file's modules each layer is. @throws FormatError where that is in doubt, or is not what was said */
export function matchedModules(
  where: string,
  file: string,
  { layers }: Forward,
  modules: readonly TorchModule[],
  given: Tensors,
  names: Names,
): ReadonlyMap<TorchModule, string> {
  const expected = modules.map((module) => ({ module, ...torchPath(module.path, layers, names) }));
  const prefix = commonPrefix(Object.keys(given));
  const found = ['', prefix].map((before) =>
    expected.flatMap(({ module, path, isSaid }) => {
      const whole = isSaid ? path : below(before, path);
      return fits(module, tensorsOfModule(given, module, whole), false) ? [[module, whole] as const] : [];
    }),
  );
  const all = found.find((one) => one.length === modules.length);
  if (all) return new Map(all);
  const said = expected.filter(({ isSaid }) => isSaid).map(({ module, path }) => [module, path] as const);
  for (const [module, path] of said) requireSaid(where, file, module, path, given);
  const sure = new Map([...found[0].filter(([, path]) => isWord(path)), ...said]);
  const rest = modules.filter((module) => !sure.has(module));
  return new Map([...sure, ...matchedByShape(where, file, rest, groupsOf(leftIn(given, sure)))]);
}

/** A number may be another one's by chance: `2` of one `Sequential` is not what it is of another. */
const isWord = (path: string): boolean => !/(?:^|\.)\d+(?:\.|$)/.test(path);

/** What all names begin with, as DataParallel's `module`. */
function commonPrefix(names: readonly string[]): string {
  const parts = (names[0] ?? '').split('.').slice(0, -1);
  const differs = parts.findIndex((_, at) => {
    const prefix = `${parts.slice(0, at + 1).join('.')}.`;
    return !names.every((name) => name.startsWith(prefix));
  });
  return parts.slice(0, differs < 0 ? parts.length : differs).join('.');
}

/** Tensors that no layer has taken. */
export function leftIn(given: Tensors, matched: ReadonlyMap<TorchModule, string>): Tensors {
  const taken = new Set(
    Array.from(matched, ([{ tensors }, path]) => Object.keys(tensors).map((name) => below(path, name))).flat(),
  );
  return Object.fromEntries(Object.entries(given).filter(([name]) => !taken.has(name)));
}

function requireSaid(where: string, file: string, module: TorchModule, path: string, given: Tensors): void {
  const theirs = tensorsOfModule(given, module, path);
  if (fits(module, theirs, false)) return;
  throw new FormatError(
    `[${where}] "${module.path}" is to be "${path}", and PyTorch has it as ${shapesOf(module.tensors)}, but in ${file} it is ${shapesOf(theirs) || 'not there'}: name the module that it is`,
  );
}
