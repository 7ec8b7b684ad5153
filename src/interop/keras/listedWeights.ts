import { FormatError } from '../../core/errors.ts';
import { joined, type Shape } from '../../core/shape.ts';
import type { Tensor } from '../../data/safetensors.ts';
import type { Forward } from '../../train/emission/forward.ts';

/* A model's numbers as the arrays that Keras lists, and such arrays as a model's numbers. */

/** An array of Keras' list. */
export interface ListedWeight {
  /** Which it is: `kernel of dense`. */
  readonly title: string;
  readonly shape: Shape;
  /** What it holds where no number of the model's has a part in it. */
  readonly constant: Float32Array;
  /**
   * Which numbers of the model's, all tensors one behind the other, add up to each of its own: from 1, and 0 is none. Two do
   * in the bias of a recurrent layer, of which Keras has one.
   */
  readonly places: readonly Int32Array[];
}

/** A layer of Keras', by its arrays. */
export interface ListedLayer {
  readonly weights: readonly ListedWeight[];
  /** Layers with weights that it needs, which Keras lists before it. */
  readonly needs: ReadonlySet<ListedLayer>;
}

/**
 * The arrays of layers as a list has them whose shapes are told: what layers need is in front of them, and of those that stand
 * side by side shapes say which comes first; the usual order where they fit in none.
 * @throws FormatError where shapes leave a doubt
 */
export function inOrder(
  where: string,
  layers: readonly ListedLayer[],
  shapes: readonly (Shape | undefined)[],
): readonly ListedWeight[] {
  const usual = layers.flatMap(({ weights }) => weights);
  const [list, left]: [ListedWeight[], Set<ListedLayer>] = [[], new Set(layers)];
  while (left.size > 0) {
    const next = [...left].filter(
      ({ weights, needs }) =>
        weights.every(({ shape }, at) => shape.join() === shapes[list.length + at]?.join()) &&
        [...needs].every((layer) => !left.has(layer)),
    );
    if (next.length === 0) return usual;
    if (next.length > 1) {
      const [one, other] = next.map(({ weights }) => weights[0].title);
      throw new FormatError(
        `[${where}] "${one}" and "${other}" could each be next in Keras' list, as both have the shapes that are there, and neither needs the other: train the model of the .keras file, by fromKeras, which knows the order`,
      );
    }
    list.push(...next[0].weights);
    left.delete(next[0]);
  }
  return list;
}

type Tensors = Forward['tensors'];

const flat = (tensors: Tensors): Float32Array => joined(Object.values(tensors).map(({ data }) => data)) as Float32Array;

/** What an array of the list holds. @param all numbers of the model   @param usual where it has none of them */
export function numbersOf(
  { constant, places }: ListedWeight,
  all: Float32Array,
  usual: ArrayLike<number> = constant,
): Float32Array {
  return constant.map((_, at) => {
    let sum: number | undefined;
    for (const each of places) {
      if (each[at] > 0) sum = sum === undefined ? all[each[at] - 1] : sum + all[each[at] - 1];
    }
    return sum ?? usual[at];
  });
}

/** A model's tensors as the list has them. @param like what came of each; what nothing here has a part in stays so */
export function listed(
  list: readonly ListedWeight[],
  tensors: Tensors,
  like?: readonly { readonly data: ArrayLike<number> }[],
): Tensor[] {
  const all = flat(tensors);
  return list.map((weight, at) => ({ shape: weight.shape, data: numbersOf(weight, all, like?.[at].data) }));
}

/**
 * A model's tensors with the numbers of arrays in the list's order; of two biases that add up to what they did already both
 * stay.
 * @throws FormatError for copies of one weight that differ, and for other numbers where the model learns none
 */
export function unlisted(
  where: string,
  list: readonly ListedWeight[],
  tensors: Tensors,
  arrays: readonly Tensor[],
): Record<string, Tensor> {
  const all = flat(tensors);
  /** The array that each number is of, from 1. */
  const of = new Int32Array(all.length);
  const put = (place: number, number: number, array: number): void => {
    const before = of[place - 1];
    if (before > 0 && all[place - 1] !== number) {
      throw new FormatError(
        `[${where}] arrays "${before - 1}", ${list[before - 1].title}, and "${array}", ${list[array].title}, differ, but are one weight of the model: let them be two here, too`,
      );
    }
    all[place - 1] = number;
    of[place - 1] = array + 1;
  };
  for (const [array, { title, constant, places }] of list.entries()) {
    const { data } = arrays[array];
    const [own, added] = places;
    if (!own && data.some((number, at) => number !== constant[at])) {
      throw new FormatError(
        `[${where}] array "${array}", ${title}, came with numbers of its own, but nothing here learns it: let both models have it, or neither`,
      );
    }
    own?.forEach((place, at) => {
      const other = added ? added[at] : 0;
      const first = place || other;
      if (first === 0) return;
      if (place === 0 || other === 0) return put(first, data[at], array);
      if (Math.fround(all[place - 1] + all[other - 1]) === data[at]) return;
      put(place, data[at], array);
      put(other, 0, array);
    });
  }
  let end = 0;
  const own = Object.entries(tensors).map(([name, { shape, data }]) => {
    const begin = end;
    end += data.length;
    return [name, { shape, data: all.subarray(begin, end) }] as const;
  });
  return Object.fromEntries(own);
}
