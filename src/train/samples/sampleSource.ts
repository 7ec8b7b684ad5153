import { allocate, byteLength, spec, type Numbers, type Shape } from '../../core/shape.ts';
import { DataError } from '../../core/errors.ts';
import type { Dataset, Field, FieldSpec, GivenFieldSpec } from '../../data/dataset.ts';
import { bytesOfStored, type HostBuffer } from '../../data/hostField.ts';
import { samplesIn, spanOf, strideOf, type SampleLayout } from '../../data/sampleLayout.ts';
import type { State } from '../../graph/graph.ts';
import type { Overlap } from '../../ops/data/samples.ts';

/** What is known of a data set's fields without its samples. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export type Fields<in F extends string = any> = { readonly [name in F]: FieldSpec };

/** The same as a caller says them. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export type GivenFields<in F extends string = any> = { readonly [name in F]: GivenFieldSpec };

/** A field's samples where programs find them: in as many states as it takes to bind them. */
export interface Parts {
  readonly states: readonly State[];
  /** Samples in each but the last. */
  readonly held: number;
  /** Where samples overlap, so that no axis counts them. */
  readonly overlap?: Overlap;
}

/** Samples that a program can take by their number. */
export interface Source {
  readonly length: number;
  readonly fields: Readonly<Record<string, Parts>>;
}

export const statesIn = ({ fields }: Source): State[] => Object.values(fields).flatMap(({ states }) => states);

/** Of one sample of a field. */
const shapeIn = ({ states: [{ spec: of }], overlap }: Parts): Shape => overlap?.shape ?? of.shape.slice(1);

/** The fields with the shapes that they have in a source: those of another set, or batch, may be longer or shorter. */
export function fieldsIn(source: Source, fields: Fields): Fields {
  const entries = Object.entries(source.fields).map(([name, parts]) => {
    return [name, { ...fields[name], shape: shapeIn(parts) }] as const;
  });
  // A field that nobody reads is not in the source, but among those that the model is given.
  return { ...fields, ...Object.fromEntries(entries) };
}

export const bytesOf = (source: Source): number =>
  statesIn(source).reduce((total, state) => total + byteLength(state.spec), 0);

/** Samples that fit so many bytes: a multiple of four where u8 must end with a whole word. */
function samplesWithin(bytes: number, layout: SampleLayout, isPacked: boolean): number {
  const samples = Math.floor(samplesIn(layout, Math.floor(bytes / (isPacked ? 1 : 4))));
  return isPacked ? samples - (samples % 4) : samples;
}

/**
 * A whole data set, in the form in which it came: u8 stays packed.
 * @param largest bytes of one state   @param numbersOf what its states hold at first, asked for when they are made
 */
export function residentSource(
  data: Dataset,
  names: readonly string[],
  largest: number,
  numbersOf = (name: string): Numbers => data.fields[name].data,
): Source {
  const parts = names.map((name): [string, Parts] => {
    const { shape, stride, dtype, host } = data.fields[name];
    if (host) return [name, hostedParts(name, data.fields[name], host)];
    const layout = { shape, ...(stride !== undefined && { stride }) };
    // A sample that is too large by itself is told of when its buffer is made.
    const isPacked = dtype === 'u8';
    const held = Math.max(isPacked ? 4 : 1, Math.min(data.length, samplesWithin(largest, layout, isPacked)));
    const states = Array.from({ length: Math.ceil(data.length / held) }, (_, at): State => {
      const samples = Math.min(held, data.length - at * held);
      const from = at * held * strideOf(layout);
      const span = spanOf(layout, samples);
      return {
        name: `data ${name}`,
        spec: spec(stride === undefined ? [samples, ...shape] : [span], dtype),
        initial: () => numbersOf(name).subarray(from, from + span),
        fixed: true,
        purpose: 'data',
      };
    });
    return [name, { states, held, ...(stride !== undefined && { overlap: { shape, stride } }) }];
  });
  return { length: data.length, fields: Object.fromEntries(parts) };
}

/** WebGPU's default alignment of what a shader binds, of which every device's is a divisor. */
const BINDING_ALIGNMENT = 256;

/** Samples that lie with a host: bound from the last place on from which that may be, so a sample may begin behind it. */
function hostedParts(
  name: string,
  { shape, stride, dtype }: Field,
  { buffer, byteOffset, stored, samples }: HostBuffer,
): Parts {
  const bytes = bytesOfStored(stored);
  const offset = byteOffset - (byteOffset % BINDING_ALIGNMENT);
  const first = (byteOffset - offset) / bytes;
  const layout = { shape, ...(stride !== undefined && { stride }) };
  const numbers = first + spanOf(layout, samples);
  const size = Math.ceil((numbers * bytes) / 4) * 4;
  const isPlain = first === 0 && stride === undefined && stored !== 'f16';
  const own =
    stored === 'f16' ? spec([size / 4], 'u32') : isPlain ? spec([samples, ...shape], dtype) : spec([numbers], dtype);
  const state: State = {
    name: `data ${name}`,
    spec: own,
    initial: () => {
      throw new DataError(
        `[data] "${name}" lies in a GPU buffer, but the trainer is on the CPU: give an array, or train on WebGPU`,
      );
    },
    fixed: true,
    purpose: 'data',
    host: { name, buffer, offset, size },
  };
  const overlap = { shape, stride: strideOf(layout), first, ...(stored === 'f16' && { stored }) };
  return { states: [state], held: samples, ...(!isPlain && { overlap }) };
}

/** Room for so many samples, which are written anew again and again. */
export function tableSource(fields: Fields, names: readonly string[], rows: number): Source {
  const parts = names.map((name): [string, Parts] => {
    const { shape, dtype } = fields[name];
    const own = spec([rows, ...shape], dtype);
    return [
      name,
      { states: [{ name: `batch ${name}`, spec: own, initial: () => allocate(own), purpose: 'data' }], held: rows },
    ];
  });
  return { length: rows, fields: Object.fromEntries(parts) };
}
