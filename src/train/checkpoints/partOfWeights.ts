import { requireKind } from '../../core/argumentChecks.ts';
import { FormatError } from '../../core/errors.ts';

/** Which tensors of a file are weights of a model, and what they are called there. */
export interface PartOfFile {
  /**
   * A layer of the file's, by its path there, that the model is: only what lies below it is taken, and named from there.
   * All, if left out.
   */
  readonly only?: string | undefined;
  /** What a tensor is called in the model; null leaves it out. As it is, or as it is below `only`, if left out. */
  readonly rename?: ((name: string) => string | null) | undefined;
}

/** @throws DataError for what is none */
export function requirePart(where: string, { only, rename }: PartOfFile): void {
  const isPath = only === undefined || (typeof only === 'string' && only !== '');
  requireKind(where, 'only', only, isPath, 'the path of a layer in the file, as "layer0"');
  const isFunction = rename === undefined || typeof rename === 'function';
  requireKind(where, 'rename', rename, isFunction, 'a function from a name to another one, or null');
}

/** A file of what is taken of another one. @throws FormatError if the file is broken, or nothing lies where `only` says */
export async function partOfWeights(
  file: string,
  bytes: Uint8Array,
  { only, rename }: PartOfFile,
): Promise<Uint8Array> {
  if (only === undefined && !rename) return bytes;
  const [{ partOfSafetensors }, { isOwn }] = await Promise.all([
    import('../../data/safetensors.ts'),
    import('./checkpoint.ts'),
  ]);
  const roots = new Set<string>();
  let isFound = false;
  const part = partOfSafetensors(file, bytes, (key): string | null => {
    if (isOwn(key)) return null;
    roots.add(key.split('.')[0]);
    if (only !== undefined && !key.startsWith(`${only}.`)) return null;
    isFound = true;
    const name = only === undefined ? key : key.slice(only.length + 1);
    return rename ? nameBy(rename, name) : name;
  });
  if (isFound || only === undefined) return part;
  throw new FormatError(`[weights] ${file} has nothing below "${only}": it has ${[...roots].join(', ') || 'nothing'}`);
}

function nameBy(rename: (name: string) => unknown, name: string): string | null {
  const other = rename(name);
  const is = other === null || typeof other === 'string';
  requireKind('rename', `what "${name}" becomes`, other, is, 'a name, or null to leave it out');
  return other as string | null;
}
