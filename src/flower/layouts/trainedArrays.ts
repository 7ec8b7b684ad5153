import { FormatError } from '../../core/errors.ts';
import { formatSpec, spec, type Shape } from '../../core/shape.ts';
import { writeSafetensors, type Tensor } from '../../data/safetensors.ts';
import type { NumpyArray } from '../../interop/numpy/npy.ts';
import type { Forward } from '../../train/emission/forward.ts';
import type { Trainer } from '../../train/trainer.ts';
import type { NamedArrays } from '../options.ts';

/*
 * What is shared in a run is what training goes on from: the parameters themselves, also where a trainer keeps averages of
 * them. Averages that begin anew in each round lag behind by design, so an average of the nodes' averages hardly moves; here
 * they are a node's own, and begin at what came. What layers keep, as running averages, is shared as it is.
 */

/** What a message's arrays are called in messages of ours. */
export const WHAT_CAME = 'the arrays that came';
/** What goes into a trainer beside them, once they are known to be numbers. */
const WHAT_IS_KEPT = 'what this node keeps for itself';

export type Tensors = ReadonlyMap<string, Tensor>;

/** What a trainer computes, and what it is training: no averages of it. */
export const trainedForward = (trainer: Trainer): Promise<Forward> => trainer.forward({ averages: false });

/** Puts tensors, by the names that they have here, into a trainer: all of them, or, where one is no number, none. */
export async function putInto(trainer: Trainer, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
  await trainer.loadWeights(writeSafetensors({ tensors, metadata: {} }), WHAT_IS_KEPT);
}

const numbersOf = (name: string, { data }: NumpyArray): Float32Array => {
  if (data instanceof Float32Array) return data;
  const floats = Float32Array.from(data);
  const lost = floats.findIndex((number, at) => number !== data[at]);
  if (lost < 0) return floats;
  throw new FormatError(
    `[joinFlower] "${name}" came as integers, and f32 does not have its element ${lost}, ${data[lost]}: send weights as float32`,
  );
};

/** Arrays as weights are, in f32. @throws FormatError for an integer that f32 does not have */
export const floatsIn = (arrays: NamedArrays): Tensors =>
  new Map(Array.from(arrays, ([name, array]) => [name, { shape: array.shape, data: numbersOf(name, array) }]));

const formatted = (shape: Shape): string => formatSpec(spec(shape));

/** As many as a message names. */
const MOST_NAMED = 8;

/** "fc.weight" f32[10, 784], "fc.bias" f32[10]. */
function listOf(arrays: NamedArrays): string {
  const all = Array.from(arrays, ([name, { shape }]) => `"${name}" ${formatted(shape)}`);
  const more = all.length > MOST_NAMED ? [`and ${all.length - MOST_NAMED} more`] : [];
  return [...all.slice(0, MOST_NAMED), ...more].join(', ');
}

/** What an array of a run is to be. */
interface Expected {
  readonly shape: Shape;
  /** What it is, where its name does not tell: `kernel of dense`. */
  readonly title?: string;
}

/** @throws FormatError for an array that is missing, of another shape, no numbers, or too many */
export function requireSame(expected: ReadonlyMap<string, Expected>, came: NamedArrays): void {
  for (const [name, { shape, title }] of expected) {
    const own = title === undefined ? '' : `, ${title},`;
    const found = came.get(name);
    if (!found) {
      const others = came.size === 0 ? 'of which there are none' : `which are ${listOf(came)}`;
      throw new FormatError(
        `[joinFlower] "${name}"${own} is ${formatted(shape)} here but not among ${WHAT_CAME}, ${others}: begin the run with arrays of this model, as a query to a node brings them, or say by layout, and names, whose they are`,
      );
    }
    if (found.shape.join() !== shape.join()) {
      throw new FormatError(
        `[joinFlower] "${name}"${own} is ${formatted(shape)} here but came as ${formatted(found.shape)}: let all nodes and the ServerApp have the same model, or say by layout whose arrays they are`,
      );
    }
    const bad = found.data.find((number) => !Number.isFinite(number));
    if (bad === undefined) continue;
    throw new FormatError(
      `[joinFlower] "${name}"${own} came with ${bad}, as where training has diverged at a node: begin the run anew, with a smaller learning rate`,
    );
  }
  const left = new Map([...came].filter(([name]) => !expected.has(name)));
  if (left.size === 0) return;
  throw new FormatError(
    `[joinFlower] ${listOf(left)} came, which the model here lacks: let all nodes and the ServerApp have the same model`,
  );
}
