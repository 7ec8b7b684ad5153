import { DataError } from '../../core/errors.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import { asUseOf, inputOp } from '../../graph/leaf.ts';
import { Registry } from '../../nn/registry.ts';
import { Tracer } from '../../nn/tracer.ts';
import { inputOf, type BatchValues, type Roles } from '../../nn/fieldRoles.ts';
import { castOp } from '../../ops/pointwise/cast.ts';
import { asItIs, checksOf, fieldOf } from './dataChecks.ts';
import { uploadedBatch } from '../graphs/batchValues.ts';
import type { Model, Phase } from '../model.ts';
import type { Fields } from './sampleSource.ts';

const isPending = ({ byDefault, scale }: Fields[string]): boolean =>
  byDefault === true && scale !== null && scale.scale !== 1;

const valuesIn = (given: unknown): Value[] =>
  typeof given !== 'object' || given === null ? [] : 'spec' in given ? [given as Value] : Object.values(given);

const tracers = (): Tracer[] => (['train', 'evaluate'] as const).map((mode) => new Tracer(new Registry(0), mode, null));

const graphOf = (outputs: readonly Value[]): Graph => ({
  outputs: Object.fromEntries(outputs.map((value, at) => [`${at}`, value])),
  writes: [],
});

/** What the model makes of a batch; of a trainer without one, what its losses make of it. */
const outputsOf = (model: Model | undefined, phases: readonly Phase[], batch: BatchValues): Graph =>
  graphOf(
    model
      ? tracers().flatMap((tracer) => valuesIn(tracer.apply(model, inputOf(batch), '')))
      : phases.flatMap(({ loss }) => tracers().flatMap((tracer) => valuesIn(loss(batch, batch, tracer)))),
  );

/** What the losses make of a model's outputs; nothing where they fail, which shows when they are traced in earnest. */
function lossesOf(model: Model, phases: readonly Phase[], batch: BatchValues): Graph {
  try {
    return graphOf(
      phases.flatMap(({ loss }) =>
        tracers().flatMap((tracer) => valuesIn(loss(tracer.apply(model, inputOf(batch), ''), batch, tracer))),
      ),
    );
  } catch {
    return graphOf([]);
  }
}

/** The fields that are read as whole numbers: as indices, or by a cast. */
function countsIn(graph: Graph): string[] {
  const casts = orderOf(graph).flatMap((node) =>
    (asUseOf(castOp, node)?.dtype ?? 'f32') === 'f32' ? [] : (fieldOf(node.inputs[0]) ?? []),
  );
  const { ranges, agreements } = checksOf([graph]);
  const together = agreements.flatMap(({ sources }) => sources.filter((source) => typeof source === 'string'));
  const whole = ranges.filter(({ isReal }) => !isReal).map(({ field }) => field);
  return [...casts, ...whole, ...together];
}

/**
 * The fields with the scale that each is seen by: one that nobody asked for holds only where the model reads the field,
 * and takes it as a picture. Without a model, where the losses read it, and it is not what they compare with.
 * @throws DataError for a picture that a loss reads as whole numbers
 */
export function withScales(
  fields: Fields,
  roles: Roles,
  model: Model | undefined,
  phases: readonly Phase[],
  batchSize: number,
): Fields {
  const entries = Object.entries(fields);
  if (!entries.some(([, field]) => isPending(field))) return fields;
  const unscaled = entries.map(
    ([name, field]) => [name, isPending(field) ? { ...field, scale: asItIs } : field] as const,
  );
  const batch = uploadedBatch(Object.fromEntries(unscaled), roles, batchSize);
  const graph = outputsOf(model, phases, batch);
  const read = new Set(orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []));
  if (!model && entries.length > 1) for (const name of roles.targets ?? []) read.delete(name);
  for (const name of countsIn(graph)) read.delete(name);
  const counted = model ? countsIn(lossesOf(model, phases, batch)) : [];
  for (const name of counted) {
    if (isPending(fields[name]) && read.has(name)) {
      throw new DataError(
        `[trainer] "${name}" is a picture to the model, seen as 0 … 1, but whole numbers to the loss: give the set a field for each, or \`scale: 1\` and divide in the model`,
      );
    }
  }
  return Object.fromEntries(unscaled.map(([name, field]) => [name, read.has(name) ? fields[name] : field]));
}
