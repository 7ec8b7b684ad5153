import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { Dataset } from '../data/dataset.ts';
import { requireWhole } from './samples/dataChecks.ts';

/** Calls that are to find their kernels compiled. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export interface PreparedCalls<F extends string = any> {
  /** A set that `evaluate` is to judge by, or the `validation` of `fit`. */
  readonly evaluate?: Dataset<F>;
  /** Samples of a `predict`. */
  readonly predict?: number;
  /** Samples of an `inspect`. */
  readonly inspect?: number;
  /** Whether `encodeStep` is to take steps on the set: false. `{ shuffle: false }` takes its samples in their own order. */
  readonly encodeStep?: boolean | { readonly shuffle?: boolean };
  /** A set of which `encodePredict` is to predict all samples; what only the loss reads may be missing. */
  readonly encodePredict?: Dataset<F> | Dataset;
  /** Whether their inspection rehearses the update: false. */
  readonly update?: boolean;
}

/** @throws DataError for a call that is none, and for numbers of samples that are none */
export function preparedCallsOf(given: PreparedCalls) {
  const calls = optionsOf('prepare', given, {
    evaluate: undefined,
    predict: undefined,
    inspect: undefined,
    update: false,
    encodeStep: undefined,
    encodePredict: undefined,
  });
  const { predict, inspect, encodeStep = false } = calls;
  if (predict !== undefined) requireWhole('prepare', 'predict', predict);
  if (inspect !== undefined) requireWhole('prepare', 'inspect', inspect);
  const isObject = typeof encodeStep === 'object';
  requireKind('prepare', 'encodeStep', encodeStep, isObject || typeof encodeStep === 'boolean', 'true, or { shuffle }');
  const { shuffle } = isObject ? optionsOf('prepare, encodeStep', encodeStep, { shuffle: true }) : { shuffle: true };
  return { ...calls, encodeStep: encodeStep !== false && { shuffle } };
}
