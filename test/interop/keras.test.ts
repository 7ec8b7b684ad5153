// Models that Keras saved: they give here what they gave there.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { dataset } from '../../src/data/index.ts';
import { createPredictor } from '../../src/index.ts';
import { fromKeras } from '../../src/interop/index.ts';

const folder = fileURLToPath(new URL('../goldens/interop/keras/', import.meta.url));
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.keras') ? [file.slice(0, -6)] : []));

/** f32 in base64. */
interface Told {
  readonly shape: readonly number[];
  readonly base64: string;
}

type Made = { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

interface Golden {
  readonly inputs: Readonly<Record<string, Told>>;
  readonly outputs: Readonly<Record<string, Told>>;
}

const golden = (name: string): Golden => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as Golden;

const numbersOf = ({ base64 }: Told): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** Whole numbers where all are. */
const fieldOf = (told: Told) => {
  const data = numbersOf(told);
  return { data: data.every(Number.isInteger) ? Int32Array.from(data) : data, shape: told.shape.slice(1) };
};

test.each(names)('%s gives what it gave in Keras', async (name) => {
  const { inputs, outputs } = golden(name);
  const { model, weights } = await fromKeras(readFileSync(`${folder}${name}.keras`));
  const set = dataset(Object.fromEntries(Object.entries(inputs).map(([field, told]) => [field, fieldOf(told)])));
  const predictor = await createPredictor({ model, weights, data: set, inputs: Object.keys(inputs), backend: 'cpu' });
  const made = await predictor.predict(set);
  for (const [output, told] of Object.entries(outputs)) {
    const data = numbersOf(told);
    const own = (made.outputs as Readonly<Record<string, Made>>)[output || 'output'];
    expect.soft(own?.shape, output).toEqual(told.shape);
    const far = data.map((value, at) => Math.abs(value - own.data[at]) / Math.max(1, Math.abs(value)));
    expect.soft(Math.max(...far), output).toBeLessThan(1e-4);
  }
});
