import { isRecord } from '../../data/safetensorsHeader.ts';
import type { Value } from '../../graph/graph.ts';
import {
  elu,
  gelu,
  leakyRelu,
  logSigmoid,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../ops/pointwise/activations.ts';
import {
  abs,
  add,
  div,
  greater,
  maximum,
  minimum,
  mul,
  neg,
  sub,
  where as choose,
} from '../../ops/pointwise/arithmetic.ts';
import { exp, sqrt } from '../../ops/pointwise/elementary.ts';
import { logSoftmax, softmax } from '../../ops/losses/softmax.ts';
import { slice } from '../../ops/shaping/pieces.ts';
import { activationLayers } from './layers/activations.ts';
import type { LayerOptions, Writer } from './layerOptions.ts';
import { refuse } from './refusal.ts';

/* Activations by the names that Keras and TensorFlow.js give them. */

export type Activation = (x: Value) => Value<'f32'>;

/** x between two bounds. */
export const clip = (x: Value, low: number, high: number): Value<'f32'> => minimum(maximum(x, low), high);

const hardSigmoid: Activation = (x) => div(clip(add(x, 3), 0, 6), 6);
/** As Keras 2 and TensorFlow.js have it: steeper. */
const hardSigmoid2: Activation = (x) => clip(add(mul(x, 0.2), 0.5), 0, 1);
const zeroWithin = (x: Value, bound: number): Value<'f32'> => choose(greater(abs(x), bound), x, 0) as Value<'f32'>;

const HALF = 0.5; // the threshold of both shrinking functions in keras.activations

const sparsePlus: Activation = (x) => {
  const square = clip(add(x, 1), 0, 2);
  return add(mul(mul(square, square), 0.25), relu(sub(x, 1)));
};

const glu: Activation = (x) => {
  const { shape } = x.spec;
  const half = shape.at(-1)! / 2;
  const part = (start: number): Value => slice(x, [...shape.slice(1).map(() => null), { start, end: start + half }]);
  return mul(part(0), sigmoid(part(half)));
};

/** What both Keras and TensorFlow.js know. */
export const activations: Readonly<Record<string, Activation>> = {
  linear: (x) => x as Value<'f32'>,
  relu,
  relu6: (x) => clip(x, 0, 6),
  leaky_relu: (x) => leakyRelu(x, { slope: 0.2 }),
  elu: (x) => elu(x),
  celu: (x) => elu(x),
  selu,
  gelu: (x) => gelu(x),
  gelu_new: (x) => gelu(x, { approximate: 'tanh' }),
  silu,
  swish: silu,
  hard_silu: (x) => mul(x, hardSigmoid(x)),
  hard_swish: (x) => mul(x, hardSigmoid(x)),
  sigmoid,
  hard_sigmoid: hardSigmoid,
  sparse_sigmoid: (x) => clip(mul(add(x, 1), 0.5), 0, 1),
  log_sigmoid: logSigmoid,
  softplus,
  squareplus: (x) => mul(add(x, sqrt(add(mul(x, x), 4))), 0.5),
  sparse_plus: sparsePlus,
  softsign: (x) => div(x, add(abs(x), 1)),
  tanh,
  hard_tanh: (x) => clip(x, -1, 1),
  tanh_shrink: (x) => sub(x, tanh(x)),
  hard_shrink: (x) => zeroWithin(x, HALF),
  soft_shrink: (x) => sub(relu(sub(x, HALF)), relu(sub(neg(x), HALF))),
  exponential: exp,
  mish: (x) => mul(x, tanh(softplus(x))),
  glu,
  softmax: (x) => softmax(x),
  log_softmax: (x) => logSoftmax(x),
};

/** TensorFlow.js' own spelling, as `hardSigmoid`, in Keras'. */
const spelled = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** @throws FormatError for a name that is none */
export function activationOf(where: string, name: string, writer: Writer): Activation {
  const own = spelled(name);
  if (own === 'hard_sigmoid' && writer !== 'keras 3') return hardSigmoid2;
  if (Object.hasOwn(activations, own)) return activations[own];
  refuse(where, `has the activation "${name}", which is not among those read`, Object.keys(activations).join(', '));
}

/** The name of a function in a config, alone or as an object of a function. */
function functionIn(given: unknown): string | undefined {
  if (given === null || given === undefined) return 'linear';
  if (typeof given === 'string') return given;
  if (!isRecord(given) || given['class_name'] !== 'function') return undefined;
  return typeof given['config'] === 'string' ? given['config'] : undefined;
}

/** A layer's activation: a function by its name, or a layer without weights. */
export interface Activated {
  /** Of a function: what it is called. */
  readonly name: string;
  readonly f: Activation;
}

/** The activation that an option says. @throws FormatError for one that is not read */
export function activationIn(options: LayerOptions, name = 'activation', usual = 'linear'): Activated {
  const given = options.raw(name);
  const called = given === undefined ? usual : functionIn(given);
  if (called !== undefined) return { name: spelled(called), f: activationOf(options.where, called, options.writer) };
  const { class_name: className, config } = Object(given) as Record<string, unknown>;
  if (typeof className === 'string' && Object.hasOwn(activationLayers, className) && isRecord(config)) {
    const own = options.within(`${name} ${className}`, config);
    const f = activationLayers[className](own);
    own.end();
    return { name: className, f };
  }
  refuse(
    options.where,
    `has an ${name} that is no function of Keras' by name`,
    `save the model with one of ${Object.keys(activations).join(', ')}`,
  );
}
