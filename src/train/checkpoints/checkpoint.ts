import { digestOf } from '../../core/digest.ts';
import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { formatSpec, spec, sizeOf, type Numbers, type Shape, type Spec } from '../../core/shape.ts';
import { writeSafetensors, type StoredTensor } from '../../data/safetensors.ts';
import { LENGTH_BYTES } from '../../data/safetensorsHeader.ts';
import type { State } from '../../graph/graph.ts';
import type { Page } from '../../core/parameterLayout.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';
import { fromJson, toJson, type Progress } from './progress.ts';

/*
 * A checkpoint is a safetensors file: a model's weights under their own names, as any file of weights has them, and below a
 * name of ours whatever else a trainer needs to go on in the same bits.
 */

/** Below it stands what only a trainer reads. */
const OWN = '__millrace__';
const FORMAT = 1;
/** What steps recorded that nobody has been told of yet. */
const ROWS = `${OWN}.rows`;

const DIGEST = `${OWN}.digest`;
const NO_DIGEST = '0'.repeat(32);

/** Whether a tensor of a file is a trainer's own, and no weight. */
export const isOwn = (name: string): boolean => name.startsWith(`${OWN}.`);

/** A tensor of a checkpoint, and where its numbers are. */
export interface Kept {
  readonly name: string;
  readonly shape: Shape;
  readonly state: State;
  readonly offset: number;
  readonly size: number;
}

const inPages = (prefix: string, pages: readonly Pick<Page, 'ranges'>[], arena: readonly State[]): Kept[] =>
  pages.flatMap(({ ranges }, at) =>
    ranges.map(({ name, shape, offset, size }) => ({ name: prefix + name, shape, offset, size, state: arena[at] })),
  );

const whole = (name: string, state: State): Kept => {
  const { shape } = state.spec;
  return { name, shape, state, offset: 0, size: sizeOf(shape) };
};

/** What a model has learned, by name. @param stand what each of its states is kept in @param prefix of the names */
function learned(
  { pages, parameters, averages, registry }: TracedModel,
  prefix: string,
  stand = (state: State) => state,
): Kept[] {
  const averaged = prefix === '' ? `${OWN}.averages.` : `${prefix}averages.`;
  return [
    ...inPages(prefix, pages, parameters.map(stand)),
    ...(averages ? inPages(averaged, pages, averages.map(stand)) : []),
    ...[...registry.states.values()].map((state) => whole(prefix + state.name, stand(state))),
  ];
}

/** A model's weights, and what its layers keep. */
export const weightsOf = (traced: TracedModel): Kept[] => learned(traced, '').filter(({ name }) => !isOwn(name));

/** The same with the averages, if they are kept: each by the name of its weight. */
export const learnedByWeight = (traced: TracedModel): Kept[] =>
  learned(traced, '').map((kept) => ({ ...kept, name: kept.name.replace(`${OWN}.averages.`, '') }));

/** All that training changes and goes on from. @param bestOf where the copy of a state lies that a decision keeps, if it keeps any */
export function keptOf(traced: TracedModel, bestOf: ((state: State) => State) | null): Kept[] {
  const moments = traced.phases.flatMap(({ phase, pages, prefix }) =>
    Object.keys(phase.optimizer.moments).flatMap((moment, at) =>
      inPages(
        `${OWN}.${prefix}${moment}.`,
        pages.map(({ ranges }) => ({ ranges: ranges.filter(({ trains }) => trains) })),
        pages.map((page) => page.moments[at]),
      ),
    ),
  );
  return [
    ...learned(traced, ''),
    ...moments,
    whole(`${OWN}.control`, traced.control),
    whole(`${OWN}.ledger`, traced.ledger),
    ...(bestOf ? learned(traced, `${OWN}.best.`, bestOf) : []),
  ];
}

