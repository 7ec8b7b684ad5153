import { spec } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { gather } from '../../../ops/indexing/gather.ts';
import { add } from '../../../ops/pointwise/arithmetic.ts';
import { upsample } from '../../../ops/pooling/upsampling.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { computable, floats, Tensor } from '../tensor.ts';
import { axesOf } from './axes.ts';
import { nearestOf, weightsOf, type Along, type Sampling } from './samples.ts';
import { channelsLast } from './windows.ts';

/*
 * Images of other extents. Each axis is resized for itself: what is nearest is read by index, what is blended is a product with
 * a matrix of weights; images of a whole number of times as many pixels have ops of their own.
 */

/** Where inputs stand, by opset. */
const placesOf = ({ kind, opset }: OnnxNode) =>
  kind === 'Upsample' || opset < 11 ? { roi: -1, scales: 1, sizes: -1 } : { roi: 1, scales: 2, sizes: 3 };

const modes = ['nearest', 'linear', 'cubic', 'bilinear', 'bicubic'];
const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
] as const;
const nearestModes = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

/** @throws FormatError for modes that are not known */
function samplingOf(node: OnnxNode): Sampling {
  const isOld = node.kind === 'Upsample' || node.opset < 11;
  const mode = node.oneOf('mode', modes, 'nearest').replace(/^bi/, '') as Sampling['mode'];
  if (isOld) {
    return { mode, coordinates: 'asymmetric', nearest: 'floor', cubic: 0, outside: false, filters: false };
  }
  return {
    mode,
    coordinates: node.oneOf('coordinate_transformation_mode', coordinates, 'half_pixel') as Sampling['coordinates'],
    nearest: node.oneOf('nearest_mode', nearestModes, 'round_prefer_floor') as Sampling['nearest'],
    cubic: node.real('cubic_coeff_a', -0.75),
    outside: node.int('exclude_outside', 0) === 1,
    filters: node.int('antialias', 0) === 1,
  };
}

/** What becomes of each axis that is named. */
function axesAlong(node: OnnxNode, { coordinates: kind }: Sampling): Along[] {
  const { shape } = node.tensor(0);
  const places = placesOf(node);
  const all = shape.map((_, axis) => axis);
  const axes = axesOf(node, node.ints('axes', all), shape.length);
  const policy = node.oneOf('keep_aspect_ratio_policy', ['stretch', 'not_larger', 'not_smaller'], 'stretch');
  const roi = kind === 'tf_crop_and_resize' ? node.knownInts(places.roi) : [];
  const part = (at: number): readonly [number, number] => [roi[at] ?? 0, roi[at + axes.length] ?? 1];
  const attribute = node.kind === 'Upsample' && node.opset < 9;
  const scales = attribute ? node.reals('scales') : node.knownInts(places.scales);
  const sizes = node.knownInts(places.sizes);
  const said = scales.length > 0 ? scales : sizes;
  if (said.length !== axes.length || said.some((one) => !(one > 0))) {
    node.refuse(`has ${said.length} scales or sizes for ${axes.length} axes`, 'say one for each, above 0');
  }
  if (scales.length > 0) return axes.map((axis, at) => scaled(node, axis, scales[at], { part: part(at), kind }));
  const factors = axes.map((axis, at) => sizes[at] / shape[axis]);
  const common = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
  return axes.map((axis, at): Along => {
    const extent = shape[axis];
    if (policy === 'stretch') return { axis, extent, size: sizes[at], scale: factors[at], part: part(at) };
    return { axis, extent, size: Math.floor(common * extent + 0.5), scale: common, part: part(at) };
  });
}

function scaled(
  node: OnnxNode,
  axis: number,
  scale: number,
  { part, kind }: { readonly part: readonly [number, number]; readonly kind: Sampling['coordinates'] },
): Along {
  const extent = node.tensor(0).shape[axis];
  // In f32, as the file has it: 0.7 of 10 is 7.
  const whole = Math.fround(scale * extent * (kind === 'tf_crop_and_resize' ? part[1] - part[0] : 1));
  const size = Math.floor(whole);
  if (kind === 'align_corners' && size !== whole) {
    node.refuse(
      `aligns corners of ${extent} places that become ${whole}`,
      'what is meant differs from library to library; say sizes rather than scales',
    );
  }
  return { axis, extent, size, scale, part };
}

function resized(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const sampling = samplingOf(node);
  const beyond = node.real('extrapolation_value', 0);
  const changed = axesAlong(node, sampling).filter(
    ({ extent, size, scale, part }) => extent !== size || scale !== 1 || part[0] !== 0 || part[1] !== 1,
  );
  const larger = x.type === 'float' && largerImage(node, changed, sampling);
  if (larger) return larger;
  return changed.reduce((y, along) => resizedAlong(node, y, along, sampling, beyond), x);
}

function resizedAlong(node: OnnxNode, x: Tensor, along: Along, sampling: Sampling, beyond: number): Tensor {
  const { axis, extent, size, scale } = along;
  node.requireRoom(Math.ceil(size * (sampling.mode === 'nearest' ? 1 : extent + 1 / scale)));
  if (size < 1) node.refuse(`makes an axis of ${extent} places one of ${size}`, 'give larger images');
  if (sampling.mode === 'nearest') {
    const places = constant(Int32Array.from(nearestOf(along, sampling)), spec([size], 'i32'));
    const own = x.numbers ? Tensor.of(node.asValue(x), x.type) : x;
    return Tensor.of(gather(computable(own.native), places, own.order.indexOf(axis)), x.type, own.order);
  }
  const order = [...x.shape.map((_, at) => at).filter((at) => at !== axis), axis];
  const { weights, isOutside } = weightsOf(along, sampling);
  const made = matmul(floats(x.as(order)), constant(weights, spec([extent, size])));
  const filled = isOutside.some(Boolean)
    ? add(
        made,
        constant(
          Float32Array.from(isOutside, (is) => (is ? beyond : 0)),
          spec([size]),
        ),
      )
    : made;
  return Tensor.of(filled, x.type, order);
}

/** Pixels repeated, or blended with their neighbours, a whole number of times as many. */
function largerImage(node: OnnxNode, changed: readonly Along[], sampling: Sampling): Tensor | undefined {
  const x = node.tensor(0);
  const isImage = x.shape.length === 4 && changed.length > 0 && changed.every(({ axis }) => axis > 1);
  const factors = [2, 3].map((axis) => {
    const along = changed.find((one) => one.axis === axis);
    return along ? along.size / along.extent : 1;
  });
  const { mode, coordinates: kind } = sampling;
  const isRepeated =
    mode === 'nearest' &&
    changed.every((along) =>
      nearestOf(along, sampling).every((at, i) => at === Math.floor((i * along.extent) / along.size)),
    );
  const isBlended =
    mode === 'linear' &&
    changed.every(({ size }) => kind === 'half_pixel' || (kind === 'pytorch_half_pixel' && size > 1));
  if (!isImage || !factors.every(Number.isInteger) || !(isRepeated || isBlended)) return undefined;
  const order = channelsLast(2);
  const images: Value = floats(x.as(order));
  return Tensor.of(
    upsample(images, [factors[0], factors[1]], { mode: isRepeated ? 'nearest' : 'bilinear' }),
    'float',
    order,
  );
}

/** Images of other extents. */
export const resizeOperators: Operators = {
  Resize: { known: [1, 2, 3], apply: resized },
  Upsample: { known: [1], apply: resized },
};
