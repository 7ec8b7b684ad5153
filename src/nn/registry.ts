import { ShapeError } from '../core/errors.ts';
import { Random } from '../core/random.ts';
import { requireShape, sizeOf, spec } from '../core/shape.ts';
import type { Page } from '../core/parameterLayout.ts';
import type { State } from '../graph/graph.ts';
import { requireKind } from '../core/argumentChecks.ts';
import type { Layer, ParameterDefinition, StateDefinition } from './layer.ts';

/** A parameter as tracing found it. */
export interface Parameter {
  readonly name: string;
  readonly definition: ParameterDefinition;
}

/** What all traces of one model agree on: which layer owns which names, in the order in which they were reached. */
export class Registry {
  readonly parameters: Parameter[] = [];
  readonly states = new Map<string, State>();
  readonly #paths = new Map<object, string>();
  readonly #trained = new Set<string>();
  readonly #names = new Set<string>();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * Names what a layer learns and keeps, when it is first reached.
   * @param late whether all that there is has its place already   @throws ShapeError if another layer has such a name
   */
  add(layer: Layer<never, unknown>, path: string, late: boolean): void {
    const { parameters, state = {} } = layer;
    const both = Object.keys(state).find((name) => Object.hasOwn(parameters, name));
    if (both !== undefined) {
      throw new ShapeError(`[model] "${join(path, both)}" is a parameter and a state of its layer: rename one of them`);
    }
    const all = Object.entries({ ...parameters, ...state });
    for (const [name, definition] of all) requireDefinition(join(path, name), definition);
    const names = all.map(([name]) => join(path, name));
    requireOwnPath(
      path,
      names.some((name) => this.#names.has(name)),
    );
    if (late && names.length > 0) {
      throw new ShapeError(
        `[model] "${names[0]}" appears only now: a model must have the same layers in every mode, created once, outside the function`,
      );
    }
    this.remember(layer, path);
    for (const name of names) this.#names.add(name);
    for (const [name, definition] of Object.entries(parameters)) {
      this.parameters.push({ name: join(path, name), definition });
    }
    for (const [name, { shape, initial }] of Object.entries(state)) {
      const full = join(path, name);
      this.states.set(full, {
        name: full,
        spec: spec(shape),
        initial: () => firstValues(full, { shape, initial }, this.#seed),
        purpose: 'parameters',
      });
    }
  }

  /** The first path that reached a layer or a function. */
  knownPath(module: object): string | undefined {
    return this.#paths.get(module);
  }

  /** A function has no parameters, but those of the layers that it uses lie below its path. */
  remember(module: object, path: string): void {
    if (!this.#paths.has(module)) this.#paths.set(module, path);
  }

  /** Takes note of a parameter that a layer has which is not frozen. */
  train(name: string): void {
    this.#trained.add(name);
  }

  /** Whether a parameter is used anywhere but in frozen layers. */
  isTrained(name: string): boolean {
    return this.#trained.has(name);
  }

  /** First values of a page's parameters, each from a stream of its own name. */
  initialValues({ ranges, size }: Page): Float32Array {
    const values = new Float32Array(size);
    const offsets = new Map(ranges.map(({ name, offset }) => [name, offset]));
    for (const { name, definition } of this.parameters) {
      const offset = offsets.get(name);
      if (offset !== undefined) values.set(firstValues(name, definition, this.#seed), offset);
    }
    return values;
  }
}

/** @throws DataError for what is no parameter and no state */
function requireDefinition(name: string, given: StateDefinition): void {
  const { shape, initial } = Object(given) as StateDefinition;
  requireShape('model', `shape of "${name}"`, shape);
  requireKind('model', `initial of "${name}"`, initial, typeof initial === 'function', 'an initializer, as heNormal');
}

/** @throws DataError where an initializer gives another number of values */
function firstValues(name: string, { shape, initial }: StateDefinition, seed: number): Float32Array {
  const values = initial(shape, new Random(seed, name));
  const are = (Object(values) as ArrayLike<number>).length === sizeOf(shape);
  requireKind('model', `what initial of "${name}" gives`, values, are, `${sizeOf(shape)} numbers`);
  return values;
}

/** @throws ShapeError for the path of another layer */
export function requireOwnPath(path: string, isTaken: boolean): void {
  if (!isTaken) return;
  throw new ShapeError(
    `[model] two layers are named "${path}": give one of them another name in context.apply, or, if it is one, create it once, outside the function, which is traced more than once`,
  );
}

export const join = (path: string, name: string): string => (path && name ? `${path}.${name}` : path || name);
