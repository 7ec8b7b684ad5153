import type { Value } from '../../../graph/graph.ts';
import { elu, leakyRelu, relu } from '../../../ops/pointwise/activations.ts';
import { add, greater, minimum, mul, neg, sub, where } from '../../../ops/pointwise/arithmetic.ts';
import { softmax } from '../../../ops/losses/softmax.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { sameMask, stepwise, type Definitions } from '../kerasLayer.ts';
import { alongLayout } from '../layouts.ts';
import { refuse } from '../refusal.ts';

/* Layers that are functions of each element, but for softmax. */

const SLOPE = 0.3; // LeakyReLU's own, where keras.activations.leaky_relu has 0.2

/** Keras 3 says `negative_slope` where Keras 2 and TensorFlow.js say `alpha`. */
const slopeOf = (options: LayerOptions, usual: number): number => {
  const alpha = options.numberOrNone('alpha');
  return options.numberOrNone('negative_slope') ?? alpha ?? usual;
};

interface Bent {
  readonly slope: number;
  readonly most: number | null;
  readonly threshold: number;
}

/** Below the threshold slope · (x − threshold), above it x, at most `most`. */
function bent(x: Value, { slope, most, threshold }: Bent): Value<'f32'> {
  const above = (threshold === 0 ? relu(x) : where(greater(x, threshold), x, 0)) as Value<'f32'>;
  const clipped = most === null ? above : minimum(above, most);
  if (slope === 0) return clipped;
  if (most === null && threshold === 0) return leakyRelu(x, { slope });
  return sub(clipped, mul(relu(add(neg(x), threshold)), slope));
}

/** Softmax along one axis. */
function softmaxAlong(x: Value, axis: number): Value<'f32'> {
  const rank = x.spec.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (at === rank - 1) return softmax(x);
  const order = Array.from({ length: rank }, (_, each) => each).map((each) =>
    each === at ? rank - 1 : each === rank - 1 ? at : each,
  );
  return transpose(softmax(transpose(x, order)), order);
}

function axisOf(options: LayerOptions): number {
  const axes = options.integers('axis', [-1]);
  if (axes.length === 1) return axes[0];
  refuse(options.where, `has ${axes.length} axes of softmax`, 'one is read');
}

/** Those that may stand for another layer's activation. */
export const activationLayers: Readonly<Record<string, (options: LayerOptions) => (x: Value) => Value<'f32'>>> = {
  ReLU(options) {
    const told = {
      slope: slopeOf(options, 0),
      most: options.numberOrNone('max_value'),
      threshold: options.number('threshold', 0),
    };
    return (x) => bent(x, told);
  },
  LeakyReLU(options) {
    const slope = slopeOf(options, SLOPE);
    return (x) => leakyRelu(x, { slope });
  },
  ELU(options) {
    const alpha = options.number('alpha', 1);
    return (x) => elu(x, { alpha });
  },
  ThresholdedReLU(options) {
    const theta = options.number('theta', 1);
    return (x) => where(greater(x, theta), x, 0) as Value<'f32'>;
  },
  Softmax(options) {
    const axis = axisOf(options);
    return (x) => softmaxAlong(x, axis);
  },
};

export const activationDefinitions: Definitions = {
  ...Object.fromEntries(
    Object.entries(activationLayers).map(([name, read]) => [
      name,
      (options) => {
        const f = read(options);
        return stepwise((x) => (name === 'Softmax' ? f(x) : alongLayout(x, f)));
      },
    ]),
  ),
  PReLU(options) {
    const shared = options.integers('shared_axes', []);
    return {
      weights: [{ name: 'alpha' }],
      apply({ x, weights: { alpha } }) {
        const extents = x.spec.shape.slice(1).map((extent, axis) => (shared.includes(axis + 1) ? 1 : extent));
        const slopes = reshape(alpha, extents);
        return sub(relu(x), mul(slopes, relu(neg(x))));
      },
      mask: sameMask,
    };
  },
};
