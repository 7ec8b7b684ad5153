import type { Tensor } from '../../data/safetensors.ts';
import type { Forward, ForwardLayer } from '../../train/emission/forward.ts';
import { attentionModule } from './attentionModule.ts';
import { layouts, ownLayout, theirLayout } from './layouts.ts';
import { recurrentModule } from './recurrentModule.ts';
import { below, type ModuleSource, type Tensors, type TorchModule } from './torchModule.ts';

/** A layer's own tensors, none of which lies in one below it. */
function plainModule({ path, kind, own }: ModuleSource): TorchModule | undefined {
  if (!Object.hasOwn(layouts, kind)) return undefined;
  const layout = layouts[kind];
  const here = Object.keys(own).filter((name) => Object.hasOwn(layout, name));
  if (here.length === 0) return undefined;
  const written = here.map((name) => [layout[name].name, theirLayout(layout[name], kind, own[name])] as const);
  return {
    path,
    kind,
    tensors: Object.fromEntries(written),
    here,
    optional: [],
    taken(theirs) {
      const taken = here.map(
        (name) => [below(path, name), ownLayout(layout[name], kind, theirs[layout[name].name])] as const,
      );
      return Object.fromEntries(taken);
    },
  };
}

/** A tensor of no layer that PyTorch has: it is there as it is here. */
const singleTensor = (name: string, tensor: Tensor): TorchModule => ({
  path: name,
  kind: 'tensor',
  tensors: { '': tensor },
  here: [''],
  optional: [],
  taken: ({ '': theirs }) => ({ [name]: theirs }),
});

/** Layers that are one module with all that lies in them. */
const whole: Readonly<Record<string, (source: ModuleSource) => TorchModule | undefined>> = {
  lstm: recurrentModule,
  gru: recurrentModule,
  rnn: recurrentModule,
  multiHeadAttention: attentionModule,
};

/** The tensors below a path, by their names there. */
function tensorsBelow(tensors: Tensors, path: string): Tensors {
  const prefix = path === '' ? '' : `${path}.`;
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** What a batch leaves to the next one, which is no weight. */
const isCarried = (name: string, layers: readonly ForwardLayer[]): boolean =>
  layers.some(({ path, kind }) => Object.hasOwn(whole, kind) && name === below(path, 'carried'));

/**
 * A model's layers as PyTorch's modules, in the order of their use; what PyTorch has none for, tensor by tensor.
 * @param tensors the model's, with their features in PyTorch's order
 */
export function modulesOf({ layers }: Forward, tensors: Tensors): readonly TorchModule[] {
  const found = new Map<number, TorchModule>();
  const taken = new Set<string>();
  const look = (make: (source: ModuleSource) => TorchModule | undefined): void => {
    for (const [at, { path, kind }] of layers.entries()) {
      const own = tensorsBelow(tensors, path);
      const module = make({ path, kind, own });
      const names = module?.here.map((name) => below(path, name)) ?? [];
      if (!module || names.some((name) => taken.has(name))) continue;
      for (const name of names) taken.add(name);
      found.set(at, module);
    }
  };
  // First what takes layers within it along.
  look((source) => (Object.hasOwn(whole, source.kind) ? whole[source.kind](source) : undefined));
  look(plainModule);
  const others = Object.entries(tensors).filter(([name]) => !taken.has(name) && !isCarried(name, layers));
  return [
    ...[...found].toSorted(([a], [b]) => a - b).map(([, module]) => module),
    ...others.map(([name, tensor]) => singleTensor(name, tensor)),
  ];
}

/** Layers that have another one's weight: by path, that of the embedding. */
export function tiedPaths({ layers }: Forward): ReadonlyMap<string, string> {
  // The embedding within is used right before it is done.
  const tied = layers.flatMap(({ path, kind }, at) => (kind === 'tied' ? [[path, layers[at - 1].path] as const] : []));
  return new Map(tied);
}
