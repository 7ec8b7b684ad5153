import { DataError, ShapeError } from '../core/errors.ts';
import { sizeOf, spec, type Spec } from '../core/shape.ts';
import { specOf, type State, type Value } from '../graph/graph.ts';
import { read } from '../graph/leaf.ts';
import { writeRow } from '../ops/generation/writeRow.ts';
import { where } from '../ops/pointwise/arithmetic.ts';
import { assign } from '../ops/shaping/assign.ts';

/*
 * A text is generated token by token: the model is traced for one sample of one token, `[1, 1]`, and what looks back in time
 * keeps what it needs from token to token. A context begins with the text, and anew, with the tokens that are there, where it
 * has become too long for a model that asks how long it is.
 */

/** What a layer may know and keep while a text is generated; see `Context`. */
export interface Generation {
  /** Where the token stands in its context, from 0: u32 `[1]`. */
  readonly position: Value<'u32'>;
  /** Tokens of the context up to this one, itself among them: u32 `[1]`. */
  readonly length: Value<'u32'>;
  /** Tokens that a context has at most. */
  readonly capacity: number;
  /** What was kept under a name at the token before; `first` at a context's first token. Names are the layer's own. */
  kept<V extends Value>(name: string, first: V): V;
  /** What is to be kept under a name until the next token. */
  keep(name: string, value: Value): void;
  /**
   * Puts a row behind those of the tokens before, and gives all of them: the first `length` are there, what lies behind means
   * nothing.
   * @param row `[1, 1, …]`   @returns `[1, capacity, …]`
   */
  append(name: string, row: Value): Value<'f32'>;
}

/** @throws DataError where a text is generated, for what reads it from its end */
export function requireForward(layer: string, { generation }: { readonly generation: Generation | null }): void {
  if (!generation) return;
  throw new DataError(
    `[${layer}] it reads a text from its end, which is not known while the text is generated: leave out bidirectional, or reverse`,
  );
}

/** Which token is traced. */
export interface TokenPlace {
  readonly position: Value<'u32'>;
  readonly length: Value<'u32'>;
  readonly capacity: number;
}

const stateOf = (name: string, of: Spec): State => ({
  name,
  spec: of,
  initial: () => (of.dtype === 'f32' ? new Float32Array(sizeOf(of.shape)) : new Uint32Array(sizeOf(of.shape))),
  purpose: 'activations',
});

/** All that the layers of a trace keep from token to token. */
export class KeptValues {
  /** Whether a layer has asked where a token stands, so that a context must end. */
  isBounded = false;
  readonly #place: TokenPlace;
  readonly #states = new Map<string, State>();
  readonly #written = new Map<State, Value>();

  constructor(place: TokenPlace) {
    this.#place = place;
  }

  /** What the states are to hold behind the token. */
  get writes(): readonly (readonly [State, Value])[] {
    return [...this.#written];
  }

  /** For one layer. @param fullName of what it keeps */
  seenBy(fullName: (name: string) => string): Generation {
    const place = (): TokenPlace => {
      this.isBounded = true;
      return this.#place;
    };
    return {
      get position() {
        return place().position;
      },
      get length() {
        return place().length;
      },
      get capacity() {
        return place().capacity;
      },
      kept: (name, first) => this.#kept(fullName(name), first),
      keep: (name, value) => this.#keep(fullName(name), value),
      append: (name, row) => this.#append(fullName(name), row, place()),
    };
  }

  #kept<V extends Value>(name: string, first: V): V {
    const state = this.#states.get(name) ?? stateOf(name, specOf('context.generation', 'first', first));
    this.#states.set(name, state);
    return where(this.#place.position, read(state), first) as V;
  }

  #keep(name: string, value: Value): void {
    const state = this.#states.get(name);
    if (!state) throw new ShapeError(`[model] "${name}" is kept, but nobody asks for it: call kept first`);
    this.#written.set(state, assign(state, value));
  }

  #append(name: string, row: Value, { position, capacity }: TokenPlace): Value<'f32'> {
    const [, , ...rest] = specOf('context.generation', 'row', row).shape;
    const state = stateOf(name, spec([1, capacity, ...rest]));
    const rows = writeRow(state, row, position);
    this.#written.set(state, rows);
    return rows;
  }
}
