import type { Layout, Range } from '../core/layout.ts';
import type { Numbers, Shape } from '../core/shape.ts';
import { statesOf } from '../cpu/interpret.ts';
import type { Graph, State, Value } from '../graph/graph.ts';
import type { Backend, Executable } from '../scheduler/backend.ts';
import { rehearse } from './rehearse.ts';

/** What one use of a layer or a function gave. */
export interface InspectedLayer {
  /** As its parameters' names begin; empty for the whole model. */
  readonly path: string;
  /** Its name: `linear`, `relu`. */
  readonly kind: string;
  /** The samples first. */
  readonly shape: Shape;
  readonly output: Numbers;
  /** ∂loss / ∂output; null where the loss does not depend on it, as on a relu whose place max pooling has taken. */
  readonly gradient: Numbers | null;
}

/** One parameter, with what the samples want of it. */
export interface InspectedParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly value: Numbers;
  /** ∂loss / ∂value; zeros where none flows. */
  readonly gradient: Numbers;
  /** What the optimizer's next update by this gradient adds to the value; null unless it was asked for. */
  readonly change: Numbers | null;
}

/** A step on some samples, layer by layer. */
export interface Inspection {
  readonly loss: number;
  /** In the order of their use, each layer behind those that it uses itself. */
  readonly layers: readonly InspectedLayer[];
  readonly parameters: readonly InspectedParameter[];
  /** The same samples' loss after the update; null unless it was asked for. */
  readonly lossAfter: number | null;
}

export interface InspectOptions {
  /** Whether the optimizer's update is rehearsed too: false. */
  readonly update?: boolean;
}

/** A graph whose outputs are what is inspected. */
export interface InspectionGraph {
  readonly graph: Graph;
  readonly layers: readonly { readonly path: string; readonly kind: string; readonly output: Value }[];
}

/** Names of a graph's outputs. */
export const inspected = {
  loss: 'loss',
  gradients: 'gradients',
  output: (layer: number): string => `output ${layer}`,
  gradient: (layer: number): string => `gradient ${layer}`,
} as const;

const slicesOf = (arena: Numbers, ranges: readonly Range[]): Numbers[] =>
  ranges.map(({ offset, size }) => arena.slice(offset, offset + size));

/** Of a traced model. */
interface Arena {
  readonly parameters: State;
  readonly layout: Layout;
}

/** Runs a program that reads the states and leaves them alone, and brings what it found. */
async function readings(
  backend: Backend,
  program: Executable,
  { parameters }: Arena,
): Promise<{ readonly outputs: Readonly<Record<string, Numbers>>; readonly arena: Numbers }> {
  backend.run([program]);
  // Both are submitted before anything is awaited, so that no step comes in between.
  const [outputs, arena] = await Promise.all([backend.readOutputs(program), backend.readState(parameters)]);
  return { outputs, arena };
}

/** What a step on the samples that the programs were given finds. */
export async function inspectStep(
  backend: Backend,
  traced: Arena,
  { layers }: InspectionGraph,
  reader: Executable,
  updater: Executable | null,
): Promise<Inspection> {
  const { outputs, arena } = await readings(backend, reader, traced);
  const after = updater && (await updateOf(backend, traced, reader, updater));
  const { ranges } = traced.layout;
  const [values, gradients, updated] = [arena, outputs[inspected.gradients], after?.arena].map((numbers) =>
    numbers ? slicesOf(numbers, ranges) : null,
  );
  return {
    loss: outputs[inspected.loss][0],
    layers: layers.map(({ path, kind, output }, at) => ({
      path,
      kind,
      shape: output.spec.shape,
      output: outputs[inspected.output(at)],
      gradient: outputs[inspected.gradient(at)] ?? null,
    })),
    parameters: ranges.map(({ name, shape }, at) => ({
      name,
      shape,
      value: values![at],
      gradient: gradients![at],
      change: updated ? updated[at].map((value, i) => value - values![at][i]) : null,
    })),
    lossAfter: after ? after.outputs[inspected.loss][0] : null,
  };
}

/** The step after an update, which is put back. */
function updateOf(
  backend: Backend,
  traced: Arena,
  reader: Executable,
  updater: Executable,
): ReturnType<typeof readings> {
  return rehearse(backend, statesOf(updater.graph), () => {
    backend.run([updater]);
    return readings(backend, reader, traced);
  });
}
