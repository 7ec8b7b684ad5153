import type { Value } from '../../../graph/graph.ts';
import { convolve, convolveTransposed } from '../../../ops/convolution/convolution.ts';
import { add } from '../../../ops/pointwise/arithmetic.ts';
import { concat, pad } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operator, Operators } from '../operator.ts';
import { floats, Tensor, type Order } from '../tensor.ts';
import { placesAlong, range, tapAlong } from './taps.ts';
import { channelsLast, halvesOf, imagesOf, slideOf, windowAxes, type Two, type WindowAxis } from './windows.ts';

/** A kernel's rows and columns in front: `[features, in, rows, columns]` as `[rows, columns, in, features]`. */
const kernelOrder = (rank: number): Order => [...Array.from({ length: rank - 2 }, (_, at) => at + 2), 1, 0];

/** A kernel as it lies here; that of one axis has one row. */
function kernelOf(node: OnnxNode): Value<'f32'> {
  const kernel = node.tensor(1);
  const value = floats(kernel.as(kernelOrder(kernel.shape.length)));
  return kernel.shape.length === 3 ? reshape(value, [1, ...value.spec.shape]) : value;
}

function convolution(node: OnnxNode): Tensor {
  const axes = windowAxes(node, node.tensor(1).shape.slice(2));
  const [groups, bias] = [node.int('group', 1), node.maybeFloat(2)];
  if (axes.length === 3) return deepConvolution(node, axes, { groups, bias });
  const images = imagesOf(node);
  const { stride, dilation, padding } = slideOf(axes);
  return images.back(convolve(images.value, kernelOf(node), { stride, padding, dilation, groups, bias }));
}

/** Of images with depth: a convolution for each layer of the kernel, over the layers of the image that it meets. */
function deepConvolution(
  node: OnnxNode,
  [depth, ...rest]: readonly WindowAxis[],
  { groups, bias }: { readonly groups: number; readonly bias: Value | undefined },
): Tensor {
  const order = channelsLast(3);
  const { stride, dilation, padding } = slideOf(rest);
  const x = pad(floats(node.tensor(0).as(order)), [[0, 0], depth.padding, [0, 0], [0, 0], [0, 0]]);
  const kernel = floats(node.tensor(1).as(kernelOrder(5)));
  const [samples, , ...place] = x.spec.shape;
  const count = placesAlong(depth);
  const layers = Array.from({ length: depth.window }, (_, at) => {
    const met = tapAlong(x, 1, depth, at);
    const own = reshape(range(kernel, 0, at, at + 1), kernel.spec.shape.slice(1));
    return convolve(reshape(met, [samples * count, ...place]), own, { stride, padding, dilation, groups });
  });
  const whole = layers.reduce((a, b) => add(a, b));
  const made = bias ? add(whole, bias) : whole;
  return Tensor.of(reshape(made, [samples, count, ...made.spec.shape.slice(1)]), 'float', order);
}

/** Source: onnx/docs/Operators.md, ConvTranspose */
function transposedConvolution(node: OnnxNode): Tensor {
  const images = imagesOf(node);
  const { extents } = images;
  const slide = slideOf(windowAxes(node, node.tensor(1).shape.slice(2)));
  const { window, stride, dilation } = slide;
  const groups = node.int('group', 1);
  const places = node.tensor(0).shape.length - 2;
  const extra = node.ints(
    'output_padding',
    Array.from({ length: places }, () => 0),
  );
  const wanted = node.ints('output_shape').slice(-places);
  const auto = node.text('auto_pad', 'NOTSET');
  /** What is cut off in front and behind of an axis, and put behind it. */
  const along = (at: 0 | 1): { readonly padding: Two<number>; readonly behind: number } => {
    const span = (window[at] - 1) * dilation[at] + 1;
    const own = at + places - 2;
    const behind = own < 0 ? 0 : extra[own];
    if (wanted.length === 0 && auto === 'NOTSET') return { padding: slide.padding[at], behind };
    if (wanted.length === 0 && auto === 'VALID') return { padding: [0, 0], behind };
    const whole = (extents[at] - 1) * stride[at] + span + behind;
    const output = wanted.length > 0 ? (own < 0 ? 1 : wanted[own]) : extents[at] * stride[at];
    return {
      padding: halvesOf(Math.max(0, whole - output), auto),
      behind: behind + Math.max(0, output - whole),
    };
  };
  const [rows, columns] = [along(0), along(1)];
  const made = convolveTransposed(images.value, kernelOf(node), {
    stride,
    padding: [rows.padding, columns.padding],
    dilation,
    outputPadding: [rows.behind, columns.behind],
    groups,
    bias: node.maybeFloat(2),
  });
  return images.back(made);
}

