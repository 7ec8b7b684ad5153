import type { Shape, Spec } from '../../core/shape.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import { asUseOf, inputOp, stateOp } from '../../graph/leaf.ts';
import { viewLabel } from '../../ops/shaping/views.ts';
import type { Backend } from '../../scheduler/backend.ts';
import { learnedOf } from '../checkpoints/learnedStates.ts';
import { predictedLayers, predictionGraph } from '../graphs/evaluationGraphs.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';

/** A layer that a model uses: the path that first reaches it, and its kind, as `linear`. */
export interface ForwardLayer {
  readonly path: string;
  readonly kind: string;
  /** Of a model out of a file: the names below the path, of parameters and of what layers keep, as its program lists them. */
  readonly order?: readonly string[];
}

/** What a value of a forward graph is that no node computes: a field of the batch, or what the model has learned. */
export type ForwardLeaf = { readonly field: string } | { readonly tensor: string };

/** What a model computes in evaluation, for who writes it elsewhere. */
export interface Forward {
  /** The outputs for so many samples, by name; a single one is called `output`. */
  graph(samples: number): Graph;
  /** Which field, or which of `tensors`, a value of such a graph is; undefined of what is computed, or constant. */
  leafOf(value: Value): ForwardLeaf | undefined;
  /** Each sample's fields, as they lie in a data set. */
  readonly fields: Readonly<Record<string, Spec>>;
  /** Parameters, in the order of their declaration, or their averages, if such are kept and asked for; then what layers keep beside. */
  readonly tensors: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
  /** How many samples the model was traced with: its batch size. Some models take no other number. */
  readonly samples: number;
  /** Which of `tensors` are parameters. */
  readonly parameters: readonly string[];
  /** Layers in the order of their use. */
  readonly layers: readonly ForwardLayer[];
}

/** A traced model's forward pass, with what its backend holds: averages of parameters, if such are kept and asked for. */
export async function forwardOf(backend: Backend, traced: TracedModel, averages: boolean): Promise<Forward> {
  const learned = await learnedOf(backend, traced, averages);
  const parameters = traced.ranges.map(({ name }) => name);
  const kept = Object.keys(learned).filter((name) => !parameters.includes(name));
  return {
    graph: (samples) => predictionGraph(traced, samples, 0),
    leafOf({ node }) {
      const field = asUseOf(inputOp, node);
      if (field) return { field: field.label };
      const state = asUseOf(stateOp, node);
      const tensor = state ? state.label : viewLabel(node);
      return tensor === undefined ? undefined : { tensor };
    },
    fields: Object.fromEntries(
      Object.entries(traced.fields).map(([name, { shape, dtype }]) => [name, { shape, dtype }]),
    ),
    tensors: Object.fromEntries([...parameters, ...kept].map((name) => [name, learned[name]])),
    samples: traced.options.batchSize,
    parameters,
    layers: predictedLayers(traced).map(({ path, kind, order }) => ({ path, kind, ...(order && { order }) })),
  };
}
