import type { Backend } from '../../scheduler/backend.ts';
import { placedValues } from './givenParameters.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';
import { learnedByWeight } from './checkpoint.ts';
import { tensorsIn } from './weights.ts';

/* What a model has learned, out of a backend's states and into them. */

/** Every parameter by name. */
export async function parametersOf(
  backend: Backend,
  { parameters, pages, ranges }: TracedModel,
): Promise<Record<string, Float32Array>> {
  const tensors = tensorsIn(pages, (await backend.readStates(parameters)) as Float32Array[]);
  return Object.fromEntries(ranges.map(({ name }) => [name, tensors[name].data.slice()]));
}

/** Parameters by name, and their averages, if some are kept. @throws ShapeError for an unknown name or a wrong size */
export function putParameters(
  backend: Backend,
  { parameters, averages, pages }: TracedModel,
  given: Readonly<Record<string, ArrayLike<number>>>,
): void {
  const found = placedValues(given, pages);
  const arenas = [parameters, ...(averages ? [averages] : [])];
  for (const { page, offset, numbers } of found) {
    for (const arena of arenas) backend.writeState(arena[page], numbers, offset);
  }
}

/** Weights by name, with their averages, if some are kept, and what layers keep: all of it, without a pause between. */
export function putLearned(
  backend: Backend,
  traced: TracedModel,
  tensors: Readonly<Record<string, Float32Array>>,
): void {
  for (const { name, state, offset } of learnedByWeight(traced)) {
    if (Object.hasOwn(tensors, name)) backend.writeState(state, tensors[name], offset);
  }
}

/** Every parameter, or its average if one is kept and asked for, and all that layers keep beside, by name. */
export async function learnedOf(
  backend: Backend,
  { parameters, averages, pages, registry }: TracedModel,
  averaged = true,
): Promise<ReturnType<typeof tensorsIn>> {
  const states = [...registry.states.values()];
  const trained = (averaged && averages) || parameters;
  const numbers = (await backend.readStates([...trained, ...states])) as Float32Array[];
  const kept = numbers.splice(pages.length);
  const ofLayers = states.map(({ name, spec: { shape } }, at) => [name, { shape, data: kept[at] }] as const);
  return { ...tensorsIn(pages, numbers), ...Object.fromEntries(ofLayers) };
}
