import { flatGrid, output as outputAt, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import { partTerms } from '../products/matmulForms.ts';
import { imageStep, tapStep, type Convolution, type Role } from './patches.ts';
import { fourWide } from '../pooling/pooling.ts';
import { spanOf, type Axes, type Axis } from './spatial.ts';
import forwardKernel from '../../../shaders/convolution/depthwise.wgsl?raw';
import spreadKernel from '../../../shaders/convolution/depthwiseSpread.wgsl?raw';
import weightsKernel from '../../../shaders/convolution/depthwiseWeights.wgsl?raw';

/*
 * Convolutions in which each channel makes features of its own. As products they are of one row each, which leaves most
 * of a block idle; here an invocation has neighbours in a row to itself, which see the same elements through other taps.
 */

/** The form's name. */
export const DEPTHWISE = 'depthwise';

/** Whether each of several channels is a group of its own. */
export const isDepthwise = ({ channels, groups }: Convolution): boolean => channels > 1 && groups === channels;

/** Neighbours in a row that an invocation computes. */
const NEIGHBOURS = 4;

/** Places, or taps, of a row: in how many blocks. */
const blocksOf = (length: number): number => Math.ceil(length / NEIGHBOURS);

/** How many channels are one element of the kernels: four, if each has one feature; an empty buffer has no room for that. */
const widthOf = ({ images, channels, features }: Convolution): number =>
  channels === features && features % 4 === 0 && images > 0 ? 4 : 1;

const placesOf = ({ images, axes }: Convolution): number =>
  axes.reduce((product, { output }) => product * output, images);

/** Invocations of a part of the weights' gradient. */
const weightsOfPart = (convolution: Convolution): number => {
  const [{ window: rows }, { window: columns }] = convolution.axes;
  return (rows * blocksOf(columns) * convolution.features) / widthOf(convolution);
};

/** Invocations that keep an adapter busy, and places that a part has at least. */
const BUSY = { card: 65_536, software: 1024 };
const PART_PLACES = { card: 64, software: 256 };
/** Fewer would not make up for the launch that adds them. */
const FEWEST_PARTS = 4;

/** In how many parts the gradient of the weights is best computed. */
export function depthwiseParts({ software }: AdapterTraits, convolution: Convolution): number {
  const kind = software ? 'software' : 'card';
  const places = placesOf(convolution);
  const invocations = weightsOfPart(convolution);
  if (invocations === 0) return 1;
  const parts = Math.min(Math.ceil(BUSY[kind] / invocations), Math.floor(places / PART_PLACES[kind]));
  return parts >= FEWEST_PARTS ? Math.ceil(places / partTerms(places, parts)) : 1;
}

const geometryOf = (axes: Axes): number[] =>
  (['input', 'output', 'window', 'stride', 'before', 'dilation'] as const).flatMap((name) =>
    // A padding below 0, as a gradient may have it, is a word like others: WGSL's integers wrap.
    axes.map((axis) => axis[name] >>> 0),
  );

/** Whether neighbours in a row see the same elements through neighbouring taps. */
const slides = ([, { stride, dilation }]: Axes): boolean => stride === dilation;

/** What elements of four channels, and a bias, change of a kernel that stores into `target`. */
function variantOf(convolution: Convolution, target: string, bias: number | undefined): Partial<Kernel> {
  const isWide = widthOf(convolution) === 4;
  const { constants, functions } = isWide ? fourWide(target) : {};
  return {
    constants: { ...constants },
    functions: {
      ...functions,
      ...(bias !== undefined && { bias_of: 'fn bias_of(channel: u32) -> X {\n  return bias[channel];\n}' }),
    },
    ...(bias !== undefined && { reads: { bias: isWide ? 'vec4f' : 'f32' } }),
  };
}

const withBias = (bias: number | undefined): number[] => [0, 1, outputAt(0), ...(bias === undefined ? [] : [bias])];

/** What each place sees. @param isBack whether the taps come from the last to the first */
function forward(name: string, convolution: Convolution, bias: number | undefined, isBack = false): Launch {
  const { images, axes, channels, features } = convolution;
  const [rows, columns] = axes;
  const width = widthOf(convolution);
  const blocks = blocksOf(columns.output);
  const count = (images * rows.output * blocks * features) / width;
  const taps = rows.window * columns.window;
  const [first, step] = isBack ? [taps - 1, -1 >>> 0] : [0, 1];
  const { constants, ...variant } = variantOf(convolution, 'y', bias);
  const multiplier = features / channels;
  return {
    kernel: { name, source: forwardKernel, ...variant, constants: { ...constants, SLIDES: String(slides(axes)) } },
    bindings: withBias(bias),
    uniform: geometryOf(axes).concat(count, blocks, features / width, channels / width, multiplier, first, step),
    grid: flatGrid(count),
  };
}

/** What a gradient slides over that flows back through a slide of stride 1. */
const reversed = (axis: Axis): Axis => ({
  ...axis,
  input: axis.output,
  output: axis.input,
  before: spanOf(axis) - 1 - axis.before,
});

function spread(name: string, convolution: Convolution, bias: number | undefined): Launch {
  const { images, axes, channels, features } = convolution;
  const [rows, columns] = axes;
  if (channels === features && rows.stride * columns.stride === 1) {
    return forward(name, { ...convolution, axes: [reversed(rows), reversed(columns)] }, bias, true);
  }
  const width = widthOf(convolution);
  const count = (images * rows.input * columns.input * channels) / width;
  return {
    kernel: { name, source: spreadKernel, ...variantOf(convolution, 'x', bias) },
    bindings: withBias(bias),
    uniform: geometryOf(axes).concat(axes.map(tapStep), axes.map(imageStep), [
      count,
      channels / width,
      features / channels,
    ]),
    grid: flatGrid(count),
  };
}

const storeSums = 'fn store_sums(at: u32, value: X) {\n  sums[at] = value;\n}';

function weights(name: string, convolution: Convolution, parts: number, withSums: boolean): Launch {
  const { axes, channels, features } = convolution;
  const width = widthOf(convolution);
  const element = width === 4 ? 'vec4f' : 'f32';
  const places = placesOf(convolution);
  const count = parts * weightsOfPart(convolution);
  const blocks = blocksOf(axes[1].window);
  return {
    kernel: {
      name,
      source: weightsKernel,
      constants: { X: element, SLIDES: String(slides(axes)) },
      ...(withSums && { functions: { store_sums: storeSums }, writes: { sums: element } }),
    },
    bindings: [0, 1, outputAt(0), ...(withSums ? [outputAt(1)] : [])],
    uniform: geometryOf(axes).concat(
      [count, blocks, features / width, channels / width, features / channels],
      [places, partTerms(places, parts)],
    ),
    grid: flatGrid(count),
  };
}

/** One of the three products of a convolution in which each channel is a group. @param bias at which input one stands */
export function depthwiseLaunch(
  name: string,
  role: Role,
  convolution: Convolution & { readonly parts?: number; readonly withSums?: boolean },
  bias: number | undefined,
): Launch {
  const { parts = 1, withSums = false } = convolution;
  if (role === 'weights') return weights(name, convolution, parts, withSums);
  return (role === 'forward' ? forward : spread)(name, convolution, bias);
}
