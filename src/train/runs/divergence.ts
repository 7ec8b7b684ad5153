import { DataError } from '../../core/errors.ts';
import { sizeOf, type Numbers } from '../../core/shape.ts';
import { formatNode, namesOf } from '../../graph/formatGraph.ts';
import { storageOf, type Value } from '../../graph/graph.ts';
import { isLeaf } from '../../graph/leaf.ts';
import { statesOf } from '../../graph/states.ts';
import type { Backend, Observation } from '../../scheduler/backend.ts';
import type { Report } from '../options.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import { rehearse } from '../inspection/restoreStates.ts';

const WAY_OUT = 'take a smaller learning rate, clip the gradients, look at the data';

/** Ends a run whose loss alone is lost, which only the host can tell. @param name of the loss */
export function endDiverged(name: string, { metrics, step }: Report): never {
  throw new DataError(
    `[fit] ${name} is ${metrics[name]} at step ${step}, from which no further step recovers: ${WAY_OUT}, or give stopOnNaN: false`,
  );
}

/** Ends a run at a step that was left out. @param lost the loss that is lost, if one is   @param first undefined if its batch is gone */
export function endSpoilt(lost: string | undefined, report: Report, first: FirstBad | undefined): never {
  const { metrics, step, learningRate } = report;
  const loss = lost && `${lost} is ${metrics[lost]}`;
  const rate = Number.isFinite(learningRate) ? undefined : `the learning rate is ${learningRate}`;
  const gradient = first?.gradient && `the gradient of ${first.gradient.name} is ${first.gradient.value}`;
  const [what = 'a gradient is no number', ...others] = [loss, rate, gradient].flatMap((each) => each ?? []);
  const also = others.map((each) => `, and ${each}`).join('');
  const where = first
    ? `the first bad number is ${first.message}${also}`
    : 'its batch is gone, and what was first with it';
  throw new DataError(
    `[fit] ${what} at step ${step}, from which no further step recovers, so it was left out: ${where}; ${WAY_OUT}, or give onNaN: 'skip'`,
  );
}

/** What was NaN or infinite first in a step. */
export interface FirstBad {
  /** Which number, of what, in words. */
  readonly message: string;
  /** The first parameter with a gradient that is no number, and that number. */
  readonly gradient: { readonly name: string; readonly value: number } | undefined;
}

/** Watches a step that is to come node by node, as `verify` does, and puts the states back. */
export async function findBad(backend: Backend, programs: readonly StepProgram[]): Promise<FirstBad | undefined> {
  const states = programs.flatMap(({ program }) => [...statesOf(program.graph)]);
  // A host may have written others meanwhile, and not all of its buffers can be read.
  if (states.some(({ host }) => host)) return undefined;
  return rehearse(backend, states, async () => {
    let message: string | undefined;
    for (const { program } of programs) {
      const observations = await backend.observe(program, {});
      message ??= firstIn(observations, namesOf(program.order));
      const gradient = badGradient(observations);
      if (gradient) return { message: message ?? 'not seen', gradient };
    }
    return message === undefined ? undefined : { message, gradient: undefined };
  });
}

function firstIn(observations: readonly Observation[], names: ReadonlyMap<Value, string>): string | undefined {
  for (const { node, inputs, outputs } of observations) {
    // What is changed in place may hold what an earlier step left.
    const changed = node.op.inPlace ?? [];
    for (const [at, value] of node.inputs.entries()) {
      const bad = isLeaf(storageOf(value).root.node) && !changed.includes(at) ? badAt(inputs[at]) : -1;
      if (bad >= 0) return `${inputs[at][bad]}, ${placeIn(value, bad, names)}`;
    }
    for (const [at, value] of node.outputs.entries()) {
      const bad = (changed[at] ?? null) === null ? badAt(outputs[at]) : -1;
      if (bad < 0) continue;
      const which = outputs.length > 1 ? `${names.get(value)} in ` : '';
      return `${outputs[at][bad]}, number ${bad} of ${which}${formatNode(node, names)}`;
    }
  }
  return undefined;
}

/** Which number it is of a parameter, or of a state. */
function placeIn(value: Value, at: number, names: ReadonlyMap<Value, string>): string {
  const { label } = value.node.attrs as { readonly label?: string };
  const { root, offset } = storageOf(value);
  return label ? `number ${at} of ${label}` : `number ${offset + at} of ${names.get(root)}`;
}

/** The first number that is none; −1 if all are. */
const badAt = (numbers: Numbers): number => numbers.findIndex((number) => !Number.isFinite(number));

/** The first parameter whose gradient is no number. */
function badGradient(observations: readonly Observation[]): FirstBad['gradient'] {
  for (const { node, outputs } of observations) {
    const { names = [] } = node.op.watches?.(node.attrs) ?? {};
    for (const [at, name] of names.entries()) {
      const start = node.op.parts!(node.attrs)[at];
      const gradient = outputs[0].subarray(start, start + sizeOf(node.inputs[at].spec.shape));
      const bad = badAt(gradient);
      if (bad >= 0) return { name, value: gradient[bad] };
    }
  }
  return undefined;
}
