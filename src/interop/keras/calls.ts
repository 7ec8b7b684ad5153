import { isRecord } from '../../data/safetensorsHeader.ts';
import { refuse } from './refusal.ts';

/* Which layer is called with what: Keras 3 writes arguments as they were given, Keras 2 and TensorFlow.js lists of values. */

/** The value that a call of a layer gave: its `tensor`th, where it gave several. */
export interface Reference {
  readonly layer: string;
  /** Which of its calls, from 0. */
  readonly call: number;
  readonly tensor: number;
}

/** An argument as a file has it, values being references. */
export type Argument =
  | { readonly reference: Reference }
  | { readonly list: readonly Argument[] }
  | { readonly entries: Readonly<Record<string, Argument>> }
  | { readonly array: NumberArray }
  | { readonly range: Range }
  | { readonly literal: string | number | boolean | null };

/** Numbers that are written into a config. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly isWhole: boolean;
}

/** A slice of Python's. */
export interface Range {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/** A use of a layer. */
export interface Call {
  readonly args: readonly Argument[];
  readonly named: Readonly<Record<string, Argument>>;
}

const fails = (where: string, what: string): never =>
  refuse(where, what, 'save the model again by Keras or TensorFlow.js');

const isCount = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) >= 0;

/** `["dense", 0, 0]`, and perhaps what else the call was given. */
export function referenceIn(given: unknown): Reference | undefined {
  if (!Array.isArray(given) || given.length < 3) return undefined;
  const [layer, call, tensor] = given as unknown[];
  return typeof layer === 'string' && isCount(call) && isCount(tensor) ? { layer, call, tensor } : undefined;
}

const entriesOf = (given: object, read: (each: unknown) => Argument): Readonly<Record<string, Argument>> =>
  Object.fromEntries(Object.entries(given).map(([name, each]) => [name, read(each)]));

function literalOf(where: string, given: unknown): Argument {
  if (given === null || ['string', 'number', 'boolean'].includes(typeof given)) {
    return { literal: given as string | number | boolean | null };
  }
  return fails(where, 'is called with what is no value, number, text or list');
}

/** Lists of numbers within each other, all of one length. */
function arrayOf(where: string, value: unknown, dtype: unknown): NumberArray {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0] as unknown) shape.push(inner.length);
  const flat: unknown[] = [value].flat(Infinity);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const are = flat.length === size && flat.every((each) => typeof each === 'number' || typeof each === 'boolean');
  if (!are) return fails(where, 'is called with an array that is none');
  return {
    shape,
    data: Float32Array.from(flat, Number),
    isWhole: typeof dtype === 'string' && !dtype.startsWith('float'),
  };
}

const isEnd = (each: unknown): each is number | null => each === null || Number.isSafeInteger(each);

function rangeOf(where: string, config: Readonly<Record<string, unknown>>): Range {
  const { start = null, stop = null, step = null } = config;
  if (isEnd(start) && isEnd(stop) && isEnd(step)) return { start, stop, step };
  return fails(where, 'is called with a slice of what is no whole number');
}

/** An argument of Keras 3. */
function argumentOf(where: string, given: unknown): Argument {
  if (Array.isArray(given)) return { list: given.map((each) => argumentOf(where, each)) };
  if (!isRecord(given)) return literalOf(where, given);
  const { class_name: kind, config } = given;
  if (kind === '__keras_tensor__') {
    const reference = isRecord(config) ? referenceIn(config['keras_history']) : undefined;
    if (reference) return { reference };
    return fails(where, 'is called with a value whose keras_history is none');
  }
  if (kind === '__numpy__' && isRecord(config)) return { array: arrayOf(where, config['value'], config['dtype']) };
  if (kind === '__slice__' && isRecord(config)) return { range: rangeOf(where, config) };
  if (kind === '__tuple__') return argumentOf(where, Array.isArray(given['value']) ? given['value'] : []);
  if (typeof kind === 'string')
    return fails(where, `is called with an object of ${kind}, of which nothing is known here`);
  return { entries: entriesOf(given, (each) => argumentOf(where, each)) };
}

/** One of Keras 2's and TensorFlow.js': values by their references. */
function argumentOfLists(where: string, given: unknown): Argument {
  const reference = referenceIn(given);
  if (reference) return { reference };
  if (Array.isArray(given)) return { list: given.map((each) => argumentOfLists(where, each)) };
  if (isRecord(given)) return { entries: entriesOf(given, (each) => argumentOfLists(where, each)) };
  return literalOf(where, given);
}

function callOfLists(where: string, given: readonly unknown[]): Call {
  const values = typeof given[0] === 'string' ? [given] : given;
  const named: Record<string, Argument> = {};
  const args = values.map((value): Argument => {
    const reference = referenceIn(value);
    if (!reference) return fails(where, 'is called with what is no value of another layer');
    const more: unknown = (value as unknown[])[3] ?? {};
    if (!isRecord(more)) return fails(where, 'is called with what is no value of another layer');
    Object.assign(
      named,
      entriesOf(more, (each) => argumentOfLists(where, each)),
    );
    return { reference };
  });
  return { args, named };
}

/** The uses of a layer, in their order. @throws FormatError for nodes that are none */
export function callsIn(where: string, given: unknown): readonly Call[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return fails(where, 'has inbound_nodes that are no list');
  return given.map((node: unknown): Call => {
    if (Array.isArray(node)) return callOfLists(where, node);
    if (!isRecord(node) || !Array.isArray(node['args'])) return fails(where, 'has a node without args');
    const named = isRecord(node['kwargs']) ? node['kwargs'] : {};
    return {
      args: node['args'].map((each) => argumentOf(where, each)),
      named: entriesOf(named, (each) => argumentOf(where, each)),
    };
  });
}

/** All values of an argument, lists one behind the other and names in the order of their letters. */
export function referencesIn(argument: Argument): readonly Reference[] {
  if ('reference' in argument) return [argument.reference];
  if ('list' in argument) return argument.list.flatMap(referencesIn);
  if ('entries' in argument) {
    return Object.keys(argument.entries)
      .sort()
      .flatMap((name) => referencesIn(argument.entries[name]));
  }
  return [];
}
