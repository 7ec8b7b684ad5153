import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  slide,
  spread,
  type Axes,
  type Axis,
  type Padding,
  type SlideOptions,
} from '../../src/ops/convolution/spatial.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const ROUNDS = 500;

type Two = readonly [number, number];

/** A random slide, of rows and of columns. */
interface Draw {
  readonly extents: Two;
  readonly window: Two;
  readonly stride: Two;
  readonly dilation: Two;
  readonly margins: readonly [Two, Two];
}

function draw(random: Random): Draw {
  const whole = (low: number, high: number): number => Math.floor(random.uniform(low, high + 1));
  const two = (low: number, high: number): Two => [whole(low, high), whole(low, high)];
  return {
    extents: two(1, 12),
    window: two(1, 5),
    stride: two(1, 4),
    dilation: two(1, 3),
    margins: [two(0, 3), two(0, 3)],
  };
}

/** Places of a window on a padded line, counted by moving it until it sticks out. */
function countPlaces(length: number, window: number, stride: number, dilation: number): number {
  let places = 0;
  for (let first = 0; ; first += stride) {
    const ends = Array.from({ length: window }, (_, tap) => first + tap * dilation);
    if (ends.some((at) => at >= length)) return places;
    places++;
  }
}

/** The least that must be added to a line so that a window has so many places. */
function leastPadding({ input, window, stride, dilation }: Axis, places: number): number {
  let added = 0;
  while (countPlaces(input + added, window, stride, dilation) < places) added++;
  return added;
}

/** Runs through random slides, each axis by itself. @param of null where the window does not fit */
function forEachAxis(
  name: string,
  of: (given: Draw) => Axes | null,
  check: (axis: Axis, at: 0 | 1, given: Draw, where: string) => void,
): void {
  const random = new Random(SEED, name);
  let checked = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const given = draw(random);
    const axes = of(given);
    if (!axes) continue;
    checked++;
    for (const at of [0, 1] as const) check(axes[at], at, given, `${JSON.stringify(given)} axis ${at}`);
  }
  expect(checked).toBeGreaterThan(ROUNDS / 10);
}

const sliding =
  (paddingOf: (given: Draw) => Padding) =>
  ({ margins, ...given }: Draw): Axes | null => {
    const padding = paddingOf({ margins, ...given });
    const added = Array.isArray(padding)
      ? margins
      : [
          [0, 0],
          [0, 0],
        ];
    const counts = [0, 1].map((at) =>
      countPlaces(
        given.extents[at] + added[at][0] + added[at][1],
        given.window[at],
        given.stride[at],
        given.dilation[at],
      ),
    );
    const make = (): Axes => slide('conv2d', 'kernel', given.extents, given.window, { ...given, padding });
    if (padding === 'same' || counts.every((count) => count > 0)) return make();
    expect(make, `${JSON.stringify(given)}, seed ${SEED}`).toThrow('does not fit');
    return null;
  };

describe('a slide', () => {
  test('without padding has as many places as a window can be moved to', () => {
    forEachAxis(
      'valid',
      sliding(() => 'valid'),
      ({ input, window, stride, dilation, before, output }, at, given, where) => {
        expect(input, `${where}, seed ${SEED}`).toBe(given.extents[at]);
        expect(before, `${where}, seed ${SEED}`).toBe(0);
        expect(output, `${where}, seed ${SEED}`).toBe(countPlaces(input, window, stride, dilation));
      },
    );
  });

  test('with each side given has as many as on the longer line', () => {
    forEachAxis(
      'explicit',
      sliding(({ margins }) => margins),
      (axis, at, { margins: { [at]: sides } }, where) => {
        const { input, window, stride, dilation } = axis;
        expect(axis.before, `${where}, seed ${SEED}`).toBe(sides[0]);
        expect(axis.output, `${where}, seed ${SEED}`).toBe(
          countPlaces(input + sides[0] + sides[1], window, stride, dilation),
        );
      },
    );
  });

  test('with padding `same` has ⌈input / stride⌉, of the least padding, the odd element behind', () => {
    forEachAxis(
      'same',
      sliding(() => 'same'),
      (axis, _, __, where) => {
        const places = Math.ceil(axis.input / axis.stride);
        expect(axis.output, `${where}, seed ${SEED}`).toBe(places);
        expect(axis.before, `${where}, seed ${SEED}`).toBe(Math.floor(leastPadding(axis, places) / 2));
      },
    );
  });
});

