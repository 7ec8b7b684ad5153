import { readFile } from 'node:fs/promises';
import { FormatError, type Trainer } from '../index.ts';
import { readSafetensors, readTableForm } from '../data/index.ts';
import type { ModelForm } from './network.ts';
import { modelNames } from './options.ts';

/** The key of the form among a file's texts. */
const KEY = 'millrace';

/** A safetensors file of the weights, and of what the model takes in and gives out. */
export function modelFile(form: ModelForm, trainer: Trainer): Promise<Uint8Array> {
  return trainer.saveWeights({ [KEY]: JSON.stringify(form) });
}

/** @throws FormatError if the file is none, or not of a model that `train --save` wrote */
export async function readModel(path: string): Promise<{ readonly form: ModelForm; readonly bytes: Uint8Array }> {
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new FormatError(`[model] ${path} cannot be read: ${cause.message}`, { cause });
  });
  return { form: formOf(path, readSafetensors(path, bytes).metadata[KEY]), bytes };
}

function formOf(path: string, text: string | undefined): ModelForm {
  const fails = (what: string): FormatError =>
    new FormatError(`[model] ${path} ${what}: give a file that \`millrace train --save\` wrote`);
  if (text === undefined) throw fails('does not say what model it holds');
  let form: unknown;
  try {
    form = JSON.parse(text);
  } catch {
    throw fails('holds a description that is no JSON');
  }
  const { input, hidden, model = 'mlp' } = (form ?? {}) as Partial<ModelForm>;
  if (!Array.isArray(hidden) || !hidden.every((width) => Number.isSafeInteger(width) && width > 0)) {
    throw fails('does not say how wide its layers are');
  }
  if (!modelNames.includes(model)) throw fails(`is of a model "${model}" that is not known here`);
  if (input?.kind === 'table') return { input: { kind: 'table', table: readTableForm(input.table) }, model, hidden };
  if (input?.kind === 'image' && Array.isArray(input.shape) && Array.isArray(input.classes)) {
    return { input, model, hidden };
  }
  throw fails('does not say what it takes in');
}
