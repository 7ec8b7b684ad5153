import { ShapeError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { sizeOf, type Shape } from '../core/shape.ts';

/** The law of a parameter's first values, with Keras' names. Fan-in and fan-out are those of a weight `[in, out]`. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

/** Values per output, and outputs per value; leading axes are a kernel's window. Source: Glorot and Bengio 2010. */
function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: sizeOf(shape), fanOut: sizeOf(shape) };
  const window = sizeOf(shape.slice(0, -2));
  const [fanIn, fanOut] = shape.slice(-2) as [number, number];
  return { fanIn: window * fanIn, fanOut: window * fanOut };
}

const fill = (shape: Shape, draw: () => number): Float32Array => Float32Array.from({ length: sizeOf(shape) }, draw);

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
      return fill(shape, () => random.uniform(-limit, limit));
    }
    const deviation = Math.sqrt(variance) / TRUNCATED_DEVIATION;
    return fill(shape, () => truncated(random, deviation));
  };
}

/** Variance 2 / (fan-in + fan-out), for sigmoid and tanh. Source: Glorot and Bengio 2010. */
export const glorotUniform: Initializer = varianceScaling(1, 'average', 'uniform');
export const glorotNormal: Initializer = varianceScaling(1, 'average', 'normal');
/** Variance 2 / fan-in, for ReLU. Source: He et al. 2015. */
export const heUniform: Initializer = varianceScaling(2, 'in', 'uniform');
export const heNormal: Initializer = varianceScaling(2, 'in', 'normal');
/** Variance 1 / fan-in, for SELU. Source: LeCun et al. 1998. */
export const lecunUniform: Initializer = varianceScaling(1, 'in', 'uniform');
export const lecunNormal: Initializer = varianceScaling(1, 'in', 'normal');

export const zeros: Initializer = (shape) => new Float32Array(sizeOf(shape));
export const ones: Initializer = (shape) => new Float32Array(sizeOf(shape)).fill(1);

/** The same number everywhere. */
export const constantValue =
  (value: number): Initializer =>
  (shape) =>
    new Float32Array(sizeOf(shape)).fill(value);

export const randomUniform =
  (low = -0.05, high = 0.05): Initializer =>
  (shape, random) =>
    fill(shape, () => random.uniform(low, high));

export const randomNormal =
  (mean = 0, deviation = 0.05): Initializer =>
  (shape, random) =>
    fill(shape, () => random.normal(mean, deviation));

export const truncatedNormal =
  (mean = 0, deviation = 0.05): Initializer =>
  (shape, random) =>
    fill(shape, () => mean + truncated(random, deviation));

/** Numbers of one's own: weights from elsewhere. */
export const fromValues =
  (values: ArrayLike<number>): Initializer =>
  (shape) => {
    if (values.length !== sizeOf(shape)) {
      throw new ShapeError(
        `[fromValues] ${values.length} values were given for a parameter [${shape.join(', ')}]: give ${sizeOf(shape)}`,
      );
    }
    return Float32Array.from(values);
  };

/** Uniform in ±1 / √fanIn: PyTorch's default for weight and bias of its linear layer. */
export const torchUniform =
  (fanIn: number): Initializer =>
  (shape, random) => {
    const limit = 1 / Math.sqrt(fanIn);
    return fill(shape, () => random.uniform(-limit, limit));
  };
