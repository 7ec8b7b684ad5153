import type { Numbers } from '../core/shape.ts';
import { interpret, statesOf } from '../cpu/interpret.ts';
import type { Node, State, Value } from '../graph/graph.ts';
import { asRecord, lossRecorded } from '../ops/record.ts';
import type { Backend, Executable, Observation } from '../scheduler/backend.ts';
import type { StepProgram } from './programs.ts';
import { rehearse } from './rehearse.ts';
import { drifted, findFault, relativeError, type Fault, type Verification } from './verify.ts';

/**
 * Watches a step's programs one after the other, judges them, and puts the states back.
 * @param enter brings the samples to where the programs read them
 */
export async function verifyStep(
  backend: Backend,
  programs: readonly StepProgram[],
  enter: () => void,
): Promise<Verification> {
  const all = programs.flatMap(({ program }) => [...statesOf(program.graph)]);
  return rehearse(backend, all, async () => {
    enter();
    let fault: Fault | null = null;
    let checked = 0;
    let loss = { actual: 0, reference: 0 };
    let gradientError = 0;
    for (const { program, share } of programs) {
      const states = new Map<State, Numbers>();
      for (const state of statesOf(program.graph)) states.set(state, await backend.readState(state));
      const observations = await backend.observe(program, {});
      checked += observations.length;
      fault ??= findFault(program.order, observations);
      if (share === 0) continue;
      const ends = endToEnd(program, observations, states);
      loss = { actual: loss.actual + ends.loss, reference: loss.reference + ends.reference };
      gradientError = Math.max(gradientError, ends.gradientError);
    }
    fault ??= drifted(loss, gradientError);
    return { ok: fault === null, checked, fault, loss, gradientError };
  });
}

/** Loss and gradients of the whole program beside an f64 run of it. */
function endToEnd(
  { order }: Executable,
  observations: readonly Observation[],
  states: ReadonlyMap<State, Numbers>,
): { loss: number; reference: number; gradientError: number } {
  const recorded = order.find((node) => asRecord(node))!;
  const gradients = order.find(({ op }) => op.parts)?.outputs[0];
  const outputs: Record<string, Value> = { ring: recorded.outputs[1], ...(gradients && { gradients }) };
  const reference = interpret({ outputs, writes: [] }, { states, precision: 'f64' }).outputs;
  const of = (node: Node): Observation => observations.find((observation) => observation.node === node)!;
  const { inputs, outputs: left } = of(recorded);
  const lossIn = (ring: Numbers): number => lossRecorded(recorded, inputs, ring);
  return {
    loss: lossIn(left[1]),
    reference: lossIn(reference['ring']),
    gradientError: gradients ? relativeError(of(gradients.node).outputs[gradients.index], reference['gradients']) : 0,
  };
}
