import { BACKEND_NAMES, type BackendName } from '../../core/places.ts';
import type { Ground } from '../../data/index.ts';
import type { Values } from './options.ts';
import { UsageError } from './usageError.ts';

/* What the texts behind options mean. */

export function number(name: string, text: string, fits: (n: number) => boolean, wanted: string): number {
  const n = Number(text);
  if (text.trim() === '' || !fits(n)) throw new UsageError(`--${name} is "${text}" but must be ${wanted}`);
  return n;
}

export const whole = (name: string, text: string, least: number): number =>
  number(name, text, (n) => Number.isSafeInteger(n) && n >= least, `a whole number of at least ${least}`);

export function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((other) => other === text);
  if (choice === undefined) throw new UsageError(`--${name} is "${text}" but must be ${choices.join(' or ')}`);
  return choice;
}

export const given = <T>(text: string | undefined, read: (text: string) => T): T | undefined =>
  text === undefined ? undefined : read(text);

/** Wider layers hardly fit a buffer. */
const WIDEST = 16_384;

export const isPositive = (n: number): boolean => n > 0 && n < Infinity;

/** Undefined is what is asked for by "auto". */
export function whether(name: string, text: string): boolean | undefined {
  const choice = oneOf(name, text.toLowerCase(), ['yes', 'no', 'auto']);
  return choice === 'auto' ? undefined : choice === 'yes';
}

export const yesOrNo = (name: string, text: string): boolean =>
  oneOf(name, text.toLowerCase(), ['yes', 'no']) === 'yes';

/** A grey, or red, green and blue. */
export function groundOf(text: string): Ground {
  const levels = text
    .split(',')
    .map((part) =>
      number('ground', part, (n) => Number.isInteger(n) && n >= 0 && n <= 255, 'a grey of 0 … 255, or red,green,blue'),
    );
  const [red, green, blue] = levels;
  if (levels.length === 1) return red;
  if (levels.length === 3) return [red, green, blue];
  throw new UsageError(`--ground is "${text}" but must be a grey of 0 … 255, or red,green,blue`);
}

export const backendOf = (values: Values): BackendName => oneOf('backend', values.backend ?? 'auto', BACKEND_NAMES);

export const widths = (text: string): readonly number[] =>
  text
    .split(',')
    .map((width) =>
      number('hidden', width, (n) => Number.isInteger(n) && n >= 0 && n <= WIDEST, `whole numbers up to ${WIDEST}`),
    )
    .filter((width) => width > 0);
