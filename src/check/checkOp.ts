import { requireBackend, type BackendName } from '../core/places.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';
import type { Device } from '../core/globalTypes.ts';
import { Random } from '../core/random.ts';
import { requireSpec, spec, type Shape, type Spec } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import { openBackend } from '../scheduler/openBackend.ts';
import { requireDerivative } from './derivative.ts';
import { requireFaithful } from './launches.ts';
import { fieldName, fill, opGraph, ordinary, type Batch, type Make } from './opGraph.ts';

/** How an op is checked. */
export interface CheckOptions {
  /** A number for an input, which are counted from 0; normal ones, or integers 0 … 4, if left out. Keep off kinks. */
  readonly make?: (random: Random, input: number) => number;
  /** False for an op through which no gradient flows. */
  readonly differentiable?: boolean;
  /** False where NaN and infinity do not come in, or the reference says nothing of them. */
  readonly special?: boolean;
  /** Fixes the numbers; another one for each call if left out. */
  readonly seed?: number;
  /** As of `createTrainer`: 'webgpu' if left out. On the CPU the reference is run in f32, and no kernel. */
  readonly backend?: BackendName;
  /** A device of one's own, which stays its owner's. */
  readonly device?: Device;
}

/** What was checked. */
export interface OpCheck {
  /** The adapter's or the processor's name. */
  readonly adapter: string;
  /** Nodes that were held against their references, in all runs together. */
  readonly checked: number;
  /** Elements of the inputs that were moved to hold the derivative against difference quotients. */
  readonly moved: number;
  readonly seed: number;
}

const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, 1e30, -1e30, 100, -100];
/** The special numbers' first ones: three rounds bring each into even a small input. */
export const SHIFTS = [0, 3, 6];

/**
 * A batch in which every second number of an input is a special one.
 * @param at the input   @param shift the number of the first special one
 */
export function withSpecial(batch: Batch, at: number, shift: number): Batch {
  const numbers = batch[fieldName(at)].slice();
  for (let i = 0; i < numbers.length; i += 2) numbers[i] = SPECIAL[(i + shift) % SPECIAL.length];
  return { ...batch, [fieldName(at)]: numbers };
}

const specsFrom = (inputs: readonly (Shape | Spec)[]): Spec[] =>
  inputs.map((given) => {
    const one = Array.isArray(given) ? spec(given as Shape) : (given as Spec);
    requireSpec('checkOp', one);
    return one;
  });

/**
 * Holds an op against its own reference, on random numbers: each launch of it and of its derivative within the bound that
 * `accuracy` states, with the same bits twice; the derivative against central differences in f64; NaN and infinity out
 * where the reference has them.
 * @param op uses it, on as many values as there are inputs   @param inputs a shape, of f32, or a spec for each
 * @throws DataError naming the first number that strays, or what is no option; DeviceError where there is no device
 */
export async function checkOp(
  op: (...inputs: Value[]) => Value | readonly Value[],
  inputs: readonly (Shape | Spec)[],
  options: CheckOptions = {},
): Promise<OpCheck> {
  requireKind('checkOp', 'the op', op, typeof op === 'function', 'a function of values, as relu');
  requireKind('checkOp', 'inputs', inputs, Array.isArray(inputs), 'a list of shapes or specs, as [[4, 3]]');
  const { make, differentiable, special, seed, backend, device } = optionsOf('checkOp', options, {
    make: undefined,
    differentiable: true,
    special: true,
    seed: Date.now() % 1_000_000_007,
    backend: 'webgpu',
    device: undefined,
  });
  requireBackend('checkOp', backend);
  requireKind('checkOp', 'make', make, !make || typeof make === 'function', 'a function of random and input');
  const isDevice = device === undefined || 'createBuffer' in Object(device);
  requireKind('checkOp', 'device', device, isDevice, 'a GPUDevice, as await requestDevice()');
  const specs = specsFrom(inputs);
  const random = new Random(seed, 'checkOp');
  const makeFor = (at: number): Make => (make ? () => make(random, at) : ordinary(specs[at]));
  const batch: Batch = Object.fromEntries(specs.map((one, at) => [fieldName(at), fill(one, random, makeFor(at))]));
  const whole = opGraph((values) => op(...values), specs, random, differentiable ? undefined : []);
  const moved = requireDerivative(whole, batch, seed);
  const opened = await openBackend({ backend, device }, { fuse: false });
  try {
    let checked = await requireFaithful(opened.backend, whole.graph, batch, seed);
    const { graph } = opGraph((values) => op(...values), specs, random, []);
    for (const [at, { dtype }] of special ? specs.entries() : []) {
      for (const shift of dtype === 'f32' ? SHIFTS : []) {
        checked += await requireFaithful(opened.backend, graph, withSpecial(batch, at, shift), seed);
      }
    }
    return { adapter: opened.backend.adapter, checked, moved, seed };
  } finally {
    opened.backend.destroy();
    opened.owned?.destroy();
  }
}
