import { DataError, ShapeError } from '../../core/errors.ts';
import { described } from '../../core/argumentChecks.ts';

/*
 * Windows that slide over the rows and the columns of images: the geometry that convolutions and pooling share.
 */

/** Of rows and of columns; one number is both. */
export type Pair = number | readonly [number, number];

/**
 * What is added around an image. `valid`: nothing. `same`: as much as makes the output ⌈input / stride⌉ long, the odd one
 * at the end, as in TensorFlow. A number, or one for rows and one for columns: on both sides, as in PyTorch. Or each side
 * by itself: `[[top, bottom], [left, right]]`.
 */
export type Padding =
  | 'valid'
  | 'same'
  | Pair
  | readonly [readonly [before: number, after: number], readonly [before: number, after: number]];

export interface SlideOptions {
  readonly stride?: Pair;
  /** `valid` if left out. */
  readonly padding?: Padding;
  /** Distance of neighbouring elements of the window in the input: 1. */
  readonly dilation?: Pair;
}

/** How a window slides unless it is told. */
export const slideDefaults = { stride: 1, padding: 'valid', dilation: 1 } as const;

/** A window along one axis: its element t of place o stands on element o · stride − before + t · dilation of the input. */
export interface Axis {
  readonly input: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly output: number;
}

/** Of rows, and of columns. */
export type Axes = readonly [Axis, Axis];

type Two<T = number> = readonly [T, T];

const isWhole = (given: unknown, least: number): boolean => Number.isInteger(given) && (given as number) >= least;

/** @param which what two numbers are of   @throws DataError unless both numbers are whole and at least `least` */
export function pairOf(where: string, name: string, given: Pair, least: number, which = 'rows, columns'): Two {
  const pair: unknown = typeof given === 'number' ? [given, given] : given;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((each) => isWhole(each, least))) {
    const shown = Array.isArray(given) ? `[${given.map(described).join(',')}]` : described(given);
    throw new DataError(
      `[${where}] ${name} is ${shown} but must be a whole number of at least ${least}, or two of them: ${which}`,
    );
  }
  return pair as unknown as Two;
}

/** @throws DataError unless the number is whole and at least 1 */
export function requireCount(where: string, name: string, given: number): void {
  if (isWhole(given, 1)) return;
  throw new DataError(`[${where}] ${name} is ${described(given)}: it must be one whole number of at least 1`);
}

/** Elements from the window's first to its last. */
export const spanOf = ({ window, dilation }: Pick<Axis, 'window' | 'dilation'>): number => (window - 1) * dilation + 1;

/** What is added before and after each axis. @param totals of rows and columns, what `same` adds in all */
function sidesOf(where: string, padding: Padding, totals: Two): Two<Two> {
  if (padding === 'valid')
    return [
      [0, 0],
      [0, 0],
    ];
  if (padding === 'same') {
    const [rows, columns] = totals.map((total): Two => [Math.floor(total / 2), Math.ceil(total / 2)]);
    return [rows, columns];
  }
  if (typeof padding === 'object' && typeof padding[0] === 'object') {
    const [rows, columns] = padding as Two<Two>;
    return [
      pairOf(where, 'padding of rows', rows, 0, 'before, after'),
      pairOf(where, 'padding of columns', columns, 0, 'before, after'),
    ];
  }
  if (typeof padding === 'string') {
    throw new DataError(
      `[${where}] padding is "${String(padding)}" but must be "valid", "same", a number, or [rows, columns]`,
    );
  }
  const [rows, columns] = pairOf(where, 'padding', padding as Pair, 0);
  return [
    [rows, rows],
    [columns, columns],
  ];
}

/** Both axes before the padding is known. */
function unpadded(where: string, extents: Two, window: Two, { stride = 1, dilation = 1 }: SlideOptions): Two<Axis> {
  const strides = pairOf(where, 'stride', stride, 1);
  const dilations = pairOf(where, 'dilation', dilation, 1);
  const axis = (at: 0 | 1): Axis => ({
    input: extents[at],
    window: window[at],
    stride: strides[at],
    dilation: dilations[at],
    before: 0,
    output: 0,
  });
  return [axis(0), axis(1)];
}

