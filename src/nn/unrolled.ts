import { ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import { formatSpec, requireShape, sameShape, sizeOf, spec, type Dtype, type Shape } from '../core/shape.ts';
import { floatsOf, isValue, specOf, type Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { where } from '../ops/pointwise/arithmetic.ts';
import { ownSteps } from '../ops/recurrent/lengths.ts';
import { concat, slice } from '../ops/shaping/pieces.ts';
import { reshape } from '../ops/shaping/views.ts';
import {
  defineLayer,
  isModule,
  requireModule,
  type Context,
  type Layer,
  type Module,
  type OutputOf,
  type Values,
} from './layer.ts';
import { requireForward } from './generation.ts';
import { requirePerSample } from './sequences.ts';

/** The state before the first step: shapes of one sample's, of zeros; or a module that makes it of the whole sequence. */
type Initial = Shape | Readonly<Record<string, Shape>> | Module<Value, Values>;

/** The state that begins so: a value, or several by name. */
type StateOf<I> = I extends Shape
  ? Value<'f32'>
  : I extends Module<never, unknown>
    ? OutputOf<I>
    : { readonly [K in keyof I]: Value<'f32'> };

/** A value of any dtype, or several, in place of a state's own. */
type Like<S> = S extends Value ? Value : { readonly [K in keyof S]: Value };

/** What a cell is given at a step: its part of the sequence, `[N, …]`, and the state that the step before left. */
export interface CellInput<S = Values> {
  readonly x: Value;
  readonly state: S;
}

/** What a cell makes of a step: its output, `[N, …]`, and the state for the next one, of the shapes that it was given. */
export interface CellOutput<S = Values> {
  readonly output: Value;
  readonly state: S;
}

/** One step of a recurrent net whose state begins as `initial` says: a function of values, or a layer. */
export type Cell<I extends Initial = Initial> = Module<CellInput<StateOf<I>>, CellOutput<Like<StateOf<I>>>>;

/** What `recurrent` may be told. */
export interface RecurrentOptions<I extends Initial = Initial> {
  /**
   * The state before the first step: of zeros, by the shape of one sample's (`[64]`, or `{ h: [64], c: [64] }`), or made
   * of the whole sequence by a layer or a function, which may learn it.
   */
  readonly initial: I;
  /** All outputs, `[N, T, …]`, 0 behind a sample's own steps, the last one's alone, `[N, …]`, or all and the last state. 'sequence' if left out. */
  readonly returns?: 'sequence' | 'last' | 'sequence and state';
  /** From the last step to the first: outputs stay where their steps are, and the first step's is the last. */
  readonly reverse?: boolean;
}

/** A sequence `[N, T, …]`, and what belongs to it. */
interface SequenceParts<S> {
  readonly x: Value;
  /** Before the first step, in place of `initial`. */
  readonly state?: S;
  /** `[N]` integers of 1 … T: how many steps each sample has. All have T if left out. */
  readonly lengths?: Value;
}

/** A sequence, alone or with what belongs to it. */
export type SequenceInput<S = Values> = Value | SequenceParts<S>;

/** All outputs, and the state behind the last step. */
export interface SequenceAndState<S = Values> {
  readonly output: Value<'f32'>;
  readonly state: S;
}

const RETURNS = ['sequence', 'last', 'sequence and state'] as const;

/**
 * A cell used once for each step of a sequence, with the same weights: for nets that no layer of its own covers. The steps
 * are unrolled, so a step of training has launches for each of them, while their kernels are the same for any length.
 *
 * ```ts
 * const [ofX, ofH] = [linear(8, 64), linear(64, 64, { bias: false })];
 * const net = recurrent(
 *   ({ x, state }, context) => {
 *     const h = tanh(add(context.apply(ofX, x), context.apply(ofH, state)));
 *     return { output: h, state: h };
 *   },
 *   { initial: [64], returns: 'last' },
 * );
 * ```
 *
 * As RNN around a cell in Keras and Flax; PyTorch has cells and leaves the loop to its user. Dropout in a cell draws anew
 * at each step. Of a sample with fewer steps than others, `lengths`, the state stays behind its last one, and reversed it
 * begins there, as in `lstm`; the steps behind are computed, and left.
 * @throws ShapeError for a sequence without steps or a state that changes its shape   Source: Werbos 1990, "Backpropagation
 * through time".
 */
export function recurrent<const I extends Initial>(
  cell: Cell<I>,
  options: RecurrentOptions<I> & { readonly returns: 'sequence and state' },
): Layer<SequenceInput<StateOf<I>>, SequenceAndState<StateOf<I>>>;
export function recurrent<const I extends Initial>(
  cell: Cell<I>,
  options: RecurrentOptions<I>,
): Layer<SequenceInput<StateOf<I>>, Value<'f32'>>;
export function recurrent(
  cell: Module<CellInput, CellOutput>,
  options: RecurrentOptions,
): Layer<SequenceInput, Value<'f32'> | SequenceAndState> {
  requireModule('recurrent', 'the cell', cell);
  const defaults = { initial: undefined, returns: 'sequence', reverse: false } as const;
  const { initial, returns, reverse } = optionsOf<RecurrentOptions, typeof defaults>('recurrent', options, defaults);
  requireKind('recurrent', 'returns', returns, RETURNS.includes(returns), '"sequence", "last" or "sequence and state"');
  requireInitial(initial);
  return defineLayer({
    name: 'recurrent',
    apply(given: SequenceInput, _, context) {
      const { x, state: before, lengths } = partsOf(given);
      const steps = stepsOf(x);
      const own = lengths && ownSteps(lengths, steps.length);
      const { generation } = context;
      if (reverse) requireForward('recurrent', context);
      const first = before ?? firstState(initial, x, context);
      let state = generation ? eachOf(first, (value, name) => generation.kept(`state.${name}`, value)) : first;
      let last: Value<'f32'> | undefined;
      const outputs = new Array<Value<'f32'>>(steps.length);
      for (const t of reverse ? [...steps.keys()].reverse() : steps.keys()) {
        const made = context.apply<CellInput, typeof cell>(cell, { x: steps[t], state }, 'cell');
        requireMade(made, state);
        outputs[t] = floatsOf('recurrent', "the cell's output", made.output);
        // All samples have the first step.
        const isOwn = own && t > 0 ? slice(own, [null, { start: t, end: t + 1 }]) : undefined;
        state = isOwn ? held(isOwn, made.state, state) : made.state;
        last = isOwn && last ? choose(isOwn, outputs[t], last) : outputs[t];
      }
      if (generation) eachOf(state, (value, name) => generation.keep(`state.${name}`, value));
      if (returns === 'last') return last!;
      const whole = stack(outputs);
      const output = own ? choose(own, whole, 0) : whole;
      return returns === 'sequence' ? output : { output, state };
    },
  });
}

const NAMES: readonly string[] = ['x', 'state', 'lengths'] satisfies (keyof SequenceParts<Values>)[];

/** A sequence and what belongs to it. @throws DataError or ShapeError for what is none */
function partsOf(given: SequenceInput): SequenceParts<Values> {
  if (isValue(given)) return { x: given };
  const are = typeof given === 'object' && given !== null && Object.keys(given).every((name) => NAMES.includes(name));
  requireKind('recurrent', 'what it is given', given, are, 'a value [N, T, …], or { x, state, lengths }');
  requirePerSample('recurrent', 'lengths', given.lengths, specOf('recurrent', 'x', given.x).shape[0]);
  return given;
}

/** One of two values for each sample, or each of its steps: `[N, 1]` or `[N, T]`, 1 for the first value. */
function choose<D extends Dtype>(condition: Value, a: Value<D>, b: Value<D> | number): Value<D> {
  const { shape } = condition.spec;
  const ones = a.spec.shape.slice(shape.length).map(() => 1);
  return where(reshape(condition, a.spec.shape.length > 1 ? [...shape, ...ones] : [-1]), a, b);
}

/** A state in which samples that have no such step keep what was before. */
const held = (isOwn: Value, now: Values, before: Values): Values =>
  eachOf(before, (value, name) => choose(isOwn, entriesOf(now)[name], value));

/** A state of what becomes of each of its values. */
const eachOf = <T>(state: Values, of: (value: Value, name: string) => T): T | Readonly<Record<string, T>> =>
  isValue(state)
    ? of(state, '')
    : Object.fromEntries(Object.entries(state).map(([name, value]) => [name, of(value, name)]));

const isShape = (given: unknown): given is Shape => Array.isArray(given);

/** @throws DataError for what is no state before the first step */
function requireInitial(given: unknown): void {
  if (isModule(given)) return;
  const named = typeof given === 'object' && given !== null && !isShape(given) && Object.keys(given).length > 0;
  const wanted = "the shape of one sample's state, as [64], several by name, or a layer or function that makes it of x";
  requireKind('recurrent', 'initial', given, isShape(given) || named, wanted);
  if (isShape(given)) requireShape('recurrent', 'initial', given);
  else {
    for (const [name, shape] of Object.entries(given as object)) requireShape('recurrent', `initial.${name}`, shape);
  }
}

function firstState(initial: Initial, x: Value, context: Context): Values {
  if (isModule(initial)) return context.apply(initial as Module<Value, Values>, x, 'initial');
  const zeros = (shape: Shape): Value => {
    const whole = spec([x.spec.shape[0], ...shape]);
    return constant(new Float32Array(sizeOf(whole.shape)), whole);
  };
  if (isShape(initial)) return zeros(initial);
  const shapes = Object.entries(initial as Readonly<Record<string, Shape>>);
  return Object.fromEntries(shapes.map(([name, shape]) => [name, zeros(shape)]));
}

/** The steps of a sequence `[N, T, …]`, each `[N, …]`. @throws ShapeError if it has none */
function stepsOf(x: Value): Value[] {
  const given = specOf('recurrent', 'x', x);
  const [samples, steps, ...rest] = given.shape;
  if (given.shape.length < 2 || steps === 0) {
    throw new ShapeError(`[recurrent] x is ${formatSpec(given)} but must be a sequence [N, T, …] of at least one step`);
  }
  return Array.from({ length: steps }, (_, t) =>
    reshape(slice(x, [null, { start: t, end: t + 1 }]), [samples, ...rest]),
  );
}

/** `[N, …]` of each step as `[N, T, …]`. */
const stack = (outputs: readonly Value<'f32'>[]): Value<'f32'> => concat(outputs.map(asOneStep), 1);

function asOneStep(output: Value<'f32'>): Value<'f32'> {
  const [samples, ...rest] = output.spec.shape;
  return reshape(output, [samples, 1, ...rest]);
}

/** @throws DataError unless a cell gave an output and a state, ShapeError for a state unlike the one that it was given */
function requireMade(made: unknown, before: Values): void {
  const { output, state } = Object(made) as Partial<CellOutput>;
  requireKind('recurrent', 'what the cell gives', made, isValue(output) && !!state, '{ output, state }');
  const [own, other] = [entriesOf(state!), entriesOf(before)];
  for (const [name, value] of Object.entries(other)) {
    const called = name ? `state.${name}` : 'state';
    const now = specOf('recurrent', `the cell's ${called}`, own[name]);
    if (!sameShape(now.shape, value.spec.shape) || now.dtype !== value.spec.dtype) {
      throw new ShapeError(
        `[recurrent] the cell's ${called} is ${formatSpec(now)} but it was given ${formatSpec(value.spec)}: a state keeps its shape from step to step, and initial says which it is`,
      );
    }
  }
}

const entriesOf = (state: Values): Readonly<Record<string, Value>> => (isValue(state) ? { '': state } : state);