/** A line that `places` windows reach, counted by marking where their elements lie. */
function reach({ window, stride, dilation }: Axis, places: number): number {
  let length = 0;
  for (let place = 0; place < places; place++) {
    for (let tap = 0; tap < window; tap++) length = Math.max(length, place * stride + tap * dilation + 1);
  }
  return length;
}

const spreading = (given: Draw, options: SlideOptions): Axes =>
  spread('convTranspose2d', 'kernel', given.extents, given.window, { ...given, ...options });

/** As `spreading`, or null where nothing would be left. */
const spreadingIfLeft = (given: Draw): Axes | null => {
  try {
    return spreading(given, { padding: given.margins });
  } catch (error) {
    expect(String(error)).toContain('use less padding or a larger kernel');
    return null;
  }
};

describe('a spread', () => {
  test('without padding reaches as far as its windows do', () => {
    forEachAxis(
      'spread valid',
      (given) => spreading(given, {}),
      (axis, at, { extents }, where) => {
        expect(axis.output, `${where}, seed ${SEED}`).toBe(extents[at]);
        expect(axis.before, `${where}, seed ${SEED}`).toBe(0);
        expect(axis.input, `${where}, seed ${SEED}`).toBe(reach(axis, extents[at]));
      },
    );
  });

  test('with each side given is cut by it, and refuses to leave nothing', () => {
    forEachAxis('spread explicit', spreadingIfLeft, (axis, at, { extents, margins: { [at]: sides } }, where) => {
      expect(axis.before, `${where}, seed ${SEED}`).toBe(sides[0]);
      expect(axis.input, `${where}, seed ${SEED}`).toBe(reach(axis, extents[at]) - sides[0] - sides[1]);
    });
  });

  test('with padding `same` is as many times as long as its stride', () => {
    forEachAxis(
      'spread same',
      (given) => spreading(given, { padding: 'same' }),
      (axis, at, { extents, stride }, where) => {
        expect(axis.input, `${where}, seed ${SEED}`).toBe(extents[at] * stride[at]);
        const cut = Math.max(0, reach(axis, extents[at]) - extents[at] * stride[at]);
        expect(axis.before, `${where}, seed ${SEED}`).toBe(Math.floor(cut / 2));
      },
    );
  });

  test.each(['valid', 'same', 'explicit'] as const)('gives back its extents when its axes are slid: %s', (kind) => {
    const paddingOf = (given: Draw): Padding => (kind === 'explicit' ? given.margins : kind);
    forEachAxis(
      `back ${kind}`,
      (given) => (kind === 'explicit' ? spreadingIfLeft(given) : spreading(given, { padding: kind })),
      ({ input, window, stride, dilation, before, output }, at, given, where) => {
        const padding = paddingOf(given);
        const options = {
          stride,
          dilation,
          padding: typeof padding === 'string' ? padding : ([given.margins[at], given.margins[at]] as const),
        };
        const [back] = slide('conv2d', 'kernel', [input, input], [window, window], options);
        expect(back.output, `${where}, seed ${SEED}`).toBe(given.extents[at]);
        expect(back.output, `${where}, seed ${SEED}`).toBe(output);
        expect(back.before, `${where}, seed ${SEED}`).toBe(before);
      },
    );
  });

  test('with outputPadding is longer at the end, and slides back to the same extents', () => {
    const options = { stride: 3, outputPadding: [2, 1] } as const;
    const axes = spread('convTranspose2d', 'kernel', [4, 5], [3, 2], options);
    expect(axes.map(({ input }) => input)).toEqual([3 * 3 + 3 + 2, 4 * 3 + 2 + 1]);
    expect(axes.map(({ before }) => before)).toEqual([0, 0]);
    const back = slide('conv2d', 'kernel', [axes[0].input, axes[1].input], [3, 2], { stride: 3 });
    expect(back.map(({ output }) => output)).toEqual([4, 5]);
  });
});
