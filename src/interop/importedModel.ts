import { sizeOf, type Shape } from '../core/shape.ts';
import type { Bytes } from '../core/globalTypes.ts';
import type { Value } from '../graph/graph.ts';
import type { Context, Layer, ParameterDefinition, StateDefinition, Values } from '../nn/layer.ts';
import { writeSafetensors } from '../data/safetensors.ts';

/** A tensor of another framework's file. */
export interface ImportedTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A model out of another framework's file. */
export interface ImportedModel<O extends Values = Value<'f32'>> {
  /**
   * A layer as others are, to be trained, frozen, or used within another one: from the value, or the values by name, that the
   * file's model took to what it gave. Its parameters have the file's names, and begin with the file's numbers.
   */
  readonly model: Layer<Values, O>;
  /** The same numbers, and those that layers keep, as the bytes of a safetensors file: for `loadWeights` and `createPredictor`. */
  readonly weights: Bytes;
}

/** What a reader of files has found. */
export interface Found {
  readonly kind: string;
  /** What is learned; `decays` says whether AdamW may let it decay. */
  readonly parameters: Readonly<Record<string, ImportedTensor & { readonly decays?: boolean }>>;
  /** What is kept: running averages. */
  readonly state?: Readonly<Record<string, ImportedTensor>>;
  apply(x: Values, bound: Readonly<Record<string, Value>>, context: Context): Values;
}

const definition = ({ shape, data }: ImportedTensor): StateDefinition => ({ shape, initial: () => data.slice() });

/** A layer that begins with a file's numbers. */
export function importedModel<O extends Values>({ kind, parameters, state = {}, apply }: Found): ImportedModel<O> {
  const learned = Object.entries(parameters).map(([name, tensor]): [string, ParameterDefinition] => {
    // Biases and norms' factors have one axis.
    const { decays = tensor.shape.length > 1 && sizeOf(tensor.shape) > 1 } = tensor;
    return [name, { ...definition(tensor), decays }];
  });
  const kept = Object.entries(state).map(([name, tensor]) => [name, definition(tensor)] as const);
  const model: Layer<Values, O> = {
    name: kind,
    parameters: Object.fromEntries(learned),
    state: Object.fromEntries(kept),
    // What comes out is as the file says, which its reader knows.
    apply: apply as Layer<Values, O>['apply'],
  };
  const tensors = Object.entries({ ...parameters, ...state }).map(([name, { shape, data }]) => {
    return [name, { shape, data }] as const;
  });
  return { model, weights: writeSafetensors({ tensors: Object.fromEntries(tensors), metadata: {} }) };
}
