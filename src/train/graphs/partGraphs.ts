import type { Graph } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { sampleOrder } from '../../ops/data/samples.ts';
import { pack } from '../../ops/shaping/pack.ts';
import { record, type Recorded } from '../../ops/training/record.ts';
import { addShare } from '../../optim/accumulate.ts';
import { simplify } from '../../transform/simplify.ts';
import { streamOf } from './batchValues.ts';
import { figureOf } from './recordedMetrics.ts';
import { partLoss, totalsOf } from './partLoss.ts';
import {
  gradientsOf,
  meansOf,
  recordedNumbers,
  update,
  weightsOf,
  type PhaseStep,
  type StepGraph,
} from './stepUpdate.ts';
import type { TracedModel } from './tracedModel.ts';

/* A step in parts: its samples are taken in several turns, whose gradients add up before the update. */

export function partGraphs(traced: TracedModel, step: PhaseStep): StepGraph[] {
  const sizes = traced.parts(step.n);
  // One graph for all parts of one size.
  const made = new Map<number, { readonly before: Graph | null; readonly graph: Graph }>();
  for (const rows of sizes) if (!made.has(rows)) made.set(rows, partGraph(traced, step, rows));
  const { pages, columns } = step.states;
  const gradients = pages.map((page) => read(page.gradients));
  const writes = update(traced, { ...step, column: step.column + columns.means }, gradients, []);
  const totals = sizes.flatMap((rows) => made.get(rows)!.before ?? []);
  if (totals.length > 0) {
    const again = recordPart(traced, step, 'restart').writes;
    totals.push(simplify({ outputs: {}, writes: again }));
  }
  return [
    ...totals.map((graph) => ({ graph, loss: null })),
    ...sizes.map((rows) => ({ graph: made.get(rows)!.graph, loss: { figure: step.loss, share: rows / step.n } })),
    { graph: simplify({ outputs: {}, writes }), loss: null },
  ];
}

/**
 * Forward, loss and backward of some of a step's samples; and before it, where the loss is no mean over the samples, what
 * they add to what must be known of the whole step.
 */
function partGraph(
  traced: TracedModel,
  step: PhaseStep,
  rows: number,
): { readonly before: Graph | null; readonly graph: Graph } {
  const { states, feed, ring, column, n } = step;
  const partRows = traced.partRows;
  const tracer = traced.tracer('train', { own: rows, before: partRows });
  const drawn = sampleOrder(read(traced.control), { ...streamOf(feed), count: rows, partRows });
  const batch = traced.takenBatch(drawn, feed.source);
  const measures = traced.measure(states.phase, tracer, batch);
  const figures = traced.figuresOf(states.phase, 'train', measures, rows, feed.source);
  const own = figures[0].separated!;
  const { isMean } = own;
  const share = rows / n;
  const whole = own.counts
    ? figureOf('loss', (other) => traced.measuresAt(states.phase, 'train', other, feed.source), n)
    : own;
  const parted = { ...own, finish: (whole ?? own).finish, share, weights: weightsOf(states, tracer) };
  const totals = isMean ? null : totalsOf(parted);
  const state = totals && traced.totals(states.phase, totals.size);
  const loss = totals ? partLoss(parted, totals, state && read(state)) : measures.loss;
  const { writes: recorded, counted } = record(traced.control, ring, meansOf(figures), {
    ...recordedNumbers(traced, step, figures),
    ledger: traced.ledger,
    column,
    counts: 'part',
    share,
  });
  const gradients = gradientsOf(states, loss, tracer, traced.ledger);
  const added = states.pages.map((page, at) => {
    return [page.gradients, addShare(read(page.gradients), gradients[at], counted, isMean ? share : 1)] as const;
  });
  const writes = [...added, ...tracer.assignments(), ...recorded];
  if (!totals || !state) return { before: null, graph: simplify({ outputs: {}, writes }) };
  const passed = recordPart(traced, step, 'part');
  const known = addShare(read(state), pack(totals.values, totals.offsets, totals.size), passed.counted, 1);
  const before = [[state, known] as const, ...passed.writes];
  return { before: simplify({ outputs: {}, writes: before }), graph: simplify({ outputs: {}, writes }) };
}

/** Lets the control count on where nothing is recorded. */
function recordPart(traced: TracedModel, { ring, column }: PhaseStep, counts: 'part' | 'restart'): Recorded {
  return record(traced.control, ring, [], { ledger: traced.ledger, column, counts });
}
