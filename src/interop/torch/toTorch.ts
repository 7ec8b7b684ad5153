import { optionsOf, requireFinite } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { writeSafetensors, type Tensor } from '../../data/safetensors.ts';
import { forwardOf, type Computing } from '../computing.ts';
import { featureOrders, inTheirOrder } from './featureOrder.ts';
import { modulesOf, tiedPaths } from './modules.ts';
import { below } from './torchModule.ts';
import { requireNames, torchPath } from './torchNames.ts';

/** What `toTorch` may be told. */
export interface ToTorchOptions {
  /**
   * PyTorch's names of modules by what they are called here: `{ layer0: 'fc1' }`. Of a layer those of all that is in it;
   * `''` is the whole model.
   */
  readonly names?: Readonly<Record<string, string>>;
  /**
   * What `num_batches_tracked` of batch norms is to be: how many batches their averages are of. PyTorch looks at it where
   * `momentum` is None alone, and takes it for 0 if it is left out here.
   */
  readonly batches?: number;
}

/**
 * A model's weights as a PyTorch model has them, so that `load_state_dict` takes them: see `fromTorch` for what is laid
 * out how. A layer of `sequential` is called by its number, one of a transformer as PyTorch's; others are called what they are
 * here, or as `names` says. What the model has beside is named and laid out as it is here.
 *
 * ```python
 * model.load_state_dict(safetensors.torch.load_file('model.safetensors'))
 * ```
 * @param model a trainer, whose averages are taken, if it keeps some, or a predictor
 * @returns the bytes of a safetensors file, in f32, `num_batches_tracked` in i64
 * @throws DataError for names that are of no layer, or two of which are one
 */
export async function toTorch(model: Computing, options: ToTorchOptions = {}): Promise<Bytes> {
  const usual = { names: {}, batches: 0 };
  const { names, batches } = optionsOf<ToTorchOptions, typeof usual>('toTorch', options, usual);
  requireFinite('toTorch', 'batches', batches, 0);
  const forward = await forwardOf('toTorch', model);
  const modules = modulesOf(forward, inTheirOrder(forward.tensors, featureOrders(forward)));
  requireNames('toTorch', names, modules);
  const tensors = new Map<string, Tensor | Tensor<BigInt64Array>>();
  const write = (name: string, tensor: Tensor | Tensor<BigInt64Array>): void => {
    if (!tensors.has(name)) tensors.set(name, tensor);
    else throw new DataError(`[toTorch] two tensors would be "${name}": give each module a name of its own`);
  };
  for (const module of modules) {
    const { path } = torchPath(module.path, forward.layers, names);
    for (const [name, tensor] of Object.entries(module.tensors)) write(below(path, name), tensor);
    const counter = { shape: [], data: BigInt64Array.of(BigInt(Math.floor(batches))) };
    if (module.kind === 'batchNorm') write(below(path, 'num_batches_tracked'), counter);
  }
  for (const pair of tiedPaths(forward)) {
    const [name, of] = pair.map((path) => below(torchPath(path, forward.layers, names).path, 'weight'));
    write(name, tensors.get(of)!);
  }
  // By this word Hugging Face's libraries know whose layout it is.
  return writeSafetensors({ tensors: Object.fromEntries(tensors), metadata: { format: 'pt' } });
}
