import { editDistance } from './editDistance.ts';
import { DataError } from './errors.ts';
import { quotedList } from './textFormat.ts';

/*
 * What a caller gave, looked at where it comes in: TypeScript is not everybody's, and a slip that gets further surfaces far
 * from where it was made.
 */

const has = (given: object, ...names: readonly string[]): boolean => names.every((name) => name in given);

/** What came, as a message names it. */
export function described(given: unknown): string {
  if (given === undefined) return 'nothing';
  if (typeof given === 'string') return `the text ${JSON.stringify(given.slice(0, 40))}`;
  if (typeof given === 'function') return given.name ? `the function ${given.name}` : 'a function';
  if (given === null) return 'null';
  if (typeof given !== 'object') return (given as number).toString();
  if (Array.isArray(given)) return `an array of ${given.length}`;
  if (has(given, 'then')) return 'a promise, which is to be awaited';
  if (has(given, 'node', 'spec')) return 'a value of a graph';
  if (has(given, 'parameters', 'apply')) return 'a layer';
  if (has(given, 'fields', 'length')) return 'a data set';
  const kind = Object.prototype.toString.call(given).slice(8, -1);
  const names = Object.keys(given).slice(0, 4);
  return kind !== 'Object'
    ? `of the kind ${kind}`
    : names.length > 0
      ? `an object of ${quotedList(names)}`
      : 'an empty object';
}

const bare = (name: string): string => name.replace(/[^a-z0-9]/gi, '').toLowerCase();

/** The name that was likeliest meant: `lr` and `learning_rate` are learningRate, `eps` is epsilon. */
export function nearest(given: string, names: readonly string[]): string {
  const wanted = bare(given);
  const far = (name: string): number => {
    const initials = (name[0] + name.replace(/[^A-Z]/g, '')).toLowerCase();
    const begins = wanted.length > 1 && bare(name).startsWith(wanted);
    return initials === wanted || begins ? 0 : editDistance(wanted, bare(name));
  };
  return names.reduce((best, name) => (far(name) < far(best) ? name : best));
}

/** Fails for a name that is none of those there are. @throws DataError naming the nearest */
export function requireName(
  where: string,
  what: string,
  name: string,
  names: readonly string[],
  verb: 'has' | 'takes',
): void {
  if (names.includes(name)) return;
  throw new DataError(
    `[${where}] there is no ${what} "${name}", the nearest is "${nearest(name, names)}": it ${verb} ${names.join(', ')}`,
  );
}

/** A field's name or several, each of one that there is, and once. @throws DataError for what is no name, or for another */
export function namesOf(
  where: string,
  role: string,
  given: string | readonly string[],
  names: readonly string[],
): string[] {
  const chosen: string[] = [given].flat();
  const areNames = chosen.every((name) => typeof name === 'string');
  requireKind(where, role, given, areNames, "a field's name, or a list of names");
  for (const name of chosen) requireName(where, 'field', name, names, 'has');
  return [...new Set(chosen)];
}

/**
 * By what a context is told from options. The options of a function of a value extend it, so that the function is a module
 * too, which is handed a context in their place.
 */
export interface ContextLike {
  readonly draws?: unknown;
}

/** The names of options. */
type OptionsOf<T> = Exclude<keyof T, keyof ContextLike>;

/** One default, or undefined, for each option that there is. */
type Defaults<T> = { readonly [K in OptionsOf<T>]-?: T[K] | undefined };

/** Options where those that have a default are never missing. */
type Filled<T, D> = {
  readonly [K in OptionsOf<Required<T>>]: K extends keyof D
    ? D[K] extends undefined
      ? T[K]
      : Exclude<T[K], undefined>
    : never;
};

/**
 * Options as a function takes them: with their defaults, and none that it does not know. The context that models and
 * losses are handed is no options: a function of a value and options may stand where its second argument is a context.
 * @param defaults all names that there are; undefined where nothing stands for what was left out; one that is true or
 * false, or an array, is of an option that must be, too
 * @throws DataError naming what came, or the nearest name
 */
export function optionsOf<T extends object, const D extends Defaults<T>>(
  where: string,
  given: T | undefined,
  defaults: D,
): Filled<T, D> {
  const names = Object.keys(defaults);
  if (given === undefined || isContext(given)) return defaults as unknown as Filled<T, D>;
  if (typeof given !== 'object' || given === null || Array.isArray(given) || 'then' in given) {
    throw new DataError(`[${where}] the options are ${described(given)} but must be an object of ${names.join(', ')}`);
  }
  for (const name of Object.keys(given)) requireName(where, 'option', name, names, 'takes');
  const filled = names.map((name) => {
    const [own, usual]: unknown[] = [given[name as OptionsOf<T>], defaults[name as OptionsOf<T>]];
    if (own === undefined) return [name, usual];
    if (typeof usual === 'boolean') requireKind(where, name, own, typeof own === 'boolean', 'true or false');
    if (Array.isArray(usual)) requireKind(where, name, own, Array.isArray(own), 'an array');
    return [name, own];
  });
  return Object.fromEntries(filled) as Filled<T, D>;
}

const isContext = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && has(given, 'draws', 'mode');

/**
 * Fails unless something is of the kind that is wanted.
 * @param wanted in words, with the way out: `a layer or a function, as relu`   @throws DataError naming what came
 */
export function requireKind(where: string, name: string, given: unknown, is: boolean, wanted: string): void {
  if (!is) throw new DataError(`[${where}] ${name} is ${described(given)} but must be ${wanted}`);
}

/** @throws DataError for what is no finite number, or one below the least */
export function requireFinite(where: string, name: string, given: unknown, least = -Infinity): void {
  const is = Number.isFinite(given) && (given as number) >= least;
  requireKind(where, name, given, is, least > -Infinity ? `at least ${least} and finite` : 'a finite number');
}

/** @throws DataError for what is no AbortSignal, if one came */
export function requireSignal(where: string, given: unknown): void {
  const is = given === undefined || (typeof given === 'object' && given !== null && has(given, 'throwIfAborted'));
  requireKind(where, 'signal', given, is, 'an AbortSignal, as controller.signal');
}
