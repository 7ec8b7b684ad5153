import { ShapeError } from '../core/errors.ts';
import { requireShape, sizeOf, spec } from '../core/shape.ts';
import { specOf, storageKey, type State, type Value } from '../graph/graph.ts';
import { input, read } from '../graph/leaf.ts';
import { dropElements } from '../ops/random/dropout.ts';
import { controlState } from '../ops/training/control.ts';
import { random, type Draws } from '../ops/random/random.ts';
import { assign } from '../ops/shaping/assign.ts';
import { stopGradient, viewOf } from '../ops/shaping/views.ts';
import { requireKind } from '../core/argumentChecks.ts';
import type { Generation, KeptValues } from './generation.ts';
import {
  requireModule,
  type Context,
  type Layer,
  type Mode,
  type Module,
  type OutputOf,
  type ParameterDefinition,
} from './layer.ts';
import { join, requireOwnPath, type Registry } from './registry.ts';

/** @throws DataError for what a model or a loss may not give */
export function requireGiven(name: string, given: unknown): void {
  const is = typeof given === 'object' && given !== null && !('then' in given);
  requireKind('model', name, given, is, 'a value, or several by name, returned at once: what is traced cannot wait');
}

/** What a trace of model and loss makes; what fails in it as JavaScript is told with the fields that there are. */
export function traced<T>(batch: Readonly<Record<string, Value>>, trace: () => T): T {
  try {
    return trace();
  } catch (error) {
    const fields = Object.keys(batch).join(', ');
    if (error instanceof Error && error.message.includes(' is nothing ')) {
      error.message += ` (the batch has ${fields})`;
    }
    if (!(error instanceof TypeError)) throw error;
    throw new ShapeError(
      `[model] ${error.message}: a layer is used by context.apply(layer, x), and the batch has ${fields}`,
      { cause: error },
    );
  }
}

/** Whether a value was computed in a state's own place. */
function isIn(state: State, value: Value): boolean {
  for (let at = value; ;) {
    const from = at.node.op.inPlace?.[at.index] ?? null;
    if (from === null) return false;
    at = at.node.inputs[from];
    if (storageKey(at) === state) return true;
  }
}

/** Where a trace finds its parameters; null while it is only finding out which there are. */
export interface Home {
  /** By name: a page, and from which element on. */
  readonly places: ReadonlyMap<string, { readonly page: State; readonly offset: number }>;
  readonly control: State;
  /** Of a batch that is taken in parts: samples of this part, and of each one before it. */
  readonly rows?: { readonly own: number; readonly before: number };
  /** Of a text that is generated. */
  readonly keeps?: KeptValues;
}

/** Stands for the control of a graph that is only measured, and never run. */
const nobody = controlState('control', 0);

/** What a layer was given and gave, for summaries. */
export interface Applied {
  readonly path: string;
  readonly kind: string;
  readonly output: unknown;
  readonly parameters: readonly ParameterDefinition[];
  /** As the layer says. */
  readonly order: readonly string[] | undefined;
}

/** Runs a model on values instead of numbers, which leaves a graph behind. */
export class Tracer implements Context {
  readonly #mode: Mode;
  readonly applied: Applied[] = [];
  readonly #updates = new Map<State, Value>();
  readonly #registry: Registry;
  readonly #home: Home | null;
  /** The paths of the layers that were used since the model was last begun. */
  readonly #taken = new Set<string>();
  /** How many modules of a kind were given a number, by path and kind. */
  readonly #counts = new Map<string, number>();
  /** How often modules were used under each path. */
  readonly #uses = new Map<string, number>();
  #path = '';
  /** Which use of its path is being traced, from 0. */
  #use = 0;
  /** How many frozen layers are being traced, each within the one before. */
  #frozen = 0;

  constructor(registry: Registry, mode: Mode, home: Home | null) {
    this.#registry = registry;
    this.#mode = mode;
    this.#home = home;
  }

  get mode(): Mode {
    return this.#frozen > 0 && this.#mode === 'train' ? 'evaluate' : this.#mode;
  }

  get generation(): Generation | null {
    return this.#home?.keeps?.seenBy((name) => this.#streamOf(name)) ?? null;
  }

  /** Model and loss of a batch are traced anew, perhaps not for the first time: layers that they make may have their names again. */
  begin(): void {
    this.#taken.clear();
  }

