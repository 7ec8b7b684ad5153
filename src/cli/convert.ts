import { createPredictor, FormatError, type Dtype, type Model, type Predictor, type Shape } from '../index.ts';
import { readSafetensors, writeSafetensors } from '../data/index.ts';
import { readNpy, readNpz, toTorch, writeNpz } from '../interop/index.ts';
import type { ConvertCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { openFile, type OpenFile } from './foreign/fileFormat.ts';
import { foreignModel, isForeign, type ForeignInput } from './foreign/foreignModel.ts';
import { requireWriter, writeForeign } from './foreign/writers.ts';
import { describesModel, readModel } from './modelFile.ts';
import { write } from './outputPaths.ts';
import { taskOf } from './tasks/tasks.ts';
import { Terminal } from './terminal.ts';

/** Numbers by name. */
type Arrays = Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;

/** Writes what a file holds in another format. */
export async function convert(command: ConvertCommand): Promise<number> {
  const { input, output, opset } = command;
  const terminal = new Terminal(process.stdout);
  const file = await openFile(input);
  if (output.endsWith('.safetensors') && isOwn(file)) {
    const predictor = await opened(file, command, terminal);
    await write('convert', output, await toTorch(predictor).finally(() => predictor.destroy()));
    terminal.line(`${output} has the model's weights as PyTorch names and lays them out.`);
    return 0;
  }
  if (output.endsWith('.npz') || output.endsWith('.safetensors')) {
    const arrays = await arraysIn(file);
    const bytes = output.endsWith('.npz') ? writeNpz(arrays) : writeSafetensors({ tensors: arrays, metadata: {} });
    await write('convert', output, bytes);
    terminal.line(`${output} has ${Object.keys(arrays).length} arrays.`);
    return 0;
  }
  requireWriter(output);
  const predictor = await opened(file, command, terminal);
  try {
    const files = await writeForeign('convert', predictor, output, opset);
    terminal.line(`The model is in ${files.join(', ')}.`);
    return 0;
  } finally {
    predictor.destroy();
  }
}

/** Whether `train --save` wrote a file. */
const isOwn = ({ path, bytes, format }: OpenFile): boolean =>
  format === 'safetensors' && describesModel(readSafetensors(path, bytes).metadata);

/** The numbers of a file, or a model's weights. */
async function arraysIn(file: OpenFile): Promise<Arrays> {
  const { path, bytes, format } = file;
  if (isForeign(file)) return readSafetensors(path, (await foreignModel(file, false)).weights).tensors;
  if (format === 'npy') return floats({ array: readNpy(path, bytes) });
  if (format === 'npz') return floats(readNpz(path, bytes));
  // Of PyTorch's own files its reader says what to do instead.
  if (format === 'safetensors' || format === 'pytorch') return readSafetensors(path, bytes).tensors;
  throw new FormatError(`[convert] ${path} is of ${format}, of which no numbers are read: give another file`);
}

const floats = (arrays: ReturnType<typeof readNpz>): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );

/** A model that can be asked what it computes. Nothing runs: so the place that needs least will do. */
async function opened(file: OpenFile, { shape }: ConvertCommand, terminal: Terminal): Promise<Predictor> {
  const backend = 'cpu';
  if (!isForeign(file)) {
    const { form, bytes, notes } = await readModel(file.path);
    for (const note of notes) terminal.line(note);
    const task = taskOf(form.input);
    const data = task.samples?.(form.input);
    if (!data)
      throw new UsageError(
        `${file.path} is a model of ${form.input.kind}: those of images and tables can be converted`,
      );
    return createPredictor({ model: task.network(form, null), data, backend, weights: bytes });
  }
  const foreign = await foreignModel(file, false);
  for (const note of foreign.notes) terminal.line(note);
  const data = fieldsOf(foreign.inputs, shape);
  return createPredictor({ model: foreign.model as Model, inputs: Object.keys(data), data, backend });
}

interface Samples {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly scale: null;
}

/** @throws UsageError for extents that nobody said */
function fieldsOf(inputs: readonly ForeignInput[], said: Shape | undefined): Readonly<Record<string, Samples>> {
  const fields = inputs.map(({ name, dtype, shape }) => {
    const own = said ?? shape;
    if (own?.every((extent) => extent !== null)) return [name, { shape: own, dtype, scale: null }] as const;
    throw new UsageError(
      `the input "${name}" is [${(shape ?? []).map((extent) => extent ?? '?').join(', ')}] in the file: say the extents of a sample by --shape, as --shape 3,224,224`,
    );
  });
  return Object.fromEntries(fields);
}
