import { readFile } from 'node:fs/promises';
import { FormatError, type Trainer } from '../index.ts';
import { readSafetensors, readTableForm } from '../data/index.ts';
import type { Levels } from './negatives.ts';
import type { ModelForm } from './network.ts';
import { modelNames } from './options.ts';
import { reasonOf } from './places.ts';

/** The key of the form among a file's texts. */
const KEY = 'millrace';

/** A safetensors file of the weights, and of what the model takes in and gives out. */
export function modelFile(form: ModelForm, trainer: Trainer): Promise<Uint8Array> {
  return trainer.saveWeights({ [KEY]: JSON.stringify(form) });
}

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
  const { metadata, converted = {} } = readSafetensors(path, bytes);
  const types = [...new Set(Object.values(converted))].join(', ');
  const notes = types ? [`${path}: its weights are ${types}, and are read as f32`] : [];
  return { form: formOf(path, metadata[KEY]), bytes, notes };
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
    if (input.levels && !areLevels(input.levels)) throw fails('does not say how light its images are');
    return { input, model, hidden };
  }
  throw fails('does not say what it takes in');
}

const areLevels = ({ ground, border, whole }: Partial<Levels>): boolean =>
  Array.isArray(ground) &&
  [...ground, border?.mean, border?.deviation, whole?.mean, whole?.deviation].every(Number.isFinite);
