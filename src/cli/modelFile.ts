import { readFile } from 'node:fs/promises';
import { FormatError, type Trainer } from '../index.ts';
import { readSafetensors } from '../data/index.ts';
import { sizeOf } from '../core/shape.ts';
import { reasonOf } from './outputPaths.ts';
import type { InputForm, ModelForm, Task } from './tasks/task.ts';
import { taskKinds, taskOf } from './tasks/tasks.ts';

/** The key of the form among a file's texts. */
const KEY = 'millrace';

/** A safetensors file of the weights, and of what the model takes in and gives out. */
export function modelFile(form: ModelForm, trainer: Trainer): Promise<Uint8Array> {
  return trainer.saveWeights({ [KEY]: JSON.stringify(form) });
}

/** Whether a file's texts say that it is of a model that `train --save` wrote. */
export const describesModel = (metadata: Readonly<Record<string, string>>): boolean => Object.hasOwn(metadata, KEY);

/** A model as its file has it. */
export interface KeptModel {
  readonly form: ModelForm;
  readonly bytes: Uint8Array;
  /** What a user would not expect of it. */
  readonly notes: readonly string[];
}

/** @throws FormatError if the file is none, or not of a model that `train --save` wrote */
export async function readModel(path: string): Promise<KeptModel> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[model] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const { tensors, metadata, converted = {} } = readSafetensors(path, bytes);
  const types = [...new Set(Object.values(converted))].join(', ');
  const notes = types ? [`${path}: its weights are ${types}, and are read as f32`] : [];
  const weights = Object.values(tensors).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { form: formOf(path, metadata[KEY], weights), bytes, notes };
}

/** @param weights that the file holds: before they are looked at, room is made for those that it describes */
function formOf(path: string, text: string | undefined, weights: number): ModelForm {
  const fails = (what: string): FormatError =>
    new FormatError(`[model] ${path} ${what}: give a file that \`millrace train --save\` wrote`);
  if (text === undefined) throw fails('does not say what model it holds');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw fails('holds a description that is no JSON');
  }
  const { input, hidden, model = 'mlp' } = Object(json) as Partial<ModelForm>;
  if (!Array.isArray(hidden) || !hidden.every((width) => Number.isSafeInteger(width) && width > 0)) {
    throw fails('does not say how wide its layers are');
  }
  const task = taskIn(path, input);
  if (!task.models.some((name) => name === model)) throw fails(`is of a model "${model}" that is not known here`);
  const form: ModelForm = { input: task.read(input as InputForm, path), model, hidden };
  if ((task.sizeOf?.(form) ?? 0) > weights) throw fails('describes more weights than it holds');
  return form;
}

function taskIn(path: string, input: Partial<InputForm> | undefined): Task<InputForm> {
  if (taskKinds.some((kind) => kind === input?.kind)) return taskOf(input as InputForm);
  throw new FormatError(
    `[model] ${path} does not say what it takes in: give a file that \`millrace train --save\` wrote`,
  );
}
