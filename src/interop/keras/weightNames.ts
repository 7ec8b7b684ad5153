import type { ImportedTensor } from '../importedModel.ts';
import type { WeightPlace } from './buildModel.ts';
import { refuse } from './refusal.ts';

/*
 * TensorFlow.js finds weights by their names: the layer's, that of a cell or of a layer within, the weight's own, as in
 * `bidirectional/forward_lstm/lstm_cell/kernel:0`. Writers differ in what stands between.
 */

/** What a weight's name says within another layer, where that is a part of the name. */
const marks: Readonly<Record<string, string>> = { forward_layer: 'forward', backward_layer: 'backward' };

const stepsOf = (name: string): readonly string[] => name.replace(/:\d+$/, '').split('/');

/** Whether a name may be that of a weight: it has the layer's, then the weight's own at its end. */
function fits(steps: readonly string[], { layers, weight }: WeightPlace): boolean {
  const [own, ...within] = weight.name.split('.').reverse();
  const at = steps.indexOf(layers.at(-1)!);
  if (at < 0 || steps.at(-1) !== own) return false;
  const between = steps.slice(at + 1, -1).join('/');
  return within.every((place) =>
    marks[place] ? between.includes(marks[place]) : place === 'layer' || between.includes(place),
  );
}

/** How many of the layers that a weight lies in a name has. */
const agreement = (steps: readonly string[], { layers }: WeightPlace): number =>
  layers.filter((layer) => steps.includes(layer)).length;

/** Finds weights by name. @throws FormatError where none or several could be meant, or some are left */
export function weightFinder(weights: ReadonlyMap<string, ImportedTensor>): {
  find(place: WeightPlace): ImportedTensor;
  requireAll(): void;
} {
  const read = new Set<string>();
  const byEnd = new Map<string, { readonly name: string; readonly steps: readonly string[] }[]>();
  for (const name of weights.keys()) {
    const steps = stepsOf(name);
    const end = steps.at(-1)!;
    byEnd.set(end, [...(byEnd.get(end) ?? []), { name, steps }]);
  }
  return {
    find(place) {
      const called = `${place.layers.join('/')}/${place.weight.name}`;
      const own = place.weight.name.split('.').at(-1)!;
      const fitting = (byEnd.get(own) ?? []).filter(({ steps }) => fits(steps, place));
      const most = Math.max(...fitting.map(({ steps }) => agreement(steps, place)));
      const [found, other] = fitting.filter(({ steps }) => agreement(steps, place) === most);
      if (!found)
        refuse('model.json', `has no weight for ${called}`, 'it was saved without its weights, or by another writer');
      if (other) {
        refuse(
          'model.json',
          `has ${found.name} and ${other.name}, of which either could be ${called}`,
          'give the layers names of their own',
        );
      }
      read.add(found.name);
      return weights.get(found.name)!;
    },
    requireAll() {
      const left = [...weights.keys()].find((name) => !read.has(name));
      if (left === undefined) return;
      refuse(
        'model.json',
        `has the weight ${left}, of which its layers know nothing`,
        'topology and weights are of different models',
      );
    },
  };
}
