import type { Page } from '../../core/parameterLayout.ts';
import type { Numbers, Shape } from '../../core/shape.ts';
import type { Graph, State, Value } from '../../graph/graph.ts';
import { statesOf } from '../../graph/states.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import { rehearse } from './restoreStates.ts';

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

/** What `inspect` may be told. */
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
  gradientsOf: (page: State): string => `gradients of ${page.name}`,
  output: (layer: number): string => `output ${layer}`,
  gradient: (layer: number): string => `gradient ${layer}`,
} as const;

/** Of a traced model. */
interface Arena {
  readonly parameters: readonly State[];
  readonly pages: readonly Page[];
}

/** Runs a program that reads the states and leaves them alone, and brings what it found. */
async function readings(
  backend: Backend,
  program: Executable,
  { parameters }: Arena,
): Promise<{ readonly outputs: Readonly<Record<string, Numbers>>; readonly arena: readonly Numbers[] }> {
  backend.run([program]);
  // All are submitted before anything is awaited, so that no step comes in between.
  const read = parameters.map((page) => backend.readState(page));
  const [outputs, ...arena] = await Promise.all([backend.readOutputs(program), ...read]);
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
  return {
    loss: outputs[inspected.loss][0],
    layers: layers.map(({ path, kind, output }, at) => ({
      path,
      kind,
      shape: output.spec.shape,
      output: outputs[inspected.output(at)],
      gradient: outputs[inspected.gradient(at)] ?? null,
    })),
    parameters: traced.pages.flatMap(({ ranges }, page) => {
      const gradients = outputs[inspected.gradientsOf(traced.parameters[page])];
      return ranges.map(({ name, shape, offset, size }) => {
        const value = arena[page].slice(offset, offset + size);
        const updated = after?.arena[page].subarray(offset, offset + size);
        return {
          name,
          shape,
          value,
          gradient: gradients?.slice(offset, offset + size) ?? new Float32Array(size),
          change: updated ? value.map((before, i) => updated[i] - before) : null,
        };
      });
    }),
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
