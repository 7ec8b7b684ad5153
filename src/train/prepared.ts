import { spec, type Numbers } from '../core/shape.ts';
import type { State } from '../graph/graph.ts';
import type { Backend, Executable } from '../scheduler/backend.ts';
import { rangesOf, type FieldRange } from './checks.ts';
import { RING_ROWS, TracedModel, type Fields, type Phase } from './model.ts';
import type { Evaluation, Report, TrainerOptions } from './options.ts';

/** A trained model's states, and the programs that use them. */
export interface Prepared {
  readonly traced: TracedModel;
  readonly metrics: readonly string[];
  readonly ring: State;
  readonly evaluationRing: State;
  readonly training: readonly Executable[];
  /** Fields that a step reads. */
  readonly names: readonly string[];
  readonly ranges: readonly FieldRange[];
}

/** Traces a model for the fields of its data, and compiles its training step. */
export async function prepare(
  backend: Backend,
  { model, seed = 0, batchSize }: TrainerOptions,
  phases: readonly Phase[],
  given: Fields,
): Promise<Prepared> {
  const fields = Object.fromEntries(
    Object.entries(given).map(([name, { shape, dtype, scale }]) => [name, { shape, dtype, scale }]),
  );
  const traced = new TracedModel({ model, phases, fields, batchSize, seed });
  const metrics = traced.metricNames(batchSize);
  const ringOf = (name: string): State => ({
    name,
    spec: spec([RING_ROWS, metrics.length]),
    initial: () => new Float32Array(RING_ROWS * metrics.length),
  });
  const ring = ringOf('metrics ring');
  const graphs = traced.trainingGraphs(batchSize, ring);
  const training: Executable[] = [];
  try {
    for (const graph of graphs) training.push(await backend.compile(graph));
  } catch (error) {
    for (const program of training) program.destroy();
    throw error;
  }
  return {
    traced,
    metrics,
    ring,
    evaluationRing: ringOf('evaluation ring'),
    training,
    names: [...new Set(training.flatMap((program) => [...program.fields.keys()]))],
    ranges: rangesOf(graphs),
  };
}

/** Metrics by name; the loss of several phases is their sum. */
export function withLoss(names: readonly string[], numbers: readonly number[]): Evaluation {
  const metrics = Object.fromEntries(names.map((name, at) => [name, numbers[at]]));
  const losses = names.filter((name) => name === 'loss' || name.endsWith('.loss'));
  return { ...metrics, loss: losses.reduce((total, name) => total + metrics[name], 0) };
}

/** What the ring says of a step. */
export function reportOf(
  { metrics }: Prepared,
  rows: Numbers,
  step: number,
): Pick<Report, 'step' | 'loss' | 'metrics'> {
  const row = ((step - 1) % RING_ROWS) * metrics.length;
  const numbers = metrics.map((_, at) => rows[row + at]);
  const named = withLoss(metrics, numbers);
  return { step, loss: named.loss, metrics: named };
}
