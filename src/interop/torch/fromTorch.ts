import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { isNumbers } from '../../data/numbers.ts';
import { readSafetensors, writeSafetensors, type SafetensorsFile, type Unread } from '../../data/safetensors.ts';
import { isCounts, isRecord } from '../../data/safetensorsHeader.ts';
import type { Forward } from '../../train/emission/forward.ts';
import { forwardOf, type Computing } from '../computing.ts';
import { featureOrders, inTheirOrder, reordered } from './featureOrder.ts';
import { leftIn, matchedModules, tensorsOfModule } from './matchedModules.ts';
import { shapesOf } from './matching.ts';
import { modulesOf, tiedPaths } from './modules.ts';
import { below, type Tensors, type TorchModule } from './torchModule.ts';
import { requireNames, torchPath, type Names } from './torchNames.ts';

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

/** How many batches a norm has seen: PyTorch needs it where momentum is None, to average over all of them. */
const COUNTER = /(?:^|\.)num_batches_tracked$/;

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
  const orders = featureOrders(forward);
  const modules = modulesOf(forward, inTheirOrder(forward.tensors, orders));
  requireNames('fromTorch', names, modules);
  const given = withoutTied(file, forward, names, tensors);
  const matched = matchedModules(file, forward, modules, given, names);
  const left = leftIn(given, matched);
  if (strict) requireAll(file, modules, matched, left, unread);
  const taken = Array.from(matched, ([module, path]) => module.taken(tensorsOfModule(given, module, path)));
  const own = Object.entries(Object.assign({}, ...taken) as Tensors).map(([name, tensor]) => {
    return [name, reordered(tensor, orders.get(name) ?? [], true)] as const;
  });
  return {
    weights: writeSafetensors({ tensors: { ...forward.tensors, ...Object.fromEntries(own) }, metadata: {} }),
    names: Object.fromEntries(Array.from(matched, ([{ path }, theirs]) => [path, theirs])),
    missing: modules.filter((module) => !matched.has(module)).map(({ path }) => path),
    leftOver: [...Object.keys(left), ...Object.keys(unread)],
  };
}

/** @throws FormatError for what is missing, or left over */
function requireAll(
  file: string,
  modules: readonly TorchModule[],
  matched: ReadonlyMap<TorchModule, string>,
  left: Tensors,
  unread: Readonly<Record<string, Unread>>,
): void {
  const missing = modules.find((module) => !matched.has(module));
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

/** A file's tensors without counters, and without the copies of embeddings' weights that outputs share with them. */
function withoutTied(file: string, forward: Forward, names: Names, tensors: Tensors): Tensors {
  const copies = Array.from(tiedPaths(forward), (pair) => {
    const [name, of] = pair.map((path) => below(torchPath(path, forward.layers, names).path, 'weight'));
    const [one, other] = [tensors[name], tensors[of]];
    if (one && other && one.data.some((number, at) => number !== other.data[at])) {
      throw new FormatError(
        `[fromTorch] "${name}" and "${of}" of ${file} differ, but are one weight of the model: make its output a linear layer`,
      );
    }
    return name;
  });
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !COUNTER.test(name) && !copies.includes(name)));
}
