import type { Value } from '../../graph/graph.ts';
import type { Operand } from '../../ops/pointwise/arithmetic.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { isHeld, type Given } from './kerasLayer.ts';
import { refuse } from './refusal.ts';

/** What an operation is given, by place and by name, and what its config says. */
export interface Arguments {
  readonly where: string;
  operand(at: number, name: string): Operand;
  value(at: number, name: string): Value;
  literal(at: number, name: string): unknown;
}

/** What an operation makes of it. */
export type Operation = (given: Arguments) => Value;

/** What an operation is called with. @param config gives what its config says */
export function argumentsOf({ args, named }: Given, where_: string, config: (name: string) => unknown): Arguments {
  const at = (place: number, name: string): unknown => args[place] ?? named[name] ?? config(name);
  const fails = (name: string, wanted: string): never =>
    refuse(where_, `has a ${name} that is no ${wanted}`, 'it is read with one');
  const operand = (place: number, name: string): Operand => {
    const given = at(place, name);
    if (isHeld(given)) return given.value;
    if (typeof given === 'number' && Number.isFinite(given)) return given;
    return fails(name, 'value or number');
  };
  return {
    where: where_,
    operand,
    value(place, name) {
      const given = operand(place, name);
      if (typeof given !== 'number') return given;
      return fails(name, 'value');
    },
    literal: at,
  };
}

const isWhole = (given: unknown): given is number => Number.isSafeInteger(given);

/** Whole numbers, or one of them. @throws FormatError for others */
export function wholes(given: Arguments, at: number, name: string): readonly number[] | undefined {
  const list: unknown = given.literal(at, name) ?? undefined;
  const all = list === undefined ? undefined : [list].flat();
  if (all === undefined || all.every(isWhole)) return all;
  refuse(given.where, `has ${name} that is no whole number, nor a list of them`, 'it is read so');
}

/** Numbers as f32. */
export const floats = (x: Value): Value => (x.spec.dtype === 'f32' ? x : cast(x, 'f32'));
