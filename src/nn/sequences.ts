import { DataError, ShapeError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import { formatSpec, sameShape, type Spec } from '../core/shape.ts';
import { isValue, specOf, type Value } from '../graph/graph.ts';
import { integerDtypes } from '../ops/data/integerReader.ts';

/** What a recurrent layer takes: the steps alone, or with what belongs to them. */
export interface Sequences {
  /** `[N, T, C]`. */
  readonly x: Value;
  /** `[N]` integers of 1 … T: how many steps each sample has. All have T if left out. */
  readonly lengths?: Value;
  /** h before the first step, `[layers · directions, N, H]`; 0 if left out. */
  readonly hidden?: Value;
  /** The same of an lstm's c. */
  readonly cell?: Value;
  /** `[N]`: 1 where a stream begins anew, else 0; of a layer that is `stateful`. */
  readonly reset?: Value;
}

/** What a recurrent layer is of. */
interface Extents {
  readonly features: number;
  readonly units: number;
  /** Layers times directions. */
  readonly nets: number;
  /** Whether its units carry a c beside h. */
  readonly hasCell: boolean;
}

const names: readonly string[] = ['x', 'lengths', 'hidden', 'cell', 'reset'] satisfies (keyof Sequences)[];

const isSequences = (given: unknown): given is Sequences =>
  typeof given === 'object' && given !== null && Object.keys(given).every((name) => names.includes(name));

/** What a recurrent layer is given, if its parts fit the layer and each other. @throws ShapeError or DataError for others */
export function sequencesOf(where: string, given: Value | Sequences, of: Extents): Sequences {
  const sequences = isValue(given) ? { x: given } : given;
  const wanted = `a value [N, T, ${of.features}], or { x, lengths, hidden, cell, reset }`;
  requireKind(where, 'what it is given', sequences, isSequences(sequences), wanted);
  const x = specOf(where, 'x', sequences.x);
  if (x.shape.length !== 3 || x.shape[2] !== of.features || x.shape[1] === 0) {
    throw new ShapeError(
      `[${where}] x is ${formatSpec(x)} but must be [N, T, ${of.features}], samples, steps, features: reshape it`,
    );
  }
  const [samples] = x.shape;
  requirePerSample(where, 'lengths', sequences.lengths, samples);
  requirePerSample(where, 'reset', sequences.reset, samples);
  requireBegin(where, sequences, [of.nets, samples, of.units], of.hasCell);
  return sequences;
}

/** @throws ShapeError for what is no number for each sample, of lengths an integer */
export function requirePerSample(
  where: string,
  name: 'lengths' | 'reset',
  given: Value | undefined,
  samples: number,
): void {
  if (given === undefined) return;
  const own = specOf(where, name, given);
  if (sameShape(own.shape, [samples]) && (name === 'reset' || integerDtypes.includes(own.dtype))) return;
  throw new ShapeError(
    `[${where}] ${name} is ${formatSpec(own)} but must be a number for each of ${samples} samples: lengths are integers, as i32[${samples}]`,
  );
}

function requireBegin(where: string, { hidden, cell }: Sequences, shape: Spec['shape'], hasCell: boolean): void {
  const wanted = hasCell ? 'hidden and cell' : 'hidden alone';
  if ((cell !== undefined) !== (hidden !== undefined && hasCell)) {
    throw new DataError(`[${where}] what it begins with is ${wanted}: give both or none, cell only to an lstm`);
  }
  for (const [name, given] of Object.entries({ hidden, cell })) {
    if (given === undefined) continue;
    const own = specOf(where, name, given);
    if (sameShape(own.shape, shape) && own.dtype === 'f32') continue;
    throw new ShapeError(
      `[${where}] ${name} is ${formatSpec(own)} but must be f32[${shape.join(', ')}]: layers · directions, samples, units`,
    );
  }
}
