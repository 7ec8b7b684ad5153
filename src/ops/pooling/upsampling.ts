import { DataError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { applyOne, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { windowSums } from './averagePool.ts';
import { fourWide, inFours, launchOf, onImages, resized } from './pooling.ts';
import { pairOf, type Pair } from '../convolution/spatial.ts';
import bilinearKernel from '../../../shaders/pooling/bilinear.wgsl?raw';
import bilinearGradKernel from '../../../shaders/pooling/bilinearGrad.wgsl?raw';

/*
 * An upsampled image has every pixel in the middle of the part of the image that it stands for, so the first of factor f
 * lies (1 / f − 1) / 2 from the first that is given: half-pixel centres. Beyond the outermost centres nothing changes.
 */

/** Repeating a pixel is what spreads a sum over its window. */
const nearest = windowSums('upsampleGrad', 'upsample');

export interface Factors {
  /** The images' own rows and columns, and how many of the result each becomes. */
  readonly input: readonly [number, number];
  readonly factor: readonly [number, number];
}

const outputOf = ({ input, factor }: Factors): [number, number] => [input[0] * factor[0], input[1] * factor[1]];

/** Which lines of an image make line i of the result, and with what weights, none of them 0. */
function weightsOf(extent: number, factor: number, i: number): readonly (readonly [number, number])[] {
  const position = Math.min(Math.max((i + 0.5) / factor - 0.5, 0), extent - 1);
  // Whole numbers beside 2 · factor: a quotient that should be whole might just miss it.
  const steps = Math.round(position * 2 * factor);
  const low = Math.floor(steps / (2 * factor));
  const part = steps / (2 * factor) - low;
  if (part === 0) return [[low, 1]];
  return [
    [low, 1 - part],
    [low + 1, part],
  ];
}

/** Calls back for each pair of elements of which the one upsampled has a share of the one that is given. */
function forEachShare(
  { shape: [images, , , channels] }: Spec,
  { input, factor }: Factors,
  visit: (given: number, made: number, weight: number) => void,
): void {
  const [rows, columns] = outputOf({ input, factor });
  for (let n = 0; n < images; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const made = ((n * rows + i) * columns + j) * channels;
        for (const [row, down] of weightsOf(input[0], factor[0], i)) {
          for (const [column, across] of weightsOf(input[1], factor[1], j)) {
            const given = ((n * input[0] + row) * input[1] + column) * channels;
            for (let c = 0; c < channels; c++) visit(given + c, made + c, down * across);
          }
        }
      }
    }
  }
}

const wordsOf = ({ input, factor }: Factors): readonly number[] => [...input, ...factor];

const bilinearOp: Op<Factors, 'f32'> = {
  name: 'upsampleBilinear',
  epilogue: true,
  infer: ([x], factors) => [resized(x, outputOf(factors))],
  cpu([x]: readonly Numbers[], [y], { inputs, attrs }) {
    y.fill(0);
    forEachShare(inputs[0].spec, attrs, (from, to, weight) => (y[to] += weight * x[from]));
  },
  gpu(node) {
    const fours = inFours(node.outputs[0].spec) ? fourWide('y') : undefined;
    return [launchOf(node, bilinearKernel, fours, wordsOf(node.attrs))];
  },
  // Two products and a sum: of the columns twice, then of the rows.
  flops: ({ outputs }) => 9 * elementsOf(outputs),
  accuracy: () => ({ ulps: 24, magnitude: 'terms' }),
  vjp: ([dY], { attrs }) => [dY && applyOne(bilinearGradOp, [dY], attrs)],
};

const bilinearGradOp: Op<Factors> = {
  name: 'upsampleBilinearGrad',
  epilogue: true,
  infer: ([dY], { input }) => [resized(dY, input)],
  cpu([dY]: readonly Numbers[], [dX], { inputs, attrs }) {
    dX.fill(0);
    forEachShare(inputs[0].spec, attrs, (to, from, weight) => (dX[to] += weight * dY[from]));
  },
  gpu(node) {
    const fours = inFours(node.outputs[0].spec) ? fourWide('d_x') : undefined;
    return [launchOf(node, bilinearGradKernel, fours, wordsOf(node.attrs))];
  },
  flops: ({ inputs }) => 9 * elementsOf(inputs),
  // Each line of x has a share of up to twice the factor.
  accuracy: ({ attrs }) => ({ ulps: 8 * sizeOf(attrs.factor) + 24, magnitude: 'terms' }),
  vjp: ([ddX], { attrs }) => [ddX && applyOne(bilinearOp, [ddX], attrs)],
};

/** What `upsample` may be told. */
export interface UpsampleOptions {
  /** `nearest` if left out: each pixel is repeated. `bilinear`: blended with its neighbours, by distance. */
  readonly mode?: 'nearest' | 'bilinear';
}

/**
 * Images of more pixels: each becomes `factor` of them. Bilinear as in Keras, and as in PyTorch with its
 * `align_corners` left false: pixels are blended by the distance of their centres, and those at the edge repeated.
 * @param x `[N, H, W, C]`, or `[N, H, W]` of one channel   @param factor whole, of rows and columns
 * @returns `[N, H · factor, W · factor, C]`
 * @throws ShapeError if x is no such images; DataError for a factor or a mode that is none
 */
export function upsample(x: Value, factor: Pair, options?: UpsampleOptions): Value<'f32'> {
  const { mode } = optionsOf('upsample', options, { mode: 'nearest' });
  if (mode !== 'nearest' && mode !== 'bilinear') {
    throw new DataError(`[upsample] mode is "${String(mode)}" but must be nearest or bilinear`);
  }
  const factors = pairOf('upsample', 'factor', factor, 1);
  return onImages('upsample', x, (images) => {
    const input = images.spec.shape.slice(1, 3) as unknown as readonly [number, number];
    if (mode === 'bilinear') return applyOne(bilinearOp, [images], { input, factor: factors });
    const blocks = { window: factors, stride: factors, before: [0, 0], divisor: 1 } as const;
    const large = outputOf({ input, factor: factors });
    return applyOne(nearest.spread, [images], { ...blocks, input: large, output: input });
  });
}
