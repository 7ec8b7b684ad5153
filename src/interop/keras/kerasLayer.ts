import { isValue, type Value } from '../../graph/graph.ts';
import type { Context } from '../../nn/layer.ts';
import type { Range } from './calls.ts';
import type { LayerOptions } from './layerOptions.ts';

/*
 * What a layer of Keras' is here: the weights that its file has, in their order, and what it makes of values. Images have
 * their channels last in Keras and here, and kernels are laid out alike, so numbers stay as they lie in the file.
 */

/** A value of a model of Keras', and which of its steps count: integers `[N, T]`, 0 where one does not. */
export interface Held {
  readonly value: Value;
  readonly mask?: Value | undefined;
}

/** A weight of a layer, as its file has it. */
export interface Weight {
  readonly name: string;
  /** Extents that the layer's options tell; null where they do not. Left out: any. */
  readonly shape?: readonly (number | null)[];
  /** Below the layer, where it does not lie at its own place: `cell`, `query_dense`. */
  readonly within?: string;
  /** What is kept, not learned: running averages. */
  readonly isKept?: boolean;
}

/** What is handed to a layer beside values: `initial_state`, `use_causal_mask`. */
export type CallArgument =
  Held | Range | readonly CallArgument[] | { readonly [name: string]: CallArgument } | string | number | boolean | null;

/** What a layer is called with. */
export interface Called {
  /** All values, in order. */
  readonly inputs: readonly Held[];
  readonly args: readonly CallArgument[];
  readonly named: Readonly<Record<string, CallArgument>>;
}

/** What a layer is given when it is used. */
export interface Given extends Called {
  /** The first value. */
  readonly x: Value;
  /** Its weights, by name. */
  readonly weights: Readonly<Record<string, Value>>;
  readonly context: Context;
  /** Uses one of `layers`. */
  use(name: string, given: Called): readonly Held[];
}

/** A layer of a file. */
export interface KerasLayer {
  readonly weights: readonly Weight[];
  /** Of a model: the layers in it, in the order of its file. */
  readonly layers?: readonly NamedLayer[];
  /** Where those lie in a file, below the layer: `layer` of one around a model. */
  readonly layersWithin?: string;
  /** Names of what it may be called with beside values and their masks. */
  readonly named?: readonly string[];
  apply(given: Given): Value | readonly (Value | Held)[];
  /** Which steps of the first result count. Left out: all, as of a layer that Keras says does not support masking. */
  mask?(inputs: readonly Held[]): Value | undefined;
}

/** A layer of a model. */
export interface NamedLayer {
  readonly name: string;
  readonly className: string;
  readonly layer: KerasLayer;
  readonly isFrozen: boolean;
  /** Whether Keras counts it among a model's layers, where it is an operation on values if not. */
  readonly isOperation: boolean;
}

/** Reads a layer's options. */
export type Definition = (options: LayerOptions) => KerasLayer;

/** Definitions by the name of a layer's class. */
export type Definitions = Readonly<Record<string, Definition>>;

export const isHeld = (given: unknown): given is Held =>
  typeof given === 'object' && given !== null && isValue((given as Partial<Held>).value);

/** The first value's mask, of a layer that changes no steps. */
export const sameMask = ([first]: readonly Held[]): Value | undefined => first?.mask;

/** A layer without weights that goes from a value to a value, step by step. */
export const stepwise = (f: (x: Value, context: Context) => Value): KerasLayer => ({
  weights: [],
  apply: ({ x, context }) => f(x, context),
  mask: sameMask,
});

/** A layer without weights that moves values. */
export const moving = (f: (x: Value) => Value): KerasLayer => ({ weights: [], apply: ({ x }) => f(x) });
