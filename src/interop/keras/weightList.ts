import { FormatError } from '../../core/errors.ts';
import { Random } from '../../core/random.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Forward } from '../../train/emission/forward.ts';
import { numbersOf, type ListedLayer, type ListedWeight } from './listedWeights.ts';
import type { WrittenLayer } from './write/kerasWriter.ts';
import { layerOrder, neededBy } from './write/layerOrder.ts';
import { writtenModel } from './write/writeModel.ts';

/*
 * Keras' `get_weights()` lists a model's arrays, layer by layer. Of a model that Keras saved the file says in which order;
 * of another one it is the list of the model that toKeras writes. How a tensor lies there the writer of layers knows: it is
 * asked with numbers that say where they are, and what it makes of them tells from where each of Keras' numbers comes.
 */

type Tensors = Forward['tensors'];

/** What stands in for the numbers of some tensors, each by its place in all, one behind the other, from 1; else 0 does. */
interface StandIn {
  isFor(name: string): boolean;
  number(place: number): number;
}

/** A digit of a place: f32 has it exactly. */
const BASE = 2 ** 20;

const totalOf = (tensors: Tensors): number =>
  Object.values(tensors).reduce((total, { data }) => total + data.length, 0);

/** Keras' recurrent layers, but for GRU, have one bias, to which this one here is added. */
const isAdded = (name: string): boolean => /(?:^|\.)hiddenBias$/.test(name);

function replaced(tensors: Tensors, by: StandIn): Tensors {
  let end = 1;
  const all = Object.entries(tensors).map(([name, { shape, data }]) => {
    const first = end;
    end += data.length;
    const numbers = new Float32Array(data.length);
    if (by.isFor(name)) for (let at = 0; at < numbers.length; at++) numbers[at] = by.number(first + at);
    return [name, { shape, data: numbers }] as const;
  });
  return Object.fromEntries(all);
}

/** The model that toKeras writes, with what stands in for its numbers. */
async function writtenBy(forward: Forward, by: StandIn) {
  const asked = { ...forward, tensors: replaced(forward.tensors, by) };
  const { inputs, outputs } = await writtenModel('keras', { forward: () => Promise.resolve(asked) });
  const ends = Object.values(outputs);
  return { ends, layers: layerOrder(ends, inputs).filter(({ weights }) => weights.length > 0) };
}

/** The arrays of that model. */
async function arraysBy(forward: Forward, by: StandIn): Promise<readonly Float32Array[]> {
  const { layers } = await writtenBy(forward, by);
  return layers.flatMap(({ weights }) => weights.map(({ data }) => data));
}

/** From where each number comes, of the tensors that are chosen. @param constants what is there without any */
async function placesOf(
  forward: Forward,
  constants: readonly Float32Array[],
  isFor: StandIn['isFor'],
): Promise<readonly Int32Array[]> {
  const digits = [(place: number) => place % BASE, (place: number) => Math.floor(place / BASE)];
  const needed = totalOf(forward.tensors) < BASE ? digits.slice(0, 1) : digits;
  const found = constants.map(({ length }) => new Int32Array(length));
  for (const [nth, digit] of needed.entries()) {
    const arrays = await arraysBy(forward, { isFor, number: digit });
    for (const [at, places] of found.entries()) {
      const [numbers, own] = [arrays[at], constants[at]];
      for (let i = 0; i < places.length; i++) places[i] += BASE ** nth * (numbers[i] - own[i]);
    }
  }
  return found;
}

/** The layers of the model that toKeras writes. */
async function ofWritten(where: string, forward: Forward): Promise<readonly ListedLayer[]> {
  const { layers, ends } = await writtenBy(forward, { isFor: () => false, number: () => 0 });
  const constants = layers.flatMap(({ weights }) => weights.map(({ data }) => data));
  const found = [await placesOf(forward, constants, (name) => !isAdded(name))];
  if (Object.keys(forward.tensors).some(isAdded)) found.push(await placesOf(forward, constants, isAdded));
  const needed = neededBy(ends);
  const listed = new Map<WrittenLayer, ListedLayer>();
  let at = 0;
  for (const layer of layers) {
    const weights = layer.weights.map(({ name, shape, data }): ListedWeight => {
      const places = found.map((each) => each[at]).filter((each) => each.some((place) => place !== 0));
      at++;
      return { title: `${name} of ${layer.name}`, shape, constant: data, places };
    });
    const needs = [...needed.get(layer)!].flatMap((other) => listed.get(other) ?? []);
    listed.set(layer, { weights, needs: new Set(needs) });
  }
  await requireCopies(where, forward, [...listed.values()]);
  return [...listed.values()];
}

/** Fails where an array is more than numbers of the model, or sums of two: by numbers that are drawn, places tell it. */
async function requireCopies(where: string, forward: Forward, layers: readonly ListedLayer[]): Promise<void> {
  const random = new Random(1, 'weights');
  const drawn = new Float32Array(totalOf(forward.tensors)).map(() => random.uniform(0.5, 1.5));
  const arrays = await arraysBy(forward, { isFor: () => true, number: (place) => drawn[place - 1] });
  const differs = layers
    .flatMap(({ weights }) => weights)
    .find((weight, at) => {
      const told = numbersOf(weight, drawn);
      return arrays[at].some((number, i) => number !== told[i]);
    });
  if (!differs) return;
  throw new FormatError(
    `[${where}] "${differs.title}" of the model in Keras is reckoned from several weights here, so that what comes for it cannot be taken apart: take layout: 'millrace'`,
  );
}

/** Fails for a tensor that is no weight in Keras. */
function requireAll(where: string, { tensors }: Forward, layers: readonly ListedLayer[]): void {
  const isThere = new Uint8Array(totalOf(tensors) + 1);
  for (const { places } of layers.flatMap(({ weights }) => weights)) {
    for (const each of places) for (const place of each) isThere[place] = 1;
  }
  let end = 1;
  for (const [name, { data }] of Object.entries(tensors)) {
    const begin = end;
    end += data.length;
    if (data.length === 0 || isThere.subarray(begin, end).includes(1)) continue;
    throw new FormatError(
      `[${where}] "${name}" is no weight of the model in Keras, where it is a constant, or left out: take layout: 'millrace'`,
    );
  }
}

/** The weights of a model that a file of Keras' is of, and no other layers, as one layer's; undefined of another one. */
function ofFile({ layers, tensors }: Forward): readonly ListedLayer[] | undefined {
  const begins = new Map<string, number>();
  let end = 1;
  for (const [name, { data }] of Object.entries(tensors)) {
    begins.set(name, end);
    end += data.length;
  }
  const orders = layers.flatMap(({ path, order }) =>
    order ? [order.map((name) => (path ? `${path}.${name}` : name))] : [],
  );
  const order = orders.find((names) => names.length === begins.size && names.every((name) => begins.has(name)));
  const weights = order?.map((title): ListedWeight => {
    const { shape } = tensors[title];
    const first = begins.get(title)!;
    const places = Int32Array.from({ length: sizeOf(shape) }, (_, at) => first + at);
    return { title, shape, constant: new Float32Array(places.length), places: [places] };
  });
  return weights && [{ weights, needs: new Set() }];
}

/**
 * A model's layers with weights as Keras' `get_weights()` lists them.
 * @throws FormatError for a model that toKeras does not write, or one of whose tensors is no weight there
 */
export async function layersListed(where: string, forward: Forward): Promise<readonly ListedLayer[]> {
  const layers = ofFile(forward) ?? (await ofWritten(where, forward));
  requireAll(where, forward, layers);
  return layers;
}
