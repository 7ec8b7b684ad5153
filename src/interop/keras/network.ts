import { ShapeError } from '../../core/errors.ts';
import { formatSpec, sameShape, sizeOf, spec } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { reshape } from '../../ops/shaping/views.ts';
import type { Argument, NumberArray, Reference } from './calls.ts';
import type { ModelGraph, ModelInput, Step } from './graph.ts';
import {
  isHeld,
  type CallArgument,
  type Called,
  type Given,
  type Held,
  type KerasLayer,
  type NamedLayer,
} from './kerasLayer.ts';
import { refuse } from './refusal.ts';

/* A model's layers, used one behind the other on values, with their masks. */

/** What any layer may be called with, and what it then says. */
const OF_ALL = ['training', 'mask'];

/** All values of some arguments, in order. */
const heldIn = (given: CallArgument): readonly Held[] => {
  if (isHeld(given)) return [given];
  if (Array.isArray(given)) return given.flatMap(heldIn);
  if (typeof given !== 'object' || given === null) return [];
  const entries = given as Readonly<Record<string, CallArgument>>;
  return Object.keys(entries)
    .sort()
    .flatMap((name) => heldIn(entries[name]));
};

const constantOf = ({ shape, data, isWhole }: NumberArray): Value =>
  isWhole ? constant(Int32Array.from(data), spec(shape, 'i32')) : constant(data, spec(shape));

type Results = ReadonlyMap<string, readonly Held[]>;

function resolved(where: string, argument: Argument, results: Results): CallArgument {
  if ('reference' in argument) return resultOf(where, argument.reference, results);
  if ('list' in argument) return argument.list.map((each) => resolved(where, each, results));
  if ('literal' in argument) return argument.literal;
  if ('range' in argument) return argument.range;
  if ('array' in argument) return { value: constantOf(argument.array) };
  return Object.fromEntries(
    Object.entries(argument.entries).map(([name, each]) => [name, resolved(where, each, results)]),
  );
}

function resultOf(where: string, { layer, call, tensor }: Reference, results: Results): Held {
  const found = results.get(`${layer}/${call}`)?.[tensor];
  if (found) return found;
  refuse(where, `needs result ${tensor} of ${layer}, which gives fewer`, 'the file was damaged');
}

/** Values that are called with masks of their own. */
function masked(inputs: readonly Held[], mask: CallArgument | undefined): readonly Held[] {
  const masks = mask === undefined ? [] : Array.isArray(mask) ? mask : [mask];
  return inputs.map((held, at) => {
    const own: unknown = masks[at];
    return isHeld(own) ? { value: held.value, mask: own.value } : held;
  });
}

function stepGiven(where: string, { args, named }: Step, layer: KerasLayer, results: Results): Called {
  const given = args.map((each) => resolved(where, each, results));
  const told = Object.fromEntries(Object.entries(named).map(([name, each]) => [name, resolved(where, each, results)]));
  for (const [name, value] of Object.entries(told)) {
    const isKnown = OF_ALL.includes(name) || layer.named?.includes(name) || value === null || value === false;
    if (!isKnown) refuse(where, `is called with ${name}`, 'nothing is known of it here, so leave it out');
  }
  if (told['training'] === true) {
    refuse(where, 'is called with training=True, in evaluation too', 'leave it out');
  }
  const inputs = [...given.flatMap(heldIn), ...(given.some((each) => heldIn(each).length > 0) ? [] : heldIn(told))];
  return { inputs: masked(inputs, told['mask']), args: given, named: told };
}

const ones = (extents: readonly number[]): number[] => extents.filter((extent) => extent !== 1);

/** A model's value as its layers take it: of its input's extents, and in floats unless it is of whole numbers. */
export function asInput(where: string, { name, shape, isWhole }: ModelInput, { value, mask }: Held): Held {
  const numbers = !isWhole && value.spec.dtype !== 'f32' ? cast(value, 'f32') : value;
  const own = value.spec.shape;
  const isAlike = (extents: readonly (number | null)[]): boolean =>
    extents.length === own.length &&
    extents.every((extent, axis) => axis === 0 || extent === null || extent === own[axis]);
  if (!shape || isAlike(shape)) return { value: numbers, mask };
  const known = shape.slice(1);
  // As images of one channel, which may come without an axis for it.
  const apart = [own[0], ...known.map((extent) => extent ?? -1)];
  if (!known.includes(null) && sizeOf(apart) === sizeOf(own) && sameShape(ones(apart.slice(1)), ones(own.slice(1)))) {
    return { value: reshape(numbers, apart), mask };
  }
  throw new ShapeError(
    `[keras] ${where} is given ${formatSpec(value.spec)} for "${name}" but takes [${shape.map((extent) => extent ?? 'any').join(', ')}], samples first`,
  );
}

/** A model as a layer: from its inputs, in their order, to its outputs. */
export function networkOf(where: string, graph: ModelGraph, layers: readonly NamedLayer[]): KerasLayer {
  const known = new Map(layers.map((each) => [each.name, each]));
  const run = (given: Given): readonly Held[] => {
    const results = new Map<string, readonly Held[]>();
    if (given.inputs.length !== graph.inputs.length) {
      refuse(where, `is called with ${given.inputs.length} values`, `it has ${graph.inputs.length} inputs`);
    }
    graph.inputs.forEach((input, at) => results.set(`${input.name}/0`, [asInput(where, input, given.inputs[at])]));
    for (const step of graph.steps) {
      const { name, className, layer } = known.get(step.layer)!;
      const own = stepGiven(`layer "${name}" (${className})`, step, layer, results);
      const [first, ...others] = given.use(name, own);
      results.set(step.key, [{ ...first, mask: first.mask ?? layer.mask?.(own.inputs) }, ...others]);
    }
    return graph.outputs.map(({ of }) => resultOf(where, of, results));
  };
  return { weights: [], layers, apply: run };
}
