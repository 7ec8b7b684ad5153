import { spec, type Numbers } from '../core/shape.ts';
import { orderOf, type State } from '../graph/graph.ts';
import { asUseOf, inputOp } from '../graph/leaf.ts';
import { rangesOf, type FieldRange } from './checks.ts';
import { RING_ROWS, TracedModel, type Phase } from './model.ts';
import type { Evaluation, Report, TrainerOptions } from './options.ts';
import type { Fields } from './source.ts';

/** A traced model's states, and what a step reads and reports. */
export interface Prepared {
  readonly traced: TracedModel;
  /** What each step reports, in the ring's order; what a set is judged by, in the evaluation ring's. */
  readonly metrics: readonly string[];
  readonly evaluationMetrics: readonly string[];
  /** Names of what each phase makes small. */
  readonly losses: readonly string[];
  /** The first phase's learning rate. */
  readonly rate: string;
  readonly ring: State;
  readonly evaluationRing: State;
  /** Fields that a step reads. */
  readonly names: readonly string[];
  readonly ranges: readonly FieldRange[];
}

const ringOf = (name: string, columns: number): State => ({
  name,
  spec: spec([RING_ROWS, columns]),
  initial: () => new Float32Array(RING_ROWS * columns),
});

/** Traces a model for the fields of its data. @throws ShapeError where it does not fit them */
export function prepare(options: TrainerOptions, phases: readonly Phase[], given: Fields): Prepared {
  const { model, seed = 0, batchSize, microBatches = 1, averageWeights, gradientNorm = false } = options;
  const fields = Object.fromEntries(
    Object.entries(given).map(([name, { shape, dtype, scale }]) => [name, { shape, dtype, scale }]),
  );
  const averageDecay = averageWeights?.decay ?? null;
  const traced = new TracedModel({ model, phases, fields, batchSize, seed, microBatches, averageDecay, gradientNorm });
  const metrics = traced.trainingMetrics();
  const evaluationMetrics = traced.evaluationMetrics();
  const graph = traced.batchGraph();
  const read = orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []);
  return {
    traced,
    metrics,
    evaluationMetrics,
    losses: phases.length > 1 ? phases.map(({ name }) => `${name}.loss`) : ['loss'],
    rate: phases.length > 1 ? `${phases[0].name}.learningRate` : 'learningRate',
    ring: ringOf('metrics ring', metrics.length),
    evaluationRing: ringOf('evaluation ring', evaluationMetrics.length),
    names: [...new Set(read)],
    ranges: rangesOf([graph]),
  };
}

/** Metrics by name; the loss of several phases is their sum. */
export function withLoss({ losses }: Prepared, names: readonly string[], numbers: readonly number[]): Evaluation {
  const metrics = Object.fromEntries(names.map((name, at) => [name, numbers[at]]));
  return { ...metrics, loss: losses.reduce((total, name) => total + metrics[name], 0) };
}

/** What the ring says of a step. */
export function reportOf(
  prepared: Prepared,
  rows: Numbers,
  step: number,
): Pick<Report, 'step' | 'loss' | 'learningRate' | 'metrics'> {
  const { metrics, rate } = prepared;
  const row = ((step - 1) % RING_ROWS) * metrics.length;
  const numbers = metrics.map((_, at) => rows[row + at]);
  const shown = metrics.filter((name) => name !== 'learningRate');
  const named = withLoss(
    prepared,
    shown,
    shown.map((name) => numbers[metrics.indexOf(name)]),
  );
  return { step, loss: named.loss, learningRate: numbers[metrics.lastIndexOf(rate)], metrics: named };
}
