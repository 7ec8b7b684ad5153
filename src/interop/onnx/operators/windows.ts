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

/** A number for each axis of places, those of one row in front. */
function pairOf(node: OnnxNode, name: string, given: readonly number[], missing: number): Two<number> {
  if (given.length === 1) return [missing, given[0]];
  if (given.length === 2) return [given[0], given[1]];
  node.refuse(`has ${given.length} ${name}`, 'one for each axis of the images is read');
}

/** @param kernel extents of a kernel that is given; else the attribute says them */
export function slideOf(node: OnnxNode, { extents }: Images, kernel?: readonly number[]): Slide {
  const places = node.tensor(0).shape.length - 2;
  const ones = Array.from({ length: places }, () => 1);
  const said = node.ints('kernel_shape', kernel ?? ones);
  if (kernel && said.join() !== kernel.join()) {
    node.refuse(
      `says a kernel of ${said.join(' × ')}, but has one of ${kernel.join(' × ')}`,
      'the file was damaged; export the model again',
    );
  }
  const window = pairOf(node, 'extents of a kernel', said, 1);
  const stride = pairOf(node, 'strides', node.ints('strides', ones), 1);
  const dilation = pairOf(node, 'dilations', node.ints('dilations', ones), 1);
  return { window, stride, dilation, padding: paddingOf(node, extents, { window, stride, dilation }) };
}

function paddingOf(
  node: OnnxNode,
  extents: Two<number>,
  { window, stride, dilation }: Omit<Slide, 'padding'>,
): Two<Two<number>> {
  const auto = node.oneOf('auto_pad', ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'], 'NOTSET');
  const places = node.tensor(0).shape.length - 2;
  const said = node.ints(
    'pads',
    Array.from({ length: 2 * places }, () => 0),
  );
  if (auto === 'VALID')
    return [
      [0, 0],
      [0, 0],
    ];
  if (auto === 'NOTSET') {
    const [before, after] = [said.slice(0, places), said.slice(places)].map((widths) =>
      pairOf(node, 'pads', widths, 0),
    );
    return [
      [before[0], after[0]],
      [before[1], after[1]],
    ];
  }
  const along = (at: 0 | 1): Two<number> => {
    const span = (window[at] - 1) * dilation[at] + 1;
    const total = Math.max(0, (Math.ceil(extents[at] / stride[at]) - 1) * stride[at] + span - extents[at]);
    const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
    return auto === 'SAME_UPPER' ? [less, more] : [more, less];
  };
  return [along(0), along(1)];
}

/** What is padded behind so that the last window, which does not fit whole, has its place too. Source: ONNX, MaxPool, ceil_mode */
export function ceiled(extents: Two<number>, { window, stride, dilation, padding }: Slide): Two<Two<number>> {
  const along = (at: 0 | 1): Two<number> => {
    const [before, after] = padding[at];
    const span = (window[at] - 1) * dilation[at] + 1;
    const padded = extents[at] + before + after;
    const steps = Math.ceil((padded - span) / stride[at]);
    // A window that would begin behind the image and its padding is none.
    const last = steps * stride[at] >= extents[at] + before ? steps - 1 : steps;
    return [before, Math.max(after, last * stride[at] + span - extents[at] - before)];
  };
  return [along(0), along(1)];
}
