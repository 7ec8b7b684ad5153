import type { Value } from '../../graph/graph.ts';
import { input, read } from '../../graph/leaf.ts';
import { withRoles, type BatchValues, type Roles } from '../../nn/fieldRoles.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { takeSamples, type Stream } from '../../ops/data/samples.ts';
import { fieldsIn, type Fields, type Source } from '../samples/sampleSource.ts';

/* How samples come into a graph. */

/** Which samples a graph takes, and from where. */
export interface Feed {
  readonly source: Source;
  readonly shuffle: boolean;
}

export const streamOf = ({ source: { length }, shuffle }: Feed): Stream => ({ length, shuffle });

/** The fields of a batch of n samples as values, uploaded by name: packed bytes become what the model sees. */
export function uploadedBatch(fields: Fields, roles: Roles, n: number): BatchValues {
  const entries = Object.entries(fields).map(([name, { shape, dtype, scale }]) => {
    const raw = input(name, { shape: [n, ...shape], dtype });
    return [name, scale ? cast(raw, 'f32', scale) : raw] as const;
  });
  return withRoles(Object.fromEntries(entries), roles);
}

/** The same, the samples of a source that `rows` names. */
export function takenBatch(fields: Fields, roles: Roles, rows: Value, source: Source): BatchValues {
  const entries = Object.entries(source.fields).map(([name, { states, held, overlap }]) => {
    const parts = states.map(read);
    return [name, takeSamples(rows, parts, { label: name, held, overlap, ...fields[name] })] as const;
  });
  const given = uploadedBatch(fieldsIn(source, fields), roles, rows.spec.shape[0]);
  return { ...given, ...Object.fromEntries(entries) };
}
