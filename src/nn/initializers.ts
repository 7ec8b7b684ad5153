import { ShapeError } from '../core/errors.ts';
import { requireFinite, requireKind } from '../core/argumentChecks.ts';
import type { Random } from '../core/random.ts';
import { requireShape, sizeOf, type Shape } from '../core/shape.ts';

/** The law of a parameter's first values, with Keras' names. Fan-in and fan-out are those of a weight `[in, out]`. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

/** How many values a parameter has. The likeliest slip is `weightInitial: heNormal()`. */
function countOf(shape: Shape): number {
  requireShape('initializer', 'shape', shape, 'given by the layer: hand heNormal on, without calling it');
  return sizeOf(shape);
}

/** Values per output, and outputs per value; leading axes are a kernel's window. Source: Glorot and Bengio 2010. */
function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  const count = countOf(shape);
  if (shape.length < 2) return { fanIn: count, fanOut: count };
  const window = sizeOf(shape.slice(0, -2));
  const [fanIn, fanOut] = shape.slice(-2) as [number, number];
  return { fanIn: window * fanIn, fanOut: window * fanOut };
}

/** As many draws as the shape says. */
function fill(shape: Shape, random: Random, draw: () => number): Float32Array {
  const length = countOf(shape);
  requireKind('initializer', 'random', random, 'normal' in Object(random), 'a Random, as new Random(seed, name)');
  return Float32Array.from({ length }, draw);
}

/** The same number everywhere. */
const filled = (shape: Shape, value: number): Float32Array => new Float32Array(countOf(shape)).fill(value);

/** Beyond two deviations a draw is thrown away. */
function truncated(random: Random, deviation: number): number {
  for (;;) {
    const draw = random.normal();
    if (Math.abs(draw) <= 2) return draw * deviation;
  }
}

/** The deviation of a standard normal cut at ±2. */
const TRUNCATED_DEVIATION = 0.87962566103423978;

type Fan = 'in' | 'out' | 'average';

function varianceScaling(scale: number, fan: Fan, law: 'uniform' | 'normal'): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf(shape);
    const divisor = { in: fanIn, out: fanOut, average: (fanIn + fanOut) / 2 }[fan];
    const variance = scale / Math.max(1, divisor);
    if (law === 'uniform') {
      const limit = Math.sqrt(3 * variance);
      return fill(shape, random, () => random.uniform(-limit, limit));
    }
    const deviation = Math.sqrt(variance) / TRUNCATED_DEVIATION;
    return fill(shape, random, () => truncated(random, deviation));
  };
}

/** Variance 2 / (fan-in + fan-out), for sigmoid and tanh. Source: Glorot and Bengio 2010. */
export const glorotUniform: Initializer = varianceScaling(1, 'average', 'uniform');
/** The same variance as `glorotUniform`, by a normal law. Source: Glorot and Bengio 2010. */
export const glorotNormal: Initializer = varianceScaling(1, 'average', 'normal');
/** Variance 2 / fan-in, for ReLU. Source: He et al. 2015. */
export const heUniform: Initializer = varianceScaling(2, 'in', 'uniform');
/** The same variance as `heUniform`, by a normal law. Source: He et al. 2015. */
export const heNormal: Initializer = varianceScaling(2, 'in', 'normal');
/** Variance 1 / fan-in, for SELU. Source: LeCun et al. 1998. */
export const lecunUniform: Initializer = varianceScaling(1, 'in', 'uniform');
/** The same variance as `lecunUniform`, by a normal law. Source: LeCun et al. 1998. */
export const lecunNormal: Initializer = varianceScaling(1, 'in', 'normal');

/** Zeros, as biases begin with. */
export const zeros: Initializer = (shape) => filled(shape, 0);
/** Ones, as gains of norms begin with. */
export const ones: Initializer = (shape) => filled(shape, 1);

/** The same number everywhere. @throws DataError unless it is finite */
export function constantValue(value: number): Initializer {
  requireFinite('constantValue', 'value', value);
  return (shape) => filled(shape, value);
}

/** Numbers evenly between `low`, 0 by default, and `high`, 1. @throws DataError unless both are finite */
export function randomUniform(low = -0.05, high = 0.05): Initializer {
  requireFinite('randomUniform', 'low', low);
  requireFinite('randomUniform', 'high', high, low);
  return (shape, random) => fill(shape, random, () => random.uniform(low, high));
}

/** Normal numbers, of mean 0 and deviation 1 by default. @throws DataError unless both are finite, and the deviation not below 0 */
export function randomNormal(mean = 0, deviation = 0.05): Initializer {
  requireLaw('randomNormal', mean, deviation);
  return (shape, random) => fill(shape, random, () => random.normal(mean, deviation));
}

/** Normal, but for what lies further than two deviations from the mean. @throws as `randomNormal` does */
export function truncatedNormal(mean = 0, deviation = 0.05): Initializer {
  requireLaw('truncatedNormal', mean, deviation);
  return (shape, random) => fill(shape, random, () => mean + truncated(random, deviation));
}

function requireLaw(where: string, mean: number, deviation: number): void {
  requireFinite(where, 'mean', mean);
  requireFinite(where, 'deviation', deviation, 0);
}

/** Numbers of one's own: weights from elsewhere. @throws DataError for what are none; ShapeError where they are not as many */
export function fromValues(values: ArrayLike<number>): Initializer {
  const numbers = Array.from(Object(values) as ArrayLike<number>);
  const are = numbers.length > 0 && numbers.every(Number.isFinite);
  requireKind('fromValues', 'values', values, are, 'one flat list of finite numbers');
  return (shape) => {
    if (numbers.length !== countOf(shape)) {
      throw new ShapeError(
        `[fromValues] ${numbers.length} values were given for a parameter [${shape.join(', ')}]: give ${sizeOf(shape)}`,
      );
    }
    return Float32Array.from(numbers);
  };
}

/** Uniform in ±1 / √fanIn: PyTorch's default for weight and bias of its linear layer. @throws DataError for no fan-in */
export function torchUniform(fanIn: number): Initializer {
  requireFinite('torchUniform', 'fanIn', fanIn, 1);
  const limit = 1 / Math.sqrt(fanIn);
  return (shape, random) => fill(shape, random, () => random.uniform(-limit, limit));
}
