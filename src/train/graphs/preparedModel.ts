import { spec, type Numbers } from '../../core/shape.ts';
import { rolesOf } from '../../nn/fieldRoles.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { State } from '../../graph/graph.ts';
import { asUseOf, inputOp } from '../../graph/leaf.ts';
import type { Range } from '../../scheduler/backend.ts';
import { checksOf, type FieldChecks } from '../samples/dataChecks.ts';
import { amountIn, type Amount, type Figure } from './recordedMetrics.ts';
import type { Model, Phase } from '../model.ts';
import { predictionGraph } from './evaluationGraphs.ts';
import type { CommonOptions, Evaluation, Report } from '../options.ts';
import { exposesOf } from './exposed.ts';
import { RING_ROWS } from './metricsRing.ts';
import { withScales } from '../samples/fieldScales.ts';
import type { Fields } from '../samples/sampleSource.ts';
import { TracedModel } from './tracedModel.ts';

/** A traced model's states, and what a step reads and reports. */
export interface Prepared {
  readonly traced: TracedModel;
  /** What each step reports, and what a set is judged by, in the order of their names' appearance. */
  readonly figures: readonly Figure[];
  readonly evaluationFigures: readonly Figure[];
  /** Names of what each phase makes small. */
  readonly losses: readonly string[];
  /** The first phase's learning rate. */
  readonly rate: string;
  readonly ring: State;
  readonly evaluationRing: State;
  /** Fields that a step reads. */
  readonly names: readonly string[];
  readonly checks: FieldChecks;
}

const ringOf = (name: string, columns: number): State => ({
  name,
  spec: spec([RING_ROWS, columns]),
  initial: () => new Float32Array(RING_ROWS * columns),
});

/** Where a ring has the rows of so many steps: in two runs, where they go on at its beginning. */
export function rowsOf({ spec: { shape } }: State, first: number, count: number): Range[] {
  const [rows, columns] = shape as [number, number];
  const start = first % rows;
  const end = Math.min(start + count, rows);
  const over = start + count - end;
  return [[start * columns, end * columns], ...(over > 0 ? [[0, over * columns] as const] : [])];
}

/**
 * Traces a model for the fields of its data.
 * @param largestPage bytes of one state of parameters at most   @throws ShapeError where it does not fit them
 */
export function prepare(
  options: CommonOptions & { readonly model?: Model | undefined },
  phases: readonly Phase[],
  given: Fields,
  largestPage = Infinity,
): Prepared {
  const { model, seed = 0, batchSize, microBatches = 1, averageWeights, gradientNorm = false, exposes } = options;
  const specs = Object.entries(given).map(([name, { shape, dtype, scale, byDefault = false }]) => {
    return [name, { shape, dtype, scale, byDefault }] as const;
  });
  const roles = rolesOf(Object.keys(given), options);
  const fields = withScales(Object.fromEntries(specs), roles, model, phases, batchSize);
  const averageDecay = averageWeights?.decay ?? null;
  const traced = new TracedModel({
    model,
    phases,
    fields,
    roles,
    batchSize,
    seed,
    microBatches,
    averageDecay,
    gradientNorm,
    exposes: exposesOf('createTrainer', exposes),
    largestPage,
  });
  const figures = traced.trainingFigures();
  const evaluationFigures = traced.evaluationFigures(batchSize);
  const graph = phases.length > 0 ? traced.batchGraph() : predictionGraph(traced, batchSize, batchSize);
  const read = orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []);
  return {
    traced,
    figures,
    evaluationFigures,
    losses: phases.length > 1 ? phases.map(({ name }) => `${name}.loss`) : ['loss'],
    rate: phases.length > 1 ? `${phases[0].name}.learningRate` : 'learningRate',
    ring: ringOf('metrics ring', traced.columns),
    evaluationRing: ringOf(
      'evaluation ring',
      evaluationFigures.reduce((total, { tally }) => total + tally.width, 0),
    ),
    names: [...new Set(read)],
    checks: checksOf([graph]),
  };
}

/** Metrics by name; the loss of several phases is their sum. @param amounts by figure */
export function withLoss({ losses }: Prepared, figures: readonly Figure[], amounts: readonly Amount[]): Evaluation {
  const metrics = Object.fromEntries(figures.map(({ name, tally }, at) => [name, tally.finish(amounts[at])]));
  return { ...metrics, loss: losses.reduce((total, name) => total + metrics[name], 0) };
}

/** What was recorded of a step of so many samples, by figure. @param rows of several steps, of which it is number `at` */
export function amountsOf({ traced, figures }: Prepared, rows: Numbers, at: number, samples: number): Amount[] {
  const row = rows.subarray(at * traced.columns, (at + 1) * traced.columns);
  const parts = traced.parts(samples);
  return figures.map((figure) => amountIn(figure, row, parts));
}

const ratesIn = ({ traced, figures, rate }: Prepared, at: number): number =>
  at * traced.columns + figures.findLast(({ name }) => name === rate)!.column;

/** Marks a step of some rows as bad, by the sign of its learning rate. */
export function markBad(prepared: Prepared, rows: Numbers, at: number): void {
  const place = ratesIn(prepared, at);
  rows[place] = -Math.abs(rows[place]);
}

/** Whether a step of some rows was bad: marked, or without a learning rate. */
export function wasBad(prepared: Prepared, rows: Numbers, at: number): boolean {
  const rate = rows[ratesIn(prepared, at)];
  return !Number.isFinite(rate) || rate < 0 || Object.is(rate, -0);
}

/** What the ring says of a step. */
export function reportOf(
  prepared: Prepared,
  amounts: readonly Amount[],
  step: number,
): Pick<Report, 'step' | 'loss' | 'learningRate' | 'metrics'> {
  const { figures, rate } = prepared;
  const metrics = reported(prepared, amounts);
  const last = figures.findLastIndex(({ name }) => name === rate);
  return { step, loss: metrics.loss, learningRate: Math.abs(figures[last].tally.finish(amounts[last])), metrics };
}

/** The metrics of one step or several. */
export function reported(prepared: Prepared, amounts: readonly Amount[]): Evaluation {
  const shown = prepared.figures.flatMap((figure, at) => (figure.name === 'learningRate' ? [] : [{ figure, at }]));
  return withLoss(
    prepared,
    shown.map(({ figure }) => figure),
    shown.map(({ at }) => amounts[at]),
  );
}