  apply<I, M extends Module<I, unknown>>(module: M, x: I, name?: string): OutputOf<M>;
  apply<I, O>(module: Module<I, O>, x: I, name?: string): O {
    requireModule('context.apply', 'what is applied', module);
    const before = [this.#path, this.#use] as const;
    const isLayer = typeof module !== 'function';
    this.#path = isLayer ? this.#pathOf(module, name) : this.#below('function', name);
    this.#registry.remember(module, this.#path);
    this.#use = this.#uses.get(this.#path) ?? 0;
    this.#uses.set(this.#path, this.#use + 1);
    const frozen = this.#frozen;
    if (isLayer && module.frozen !== undefined) this.#frozen = Math.max(0, frozen + (module.frozen ? 1 : -1));
    try {
      const output = isLayer ? module.apply(x, this.#bind(module), this) : module(x, this);
      requireGiven(`what ${this.#path || 'it'} gives`, output);
      this.applied.push({
        path: this.#path,
        kind: isLayer ? (module.name ?? 'layer') : module.name || 'function',
        output,
        parameters: isLayer ? Object.values(module.parameters) : [],
        order: isLayer ? module.order : undefined,
      });
      return output;
    } catch (error) {
      if (error instanceof ShapeError && this.#path && !error.message.includes('(in ')) {
        error.message += ` (in ${this.#path})`;
      }
      throw error;
    } finally {
      this.#frozen = frozen;
      [this.#path, this.#use] = before;
    }
  }

  /** Where a layer lies: where it was first reached. */
  #pathOf(layer: Layer<never, unknown>, name: string | undefined): string {
    const known = this.#registry.knownPath(layer);
    const path = known ?? this.#below(layer.name ?? 'layer', name);
    if (known === undefined) {
      requireOwnPath(path, name !== '' && this.#taken.has(path));
      this.#registry.add(layer, path, this.#home !== null);
    }
    this.#taken.add(path);
    return path;
  }

  /** The path of what is used here: by its name, else by its kind and, in the order of use, a number that is free. */
  #below(kind: string, name?: string): string {
    if (name !== undefined) return join(this.#path, name);
    const stem = join(this.#path, kind);
    let number = this.#counts.get(stem) ?? 0;
    while (this.#taken.has(`${stem}${number}`)) number++;
    this.#counts.set(stem, number + 1);
    return `${stem}${number}`;
  }

  #bind(layer: Layer<never, unknown>): Record<string, Value> {
    const bound: Record<string, Value> = {};
    for (const [name, { shape }] of Object.entries(layer.parameters)) {
      const full = join(this.#path, name);
      const value = this.parameter(full, shape);
      bound[name] = this.#frozen > 0 ? stopGradient(value) : value;
      if (this.#frozen === 0) this.#registry.train(full);
    }
    for (const name of Object.keys(layer.state ?? {})) {
      const state = this.#registry.states.get(join(this.#path, name))!;
      bound[name] = this.#updates.get(state) ?? read(state);
    }
    return bound;
  }

  readonly #parameters = new Map<string, Value>();

  /** One value per parameter and trace, so that shared weights gather their gradients. */
  parameter(name: string, shape: readonly number[]): Value {
    let value = this.#parameters.get(name);
    if (!value) {
      const place = this.#home?.places.get(name);
      value = place ? viewOf(place.page, name, shape, place.offset) : input(name, spec(shape));
      this.#parameters.set(name, value);
    }
    return value;
  }

  update(name: string, value: Value): void {
    if (this.mode !== 'train') return;
    const state = this.#registry.states.get(join(this.#path, name));
    if (!state) throw new ShapeError(`[model] "${join(this.#path, name)}" is no state of its layer: declare it`);
    specOf('context.update', name, value);
    this.#updates.set(state, value);
  }

  /** What the layers' states are to hold after the step. */
  assignments(): (readonly [State, Value])[] {
    // A state that is to hold what it holds needs no launch, which could not read and write it at once.
    const changed = [...this.#updates].filter(([state, value]) => storageKey(value) !== state);
    return changed.map(([state, value]) => [state, isIn(state, value) ? value : assign(state, value)] as const);
  }

  /** A layer that is used again, under the path that it has, draws numbers of its own. */
  #streamOf(name: string): string {
    return join(this.#path, this.#use > 0 ? `${name}#${this.#use}` : name);
  }

  /** Numbers that each earlier part of the batch draws where this one draws a shape: by its samples, if they lead it. */
  #partCount(shape: readonly number[]): number {
    const rows = this.#home?.rows;
    const count = sizeOf(shape);
    return rows && shape[0] % rows.own === 0 ? (count / rows.own) * rows.before : count;
  }

  draws(stream: string, shape: readonly number[]): Draws {
    requireShape('context', 'shape', shape);
    const control = this.#home?.control ?? nobody;
    return { control, stream: this.#streamOf(stream), partCount: this.#partCount(shape) };
  }

  random(name: string, shape: readonly number[], law: 'uniform' | 'normal' = 'uniform'): Value<'f32'> {
    const { control, stream, partCount } = this.draws(name, shape);
    return random(control, stream, shape, law, partCount);
  }

  dropout(name: string, x: Value, rate: number): Value<'f32'> {
    const { control, stream, partCount } = this.draws(name, specOf('context.dropout', 'x', x).shape);
    return dropElements(control, stream, x, rate, partCount);
  }
}
