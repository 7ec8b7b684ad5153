import { optionsOf } from '../../core/argumentChecks.ts';
import type { Word } from '../../core/launch.ts';
import type { WasmWork } from '../../core/wasmLaunch.ts';
import { sizeOf, type Spec } from '../../core/shape.ts';
import { applyOne, type Node, type Op, type Value } from '../../graph/graph.ts';
import {
  forEachTap,
  fourWide,
  inFours,
  launchOf,
  onImages,
  poolInWasm,
  resized,
  tapsOf,
  windowsOf,
  wordsOf,
  type PoolOptions,
  type Windows,
} from './pooling.ts';
import type { Pair } from '../convolution/spatial.ts';
import spreadKernel from '../../../shaders/pooling/windowSpread.wgsl?raw';
import sumKernel from '../../../shaders/pooling/windowSum.wgsl?raw';

/* Sums over windows, and what spreads them over the windows again: linear, and each other's transpose and derivative. */

export interface WindowSums extends Windows {
  /** What each sum is divided by: a number, or as many elements as its window has inside the image. */
  readonly divisor: number | 'inside';
}

/** What each window's sum is divided by. */
function divisorsOf(images: Spec, attrs: WindowSums): ArrayLike<number> {
  const { divisor, output } = attrs;
  const divisors = new Float64Array(sizeOf(resized(images, output).shape));
  if (divisor !== 'inside') return divisors.fill(divisor);
  forEachTap(images, attrs, (_, window) => divisors[window]++);
  return divisors;
}

const uniformOf = (attrs: WindowSums): Word[] => [
  ...wordsOf(attrs),
  { f32: attrs.divisor === 'inside' ? 0 : attrs.divisor },
];

const inWasm = (kernel: string, node: Node<WindowSums>): WasmWork | undefined => {
  const { divisor } = node.attrs;
  return poolInWasm(kernel, node, node.attrs, node.outputs[0].spec, { factor: divisor === 'inside' ? 0 : 1 / divisor });
};

/** The two ops, of such names. */
export function windowSums(
  sumName: string,
  spreadName: string,
): {
  sum: Op<WindowSums, 'f32'>;
  spread: Op<WindowSums, 'f32'>;
} {
  const sum: Op<WindowSums, 'f32'> = {
    name: sumName,
    epilogue: true,
    infer: ([x], { output }) => [resized(x, output)],
    cpu([x], [y], { inputs, attrs }) {
      const divisors = divisorsOf(inputs[0].spec, attrs);
      y.fill(0);
      forEachTap(inputs[0].spec, attrs, (from, to) => (y[to] += x[from]));
      for (let i = 0; i < y.length; i++) y[i] /= divisors[i];
    },
    gpu(node) {
      const fours = inFours(node.outputs[0].spec) ? fourWide('y') : undefined;
      return [launchOf(node, sumKernel, fours, uniformOf(node.attrs))];
    },
    wasm: (node) => inWasm('windowSum', node),
    flops: ({ inputs, attrs }) => tapsOf(inputs[0].spec, attrs),
    accuracy: ({ attrs }) => ({ ulps: 2 * sizeOf(attrs.window) + 8, magnitude: 'terms' }),
    vjp: ([dY], { attrs }) => [dY && applyOne(spread, [dY], attrs)],
  };
  const spread: Op<WindowSums, 'f32'> = {
    name: spreadName,
    epilogue: true,
    infer: ([x], { input }) => [resized(x, input)],
    cpu([x], [y], { outputs, attrs }) {
      const divisors = divisorsOf(outputs[0].spec, attrs);
      y.fill(0);
      forEachTap(outputs[0].spec, attrs, (to, from) => (y[to] += x[from] / divisors[from]));
    },
    gpu(node) {
      const fours = inFours(node.outputs[0].spec) ? fourWide('y') : undefined;
      return [launchOf(node, spreadKernel, fours, uniformOf(node.attrs))];
    },
    wasm: (node) => inWasm('windowSpread', node),
    flops: ({ inputs, attrs }) => tapsOf(inputs[0].spec, attrs),
    accuracy: ({ attrs }) => ({ ulps: 2 * sizeOf(attrs.window) + 8, magnitude: 'terms' }),
    vjp: ([dY], { attrs }) => [dY && applyOne(sum, [dY], attrs)],
  };
  return { sum, spread };
}

const average = windowSums('averagePool', 'averagePoolGrad');

/** What `averagePool` may be told. */
export interface AveragePoolOptions extends PoolOptions {
  /**
   * Whether padding counts as zeros that are averaged too, PyTorch's `count_include_pad`, which is true there; false if
   * left out, as in Keras and TensorFlow: the average of what lies inside the image.
   */
  readonly countPadding?: boolean;
}

/**
 * The average of each window, channel by channel.
 * @param x `[N, H, W, C]`, or `[N, H, W]` of one channel   @param window rows and columns
 * @returns the same axes, (H + padding − window) / stride + 1 rows, rounded down
 * @throws ShapeError if x is no such images or a window does not fit; DataError for a window, stride or padding that is
 * none, or padding that a window would lie in alone
 */
export function averagePool(x: Value, window: Pair, options?: AveragePoolOptions): Value<'f32'> {
  const usual = { stride: undefined, padding: 'valid', countPadding: false } as const;
  const { countPadding, stride = window, padding } = optionsOf('averagePool', options, usual);
  return onImages('averagePool', x, (images) => {
    const windows = windowsOf('averagePool', images.spec, window, { stride, padding });
    const divisor = countPadding || isInside(windows) ? sizeOf(windows.window) : 'inside';
    return applyOne(average.sum, [images], { ...windows, divisor });
  });
}

/** Whether no window reaches beyond the image. */
const isInside = ({ window, stride, before, input, output }: Windows): boolean =>
  [0, 1].every((axis) => before[axis] === 0 && (output[axis] - 1) * stride[axis] + window[axis] <= input[axis]);
