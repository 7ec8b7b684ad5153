import { sizeOf, type Shape } from '../../core/shape.ts';
import { FormatError, reshape, type Context, type Layer, type Trainer, type Value } from '../../index.ts';
import { UsageError } from '../command/usageError.ts';
import { readSafetensors } from '../../data/index.ts';
import { fromTorch } from '../../interop/index.ts';
import { describesModel, readModel } from '../modelFile.ts';
import type { InputForm, ModelForm } from '../tasks/task.ts';
import { openFile, type OpenFile } from './fileFormat.ts';
import { foreignModel, isForeign, type ForeignModel } from './foreignModel.ts';

/** What training begins with that was not made by chance. */
export interface Beginning {
  /** Of another framework: in place of a model of ours. */
  readonly network?: Layer;
  /** Whether that takes bytes as they are, and scales them itself. */
  readonly takesBytes?: boolean;
  /** Puts what was learned into a trainer. */
  load?(trainer: Trainer): Promise<void>;
  readonly notes: readonly string[];
  /** What it is, for reports. */
  readonly about: string;
}

/**
 * A model that training goes on with.
 * @param shape of a sample
 * @throws FormatError for a file of no model, or one that does not take such samples
 */
export async function beginningOf(path: string, form: ModelForm, shape: Shape): Promise<Beginning> {
  const file = await openFile(path);
  if (file.format === 'safetensors' && !describesModel(readSafetensors(path, file.bytes).metadata))
    return stateDict(file);
  if (!isForeign(file)) return ourOwn(file, form);
  const foreign = await foreignModel(file, true);
  return {
    network: fitted(path, foreign, shape),
    takesBytes: foreign.inputs[0].dtype === 'u8',
    notes: foreign.notes,
    about: `${path}, a model of ${file.format}`,
  };
}

/** What a model of ours takes in, with which training begins; undefined where it begins with another, or with none. */
export async function inputOf(path: string | undefined): Promise<InputForm | undefined> {
  if (path === undefined) return undefined;
  const { format, bytes } = await openFile(path);
  const isOurs = format === 'safetensors' && describesModel(readSafetensors(path, bytes).metadata);
  return isOurs ? (await readModel(path)).form.input : undefined;
}

/** PyTorch's weights of the same layers. */
const stateDict = ({ path, bytes }: OpenFile): Beginning => ({
  async load(trainer) {
    const { weights } = await fromTorch(trainer, bytes, { file: path });
    await trainer.loadWeights(weights, path);
  },
  notes: [],
  about: `${path}, weights of PyTorch`,
});

/** The weights of a model that `train --save` wrote: of the same form. */
async function ourOwn({ path, bytes }: OpenFile, { model, hidden }: ModelForm): Promise<Beginning> {
  const { form, notes } = await readModel(path);
  const own = form.model ?? 'mlp';
  if (own !== (model ?? 'mlp') || form.hidden.join() !== hidden.join()) {
    const named = [own, ...(form.hidden.length > 0 ? [`--hidden ${form.hidden.join(',')}`] : [])].join(' ');
    throw new UsageError(`${path} is a model ${named}: add --model ${named}, as it was trained`);
  }
  return { load: (trainer) => trainer.loadWeights(bytes, path), notes, about: `${path}, weights of the same model` };
}

/** The model, given samples as it takes them: images of one channel without an axis for it, or as a row. */
function fitted(path: string, { model, inputs }: ForeignModel, shape: Shape): Layer {
  const [input] = inputs;
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw new FormatError(
      `[model] ${path} takes ${inputs.length} inputs, ${names}: a model of one is trained on a set`,
    );
  }
  const wanted = (input.shape ?? shape).map((extent, axis) => extent ?? shape[axis]);
  if (sizeOf(wanted) !== sizeOf(shape)) {
    throw new FormatError(
      `[model] ${path} takes samples [${wanted.join(', ')}], but those of this set are [${shape.join(', ')}]: train on a set like its own`,
    );
  }
  return {
    name: 'foreign',
    parameters: {},
    apply: (x: Value, _, context: Context) =>
      context.apply(model, reshape(x, [x.spec.shape[0], ...wanted]), '') as Value,
  };
}
