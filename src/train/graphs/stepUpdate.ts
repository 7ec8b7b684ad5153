import { ShapeError } from '../../core/errors.ts';
import { storageOf, type Graph, type State, type Value } from '../../graph/graph.ts';
import { isLeaf, read } from '../../graph/leaf.ts';
import type { Tracer } from '../../nn/tracer.ts';
import { nextOrder } from '../../ops/data/samples.ts';
import { mul } from '../../ops/pointwise/arithmetic.ts';
import { part } from '../../ops/shaping/views.ts';
import { record, type LossCells } from '../../ops/training/record.ts';
import { recordNumbers } from '../../ops/training/recordNumbers.ts';
import { average } from '../../optim/accumulate.ts';
import { wholeNorm } from '../../optim/norms.ts';
import { SCHEDULE_ROWS } from '../../optim/optimizer.ts';
import { differentiate } from '../../transform/differentiate.ts';
import { streamOf, type Feed } from './batchValues.ts';
import type { Figure, Measured } from './recordedMetrics.ts';
import { packed, trainedRanges, updatedPages } from './parameterPages.ts';
import type { PhaseStates } from './phaseStates.ts';
import type { TracedModel } from './tracedModel.ts';

/* What graphs of a step have in common: the gradients of a phase, and its update with what it records. */

/** One graph of a step. */
export interface StepGraph {
  readonly graph: Graph;
  /** The loss that it records, and of which share of the step's samples; null if it records none. */
  readonly loss: { readonly figure: Figure; readonly share: number } | null;
}

/** What a phase's part of a step works with. */
export interface PhaseStep {
  readonly states: PhaseStates;
  readonly feed: Feed;
  readonly ring: State;
  /** The first of its columns there. */
  readonly column: number;
  readonly loss: Figure;
  /** Samples of the step. */
  readonly n: number;
  readonly isLast: boolean;
}

/** A metric that is a parameter itself is copied before the update changes it. */
const detached = (value: Value): Value => (isLeaf(storageOf(value).root.node) ? mul(value, 1) : value);

/** The figures that are recorded as means. */
export const meansOf = (figures: readonly Measured[]): Value[] =>
  figures.flatMap(({ mean }) => (mean ? detached(mean) : []));

/** The ring as the numbers of figures that are no means leave it. */
export function recordedNumbers(
  traced: TracedModel,
  { states, ring, column }: PhaseStep,
  figures: readonly Measured[],
): { left: Value } {
  const { apart, width } = states.columns;
  const values = figures.flatMap(({ values: of }) => of);
  return { left: recordNumbers(traced.control, read(ring), values, { column: column + apart, width }) };
}

/** What the parameters are to change by, page by page. @param ledger counts what is bad of it */
export function gradientsOf(states: PhaseStates, loss: Value, tracer: Tracer, ledger?: State): Value[] {
  const chosen = trainedRanges(states.pages);
  const gradients = differentiate(loss, weightsOf(states, tracer)).flatMap((gradient, at) =>
    gradient ? [[chosen[at].name, gradient] as const] : [],
  );
  if (gradients.length === 0) {
    throw new ShapeError(
      `[model] no gradient of the loss of phase "${states.phase.name}" reaches what it trains: accuracy, argmax, casts and stopGradient give none; take a loss as crossEntropy`,
    );
  }
  return packed(states.pages, new Map(gradients), ledger);
}

/** What a phase trains. */
export function weightsOf({ pages }: PhaseStates, tracer: Tracer): Value[] {
  return trainedRanges(pages).map(({ name, shape }) => tracer.parameter(name, shape));
}

/** What parameters and moments become, and the control behind it. @param control of the step whose update it is */
export function updated({ phase, pages, schedule }: PhaseStates, gradients: readonly Value[], control: Value) {
  return updatedPages(phase.optimizer, pages, gradients, schedule, control);
}

/** Where the ring has a step's loss. */
function cellsOf(traced: TracedModel, { column, stride, tally: { width } }: Figure, n: number): LossCells {
  if (stride === null) return { column, width: 1, stride: 0, parts: 1 };
  return { column, width, stride, parts: traced.parts(n).length };
}

/**
 * Record and update; in the last phase the control counts the step, the averages follow, and the samples of the next step
 * are drawn.
 */
export function update(
  traced: TracedModel,
  step: PhaseStep,
  gradients: readonly Value[],
  means: readonly Value[],
  ring: { readonly left?: Value } = {},
): (readonly [State, Value])[] {
  const { states, feed, column, n, isLast, loss } = step;
  const { gradientNorm, microBatches, averageDecay } = traced.options;
  const metrics = [...means, ...(gradientNorm ? [wholeNorm(gradients)] : [])];
  const between = microBatches > 1 ? 'restart' : 'nothing';
  const { writes, next, counted } = record(traced.control, step.ring, metrics, {
    ...ring,
    ledger: traced.ledger,
    loss: cellsOf(traced, loss, n),
    column,
    counts: isLast ? 'step' : between,
    taken: n,
    length: feed.source.length,
    // What a chain of optimizers has lies one behind the other, its first one's first.
    schedule: part(read(states.schedule), [SCHEDULE_ROWS, 4], 0),
  });
  const { changed, closed } = updated(states, gradients, counted);
  const left = new Map(changed);
  const averaged = (isLast && traced.averages ? traced.averages : []).map((averages, at) => {
    const parameters = left.get(traced.parameters[at]) ?? read(traced.parameters[at]);
    return [averages, average(read(averages), parameters, closed, averageDecay!)] as const;
  });
  const drawn =
    isLast && microBatches === 1 ? [[traced.order, nextOrder(next, read(traced.order), streamOf(feed))] as const] : [];
  const recorded = writes.map(([state, value]) => [state, state === traced.ledger ? closed : value] as const);
  return [...changed, ...averaged, ...recorded, ...drawn];
}
