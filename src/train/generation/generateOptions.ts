import { optionsOf, requireFinite, requireKind, requireSignal } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import type { Signal } from '../../core/globalTypes.ts';
import { requireSeed } from '../../core/random.ts';
import type { Sampling } from '../../ops/generation/control.ts';
import { requireWhole } from '../samples/dataChecks.ts';

/** How a text goes on. */
export interface GenerateOptions {
  /** How many tokens are generated at most: 256. */
  readonly tokens?: number | undefined;
  /** By which the logits are divided: 1. Lower is surer, 0 takes the likeliest token each time. */
  readonly temperature?: number | undefined;
  /** Draws among so many of the likeliest tokens; of equals the lower number counts as likelier. All if left out. */
  readonly topK?: number | undefined;
  /** Draws among the fewest of the likeliest tokens that have this probability together, of those that topK leaves: 1. */
  readonly topP?: number | undefined;
  /** Of the draws: 0. */
  readonly seed?: number | undefined;
  /**
   * Where the text ends before its time: tokens, of which none is given, or a function of the tokens that came, the prompt left
   * out, asked behind each of them.
   */
  readonly stop?: number | readonly number[] | ((tokens: readonly number[]) => boolean);
  /**
   * Tokens that the model looks back on at most. If left out, as many as a sample has in training for a model that asks where a
   * token stands, as attention does; a recurrent net looks back without an end. Where there are more, it begins anew with the
   * last half of them.
   */
  readonly context?: number;
  /** Ends it, as leaving its loop does. */
  readonly signal?: Signal;
  /** Tokens that are read in one submit: by time, if left out. What is generated is the same. */
  readonly stepsPerSubmit?: number | 'auto';
}

/** What a generation was asked for, as it was at the call. */
export interface GenerateSettings {
  readonly prompt: readonly number[];
  readonly tokens: number;
  readonly sampling: Sampling;
  readonly context: number | undefined;
  readonly signal: Signal | undefined;
  readonly stepsPerSubmit: number | 'auto';
  /** Whether a token ends the text, and is none of it. */
  stopsBefore(token: number): boolean;
  /** Whether the text ends behind these. */
  stopsBehind(tokens: readonly number[]): boolean;
}

const defaults = {
  tokens: 256,
  temperature: 1,
  topK: undefined,
  topP: undefined,
  seed: 0,
  stop: undefined,
  context: undefined,
  signal: undefined,
  stepsPerSubmit: 'auto',
} as const;

const where = 'generate';

/** @throws DataError for a prompt or options that are none */
export function generateSettingsOf(prompt: ArrayLike<number>, options: GenerateOptions): GenerateSettings {
  const filled = optionsOf<GenerateOptions, typeof defaults>(where, options, defaults);
  const { temperature, topK, topP, seed, stop, ...others } = filled;
  requireFinite(where, 'temperature', temperature, 0);
  if (topK !== undefined) requireWhole(where, 'topK', topK);
  const isShare = topP === undefined || (Number.isFinite(topP) && topP > 0 && topP <= 1);
  requireKind(where, 'topP', topP, isShare, 'above 0, and 1 at most');
  requireSeed(where, seed);
  const { tokens, context, signal, stepsPerSubmit } = others;
  requireWhole(where, 'tokens', tokens);
  if (context !== undefined) requireWhole(where, 'context', context);
  if (stepsPerSubmit !== 'auto') requireWhole(where, 'stepsPerSubmit', stepsPerSubmit);
  requireSignal(where, signal);
  return { ...others, ...stopsOf(stop), prompt: promptOf(prompt), sampling: { temperature, topK, topP, seed } };
}

function promptOf(prompt: ArrayLike<number>): number[] {
  const isList = typeof prompt === 'object' && prompt !== null && 'length' in prompt;
  requireKind(where, 'the prompt', prompt, isList, 'a list of tokens, as [1, 2, 3]: a tokenizer makes them of a text');
  if (prompt.length > 0) return Array.from(prompt);
  throw new DataError('[generate] the prompt is empty: give at least one token, as the one that texts begin with');
}

const isToken = (given: unknown): boolean => Number.isInteger(given) && (given as number) >= 0;

function stopsOf(stop: GenerateOptions['stop']): Pick<GenerateSettings, 'stopsBefore' | 'stopsBehind'> {
  if (typeof stop === 'function') return { stopsBefore: () => false, stopsBehind: stop };
  const ends = new Set([stop ?? []].flat());
  requireKind(
    where,
    'stop',
    stop,
    [...ends].every(isToken),
    'a token, several in a list, or a function of those that came',
  );
  return { stopsBefore: (token) => ends.has(token), stopsBehind: () => false };
}
