import { requireKind } from '../core/argumentChecks.ts';
import type { Shape } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import type { Draws } from '../ops/random/random.ts';
import type { Generation } from './generation.ts';
import type { Initializer } from './initializers.ts';

/** In `generate` a text is made token by token: all is as in `evaluate`, but a sample has one token, whatever it had before. */
export type Mode = 'train' | 'evaluate' | 'generate';

/** A value, or several by name. */
export type Values = Value | Readonly<Record<string, Value>>;

/** Something that a layer learns: its shape, and what it begins with. */
export interface ParameterDefinition {
  readonly shape: Shape;
  readonly initial: Initializer;
  /** False for biases and norms, which AdamW leaves undecayed. True if left out. */
  readonly decays?: boolean;
}

/** Something that a layer keeps from step to step without a gradient: a running average. */
export interface StateDefinition {
  readonly shape: Shape;
  readonly initial: Initializer;
}

/** What a layer may know and do while it is traced. */
export interface Context {
  readonly mode: Mode;
  /** What is known and kept from token to token; null in the other modes. */
  readonly generation: Generation | null;
  /**
   * Uses another layer or function; its parameters are named below this one's, by the first path that reaches it.
   * @param name by kind and order if left out: `linear0`, `linear1`; `''` for none, and then what lies below it has the
   * names of what lies here   @throws ShapeError if another layer has that name
   */
  apply<I, M extends Module<I, unknown>>(layer: M, x: I, name?: string): OutputOf<M>;
  /**
   * What one of the layer's own states is to hold after the step; does nothing in evaluation. A value that an op computed
   * in the state's place stays there; another one is copied.
   */
  update(name: string, value: Value): void;
  /** Numbers drawn anew at each step; two draws of one name are equal within one use of a layer, and differ between uses. */
  random(stream: string, shape: Shape, law?: 'uniform' | 'normal'): Value<'f32'>;
  /**
   * x with a share of its elements dropped, others at each step, and the rest multiplied by 1 / (1 − rate); in every
   * mode. Streams are named as those of `random`.
   */
  dropout(stream: string, x: Value, rate: number): Value<'f32'>;
  /**
   * What an op needs that draws by itself, so many things as the shape says: of `[N]` each of N samples its own, and those
   * of a step in parts what they would draw in the whole. Streams are named as those of `random`.
   */
  draws(stream: string, shape: Shape): Draws;
}

/** Plain data: what a layer learns, what it keeps, and what it does. The same object used twice shares its weights. */
export interface Layer<I = Value, O = Value> {
  /** Its kind, for names and summaries. */
  readonly name?: string;
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  readonly state?: Readonly<Record<string, StateDefinition>>;
  /** True: what it applies stays as it is; see `frozen`. False: of what is so, its own parameters are not; see `lora`. */
  readonly frozen?: boolean;
  /** Of a model out of a file: the names of all that is learned and kept in it, in the order in which its program lists them. */
  readonly order?: readonly string[];
  apply(x: I, bound: Readonly<Record<string, Value>>, context: Context): O;
}

/** A layer from a value to one in f32, as most are. */
export type FloatLayer = Layer<Value, Value<'f32'>>;

/** A layer, or a function of values. */
export type Module<I = Value, O = Value> = Layer<I, O> | ((x: I, context: Context) => O);

/** Whether something is a layer or a function. */
export const isModule = (given: unknown): boolean =>
  typeof given === 'function' ||
  (typeof given === 'object' && given !== null && 'apply' in given && 'parameters' in given);

/** Fails unless something is a layer or a function. @throws DataError naming what came */
export function requireModule(where: string, name: string, given: unknown): void {
  const wanted = 'a layer or a function, by itself and not called: sequential(linear(2, 3), relu)';
  requireKind(where, name, given, isModule(given), wanted);
}

/** What a module gives; of one of which nothing is known, anything. */
export type OutputOf<M> = M extends (...given: never[]) => infer O
  ? O
  : M extends Layer<never, infer O>
    ? O
    : // oxlint-disable-next-line typescript/no-explicit-any -- so it goes into any loss
      any;

type Parameters = Readonly<Record<string, ParameterDefinition>>;
type States = Readonly<Record<string, StateDefinition>>;

/** A layer whose `bound` has the names of its parameters and states, and no others. */
export interface LayerDefinition<P extends Parameters, S extends States, I, O> {
  readonly name?: string;
  readonly parameters?: P & Parameters;
  readonly state?: S & States;
  apply(x: I, bound: { readonly [K in keyof (P & S)]: Value<'f32'> }, context: Context): O;
}

/**
 * A layer of one's own, in which `bound` is known by name: `bound.weight` is a value where `parameters` has a weight, and
 * `bound.wieght` does not compile. Any object of this kind is a layer as well.
 *
 * ```ts
 * const scale = defineLayer({
 *   name: 'scale',
 *   parameters: { gamma: { shape: [10], initial: ones } },
 *   apply: (x, { gamma }) => mul(x, gamma),
 * });
 * ```
 */
export const defineLayer = <P extends Parameters = {}, S extends States = {}, I = Value, O = Value>(
  definition: LayerDefinition<P, S, I, O>,
): Layer<I, O> => {
  const { apply } = Object(definition) as Partial<typeof definition>;
  requireKind('defineLayer', 'apply', apply, typeof apply === 'function', 'a function of x, bound and context');
  return { parameters: {}, ...definition };
};
