import { DataError, ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { formatSpec, type Spec } from '../../core/shape.ts';

/** What may happen to a picture; each part that is left out does not happen. */
export interface AugmentOptions {
  /**
   * Moved by whole pixels, each way at most so many, down and across, or one number for both. To pad by so many and crop
   * at a random place is the same.
   */
  readonly shift?: number | readonly [y: number, x: number];
  /** Mirrored with a probability of ½; `true` swaps left and right, `both` also draws whether top and bottom are swapped. */
  readonly flip?: 'horizontal' | 'vertical' | 'both' | boolean;
  /** Turned about its centre by up to so many degrees either way, 0 … 180. */
  readonly rotate?: number;
  /** Grown about its centre by a factor in 1 ± scale, below 1. */
  readonly scale?: number;
  /** The side in pixels of a square that is cut out around a random pixel, so that part of it may lie outside. */
  readonly cutout?: number;
  /** A number in ± brightness is added to all, in units of what the model sees. */
  readonly brightness?: number;
  /** All is multiplied by a number in 1 ± contrast. */
  readonly contrast?: number;
  /** What stands beyond the edges, 0 by default; `edge` repeats the outermost pixels. A cut has it too, or 0 with `edge`. */
  readonly fill?: number | 'edge';
}

/** The same in what the kernel counts by. */
export interface Augmentation {
  /** The most pixels, down and across. */
  readonly shift: readonly [number, number];
  /** 1: left and right may be swapped, 2: top and bottom. */
  readonly flips: number;
  /** In radians. */
  readonly rotation: number;
  readonly scale: number;
  readonly cutout: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly fill: number;
  readonly edge: boolean;
}

const CHANGES = ['shift', 'flip', 'rotate', 'scale', 'cutout', 'brightness', 'contrast'] as const;
const FLIPS: Readonly<Record<string, number>> = { false: 0, true: 1, horizontal: 1, vertical: 2, both: 3 };
const DEGREES = Math.PI / 180;

function check(isRight: boolean, option: string, given: unknown, must: string): void {
  if (!isRight) throw new DataError(`[augment] ${option} is ${String(given)} but must be ${must}`);
}

const isSize = (x: number): boolean => Number.isFinite(x) && x >= 0;
const isWhole = (x: number): boolean => Number.isInteger(x) && x >= 0;

/** @throws DataError where an option is out of its range, or none is given */
export function augmentationOf(options: AugmentOptions | undefined): Augmentation {
  const usual = {
    shift: 0,
    flip: undefined,
    rotate: 0,
    scale: 0,
    cutout: 0,
    brightness: 0,
    contrast: 0,
    fill: 0,
  } as const;
  const {
    shift,
    flip = false,
    rotate,
    scale,
    cutout,
    brightness,
    contrast,
    fill,
  } = optionsOf('augment', options, usual);
  if (CHANGES.every((name) => options?.[name] === undefined)) {
    throw new DataError(`[augment] nothing is to happen: give at least one of ${CHANGES.join(', ')}`);
  }
  const shifts = typeof shift === 'number' ? ([shift, shift] as const) : shift;
  const numberOrEdge = fill === 'edge' || Number.isFinite(fill);
  check(
    Array.isArray(shifts) && shifts.length === 2 && shifts.every(isWhole),
    'shift',
    shift,
    'a whole number of pixels, or two: down, across',
  );
  check(Object.hasOwn(FLIPS, String(flip)), 'flip', flip, "'horizontal', 'vertical', 'both', true or false");
  check(isSize(rotate) && rotate <= 180, 'rotate', rotate, '0 … 180 degrees: it turns either way');
  check(isSize(scale) && scale < 1, 'scale', scale, 'at least 0 and below 1: 0.1 scales by 0.9 … 1.1');
  check(isWhole(cutout), 'cutout', cutout, 'a whole number of pixels: the side of the square');
  check(isSize(brightness), 'brightness', brightness, 'at least 0 and finite');
  check(isSize(contrast), 'contrast', contrast, 'at least 0 and finite');
  check(numberOrEdge, 'fill', fill, "a finite number or 'edge'");
  return {
    shift: shifts,
    flips: FLIPS[String(flip)],
    rotation: rotate * DEGREES,
    scale,
    cutout,
    brightness,
    contrast,
    fill: fill === 'edge' ? 0 : fill,
    edge: fill === 'edge',
  };
}

/** Whether all pictures stay as they are. */
export const isIdle = ({
  shift: [y, x],
  flips,
  rotation,
  scale,
  cutout,
  brightness,
  contrast,
}: Augmentation): boolean => [y, x, flips, rotation, scale, cutout, brightness, contrast].every((most) => most === 0);

/** Whether pixels are taken from places between them. */
export const isBent = ({ rotation, scale }: Augmentation): boolean => rotation > 0 || scale > 0;

/** Of pictures `[N, H, W, C]`, or `[N, H, W]`, which have one channel. */
export interface Extents {
  readonly samples: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * @throws ShapeError unless x holds pictures   @throws DataError where they are too small for what is to happen to them
 */
export function extentsOf(x: Spec, { shift, cutout }: Augmentation): Extents {
  if (x.shape.length < 3 || x.shape.length > 4) {
    throw new ShapeError(`[augment] x is ${formatSpec(x)} but must be pictures, [N, H, W] or [N, H, W, C]: reshape it`);
  }
  const [samples, height, width, channels = 1] = x.shape;
  const size = `${height}×${width}`;
  if (shift[0] >= height || shift[1] >= width) {
    throw new DataError(
      `[augment] a shift by ${shift.join(' and ')} leaves nothing of a picture of ${size}: shift by less`,
    );
  }
  if (cutout > Math.max(height, width)) {
    throw new DataError(`[augment] a cutout of ${cutout}×${cutout} is larger than a picture of ${size}: cut out less`);
  }
  return { samples, height, width, channels };
}