/** Blocks of channels become blocks of places, or back. */
function rearranged(
  node: OnnxNode,
  apart: (
    shape: readonly number[],
    block: number,
  ) => { readonly from: readonly number[]; readonly axes: Order; readonly to: readonly number[] },
): Tensor {
  const x = node.float(0);
  const { from, axes, to } = apart(x.spec.shape, node.int('blocksize', 1));
  return Tensor.of(reshape(Tensor.of(reshape(x, from), 'float').as(axes), to), 'float');
}

const depthToSpace: Operator = {
  apply(node) {
    const mode = node.oneOf('mode', ['DCR', 'CRD'], 'DCR');
    return rearranged(node, ([N, C, H, W], block) => {
      const channels = C / block ** 2;
      const to = [N, channels, H * block, W * block];
      return mode === 'DCR'
        ? { from: [N, block, block, channels, H, W], axes: [0, 3, 4, 1, 5, 2], to }
        : { from: [N, channels, block, block, H, W], axes: [0, 1, 4, 2, 5, 3], to };
    });
  },
};

const spaceToDepth: Operator = {
  apply(node) {
    const mode = node.oneOf('mode', ['DCR', 'CRD'], 'DCR');
    return rearranged(node, ([N, C, H, W], block) => ({
      from: [N, C, H / block, block, W / block, block],
      axes: mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4],
      to: [N, C * block ** 2, H / block, W / block],
    }));
  },
};

const modes = ['constant', 'reflect', 'edge', 'wrap'];

/** Numbers beside those of an axis: a constant, or those of the axis again. */
function padded(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const rank = x.shape.length;
  const isOld = node.opset < 11;
  const mode = node.oneOf('mode', modes, 'constant');
  const said = isOld ? node.ints('pads') : node.knownInts(1);
  const value = isOld ? node.real('value', 0) : node.knownNumber(2, 0);
  const axes =
    node.opset >= 18
      ? node
          .knownInts(
            3,
            x.shape.map((_, axis) => axis),
          )
          .map((axis) => (axis < 0 ? axis + rank : axis))
      : x.shape.map((_, axis) => axis);
  const widths = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((axis, at) => (widths[axis] = [said[at], said[at + axes.length]]));
  if (mode !== 'constant') node.requireRoom(widths.flat().reduce((total, width) => total + Math.abs(width), 0));
  const { order } = x;
  const own = x.numbers ? node.asValue(x) : x.native;
  return Tensor.of(
    order.reduce((y, axis, at) => paddedAlong(y, at, widths[axis], mode, value), own),
    x.type,
    order,
  );
}

function paddedAlong(
  x: Value,
  axis: number,
  [before, after]: readonly [number, number],
  mode: string,
  value: number,
): Value {
  const extent = x.spec.shape[axis];
  const cut = before < 0 || after < 0 ? range(x, axis, Math.max(0, -before), extent + Math.min(0, after)) : x;
  const [front, behind] = [Math.max(0, before), Math.max(0, after)];
  if (front === 0 && behind === 0) return cut;
  if (mode === 'constant') {
    return pad(
      cut,
      cut.spec.shape.map((_, at) => (at === axis ? [front, behind] : [0, 0])),
      value,
    );
  }
  const rows = cut.spec.shape[axis];
  const placeOf: Record<string, (at: number) => number> = {
    edge: (at) => Math.max(0, Math.min(rows - 1, at)),
    reflect: (at) => reflected(at, rows),
    wrap: (at) => ((at % rows) + rows) % rows,
  };
  const places = Array.from({ length: front + rows + behind }, (_, at) => placeOf[mode](at - front));
  return concat(
    runsOf(places).map(([start, end]) => range(cut, axis, start, end)),
    axis,
  );
}

function reflected(at: number, rows: number): number {
  const period = Math.max(1, 2 * (rows - 1));
  const within = ((at % period) + period) % period;
  return within < rows ? within : period - within;
}

/** Places as ranges of neighbours. */
function runsOf(places: readonly number[]): Two<number>[] {
  const runs: [number, number][] = [];
  for (const place of places) {
    const last = runs.at(-1);
    if (last && last[1] === place) last[1]++;
    else runs.push([place, place + 1]);
  }
  return runs;
}

/** Operators over images, and what moves their pixels. */
export const imageOperators: Operators = {
  Conv: { orders: { 1: kernelOrder }, apply: convolution },
  ConvTranspose: { orders: { 1: kernelOrder }, apply: transposedConvolution },
  DepthToSpace: depthToSpace,
  Pad: { known: [1, 2, 3], apply: padded },
  SpaceToDepth: spaceToDepth,
};
