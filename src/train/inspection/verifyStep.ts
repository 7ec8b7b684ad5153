import type { Numbers } from '../../core/shape.ts';
import { interpret } from '../../cpu/interpret.ts';
import type { Node, State, Value } from '../../graph/graph.ts';
import { statesOf } from '../../graph/states.ts';
import { PART } from '../../ops/training/control.ts';
import { addedTo, recordIn, rowOf } from '../../ops/training/record.ts';
import type { Backend, Executable, Observation } from '../../scheduler/backend.ts';
import type { Amount, Figure } from '../graphs/recordedMetrics.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import { rehearse } from './restoreStates.ts';
import { drifted, findFault, relativeError, type Fault, type Verification } from './verification.ts';

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
    const losses = new Map<Figure, Ends<Amount>>();
    let gradientError = 0;
    for (const { program, loss: of } of programs) {
      const states = new Map<State, Numbers>();
      for (const state of statesOf(program.graph)) states.set(state, await backend.readState(state));
      const observations = await backend.observe(program, {});
      checked += observations.length;
      fault ??= findFault(program.order, observations);
      if (!of) continue;
      const ends = endToEnd(program, of, observations, states);
      gradientError = Math.max(gradientError, ends.gradientError);
      losses.set(of.figure, merged(of.figure, losses.get(of.figure), ends));
    }
    const loss = lossOf(losses);
    fault ??= drifted(loss, gradientError);
    return { ok: fault === null, checked, fault, loss, gradientError };
  });
}

/** What was found, and what an f64 run of the same finds. */
interface Ends<T> {
  readonly actual: T;
  readonly reference: T;
}

/** The loss of each part with those before it. */
const merged = (
  { tally }: Figure,
  before: Ends<Amount> | undefined,
  { actual, reference }: Ends<Amount>,
): Ends<Amount> =>
  before
    ? { actual: tally.merge(before.actual, actual), reference: tally.merge(before.reference, reference) }
    : { actual, reference };

/** Of all phases. */
function lossOf(losses: ReadonlyMap<Figure, Ends<Amount>>): Ends<number> {
  const total = (of: keyof Ends<Amount>): number =>
    [...losses].reduce((sum, [{ tally }, ends]) => sum + tally.finish(ends[of]), 0);
  return { actual: total('actual'), reference: total('reference') };
}

/** Loss and gradients of the whole program beside an f64 run of it. */
function endToEnd(
  { order }: Executable,
  { figure, share }: NonNullable<StepProgram['loss']>,
  observations: readonly Observation[],
  states: ReadonlyMap<State, Numbers>,
): Ends<Amount> & { gradientError: number } {
  const launch = order.find((node) => recordIn(node))!;
  const recorded = recordIn(launch)!;
  const gradients = gradientsIn(order);
  const outputs = Object.fromEntries([launch.outputs[recorded.outputs + 1], ...gradients].entries());
  const reference = interpret({ outputs, writes: [] }, { states, precision: 'f64' }).outputs;
  const of = (node: Node): Observation => observations.find((observation) => observation.node === node)!;
  const { inputs, outputs: left } = of(launch);
  const read = inputs.slice(recorded.inputs);
  const amountOf = (ring: Numbers): Amount => recordedLoss(figure, share, recorded.node, read, ring);
  return {
    actual: amountOf(left[recorded.outputs + 1]),
    reference: amountOf(reference[0]),
    gradientError: relativeError(gradients.map((page, at) => [of(page.node).outputs[0], reference[at + 1]])),
  };
}

/** The pages of the gradients: what is packed of nothing that was. */
function gradientsIn(order: readonly Node[]): Value[] {
  const behind = new Set<Node>();
  return order.flatMap((node) => {
    const { op, inputs, outputs } = node;
    const isFirst = !inputs.some((input) => behind.has(input.node));
    if (!isFirst || op.parts) behind.add(node);
    return isFirst && op.parts ? outputs : [];
  });
}

/** What a program recorded of a loss, weighted by its share of the samples. */
function recordedLoss(
  { tally, column, stride }: Figure,
  share: number,
  node: Node,
  inputs: readonly Numbers[],
  ring: Numbers,
): Amount {
  if (stride === null) return { samples: share, numbers: Float64Array.of(addedTo(column, node, inputs, ring)) };
  const [control] = inputs;
  const at = rowOf(node, control) + column + control[PART] * stride;
  return tally.amount(ring.subarray(at, at + tally.width), share);
}
