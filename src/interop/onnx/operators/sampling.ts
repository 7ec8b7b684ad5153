import { sizeOf, spec, stridesOf, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import {
  abs,
  add,
  greaterEqual,
  lessEqual,
  maximum,
  minimum,
  mul,
  sub,
  where,
} from '../../../ops/pointwise/arithmetic.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { floor, round } from '../../../ops/pointwise/elementary.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { slice } from '../../../ops/shaping/pieces.ts';
import { reshape, stopGradient } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { channelsLast } from './windows.ts';

/* Images read at places that are computed: the pixels around each, by their weights, so that gradients reach both. */

type Padding = 'zeros' | 'border' | 'reflection';

/** A pixel's line along an axis, and its weight, for each place. */
interface Tap {
  readonly line: Value;
  readonly weight: Value | undefined;
}

/** The factor in the cubic's equation, as in PyTorch. */
const CUBIC = -0.75;

/** A line's weight by how far away it is, below 1 and from there to 2. Source: Keys 1981 */
const inner = (x: Value): Value => add(mul(mul(sub(mul(x, CUBIC + 2), CUBIC + 3), x), x), 1);
const outer = (x: Value): Value => sub(mul(add(mul(sub(mul(x, CUBIC), 5 * CUBIC), x), 8 * CUBIC), x), 4 * CUBIC);

/** The pixels around a position along an axis. */
function tapsOf(position: Value, mode: string): Tap[] {
  if (mode === 'nearest') return [{ line: round(position), weight: undefined }];
  const first = stopGradient(floor(position));
  const part = sub(position, first);
  const rest = sub(1, part);
  if (mode === 'linear') {
    return [
      { line: first, weight: rest },
      { line: add(first, 1), weight: part },
    ];
  }
  return [
    { line: sub(first, 1), weight: outer(add(part, 1)) },
    { line: first, weight: inner(part) },
    { line: add(first, 1), weight: inner(rest) },
    { line: add(first, 2), weight: outer(add(rest, 1)) },
  ];
}

/** −1 … 1 as places of an axis: of its outermost pixels' centres, or of their edges. */
const placed = (x: Value, extent: number, alignsCorners: boolean): Value =>
  alignsCorners ? mul(add(x, 1), (extent - 1) / 2) : sub(mul(add(x, 1), extent / 2), 0.5);

/** A place as it is mirrored at the edges, as often as it takes. */
function reflected(x: Value, extent: number, alignsCorners: boolean): Value {
  const [low, length] = alignsCorners ? [0, extent - 1] : [-0.5, extent];
  if (length === 0) return mul(x, 0);
  const away = abs(sub(x, low));
  const turns = stopGradient(floor(mul(away, 1 / length)));
  const rest = sub(away, mul(turns, length));
  const isOdd = greaterEqual(sub(turns, mul(floor(mul(turns, 0.5)), 2)), 1);
  return add(where(isOdd, sub(length, rest), rest), low);
}

const clamped = (x: Value, extent: number): Value => minimum(maximum(x, 0), extent - 1);

interface Grid {
  readonly mode: string;
  readonly padding: Padding;
  readonly alignsCorners: boolean;
}

/**
 * Positions of one axis as pixels, of which those beyond the edge are within it, or weigh nothing. Of a cubic each pixel is
 * brought back by itself, as in PyTorch and onnxruntime; ONNX' own reference brings back the position at a border.
 */
function tapsAlong(x: Value, extent: number, { mode, padding, alignsCorners }: Grid): Tap[] {
  const position = placed(x, extent, alignsCorners);
  const isSmooth = mode !== 'cubic';
  const own =
    padding === 'zeros' || !isSmooth
      ? position
      : padding === 'border'
        ? clamped(position, extent)
        : clamped(reflected(position, extent, alignsCorners), extent);
  return tapsOf(own, mode).map(({ line, weight }) => {
    if (padding === 'zeros') {
      const isInside = mul(cast(greaterEqual(line, 0), 'f32'), cast(lessEqual(line, extent - 1), 'f32'));
      return { line: clamped(line, extent), weight: weight ? mul(weight, isInside) : isInside };
    }
    const mirrored = !isSmooth && padding === 'reflection' ? reflected(line, extent, alignsCorners) : line;
    return { line: clamped(mirrored, extent), weight };
  });
}

/** Source: onnx/docs/Operators.md, GridSample; Jaderberg et al. 2015 */
function sampled(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const rank = x.shape.length - 2;
  const isOld = node.opset < 20;
  const mode = node.oneOf('mode', ['linear', 'nearest', 'cubic', 'bilinear', 'bicubic'], isOld ? 'bilinear' : 'linear');
  const settings: Grid = {
    mode: mode.replace(/^bi/, ''),
    padding: node.oneOf('padding_mode', ['zeros', 'border', 'reflection'], 'zeros') as Padding,
    alignsCorners: node.int('align_corners', 0) === 1,
  };
  const order = channelsLast(rank);
  const images = floats(x.as(order));
  const extents = images.spec.shape.slice(1, -1);
  const channels = images.spec.shape.at(-1)!;
  const grid = node.float(1);
  const [samples, ...places] = grid.spec.shape.slice(0, -1);
  const count = sizeOf([samples, ...places]);
  const flat = reshape(grid, [count, rank]);
  // The last axis of an image comes first.
  const taps = extents.map((extent, axis) => {
    const column = reshape(slice(flat, [null, { start: rank - 1 - axis, end: rank - axis }]), [count]);
    return tapsAlong(column, extent, settings);
  });
  const table = reshape(images, [samples * sizeOf(extents), channels]);
  const base = constant(
    Int32Array.from({ length: count }, (_, at) => Math.floor((at * samples) / count) * sizeOf(extents)),
    spec([count], 'i32'),
  );
  const strides = stridesOf(extents);
  const read = combinations(taps).map((chosen): Value => {
    const offset = chosen.reduce<Value>((sum, { line }, axis) => add(sum, mul(cast(line, 'i32'), strides[axis])), base);
    const pixels = gather(table, offset);
    const weights = chosen.flatMap(({ weight }) => weight ?? []);
    return weights.length === 0
      ? pixels
      : mul(
          pixels,
          reshape(
            weights.reduce((a, b) => mul(a, b)),
            [count, 1],
          ),
        );
  });
  const made = read.reduce((a, b) => add(a, b));
  return Tensor.of(reshape(made, [samples, ...places, channels]), 'float', order);
}

/** One tap of each axis, in every way. */
const combinations = (taps: readonly (readonly Tap[])[]): Tap[][] =>
  taps.reduce<Tap[][]>((chosen, own) => chosen.flatMap((one) => own.map((tap) => [...one, tap])), [[]]);

/** −1 … 1 along an axis, at the centres of its pixels. */
function centresOf(extent: number, alignsCorners: boolean): (at: number) => number {
  if (alignsCorners) return (at) => (extent === 1 ? 0 : (2 * at) / (extent - 1) - 1);
  return (at) => (2 * at + 1) / extent - 1;
}

/** Places of an image of a size, moved by a matrix. Source: onnx/docs/Operators.md, AffineGrid */
function affineGrid(node: OnnxNode): Tensor {
  const theta = node.float(0);
  const [samples, , ...extents]: Shape = node.knownCounts(1);
  const rank = extents.length;
  const alignsCorners = node.int('align_corners', 0) === 1;
  const count = sizeOf(extents);
  const strides = stridesOf(extents);
  node.requireRoom(count * (rank + 1));
  const centres = extents.map((extent) => centresOf(extent, alignsCorners));
  const places = Float32Array.from({ length: count * (rank + 1) }, (_, i) => {
    const [at, column] = [Math.floor(i / (rank + 1)), i % (rank + 1)];
    const axis = rank - 1 - column;
    return axis < 0 ? 1 : centres[axis](Math.floor(at / strides[axis]) % extents[axis]);
  });
  const grid = reshape(theta, [samples * rank, rank + 1]);
  const moved = matmul(constant(places, spec([count, rank + 1])), grid, { transposeB: true });
  const apart = reshape(moved, [...extents, samples, rank]);
  const order = [...extents.map((_, axis) => axis + 1), 0, rank + 1];
  return Tensor.of(apart, 'float', order);
}

/** Operators that read images at computed places. */
export const samplingOperators: Operators = {
  AffineGrid: { known: [1], apply: affineGrid },
  GridSample: { apply: sampled },
};
