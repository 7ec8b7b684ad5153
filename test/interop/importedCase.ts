// Models that others have written, with inputs and the outputs that others compute: read from a folder, asked here.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Dtype, Numbers, Shape } from '../../src/core/shape.ts';
import {
  adam,
  createPredictor,
  createTrainer,
  dataset,
  meanSquaredError,
  Random,
  type Dataset,
  type FieldInput,
  type Value,
  type Verification,
} from '../../src/index.ts';
import { readSafetensors, type Safetensors } from '../../src/data/index.ts';
import { allocate, sizeOf } from '../../src/core/shape.ts';
import type { Layer, Values } from '../../src/nn/layer.ts';

interface Told {
  readonly dtype: string;
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** What a file beside a model holds. */
export interface ImportedCase {
  readonly source: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, Told>>;
  readonly outputs: Readonly<Record<string, Told>>;
}

export const namesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder).flatMap((file) => (file.endsWith(ending) ? file.slice(0, -ending.length) : []));

export const readCase = (folder: string, name: string): ImportedCase =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as ImportedCase;

const dtypeOf = (dtype: string): Dtype => (dtype.startsWith('float') ? 'f32' : dtype === 'bool' ? 'u32' : 'i32');

/** A case's inputs as fields, the first axis that of samples. */
export function fieldsOf({ inputs }: ImportedCase): Record<string, FieldInput> {
  const fields = Object.entries(inputs).map(([name, { dtype, shape, data }]) => {
    const numbers: Numbers = allocate({ shape, dtype: dtypeOf(dtype) });
    numbers.set(data);
    return [name, { data: numbers, shape: shape.slice(1) }] as const;
  });
  return Object.fromEntries(fields);
}

/** A model takes its only input as a value, else by name. */
const named = (x: Values, names: readonly string[]): Values => (names.length === 1 && !('node' in x) ? x[names[0]] : x);

/** The largest difference between what a model gives and what is wanted, relative to the largest number there or 1. */
export async function strayOf(
  model: Layer<Values, Values>,
  told: ImportedCase,
  backend: 'cpu' | 'wasm' | 'webgpu',
): Promise<number> {
  const data: Dataset = dataset(fieldsOf(told));
  const inputs = Object.keys(told.inputs);
  const predictor = await createPredictor({
    model: (x: Values, context) => context.apply(model, named(x, inputs), ''),
    data,
    inputs,
    backend,
  });
  try {
    const { outputs } = await predictor.predict(data);
    const given = Object.values(outputs) as readonly { readonly data: Numbers }[];
    const strays = Object.entries(told.outputs).map(([name, { shape, data: wanted }]) => {
      const got =
        given.length === 1 ? given[0] : (outputs as Readonly<Record<string, { readonly data: Numbers }>>)[name];
      expect(got.data.length).toBe(sizeOf(shape));
      const scale = Math.max(1, ...wanted.map(Math.abs));
      return Math.max(...wanted.map((number, at) => Math.abs(got.data[at] - number) / scale));
    });
    return Math.max(...strays);
  } finally {
    predictor.destroy();
  }
}

/** What becomes of an imported model that learns to give other numbers: losses, and whether a step is what it must be. */
export async function learned(
  model: Layer<Values, Value<'f32'>>,
  told: ImportedCase,
  backend: 'wasm' | 'webgpu',
): Promise<{
  readonly losses: readonly number[];
  readonly verification: Verification;
  readonly kept: Safetensors['tensors'];
}> {
  const inputs = Object.keys(told.inputs);
  const [{ shape }] = Object.values(told.outputs);
  const random = new Random(5, 'targets');
  const target = { data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()), shape: shape.slice(1) };
  const data: Dataset = dataset({ ...fieldsOf(told), target });
  const trainer = await createTrainer({
    model: (x: Values, context) => context.apply(model, named(x, inputs), ''),
    loss: meanSquaredError,
    optimizer: adam({ learningRate: 3e-3 }),
    batchSize: shape[0],
    data,
    inputs,
    backend,
  });
  try {
    const verification = await trainer.verify(data);
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(data, { steps: 12, shuffle: false })) losses.push(loss);
    const { tensors: kept } = readSafetensors('weights', await trainer.saveWeights());
    return { losses, verification, kept };
  } finally {
    trainer.destroy();
  }
}
