import { DataError, ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { flatGrid, output as outputAt, type Kernel, type Launch, type Word } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, sizeOf, type Dtype, type Spec } from '../../core/shape.ts';
import { floatsOf, type Node, type Value } from '../../graph/graph.ts';
import { pairOf, slide, type Pair, type SlideOptions } from '../convolution/spatial.ts';
import { reshape } from '../shaping/views.ts';

/*
 * What pooling and upsampling share: windows over images `[N, H, W, C]`, walked in plain loops for the references, and
 * launches of which each invocation has one element, or four neighbouring channels, to itself. Derivatives gather too:
 * an element of the input looks up the windows that it lies in, so nothing is added up in an order of chance.
 */

type Two = readonly [number, number];

/** Windows over images of `input` rows and columns, one for each of the `output` rows and columns: all are such pairs. */
export interface Windows {
  readonly window: Two;
  readonly stride: Two;
  /** Padding before the first row and column. */
  readonly before: Two;
  readonly input: Two;
  readonly output: Two;
}

/** What `maxPool` may be told. */
export interface PoolOptions {
  /** The window if left out, so that windows do not overlap. */
  readonly stride?: Pair;
  /** `valid` if left out. */
  readonly padding?: SlideOptions['padding'];
}

/** Images `[N, H, W, C]` of x, which may be `[N, H, W]` of one channel. @throws ShapeError if x is neither, or not f32 */
export function imagesOf(where: string, x: Value): Value<'f32'> {
  const given = floatsOf(where, 'x', x);
  const { shape } = given.spec;
  if (shape.length === 4) return given;
  if (shape.length === 3) return reshape(given, [...shape, 1]);
  throw new ShapeError(
    `[${where}] x is ${formatSpec(x.spec)} but must be images, [N, H, W, C], or [N, H, W] of one channel: reshape it`,
  );
}

/** What f makes of the images of x, without an axis of channels if x has none. @throws as `imagesOf` does */
export function onImages<D extends Dtype>(where: string, x: Value, f: (images: Value<'f32'>) => Value<D>): Value<D> {
  const y = f(imagesOf(where, x));
  return reshape(y, y.spec.shape.slice(0, x.spec.shape.length));
}

/**
 * How a pool's windows lie on images.
 * @throws ShapeError if a window does not fit; DataError for a window, stride or padding that is none, or so much padding
 * that a window would lie in it alone
 */
export function windowsOf(where: string, images: Spec, window: Pair, options: PoolOptions): Windows {
  const { stride = window, padding } = optionsOf(where, options, { stride: undefined, padding: 'valid' });
  const extents = images.shape.slice(1, 3) as unknown as Two;
  const axes = slide(where, 'window', extents, pairOf(where, 'window', window, 1), { stride, padding });
  const isApart = axes.some((axis) => axis.before >= axis.window || lastOf(axis) >= axis.input);
  if (isApart) {
    const size = axes.map((axis) => axis.window).join('×');
    throw new DataError(
      `[${where}] padding is ${JSON.stringify(padding)}, so that a ${size} window would lie in the padding alone: use less padding than the window is long`,
    );
  }
  const pair = (of: (axis: (typeof axes)[number]) => number): Two => [of(axes[0]), of(axes[1])];
  return {
    window: pair((axis) => axis.window),
    stride: pair((axis) => axis.stride),
    before: pair((axis) => axis.before),
    input: extents,
    output: pair((axis) => axis.output),
  };
}

/** Where the last window of an axis begins. */
const lastOf = (axis: { readonly output: number; readonly stride: number; readonly before: number }): number =>
  (axis.output - 1) * axis.stride - axis.before;

/** The spec of images like these, with other rows and columns. */
export const resized = ({ shape }: Spec, [rows, columns]: Two): Spec<'f32'> => ({
  shape: [shape[0], rows, columns, shape[3]],
  dtype: 'f32',
});

