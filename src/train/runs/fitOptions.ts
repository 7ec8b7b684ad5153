import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { requireShare } from './framePace.ts';
import { requireWhole } from '../samples/dataChecks.ts';
import type { FitOptions, OnNaN } from '../options.ts';
import { requireStore } from '../checkpoints/checkpointStore.ts';

/** The options of `fit` with nothing left out. */
export type FitSettings = ReturnType<typeof fitOptionsOf>;

const defaults = {
  epochs: undefined,
  steps: undefined,
  validation: undefined,
  validateEvery: undefined,
  decisions: [],
  stepsPerSubmit: 'auto',
  budgetMs: undefined,
  frame: undefined,
  every: 1,
  signal: undefined,
  shuffle: true,
  onNaN: undefined,
  stopOnNaN: true,
  resume: true,
  checkpoints: undefined,
} as const;

/** What `run` may be told beside its share of frames: not how long it lasts. */
export function runDefaults() {
  const { epochs: _epochs, steps: _steps, resume: _resume, ...endless } = defaults;
  return endless;
}

const ways: readonly OnNaN[] = ['stop', 'skip', 'rewind'];

/** @throws DataError for options of `fit` that are none, but for numbers of steps, which depend on what is trained on */
export function fitOptionsOf(given: FitOptions) {
  const options = optionsOf('fit', given, defaults);
  const { every, validateEvery, stepsPerSubmit, decisions, signal, onNaN, checkpoints } = options;
  requireShare('fit', options);
  requireWhole('fit', 'every', every);
  if (validateEvery !== undefined) requireWhole('fit', 'validateEvery', validateEvery);
  if (checkpoints !== undefined) requireStore(checkpoints);
  if (stepsPerSubmit !== 'auto') requireWhole('fit', 'stepsPerSubmit', stepsPerSubmit);
  for (const [at, decision] of decisions.entries()) {
    requireKind(
      'fit',
      `decisions[${at}]`,
      decision,
      'start' in Object(decision),
      'a decision, as earlyStop() gives one',
    );
  }
  const isSignal = signal === undefined || 'aborted' in Object(signal);
  requireKind('fit', 'signal', signal, isSignal, 'an AbortSignal, as controller.signal');
  const isKnown = onNaN === undefined || ways.includes(onNaN);
  requireKind('fit', 'onNaN', onNaN, isKnown, "'stop', 'skip' or 'rewind'");
  const way: OnNaN | 'take' = onNaN ?? (options.stopOnNaN ? 'stop' : 'take');
  return { ...options, onNaN: way };
}
