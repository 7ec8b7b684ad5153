import { optionsOf, requireFinite } from '../../core/argumentChecks.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { forwardOf, type Computing } from '../computing.ts';
import { stateDictOf } from './stateDict.ts';

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
  const tensors = stateDictOf('toTorch', forward, names, batches);
  // By this word Hugging Face's libraries know whose layout it is.
  return writeSafetensors({ tensors: Object.fromEntries(tensors), metadata: { format: 'pt' } });
}
