import type { Value } from '../../../graph/graph.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import { floats, Tensor, type Order } from '../tensor.ts';

/* How windows slide in ONNX, over images of one or two axes. */

export type Two<T> = readonly [T, T];

/** A window's slide over rows and columns; those of one axis are one row. */
export interface Slide {
  readonly window: Two<number>;
  readonly stride: Two<number>;
  readonly dilation: Two<number>;
  readonly padding: Two<Two<number>>;
}

/** Images as they lie here, `[N, H, W, C]`, and how a result gets back into the axes of the file. */
export interface Images {
  readonly value: Value<'f32'>;
  /** H and W. */
  readonly extents: Two<number>;
  readonly channels: number;
  back(result: Value): Tensor;
}

/** Channels last, of images with so many axes of places. */
export const channelsLast = (places: number): Order =>
  places === 1 ? [0, 2, 1] : [0, ...Array.from({ length: places }, (_, at) => at + 2), 1];

/** @throws FormatError for images of other than one or two axes beside samples and channels */
export function imagesOf(node: OnnxNode): Images {
  const x = node.tensor(0);
  const places = x.shape.length - 2;
  if (places !== 1 && places !== 2) {
    node.refuse(`has images of ${places} axes, [${x.shape.join(', ')}]`, 'those of one or two are read');
  }
  const order = channelsLast(places);
  const value = floats(x.as(order));
  const [samples, ...rest] = value.spec.shape;
  const channels = rest.pop()!;
  const extents = places === 1 ? ([1, rest[0]] as const) : ([rest[0], rest[1]] as const);
  return {
    value: reshape(value, [samples, ...extents, channels]),
    extents,
    channels,
    back(result) {
      const { shape } = result.spec;
      return Tensor.of(places === 1 ? reshape(result, [shape[0], shape[2], shape[3]]) : result, 'float', order);
    },
  };
}

/** How windows slide along an axis of an image. */
export interface WindowAxis {
  readonly extent: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  /** Before and behind. */
  readonly padding: Two<number>;
}

/** What a window covers of its axis. */
export const spanOf = ({ window, dilation }: WindowAxis): number => (window - 1) * dilation + 1;

/**
 * How windows slide along each axis of places.
 * @param kernel extents of a kernel that is given; else the attribute says them
 */
export function windowAxes(node: OnnxNode, kernel?: readonly number[]): WindowAxis[] {
  const extents = node.tensor(0).shape.slice(2);
  const each = (name: string, fallback: readonly number[], least = 1, count = extents.length): number[] => {
    const said = node.ints(name, fallback);
    if (said.length === count && said.every((one) => one >= least)) return said;
    node.refuse(`has ${name} [${said.join(', ')}]`, `${count} numbers from ${least} on are wanted for its images`);
  };
  const ones = extents.map(() => 1);
  const windows = each('kernel_shape', kernel ?? ones);
  if (kernel && windows.join() !== kernel.join()) {
    node.refuse(
      `says a kernel of ${windows.join(' × ')}, but has one of ${kernel.join(' × ')}`,
      'the file was damaged; export the model again',
    );
  }
  const [strides, dilations] = [each('strides', ones), each('dilations', ones)];
  const pads = each('pads', [...ones, ...ones].fill(0), 0, 2 * extents.length);
  const auto = node.oneOf('auto_pad', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'], 'NOTSET');
  return extents.map((extent, at) => {
    const axis = { extent, window: windows[at], stride: strides[at], dilation: dilations[at] };
    const padding: Two<number> = auto === 'NOTSET' ? [pads[at], pads[at + extents.length]] : [0, 0];
    return auto.startsWith('SAME') ? padded({ ...axis, padding }, auto) : { ...axis, padding };
  });
}

/** As many windows as there are places, or as strides. */
function padded(axis: WindowAxis, auto: string): WindowAxis {
  const { extent, stride } = axis;
  const total = Math.max(0, (Math.ceil(extent / stride) - 1) * stride + spanOf(axis) - extent);
  return { ...axis, padding: halvesOf(total, auto) };
}

/** Padding in front and behind, of which the one or the other is the larger. */
export function halvesOf(total: number, auto: string): Two<number> {
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return auto === 'SAME_UPPER' ? [less, more] : [more, less];
}

/** Windows over rows and columns; those of one axis are one row. */
export function slideOf(axes: readonly WindowAxis[]): Slide {
  const row: WindowAxis = { extent: 1, window: 1, stride: 1, dilation: 1, padding: [0, 0] };
  const [rows, columns] = axes.length === 1 ? [row, axes[0]] : axes;
  return {
    window: [rows.window, columns.window],
    stride: [rows.stride, columns.stride],
    dilation: [rows.dilation, columns.dilation],
    padding: [rows.padding, columns.padding],
  };
}

/** With what is padded behind so that the last window, which does not fit whole, has its place too. Source: ONNX, MaxPool, ceil_mode */
export function ceiled(axis: WindowAxis): WindowAxis {
  const { extent, stride, padding } = axis;
  const [before, after] = padding;
  const span = spanOf(axis);
  const steps = Math.ceil((extent + before + after - span) / stride);
  // A window that would begin behind the image and its padding is none.
  const last = steps * stride >= extent + before ? steps - 1 : steps;
  return { ...axis, padding: [before, Math.max(after, last * stride + span - extent - before)] };
}
