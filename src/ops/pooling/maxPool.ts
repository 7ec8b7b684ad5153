import { sizeOf, type Spec } from '../../core/shape.ts';
import type { Kernel } from '../../core/launch.ts';
import { apply, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { bytesOf } from '../../graph/work.ts';
import { pooledConvolution } from '../convolution/pooledConvolution.ts';
import { integerReader } from '../data/integerReader.ts';
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
import apartKernel from '../../../shaders/pooling/maxPoolGradApart.wgsl?raw';
import gradKernel from '../../../shaders/pooling/maxPoolGrad.wgsl?raw';
import pickKernel from '../../../shaders/pooling/maxPoolPick.wgsl?raw';
import poolKernel from '../../../shaders/pooling/maxPool.wgsl?raw';

/*
 * Forward leaves where in its window each maximum stands. A gradient then reads that and dY, for each window that an
 * element lies in; without it, it would read all x of each of these windows again. Where channels come in fours the
 * places are bytes, so that four of them are one word: a quarter of what backward would read of y.
 */

/** What a byte can tell apart. */
const MOST_TAPS = 256;

const placesOf = (pooled: Spec, { window }: Windows): Spec => ({
  shape: pooled.shape,
  dtype: pooled.shape[3] % 4 === 0 && sizeOf(window) <= MOST_TAPS ? 'u8' : 'u32',
});

const bytesIn = ({ dtype }: Spec): { areBytes: boolean } => ({ areBytes: dtype === 'u8' });

/** A kernel of four channels at a time, where their places are bytes. */
function withBytes(places: Spec, target: string, access: Record<string, string>): Partial<Kernel> | undefined {
  if (places.dtype !== 'u8' || !inFours(places)) return undefined;
  const { constants, functions } = fourWide(target);
  return {
    constants: { ...constants, PLACE: 'vec4u', ...(target === 'y' && { TRUTH: 'vec4<bool>' }) },
    functions: { ...functions, ...access },
  };
}

const storePlaces = `fn store_places(at: u32, place: PLACE) {
  let bytes = place << vec4u(0u, 8u, 16u, 24u);
  places[at] = bytes.x | bytes.y | bytes.z | bytes.w;
}`;

const loadPlaces = `fn places_at(at: u32) -> PLACE {
  return (vec4u(places[at]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu);
}`;

const exceeds = (value: number, best: number): boolean => !Number.isNaN(best) && (value > best || Number.isNaN(value));

const poolOp: Op<Windows> = {
  name: 'maxPool',
  epilogue: true,
  infer([x], windows) {
    const pooled = resized(x, windows.output);
    return [pooled, placesOf(pooled, windows)];
  },
  cpu([x], [y, places], { inputs, attrs }) {
    const best = new Int32Array(y.length).fill(-1);
    forEachTap(inputs[0].spec, attrs, (from, to, tap) => {
      if (best[to] >= 0 && !exceeds(x[from], x[best[to]])) return;
      best[to] = from;
      places[to] = tap;
    });
    best.forEach((from, to) => (y[to] = x[from]));
  },
  gpu(node) {
    const fours = withBytes(node.outputs[1].spec, 'y', { store_places: storePlaces });
    return [launchOf(node, poolKernel, fours, wordsOf(node.attrs))];
  },
  wasm: (node) => poolInWasm('maxPool', node, node.attrs, node.outputs[0].spec, bytesIn(node.outputs[1].spec)),
  joins: pooledConvolution,
  flops: ({ inputs, attrs }) => tapsOf(inputs[0].spec, attrs),
  vjp: ([dY], { outputs: [, places], attrs }) => [dY && applyOne(gradOp, [dY, places], attrs)],
};

/** The most windows that an element lies in. */
const mostWindows = ({ window, stride }: Windows): number =>
  Math.ceil(window[0] / stride[0]) * Math.ceil(window[1] / stride[1]);

/** Whether windows stand side by side from the image's corner on. */
const areApart = ({ window, stride, before }: Windows): boolean =>
  [0, 1].every((axis) => window[axis] === stride[axis] && before[axis] === 0);

const gradOp: Op<Windows> = {
  name: 'maxPoolGrad',
  epilogue: true,
  infer: ([dY], { input }) => [resized(dY, input)],
  cpu([dY, places], [dX], { outputs, attrs }) {
    dX.fill(0);
    forEachTap(outputs[0].spec, attrs, (to, from, tap) => {
      if (places[from] === tap) dX[to] += dY[from];
    });
  },
  gpu(node) {
    const fours = withBytes(node.inputs[1].spec, 'd_x', { places_at: loadPlaces });
    const words = wordsOf(node.attrs);
    // Windows that share nothing are read once, rather than by each of their elements.
    if (areApart(node.attrs)) return [launchOf(node, apartKernel, fours, words, node.inputs[0].spec)];
    return [launchOf(node, gradKernel, fours, words)];
  },
  wasm: (node) => poolInWasm('maxPoolGrad', node, node.attrs, node.outputs[0].spec, bytesIn(node.inputs[1].spec)),
  flops: ({ inputs, attrs }) => tapsOf(inputs[0].spec, attrs),
  accuracy: ({ attrs }) => ({ ulps: 2 * mostWindows(attrs), magnitude: 'terms' }),
  vjp: ([ddX], { inputs: [, places], attrs }) => [ddX && applyOne(pickOp, [ddX, places], attrs), null],
};

/** What stands where the maxima stood: it is linear, and maxPoolGrad its transpose. */
const pickOp: Op<Windows> = {
  name: 'maxPoolPick',
  epilogue: true,
  infer: ([x], { output }) => [resized(x, output)],
  cpu([x, places], [y], { inputs, attrs }) {
    forEachTap(inputs[0].spec, attrs, (from, to, tap) => {
      if (places[to] === tap) y[to] = x[from];
    });
  },
  gpu(node: Node<Windows>) {
    const functions = { place_at: integerReader('place_at', 'places', node.inputs[1].spec.dtype, 'u32') };
    const { kernel, ...launch } = launchOf(node, pickKernel, undefined, wordsOf(node.attrs));
    return [{ ...launch, kernel: { ...kernel, functions } }];
  },
  flops: () => 0,
  bytes: ({ inputs: [, places], outputs }) => bytesOf([places]) + 2 * bytesOf(outputs),
  vjp: ([dY], { inputs: [, places], attrs }) => [dY && applyOne(gradOp, [dY, places], attrs), null],
};

/**
 * The largest element of each window, channel by channel; NaN if one is. Padding counts as −∞. The first of equals, in
 * row-major order, gets the gradient, as in PyTorch and TensorFlow; of several NaN, the first.
 * @param x `[N, H, W, C]`, or `[N, H, W]` of one channel   @param window rows and columns
 * @returns the same axes, (H + padding − window) / stride + 1 rows, rounded down
 * @throws ShapeError if x is no such images or a window does not fit; DataError for a window, stride or padding that is
 * none, or padding that a window would lie in alone
 */
export function maxPool(x: Value, window: Pair, options: PoolOptions = {}): Value<'f32'> {
  specOf('maxPool', 'x', x);
  const { op, inputs, attrs } = x.node;
  // The maximum of what an increasing function makes is what it makes of the maximum: less work, backward too.
  if (op.increasing) return applyOne(op, [maxPool(inputs[0], window, options)], attrs) as Value<'f32'>;
  return onImages('maxPool', x, (images) => {
    const [y] = apply(poolOp, [images], windowsOf('maxPool', images.spec, window, options));
    return y as Value<'f32'>;
  });
}
