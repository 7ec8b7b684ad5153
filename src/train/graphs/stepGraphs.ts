import type { Graph, State } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { part } from '../../ops/shaping/views.ts';
import { simplify } from '../../transform/simplify.ts';
import type { Feed } from './batchValues.ts';
import { partGraphs } from './partGraphs.ts';
import { placed } from './metricsRing.ts';
import { gradientsOf, meansOf, recordedNumbers, update, type PhaseStep, type StepGraph } from './stepUpdate.ts';
import type { TracedModel } from './tracedModel.ts';

/**
 * The graphs of a training step of n samples, to be run in this order: forward, loss, backward, update and record of
 * each phase. A step in parts has a graph for each part, up to its gradients, which add up; and one that updates.
 */
export function stepGraphs(traced: TracedModel, n: number, ring: State, feed: Feed): StepGraph[] {
  let column = 0;
  const graphs = traced.phases.flatMap((states, at) => {
    const [loss] = placed(states.figures, [], states.columns, column);
    const step = { states, feed, ring, column, loss, n, isLast: at === traced.phases.length - 1 };
    column += states.columns.all;
    return traced.options.microBatches === 1
      ? [{ graph: wholeGraph(traced, step), loss: { figure: loss, share: 1 } }]
      : partGraphs(traced, step);
  });
  if (n === traced.options.batchSize) traced.requireExposed();
  return graphs;
}

function wholeGraph(traced: TracedModel, step: PhaseStep): Graph {
  const { states, feed, n } = step;
  const tracer = traced.tracer('train');
  const batch = traced.takenBatch(part(read(traced.order), [n], 0), feed.source);
  const measures = traced.measure(states.phase, tracer, batch);
  const figures = traced.figuresOf(states.phase, 'train', measures, n, feed.source);
  const gradients = gradientsOf(states, measures.loss, tracer, traced.ledger);
  const updated = update(traced, step, gradients, meansOf(figures), recordedNumbers(traced, step, figures));
  const exposed = [...traced.exposed.ofGradients(states.pages, gradients), ...traced.exposed.ofLayers(tracer, n)];
  return simplify({ outputs: {}, writes: [...updated, ...tracer.assignments(), ...exposed] });
}
