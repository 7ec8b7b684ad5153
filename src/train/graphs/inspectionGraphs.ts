import { isValue, type Graph } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import type { Measures } from '../../nn/losses.ts';
import type { Tracer } from '../../nn/tracer.ts';
import { differentiate } from '../../transform/differentiate.ts';
import { simplify } from '../../transform/simplify.ts';
import { inspected, type InspectionGraph } from '../inspection/inspect.ts';
import type { PhaseStates } from './phaseStates.ts';
import { gradientsOf, updated } from './stepUpdate.ts';
import type { TracedModel } from './tracedModel.ts';

/** Forward, loss and backward of n uploaded samples in the first phase; what each layer gives, and ∂loss by it, are outputs. */
export function inspectionGraph(traced: TracedModel, n: number): InspectionGraph {
  const [states] = traced.phases;
  const { tracer, measures } = uploadedStep(traced, states, n);
  const layers = tracer.applied.flatMap(({ path, kind, output }) => (isValue(output) ? [{ path, kind, output }] : []));
  const gradients = differentiate(
    measures.loss,
    layers.map(({ output }) => output),
  );
  const outputs = layers.flatMap(({ output }, at) => {
    const gradient = gradients[at];
    const named = [[inspected.output(at), output] as const];
    return gradient ? [...named, [inspected.gradient(at), gradient] as const] : named;
  });
  const whole = gradientsOf(states, measures.loss, tracer).map((gradient, at) => {
    return [inspected.gradientsOf(states.pages[at].parameters), gradient] as const;
  });
  const all = Object.fromEntries([[inspected.loss, measures.loss], ...whole, ...outputs]);
  return { graph: simplify({ outputs: all, writes: [] }), layers };
}

/** The first phase's update by n uploaded samples, which no step counts. */
export function rehearsalGraph(traced: TracedModel, n: number): Graph {
  const [states] = traced.phases;
  const { tracer, measures } = uploadedStep(traced, states, n);
  return simplify({
    outputs: {},
    writes: updated(states, gradientsOf(states, measures.loss, tracer), read(traced.control)).changed,
  });
}

function uploadedStep(
  traced: TracedModel,
  { phase }: PhaseStates,
  n: number,
): { readonly tracer: Tracer; readonly measures: Measures } {
  const tracer = traced.tracer('train');
  return { tracer, measures: traced.measure(phase, tracer, traced.uploadedBatch(n)) };
}
