import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { isNumbers } from '../../data/numbers.ts';
import { readSafetensors, writeSafetensors, type SafetensorsFile, type Unread } from '../../data/safetensors.ts';
import { isCounts, isRecord } from '../../data/safetensorsHeader.ts';
import { forwardOf, type Computing } from '../computing.ts';
import { shapesOf } from './matching.ts';
import { foundIn } from './stateDict.ts';
import type { Tensors, TorchModule } from './torchModule.ts';

/** What `fromTorch` may be told. */
export interface FromTorchOptions {
  /**
   * PyTorch's names of modules by what they are called here: `{ layer0: 'fc1' }`. Of a layer those of all that is in it;
   * `''` is the whole model.
   */
  readonly names?: Readonly<Record<string, string>>;
  /**
   * Whether every tensor of the model, and every one of the state dict, must be found: true. If not, what of the model is
   * not there stays as it is, and what it lacks is left out, as told in `missing` and `leftOver`.
   */
  readonly strict?: boolean;
  /** What the state dict is called in messages. */
  readonly file?: string;
}

/** A state dict as a model has it. */
export interface TorchWeights {
  /** The bytes of a safetensors file, with all of the model's names: for `loadWeights` and `createPredictor`. */
  readonly weights: Bytes;
  /** What was found where: PyTorch's modules by layers, as `names` takes them. */
  readonly names: Readonly<Record<string, string>>;
  /** Layers of the model of which the state dict has nothing. */
  readonly missing: readonly string[];
  /** Tensors of the state dict that the model lacks. */
  readonly leftOver: readonly string[];
}

/** Tensors by name, in whatever they came. */
function tensorsOf(given: unknown, file: string): Required<Pick<SafetensorsFile, 'tensors' | 'unread'>> {
  if (ArrayBuffer.isView(given) || Object.prototype.toString.call(given).endsWith('ArrayBuffer]')) {
    return { unread: {}, ...readSafetensors(file, given as Uint8Array) };
  }
  const wanted = 'a state dict: the bytes of a safetensors file, or what readSafetensors gives';
  requireKind('fromTorch', 'the second', given, isRecord(given), wanted);
  const { tensors, ...others } = given as Partial<SafetensorsFile>;
  const isFile = isRecord(tensors) && !isNumbers((tensors as { readonly data?: unknown }).data);
  const named = isFile ? tensors : (given as Tensors);
  for (const [name, tensor] of Object.entries(named)) {
    const { shape, data } = Object(tensor) as Tensors[string];
    const is = isCounts(shape) && data instanceof Float32Array;
    requireKind('fromTorch', `"${name}"`, tensor, is, 'a tensor of f32: { shape: [2, 3], data }');
  }
  return { tensors: named, unread: isFile ? (others.unread ?? {}) : {} };
}

/**
 * The weights of a PyTorch model, laid out and named as a model here has them: linear weights transposed, kernels by rows,
 * columns, channels, features; rows of what stands behind `flatten` in the order of pixels; gates and biases of recurrent
 * layers, attention's products in one, batch norm's running averages. `num_batches_tracked`, which PyTorch needs for a
 * momentum of None, is passed over. The model must be the same, layer by layer.
 *
 * Modules are found by name, `layer0` of `sequential` being `0`; or, where not all have the expected names, by their shapes,
 * and by their numbers, where several are alike; what stays in doubt is said by `names`. Nothing of the model is changed:
 * what comes is a file of weights as others are, for `loadWeights`, `createPredictor`, or the disk.
 *
 * ```ts
 * const { weights } = await fromTorch(trainer, bytes);
 * await trainer.loadWeights(weights);
 * ```
 * @param model a trainer or predictor of it
 * @param stateDict the bytes of what `safetensors.torch.save_file(model.state_dict(), path)` wrote, or its tensors by name
 * @throws FormatError for a state dict of another model, naming the layer and what could stand for it; for a `.pt` or `.pth`
 */
export async function fromTorch(
  model: Computing,
  stateDict: Uint8Array | ArrayBuffer | SafetensorsFile | Tensors,
  options: FromTorchOptions = {},
): Promise<TorchWeights> {
  const usual = { names: {}, strict: true, file: 'the state dict' };
  const { names, strict, file } = optionsOf<FromTorchOptions, typeof usual>('fromTorch', options, usual);
  const { tensors, unread } = tensorsOf(stateDict, file);
  const forward = await forwardOf('fromTorch', model);
  const { own, names: found, missing, left } = foundIn('fromTorch', file, forward, tensors, names);
  if (strict) requireAll(file, missing, left, unread);
  return {
    weights: writeSafetensors({ tensors: { ...forward.tensors, ...own }, metadata: {} }),
    names: found,
    missing: missing.map(({ path }) => path),
    leftOver: [...Object.keys(left), ...Object.keys(unread)],
  };
}

/** @throws FormatError for what is missing, or left over */
function requireAll(
  file: string,
  [missing]: readonly TorchModule[],
  left: Tensors,
  unread: Readonly<Record<string, Unread>>,
): void {
  const [name] = Object.keys(unread);
  if (name !== undefined) {
    throw new FormatError(
      `[fromTorch] "${name}" of ${file} ${unread[name].reason}: save it as torch.float32, or leave it out by strict: false`,
    );
  }
  if (missing) {
    throw new FormatError(
      `[fromTorch] "${missing.path}" is a ${missing.kind} that PyTorch has as ${shapesOf(missing.tensors)}, of which ${file} has none; left in it is ${shapesOf(firstOf(left)) || 'nothing'}: give the state dict of the same model, or take what there is by strict: false`,
    );
  }
  if (Object.keys(left).length === 0) return;
  throw new FormatError(
    `[fromTorch] ${file} holds ${shapesOf(firstOf(left))}, which the model lacks: give the state dict of the same model, or leave it out by strict: false`,
  );
}

const MOST_NAMED = 8;

const firstOf = (tensors: Tensors): Tensors => Object.fromEntries(Object.entries(tensors).slice(0, MOST_NAMED));
