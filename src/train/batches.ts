import type { State } from '../graph/graph.ts';
import { input, read } from '../graph/leaf.ts';
import type { Values } from '../nn/layer.ts';
import { targetField, type BatchValues } from '../nn/losses.ts';
import { cast } from '../ops/cast.ts';
import { sampleOrder, takeSamples } from '../ops/samples.ts';
import type { Fields, Source } from './source.ts';

/* How samples come into a graph. */

/** Which samples a graph takes, and from where. */
export interface Feed {
  readonly source: Source;
  readonly shuffle: boolean;
}

/** The fields of a batch of n samples as values, uploaded by name: packed bytes become what the model sees. */
export function uploadedBatch(fields: Fields, n: number): BatchValues {
  const entries = Object.entries(fields).map(([name, { shape, dtype, scale }]) => {
    const raw = input(name, { shape: [n, ...shape], dtype });
    return [name, scale ? cast(raw, 'f32', scale) : raw] as const;
  });
  return Object.fromEntries(entries);
}

/** The same, taken from where the control stands in the source. */
export function takenBatch(
  fields: Fields,
  count: number,
  { source, shuffle }: Feed,
  control: State,
  partRows: number,
): BatchValues {
  const rows = sampleOrder(read(control), { count, length: source.length, partRows, shuffle });
  const entries = Object.entries(source.fields).map(([name, { states, held }]) => {
    const parts = states.map(read);
    return [name, takeSamples(rows, parts, { label: name, held, ...fields[name] })] as const;
  });
  // A field that nobody reads is not in the source, but decides, as the others do, what the model is given.
  return { ...uploadedBatch(fields, count), ...Object.fromEntries(entries) };
}

/** What goes into the model: all fields but the one that it is judged by; a single one goes in as it is. */
export function modelInput(batch: BatchValues): Values {
  const names = Object.keys(batch);
  const target = targetField(names);
  const inputs = names.length > 1 ? names.filter((name) => name !== target) : names;
  return inputs.length === 1 ? batch[inputs[0]] : Object.fromEntries(inputs.map((name) => [name, batch[name]]));
}
