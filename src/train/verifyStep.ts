import type { Numbers } from '../core/shape.ts';
import { interpret, statesOf } from '../cpu/interpret.ts';
import type { State, Value } from '../graph/graph.ts';
import type { Backend, Executable, Observation } from '../scheduler/backend.ts';
import type { StepProgram } from './programs.ts';
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
  const before = new Map<State, Numbers>();
  for (const { program } of programs) {
    for (const state of statesOf(program.graph)) {
      if (!before.has(state)) before.set(state, await backend.readState(state));
    }
  }
  try {
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
      loss = { actual: loss.actual + share * ends.loss, reference: loss.reference + share * ends.reference };
      gradientError = Math.max(gradientError, ends.gradientError);
    }
    fault ??= drifted(loss, gradientError);
    return { ok: fault === null, checked, fault, loss, gradientError };
  } finally {
    for (const [state, numbers] of before) backend.writeState(state, numbers);
  }
}

/** Loss and gradients of the whole program beside an f64 run of it. */
function endToEnd(
  { graph, order }: Executable,
  observations: readonly Observation[],
  states: ReadonlyMap<State, Numbers>,
): { loss: number; reference: number; gradientError: number } {
  const gradients = order.find(({ op }) => op.parts)?.outputs[0];
  const outputs: Record<string, Value> = { loss: graph.outputs['loss'], ...(gradients && { gradients }) };
  const reference = interpret({ outputs, writes: [] }, { states, precision: 'f64' }).outputs;
  const actual = (value: Value): Numbers | undefined =>
    observations.find(({ node }) => node === value.node)?.outputs[value.index];
  return {
    loss: actual(graph.outputs['loss'])?.[0] ?? NaN,
    reference: reference['loss'][0],
    gradientError: gradients ? relativeError(actual(gradients)!, reference['gradients']) : 0,
  };
}
