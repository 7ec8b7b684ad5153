import { ShapeError } from '../../core/errors.ts';
import { allocate, sizeOf, spec } from '../../core/shape.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import { isValue, type Graph, type Node, type State, type Value } from '../../graph/graph.ts';
import { asUseOf, constant, inputOp, read } from '../../graph/leaf.ts';
import type { BatchValues } from '../../nn/fieldRoles.ts';
import type { Applied, Tracer } from '../../nn/tracer.ts';
import { sampleOrder } from '../../ops/data/samples.ts';
import { assign } from '../../ops/shaping/assign.ts';
import { record } from '../../ops/training/record.ts';
import { recordNumbers } from '../../ops/training/recordNumbers.ts';
import { simplify } from '../../transform/simplify.ts';
import type { Model } from '../model.ts';
import { outputsOf } from './phaseMeasures.ts';
import type { Source } from '../samples/sampleSource.ts';
import type { TracedModel } from './tracedModel.ts';

/* What a set is judged by, and what is predicted for samples. */

/** Samples that one program predicts at most. */
const LARGEST_PREDICTION = 1024;

/**
 * The same where that many are too many: a power of two, of which each value that the model makes of the batch fits a buffer.
 * @param example a prediction of so many samples   @param largestBinding bytes of a buffer
 */
export function largestPrediction(example: Graph, samples: number, largestBinding: number): number {
  const grow = new Set<Node>();
  let most = 1;
  for (const node of orderOf(example)) {
    if (!asUseOf(inputOp, node) && !node.inputs.some(({ node: from }) => grow.has(from))) continue;
    grow.add(node);
    most = node.outputs.reduce((bytes, { spec: { shape } }) => Math.max(bytes, 4 * sizeOf(shape)), most);
  }
  const fitting = Math.max(1, (largestBinding * samples) / most);
  return Math.min(LARGEST_PREDICTION, 2 ** Math.floor(Math.log2(fitting)));
}

/** Totals of loss and metrics of n samples in evaluation, recorded in a ring of its own. */
export function evaluationGraph(traced: TracedModel, n: number, ring: State, source: Source): Graph {
  const tracer = traced.tracer('evaluate');
  const stream = { length: source.length, shuffle: false };
  const drawn = sampleOrder(read(traced.evaluationControl), { ...stream, count: n, partRows: 0 });
  const batch = traced.takenBatch(drawn, source);
  const figures = traced.phases.flatMap(({ phase }) =>
    traced.figuresOf(phase, 'evaluate', traced.measure(phase, tracer, batch), n, source),
  );
  const means = figures.flatMap(({ mean }) => mean ?? []);
  const values = figures.flatMap(({ values: of }) => of);
  const left = recordNumbers(traced.evaluationControl, read(ring), values, { column: means.length, width: 0 });
  const counting = { counts: 'step', taken: n, length: source.length, totals: true } as const;
  const ledger = traced.evaluationLedger;
  const { writes } = record(traced.evaluationControl, ring, means, { column: 0, left, ledger, ...counting });
  return simplify({ outputs: {}, writes });
}

/** The model's outputs for n samples, by name; a single one is called `output`. @param most samples of what was predicted before it */
export function predictionGraph(traced: TracedModel, n: number, most: number): Graph {
  const model = modelOf(traced);
  // What more samples draw follows on what these draw.
  const rows = { own: n, before: most };
  const tracer = traced.tracer('evaluate', rows);
  return simplify({ outputs: namedOutputs(model, tracer, traced.uploadedBatch(n)), writes: [] });
}

/** The layers that the model uses to predict, in their order. @throws ShapeError where there is no model */
export function predictedLayers(traced: TracedModel): readonly Applied[] {
  const tracer = traced.tracer('evaluate');
  namedOutputs(modelOf(traced), tracer, traced.uploadedBatch(traced.options.batchSize));
  return tracer.applied;
}

function modelOf({ options: { model } }: TracedModel): Model {
  if (model) return model;
  throw new ShapeError('[predict] the trainer has phases only: give it a model to predict with');
}

function namedOutputs(model: Model, tracer: Tracer, batch: BatchValues): Readonly<Record<string, Value>> {
  const result = outputsOf(model, tracer, batch);
  return isValue(result) ? { output: result } : result;
}

/** The same of all samples of a source, and the states that it leaves them in. */
export function encodedPredictionGraph(
  traced: TracedModel,
  n: number,
  source: Source,
): { readonly graph: Graph; readonly outputs: ReadonlyMap<string, State> } {
  // Whoever has none was told by the fields that it reads.
  const model = traced.options.model!;
  const rows = constant(
    Uint32Array.from({ length: n }, (_, at) => at),
    spec([n], 'u32'),
  );
  const tracer = traced.hostedTracer();
  const named = Object.entries(namedOutputs(model, tracer, traced.takenBatch(rows, source)));
  const kept = named.map(([name, value]) => {
    const state: State = {
      name: `prediction of ${name}`,
      spec: value.spec,
      initial: () => allocate(value.spec),
      purpose: 'activations',
    };
    return { name, state, value: assign(state, value) };
  });
  return {
    graph: simplify({ outputs: {}, writes: kept.map(({ state, value }) => [state, value] as const) }),
    outputs: new Map(kept.map(({ name, state }) => [name, state])),
  };
}
