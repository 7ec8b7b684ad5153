import { requireKind, requireName } from '../../core/argumentChecks.ts';
import { isRecord } from '../../data/safetensorsHeader.ts';
import type { ForwardLayer } from '../../train/emission/forward.ts';
import { below, type TorchModule } from './torchModule.ts';

/** What PyTorch calls a layer within one of a kind, where it is not called the same. */
const within: Readonly<Record<string, (name: string) => string>> = {
  sequential: (name) => name.replace(/^layer(\d+)$/, '$1'),
  transformerEncoderLayer: (name) => (name === 'selfAttention' ? 'self_attn' : name),
  transformerDecoderLayer: (name) =>
    name === 'selfAttention' ? 'self_attn' : name === 'crossAttention' ? 'multihead_attn' : name,
};

/** PyTorch's names of modules by what they are called here: of a layer those of all that is in it. */
export type Names = Readonly<Record<string, string>>;

/** What PyTorch calls what lies at a path, and whether somebody said so. */
export function torchPath(
  path: string,
  layers: readonly ForwardLayer[],
  names: Names,
): { readonly path: string; readonly isSaid: boolean } {
  let here = '';
  let isSaid = Object.hasOwn(names, '');
  let there = isSaid ? names[''] : '';
  for (const name of path === '' ? [] : path.split('.')) {
    const kind = layers.find((layer) => layer.path === here && Object.hasOwn(within, layer.kind))?.kind;
    there = below(there, kind ? within[kind](name) : name);
    here = below(here, name);
    if (!Object.hasOwn(names, here)) continue;
    isSaid = true;
    there = names[here];
  }
  return { path: there, isSaid };
}

const pieces = (name: string): string[] => name.split(/(\d+)/);

/** Where two names differ first; undefined where they do not. */
function firstDifference(a: string, b: string): readonly [string | undefined, string | undefined] | undefined {
  const [own, others] = [pieces(a), pieces(b)];
  for (let at = 0; at < Math.max(own.length, others.length); at++) {
    if (own[at] !== others[at]) return [own[at], others[at]];
  }
  return undefined;
}

const isNumber = (piece: string | undefined): boolean => piece !== undefined && /^\d+$/.test(piece);

/** The order of names in which "2" comes before "10". */
export function naturally(a: string, b: string): number {
  const difference = firstDifference(a, b);
  if (!difference) return 0;
  const [own = '', other = ''] = difference;
  return isNumber(own) && isNumber(other) ? Number(own) - Number(other) : own < other ? -1 : 1;
}

/** Whether only numbers tell names apart, so that their order is that of the modules. */
export const areNumbered = (sorted: readonly string[]): boolean =>
  sorted.slice(1).every((name, at) => firstDifference(sorted[at], name)?.every(isNumber) === true);

/** @throws DataError for names that are no texts, or of what the model does not have */
export function requireNames(where: string, names: Names, modules: readonly TorchModule[]): void {
  requireKind(where, 'names', names, isRecord(names), "PyTorch's names by those here: { layer0: 'fc1' }");
  const paths = modules.flatMap(({ path }) => path.split('.').map((_, at, parts) => parts.slice(0, at + 1).join('.')));
  for (const [name, theirs] of Object.entries(names)) {
    requireKind(where, `names["${name}"]`, theirs, typeof theirs === 'string', 'a name, as "fc1"');
    if (name !== '') requireName(where, 'layer', name, [...new Set(paths)], 'has');
  }
}