/** What `same` adds in all, so that a slide's output is ⌈input / stride⌉ long, and a spread's extent · stride. */
const slideTotal = (axis: Axis): number =>
  Math.max(0, (Math.ceil(axis.input / axis.stride) - 1) * axis.stride + spanOf(axis) - axis.input);
const spreadTotal = (axis: Axis): number => Math.max(0, spanOf(axis) - axis.stride);

/**
 * How a window slides over an image.
 * @param what the window is called in errors: `kernel`   @param extents rows and columns of the image   @param window of the window
 * @throws DataError for a stride, dilation or padding that is none; ShapeError if the window does not fit the padded image
 */
export function slide(where: string, what: string, extents: Two, window: Two, options: SlideOptions): Axes {
  const axes = unpadded(where, extents, window, options);
  const sides = sidesOf(where, options.padding ?? 'valid', [slideTotal(axes[0]), slideTotal(axes[1])]);
  const slid = (at: 0 | 1): Axis => {
    const room = extents[at] + sides[at][0] + sides[at][1] - spanOf(axes[at]);
    return { ...axes[at], before: sides[at][0], output: Math.floor(room / axes[at].stride) + 1 };
  };
  const result: Axes = [slid(0), slid(1)];
  if (result.some(({ output }) => output < 1)) throw tooLarge(where, what, axes, sides);
  return result;
}

function tooLarge(where: string, what: string, axes: Two<Axis>, sides: Two<Two>): ShapeError {
  const by = (f: (axis: Axis, at: number) => number): string => axes.map(f).join('×');
  const isDilated = axes.some(({ dilation }) => dilation > 1);
  const isPadded = sides.flat().some((each) => each > 0);
  const dilated = isDilated ? `, ${by(spanOf)} with its dilation,` : '';
  const padded = isPadded ? `, ${by(({ input }, at) => input + sides[at][0] + sides[at][1])} with its padding` : '';
  return new ShapeError(
    `[${where}] a ${by(({ window }) => window)} ${what}${dilated} does not fit a ${by(({ input }) => input)} input${padded}: add padding or use a smaller ${what}`,
  );
}

export interface SpreadOptions extends SlideOptions {
  /** Added to the output's end, where a stride leaves several extents to choose from: 0. */
  readonly outputPadding?: Pair;
}

/**
 * The slide whose transpose spreads an image: its output is the image that is given, its input what becomes of it, which
 * is (extent − 1) · stride + span − padding + outputPadding long; with `same`, extent · stride.
 * @throws as `slide` does; ShapeError if nothing would be left
 */
export function spread(where: string, what: string, extents: Two, window: Two, options: SpreadOptions): Axes {
  const axes = unpadded(where, extents, window, options);
  const isSame = options.padding === 'same';
  const sides = sidesOf(where, options.padding ?? 'valid', [spreadTotal(axes[0]), spreadTotal(axes[1])]);
  const more = pairOf(where, 'outputPadding', options.outputPadding ?? 0, 0);
  const spreadOut = (at: 0 | 1): Axis => {
    const axis = axes[at];
    const [before, after] = sides[at];
    const whole = (extents[at] - 1) * axis.stride + spanOf(axis) - before - after;
    const end = Math.max(axis.stride, axis.dilation);
    if (more[at] >= end) {
      throw new DataError(
        `[${where}] outputPadding is ${more[at]} but must be below ${end}, the larger of stride and dilation: it chooses among extents of which a slide makes the same`,
      );
    }
    const length = (isSame ? extents[at] * axis.stride : whole) + more[at];
    return { ...axis, before, input: length, output: extents[at] };
  };
  const result: Axes = [spreadOut(0), spreadOut(1)];
  if (result.some(({ input }) => input < 1)) {
    throw new ShapeError(
      `[${where}] a ${window.join('×')} ${what} makes a ${result.map(({ input }) => input).join('×')} image of a ${extents.join('×')} input: use less padding or a larger ${what}`,
    );
  }
  return result;
}
