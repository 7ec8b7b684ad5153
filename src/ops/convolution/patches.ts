import type { Word } from '../../core/launch.ts';
import { wholeFours, wholeStores, type ProductAccess } from '../products/productAccess.ts';
import type { ProductShape } from '../products/matmulForms.ts';
import type { Axes, Axis } from './spatial.ts';
import byPlace from '../../../shaders/operands/patchesByPlace.wgsl?raw';
import byTap from '../../../shaders/operands/patchesByTap.wgsl?raw';
import channelStores from '../../../shaders/operands/channelStores.wgsl?raw';
import patches from '../../../shaders/operands/patches.wgsl?raw';
import gridPlaces from '../../../shaders/operands/places.wgsl?raw';
import pooledPlaces from '../../../shaders/operands/pooledPlaces.wgsl?raw';

/*
 * A convolution is a product whose second operand is never stored: patches of the images, read where they lie. Rows of C
 * are channels, its columns places or taps, whichever there are many of.
 */

/** A window that slides over images, and what it makes of their channels. */
export interface Convolution {
  /** How many. */
  readonly images: number;
  readonly axes: Axes;
  /** Of a pixel of the images, and of a place of the window. */
  readonly channels: number;
  readonly features: number;
  /** The channels fall into so many groups, each of which makes its share of the features. */
  readonly groups: number;
  /** Only the largest of each 2 × 2 places is wanted; what is left over at the ends is not. */
  readonly isPooled?: boolean;
}

/** Which of the three products of a convolution: forward, the gradient of the images, the gradient of the weights. */
export type Role = 'forward' | 'spread' | 'weights';

const both = (axes: Axes, of: (axis: Axis) => number): [number, number] => [of(axes[0]), of(axes[1])];
const area = (axes: Axes, of: (axis: Axis) => number): number => of(axes[0]) * of(axes[1]);

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** From a tap to the next one that meets the same places, as a gradient flows back through a stride. */
export const tapStep = ({ stride, dilation }: Axis): number => stride / divisor(stride, dilation);

/** How far apart are the places that such neighbours meet. */
export const imageStep = ({ stride, dilation }: Axis): number => dilation / divisor(stride, dilation);

/** Along an axis, 2 places each. */
const windowsIn = ({ output }: Axis): number => Math.floor(output / 2);

/** The extents of one of a convolution's products. */
export function shapeOf(
  role: Role,
  { images, axes, channels, features, groups, isPooled = false }: Convolution,
  { parts = 1, withSums = false } = {},
): ProductShape {
  const [tap, share] = [channels / groups, features / groups];
  const places = images * (isPooled ? 4 * area(axes, windowsIn) : area(axes, ({ output }) => output));
  const taps = area(axes, ({ window }) => window);
  const sums = withSums ? 'rows' : 'none';
  const kind = `conv2d ${isPooled ? 'pooled' : role}`;
  switch (role) {
    case 'forward':
      return {
        kind,
        M: share,
        N: places,
        K: taps * tap,
        matrices: groups,
        aMatrix: share,
        bMatrix: tap,
        sums,
        parts,
        ...(isPooled && { blocksOnly: true }),
      };
    case 'weights':
      return { kind, M: share, N: taps * tap, K: places, matrices: groups, aMatrix: share, bMatrix: tap, sums, parts };
    case 'spread':
      return {
        kind,
        M: tap,
        N: images * area(axes, ({ input, stride }) => Math.ceil(input / stride)),
        K: area(axes, (axis) => Math.ceil(axis.window / tapStep(axis))) * share,
        matrices: groups * area(axes, ({ stride }) => stride),
        aMatrix: share,
        bMatrix: share,
        sums,
        parts,
      };
  }
}

/** What patches.wgsl has in place of the file's own. */
const OWN_OF_B = ['b_lines', 'b_block', 'b_start', 'b_quad'];
const OWN = ['lines_at', 'places_of', 'a_line', 'block_of', 'columns_of', 'store_row', 'store_block', ...OWN_OF_B];
const OWN_BY_PLACE = [...OWN, 'a_row'];
const OWN_BY_TAP = [...OWN, 'b_term'];

/** Along an axis, taps whose bits have room in half a word. Terms are read by fours, which reach no further row of taps. */
const MASKED_TAPS = 16;
/** Whose quotients f32 tells exactly, two roundings and all. */
const EXACT_TERMS = 2 ** 22 - 64;

/** How one of a convolution's products gets at its operands. */
export function accessOf(role: Role, convolution: Convolution): ProductAccess {
  const { channels, features, groups, isPooled = false } = convolution;
  // The patches are of the images, or, as the gradient flows back, of the places; C is the other one.
  const [source, result] = role === 'spread' ? [features, channels] : [channels, features];
  const isWhole = (all: number): boolean => (all / groups) % 4 === 0;
  const whole = { a: isWhole(features), b: isWhole(source) };
  const { functions, constants } = wholeFours((['a', 'b'] as const).filter((operand) => whole[operand]));
  const replaced = (role === 'weights' ? OWN_BY_TAP : OWN_BY_PLACE).map((name) => [name, ''] as const);
  return {
    functions: { ...Object.fromEntries(replaced), ...functions },
    constants: {
      ...constants,
      A_TRANSPOSED: String(role !== 'spread'),
      // Taps and their channels are neighbours, as places are not.
      B_TRANSPOSED: String(role !== 'weights'),
      SPREADS: String(role === 'spread'),
      WHOLE_TAPS: String(isWhole(source)),
      SCATTERED: String(role === 'weights' && !isWhole(source)),
      FEW_TAPS: String(convolution.axes.every(({ window }) => window <= MASKED_TAPS)),
      FEW_TERMS: String(shapeOf(role, convolution).K < EXACT_TERMS),
      LINES: 'Lines',
      B_START: role === 'weights' ? 'Lines' : 'Place',
      OPERANDS: 'Operands',
    },
    includes: isPooled
      ? [patches, byPlace, pooledPlaces]
      : [patches, channelStores, ...(role === 'weights' ? [byTap] : [byPlace, gridPlaces])],
    ...(isPooled && { writes: { stands: 'u32' } }),
    ...(isWhole(result) && { wholeC: { ...wholeStores, along: 'columns' as const } }),
    operands: [1, 0],
    sumAt: 'part % sizes.parts * sizes.operands.c_pixel + part / sizes.parts * sizes.m + first',
    words: wordsOf(role, convolution),
  };
}

/** Operands of patches.wgsl. */
function wordsOf(role: Role, { images, axes, channels, features, groups }: Convolution): Word[] {
  const spreads = role === 'spread';
  const inputs = both(axes, ({ input }) => input);
  const outputs = both(axes, ({ output }) => output);
  const strides = both(axes, ({ stride }) => stride);
  const tap = (spreads ? features : channels) / groups;
  return [
    ...(spreads ? outputs : inputs),
    images,
    spreads ? features : channels,
    ...both(axes, ({ window }) => window),
    ...(spreads ? inputs : outputs),
    ...strides,
    ...both(axes, ({ before }) => before),
    ...both(axes, ({ dilation }) => dilation),
    ...(spreads ? strides : [1, 1]),
    ...both(axes, tapStep),
    ...both(axes, imageStep),
    tap,
    features,
    (channels / groups) * features,
    spreads ? channels : features,
    { f32: 1 / tap },
    0,
    ...outputs.map((extent) => ({ f32: 1 / extent })),
  ];
}