/**
 * Visits what lies in the images of each window, channel by channel, and each window's elements in row-major order.
 * @param visit gets the element's place in the images, its window's in the outputs, and its own in the window
 */
export function forEachTap(
  { shape }: Spec,
  { window, stride, before, input, output }: Windows,
  visit: (input: number, output: number, tap: number) => void,
): void {
  const [images, , , channels] = shape;
  const at = (n: number, row: number, column: number, [rows, columns]: Two): number =>
    ((n * rows + row) * columns + column) * channels;
  for (let n = 0; n < images; n++) {
    for (let i = 0; i < output[0]; i++) {
      for (let j = 0; j < output[1]; j++) {
        for (let tap = 0; tap < window[0] * window[1]; tap++) {
          const row = i * stride[0] - before[0] + Math.floor(tap / window[1]);
          const column = j * stride[1] - before[1] + (tap % window[1]);
          if (row < 0 || row >= input[0] || column < 0 || column >= input[1]) continue;
          const [from, to] = [at(n, row, column, input), at(n, i, j, output)];
          for (let c = 0; c < channels; c++) visit(from + c, to + c, tap);
        }
      }
    }
  }
}

/** The words of windows, as kernels have them. */
export const wordsOf = ({ input, output, window, stride, before }: Windows): readonly Word[] => [
  ...input,
  ...output,
  ...window,
  ...stride,
  ...before,
];

/** Elements of all windows together. */
export const tapsOf = ({ shape }: Spec, { window, output }: Windows): number =>
  shape[0] * shape[3] * sizeOf(output) * sizeOf(window);

/** Whether lines of channels are whole vectors; an empty buffer has no room for one. */
export const inFours = ({ shape }: Spec): boolean => shape[3] % 4 === 0 && sizeOf(shape) > 0;

const lanes = ['x', 'y', 'z', 'w'];

/** A kernel whose X are four channels; it stores them into `target`. */
export const fourWide = (target: string): Required<Pick<Kernel, 'constants' | 'functions'>> => ({
  constants: { X: 'vec4f' },
  functions: {
    store: `fn store(at: u32, value: X) {\n  ${target}[at] = X(${lanes.map((lane, at) => `epilogue(value.${lane}, 4u * at + ${at}u)`).join(', ')});\n}`,
  },
});

/**
 * A launch with an invocation for each X of some images, those of the first output if they are not given.
 * @param words of the uniform, before the number of X and that of a pixel's
 */
export function launchOf(
  node: Node,
  source: string,
  fours: Partial<Kernel> | undefined,
  words: readonly Word[],
  { shape }: Spec = node.outputs[0].spec,
): Launch {
  const width = fours ? 4 : 1;
  const count = sizeOf(shape) / width;
  return {
    kernel: { name: node.op.name, source, ...fours },
    bindings: [...node.inputs.map((_, at) => at), ...node.outputs.map((_, at) => -1 - at)],
    uniform: [...words, count, shape[3] / width],
    grid: flatGrid(count),
  };
}

/**
 * A launch of a kernel in assembly/pooling.ts, over rows of the windows or of what they are on, whichever it makes.
 * @param made what it makes   @param factor of sums; 0: one by how much of a window is inside   @param areBytes of places
 */
export function poolInWasm(
  kernel: string,
  node: Node,
  windows: Windows,
  made: Spec,
  { factor = 0, areBytes = false } = {},
): WasmWork | undefined {
  if (node.inputs.some(({ spec }) => sizeOf(spec.shape) === 0)) return undefined;
  const [images, rows, columns, channels] = made.shape;
  return {
    launches: [
      {
        kernel,
        operands: [...node.inputs.map((_, at) => at), ...node.outputs.map((_, at) => outputAt(at))],
        words: [...wordsOf(windows), channels, { f32: factor }, Number(areBytes)],
        items: images * rows,
        grain: grainOver(columns * channels),
      },
    ],
  };
}
