import { orderOf, type Graph, type Value } from '../graph/graph.ts';
import { asUseOf, inputOp } from '../graph/leaf.ts';
import { Registry, Tracer } from '../nn/tracer.ts';
import { targetField, type BatchValues } from '../nn/losses.ts';
import { castOp } from '../ops/cast.ts';
import { fieldOf, rangesOf } from './checks.ts';
import { modelInput, uploadedBatch } from './batches.ts';
import type { Model, Phase } from './model.ts';
import type { Fields } from './source.ts';

const asItIs = { scale: 1, offset: 0 };

const isPending = ({ byDefault, scale }: Fields[string]): boolean =>
  byDefault === true && scale !== null && scale.scale !== 1;

const valuesIn = (given: unknown): Value[] =>
  typeof given !== 'object' || given === null ? [] : 'spec' in given ? [given as Value] : Object.values(given);

/** What the model makes of a batch; of a trainer without one, what its losses make of it. */
function outputsOf(model: Model | undefined, phases: readonly Phase[], batch: BatchValues): Graph {
  const outputs = (['train', 'evaluate'] as const).flatMap((mode) => {
    const tracer = (): Tracer => new Tracer(new Registry(0), mode, null);
    return model
      ? valuesIn(tracer().apply(model, modelInput(batch)))
      : phases.flatMap(({ loss }) => valuesIn(loss(batch, batch, tracer())));
  });
  return { outputs: Object.fromEntries(outputs.map((value, at) => [`${at}`, value])), writes: [] };
}

/** The fields that are read as whole numbers: as indices, or by a cast. */
function countsIn(graph: Graph): string[] {
  const casts = orderOf(graph).flatMap((node) =>
    (asUseOf(castOp, node)?.dtype ?? 'f32') === 'f32' ? [] : (fieldOf(node.inputs[0]) ?? []),
  );
  return [...casts, ...rangesOf([graph]).map(({ field }) => field)];
}

/**
 * The fields with the scale that each is seen by: one that nobody asked for holds only where the model reads the field,
 * and takes it as a picture. Without a model, where the losses read it, and it is not what they compare with.
 */
export function withScales(
  fields: Fields,
  model: Model | undefined,
  phases: readonly Phase[],
  batchSize: number,
): Fields {
  const entries = Object.entries(fields);
  if (!entries.some(([, field]) => isPending(field))) return fields;
  const unscaled = entries.map(
    ([name, field]) => [name, isPending(field) ? { ...field, scale: asItIs } : field] as const,
  );
  const graph = outputsOf(model, phases, uploadedBatch(Object.fromEntries(unscaled), batchSize));
  const read = new Set(orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []));
  if (!model && entries.length > 1) read.delete(targetField(Object.keys(fields)));
  for (const name of countsIn(graph)) read.delete(name);
  return Object.fromEntries(unscaled.map(([name, field]) => [name, read.has(name) ? fields[name] : field]));
}
