import { allocate, byteLength, spec, type Numbers, type Shape } from '../../core/shape.ts';
import type { Dataset, FieldSpec, GivenFieldSpec } from '../../data/dataset.ts';
import { samplesIn, spanOf, strideOf, type SampleLayout } from '../../data/sampleLayout.ts';
import type { State } from '../../graph/graph.ts';

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
  readonly overlap?: Required<SampleLayout>;
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
    const { shape, stride, dtype } = data.fields[name];
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
