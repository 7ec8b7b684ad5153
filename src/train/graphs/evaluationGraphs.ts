import { ShapeError } from '../../core/errors.ts';
import { isValue, type Graph, type State } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { sampleOrder } from '../../ops/data/samples.ts';
import { record } from '../../ops/training/record.ts';
import { recordNumbers } from '../../ops/training/recordNumbers.ts';
import { simplify } from '../../transform/simplify.ts';
import { outputsOf } from './phaseMeasures.ts';
import type { Source } from '../samples/sampleSource.ts';
import type { TracedModel } from './tracedModel.ts';

/* What a set is judged by, and what is predicted for samples. */

/** Samples that one program predicts at most. */
export const LARGEST_PREDICTION = 1024;

/** Totals of loss and metrics of n samples in evaluation, recorded in a ring of its own. */
export function evaluationGraph(traced: TracedModel, n: number, ring: State, source: Source): Graph {
  const tracer = traced.tracer('evaluate');
  const stream = { length: source.length, shuffle: false };
  const drawn = sampleOrder(read(traced.evaluationControl), { ...stream, count: n, partRows: 0 });
  const batch = traced.takenBatch(drawn, source);
  const figures = traced.phases.flatMap(({ phase }) =>
    traced.figuresOf(phase, 'evaluate', traced.measure(phase, tracer, batch), n),
  );
  const means = figures.flatMap(({ mean }) => mean ?? []);
  const values = figures.flatMap(({ values: of }) => of);
  const left = recordNumbers(traced.evaluationControl, read(ring), values, { column: means.length, width: 0 });
  const counting = { counts: 'step', taken: n, length: source.length, totals: true } as const;
  const ledger = traced.evaluationLedger;
  const { writes } = record(traced.evaluationControl, ring, means, { column: 0, left, ledger, ...counting });
  return simplify({ outputs: {}, writes });
}

/** The model's outputs for n samples, by name; a single one is called `output`. */
export function predictionGraph(traced: TracedModel, n: number): Graph {
  const { model } = traced.options;
  if (!model) throw new ShapeError('[predict] the trainer has phases only: give it a model to predict with');
  // What more samples draw follows on what these draw.
  const rows = { own: n, before: LARGEST_PREDICTION };
  const tracer = traced.tracer('evaluate', rows);
  const batch = traced.uploadedBatch(n);
  const result = outputsOf(model, tracer, batch);
  const outputs = isValue(result) ? { output: result } : result;
  return simplify({ outputs, writes: [] });
}