/** The bytes of a checkpoint. @param numbersOf what a state holds   @param rows what unreported steps recorded */
export function checkpointFile(
  kept: readonly Kept[],
  numbersOf: (state: State) => Numbers,
  progress: Progress,
  rows: Numbers,
  metadata: Readonly<Record<string, string>>,
): Bytes {
  const tensors = kept.map(({ name, shape, state, offset, size }) => {
    return [name, { shape, data: numbersOf(state).subarray(offset, offset + size) }] as const;
  });
  const own = { [ROWS]: { shape: [rows.length], data: rows } };
  return sealed(
    writeSafetensors({
      tensors: { ...Object.fromEntries(tensors), ...own },
      metadata: { ...metadata, [OWN]: toJson(progress), [`${OWN}.format`]: String(FORMAT), [DIGEST]: NO_DIGEST },
    }),
  );
}

/** Where a text of its own metadata begins in a file. */
function placeOf(bytes: Uint8Array, key: string): number {
  const wanted = new TextEncoder().encode(`"${key}":"`);
  const end = Math.min(
    bytes.length,
    LENGTH_BYTES + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)),
  );
  const begin = bytes
    .subarray(0, end)
    .findIndex((byte, at) => byte === wanted[0] && wanted.every((other, i) => bytes[at + i] === other));
  return begin < 0 ? -1 : begin + wanted.length;
}

/** A file with the digest of all its bytes, for which there is room in it. */
function sealed(bytes: Bytes): Bytes {
  bytes.set(new TextEncoder().encode(digestOf(bytes)), placeOf(bytes, DIGEST));
  return bytes;
}

/**
 * Fails unless a file has the bytes that it was saved with.
 * @throws FormatError if its digest is another one; no such digest, and it is for others to say what it is
 */
export function requireWholeFile(bytes: Uint8Array, file: string, metadata: Readonly<Record<string, string>>): void {
  if (!Object.hasOwn(metadata, DIGEST)) return;
  // Of a Buffer, `slice` would be the same memory.
  const found = new Uint8Array(bytes);
  found.set(new TextEncoder().encode(NO_DIGEST), placeOf(bytes, DIGEST));
  const digest = digestOf(found);
  if (digest === metadata[DIGEST]) return;
  throw new FormatError(
    `[checkpoint] ${file} was saved with the digest ${metadata[DIGEST]}, but has ${digest}: it was damaged; load another one`,
  );
}

/** What a trainer knew when a file was saved; null if it is no checkpoint. @throws FormatError for one of another version */
export function progressIn(file: string, metadata: Readonly<Record<string, string>>): Progress | null {
  if (!Object.hasOwn(metadata, OWN)) return null;
  const version = metadata[`${OWN}.format`];
  if (version !== String(FORMAT)) {
    throw new FormatError(
      `[checkpoint] ${file} has format ${version}, but this version of millrace reads ${FORMAT}: load it with the version that saved it`,
    );
  }
  const progress = fromJson(metadata[OWN]);
  if (progress) return progress;
  throw new FormatError(`[checkpoint] ${file} does not say where its training was: it was damaged; load another one`);
}

/** Numbers of a state. */
interface Write {
  readonly state: State;
  readonly numbers: Numbers;
  readonly offset: number;
}

/** What all that is kept has in a file, and what unreported steps recorded. @throws FormatError where the file lacks any of it */
export function writesIn(
  kept: readonly Kept[],
  file: string,
  tensors: Readonly<Record<string, StoredTensor>>,
): { readonly writes: readonly Write[]; readonly rows: Float32Array } {
  const numbersOf = (name: string, { shape, dtype }: Spec): Numbers => {
    const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    const isIt = found?.dtype === dtype.toUpperCase() && (name === ROWS || found.shape.join() === shape.join());
    if (isIt) return found.data as Numbers;
    const is = found ? `${found.dtype}[${found.shape.join(', ')}]` : 'not there';
    throw new FormatError(
      `[checkpoint] "${name}" is ${formatSpec({ shape, dtype })} here but ${is} in ${file}: it was damaged; load another one`,
    );
  };
  const writes = kept.map(({ name, shape, state, offset }) => {
    return { state, offset, numbers: numbersOf(name, spec(shape, state.spec.dtype)) };
  });
  return { writes, rows: numbersOf(ROWS, spec([0])) as Float32Array };
}
