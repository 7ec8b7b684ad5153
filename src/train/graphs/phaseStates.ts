import { ShapeError } from '../../core/errors.ts';
import { described } from '../../core/argumentChecks.ts';
import { spec } from '../../core/shape.ts';
import type { Purpose, State } from '../../graph/graph.ts';
import type { Registry } from '../../nn/registry.ts';
import { matches } from '../../optim/optimizer.ts';
import type { Measured } from './recordedMetrics.ts';
import type { Phase } from '../model.ts';
import type { TrainedPage } from './parameterPages.ts';
import type { Columns } from './metricsRing.ts';

/** The states of one phase's optimizer. */
export interface PhaseStates {
  readonly phase: Phase;
  /** Of its states' names. */
  readonly prefix: string;
  /** Those of which it trains something. */
  readonly pages: readonly TrainedPage[];
  readonly schedule: State;
  /** What it measures of a step of `batchSize` samples, and where that is recorded. */
  readonly figures: readonly Measured[];
  readonly columns: Columns;
}

export const stateOf = (
  name: string,
  like: Float32Array | Uint32Array,
  shape: readonly number[] = [like.length],
  purpose: Purpose = 'other',
): State => ({
  name,
  purpose,
  spec: spec(shape, like instanceof Uint32Array ? 'u32' : 'f32'),
  initial: () => like,
});

/** Whether a phase may change a parameter. */
export function mayTrain({ trains }: Phase, registry: Registry, name: string): boolean {
  return !trains || trains.some((choice) => isOf(choice, registry, name));
}

/** Whether a parameter belongs to what a phase names. */
function isOf(choice: object | string, registry: Registry, name: string): boolean {
  if (typeof choice === 'string') return matches(choice, name);
  const path = registry.knownPath(choice);
  return path !== undefined && (path === '' || matches(path, name));
}

/** @throws ShapeError if a phase names something that has no parameter here */
export function requireTrained({ name, trains = [] }: Phase, registry: Registry): void {
  const names = registry.parameters.map((parameter) => parameter.name);
  const at = trains.findIndex((choice) => !names.some((own) => isOf(choice, registry, own)));
  if (at < 0) return;
  throw new ShapeError(
    `[model] trains[${at}] of phase "${name}" is ${described(trains[at])}, which has no parameter here: they are ${names.join(', ')}`,
  );
}
