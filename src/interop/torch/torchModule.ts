import type { Tensor } from '../../data/safetensors.ts';

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** A layer of a model as the module that it is in PyTorch. */
export interface TorchModule {
  /** Where it lies here; of a tensor of no layer that PyTorch has, its name. */
  readonly path: string;
  readonly kind: string;
  /** Its tensors as PyTorch's module has them, by the names that they have within it; of a single tensor its name is ''. */
  readonly tensors: Tensors;
  /** The names here, below the path, of what it has. */
  readonly here: readonly string[];
  /** Of PyTorch's, which a module may lack: biases of a recurrent layer, which are then 0. */
  readonly optional: readonly string[];
  /** PyTorch's tensors as they are here, by their whole names. */
  taken(theirs: Tensors): Tensors;
}

/** What a module is made of. */
export interface ModuleSource {
  readonly path: string;
  readonly kind: string;
  /** The tensors of its layer, and of those in it, by their names below it, each with its features in PyTorch's order. */
  readonly own: Tensors;
}

/** A name below a path, which may be none. */
export const below = (path: string, name: string): string => (path && name ? `${path}.${name}` : path || name);
