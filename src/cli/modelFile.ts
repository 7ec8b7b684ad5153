import { readFile } from 'node:fs/promises';
import { FormatError, type Trainer } from '../index.ts';
import { readSafetensors, readSeriesForm, readTableForm, type Statistics } from '../data/index.ts';
import { sizeOf } from '../core/shape.ts';
import { mlpSize, type ImageForm, type InputForm, type ModelForm, type SoundForm } from './network.ts';
import type { Levels } from './pictures/negatives.ts';
import { modelNames, recurrentNames } from './command/commands.ts';
import { reasonOf } from './outputPaths.ts';

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
  const names = input?.kind === 'image' ? modelNames : [...modelNames, ...recurrentNames];
  if (!names.some((name) => name === model)) throw fails(`is of a model "${model}" that is not known here`);
  const form: ModelForm = { input: inputOf(input, fails), model, hidden };
  if (mlpSize(form) > weights) throw fails('describes more weights than it holds');
  return form;
}

function inputOf(input: Partial<InputForm> | undefined, fails: (what: string) => FormatError): InputForm {
  if (input?.kind === 'sound') return soundOf(input, fails);
  if (input?.kind === 'table') return { kind: 'table', table: readTableForm(input.table) };
  if (input?.kind === 'series') {
    const { season } = input;
    if (!Number.isSafeInteger(season)) throw fails('does not say after how many steps its series repeats itself');
    return { kind: 'series', series: readSeriesForm(input.series), season: season! };
  }
  if (!isImages(input)) throw fails('does not say what it takes in');
  const { kind, shape, classes, scaling, levels } = input;
  if (levels && !areLevels(levels)) throw fails('does not say how light its images are');
  if (scaling && !areFinite(scaling.scale, scaling.offset)) throw fails('does not say how its images are scaled');
  return { kind, shape, classes, ...(scaling && { scaling }), ...(levels && { levels }) };
}

/** What is heard, and how, and the names of classes. */
function soundOf(input: Partial<SoundForm>, fails: (what: string) => FormatError): SoundForm {
  const { classes, sampleRate, frames, statistics, transcribes } = input;
  const { mean, deviation } = Object(statistics) as Partial<Statistics>;
  const areCounts = [sampleRate, frames].every((count) => Number.isSafeInteger(count) && count! > 0);
  const areSo = [mean, deviation].every((of) => Array.isArray(of) && of.length > 0 && areFinite(...of));
  if (!areNames(classes) || !areCounts || !areSo || mean!.length !== deviation!.length) {
    throw fails('does not say what it hears');
  }
  const form = { kind: 'sound', classes, sampleRate: sampleRate!, frames: frames!, statistics: statistics! } as const;
  return transcribes === true ? { ...form, transcribes } : form;
}

const areNames = (classes: unknown): classes is readonly string[] =>
  Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === 'string');

const areFinite = (...numbers: readonly unknown[]): boolean => numbers.every(Number.isFinite);

/** Height, width and channels, if there are several, and the names of classes. */
function isImages(input: Partial<InputForm> | undefined): input is ImageForm {
  if (input?.kind !== 'image') return false;
  const { shape, classes } = input;
  const isShape = Array.isArray(shape) && [2, 3].includes(shape.length);
  return isShape && shape.every((extent) => Number.isSafeInteger(extent) && extent > 0) && areNames(classes);
}

const areLevels = ({ ground, border, whole }: Partial<Levels>): boolean =>
  Array.isArray(ground) &&
  [1, 3].includes(ground.length) &&
  areFinite(...ground, border?.mean, border?.deviation, whole?.mean, whole?.deviation);
