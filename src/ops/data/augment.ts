import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { flatGrid, type AdapterTraits } from '../../core/launch.ts';
import { hashName, philox, unitOf, type Words4 } from '../../core/random.ts';
import { requireDtype, sizeOf, type Dtype, type Numbers } from '../../core/shape.ts';
import { applyOne, specOf, type Node, type Op, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { elementsOf } from '../../graph/work.ts';
import {
  augmentationOf,
  extentsOf,
  isBent,
  isIdle,
  type Augmentation,
  type AugmentOptions,
  type Extents,
} from './augmentation.ts';
import { keyOf, STEP } from '../training/control.ts';
import { elementsFromSamples } from './sampleAccess.ts';
import { firstElement, randomWords, type Draws } from '../random/random.ts';
import cosineSine from '../../../shaders/functions/cosineSine.wgsl?raw';
import augmentKernel from '../../../shaders/data/augment.wgsl?raw';

/*
 * Each sample draws two blocks of words: what happens by whole numbers (flips, shift, place of the cut), which no rounding
 * can change, and what happens by fractions. From a place in the result the way leads back: less the shift, turned and
 * scaled about the centre, flipped. The last word of the counter keeps its blocks apart from the draws of other ops.
 */
const KIND = 2;

interface Attrs extends Augmentation {
  readonly stream: number;
  readonly partCount: number;
}

/** What happens to a sample. */
interface Draw {
  /** From a step in the result to the step in the source. */
  readonly toRow: readonly [number, number];
  readonly toColumn: readonly [number, number];
  readonly shift: readonly [number, number];
  /** Top left corner of the square that is cut out. */
  readonly hole: readonly [number, number];
  readonly gain: number;
  readonly lift: number;
}

/** How many shifts there are along an axis. */
const shiftsOf = (most: number): number => 2 * most + 1;

/** Uniform in −1 … 1. */
const aroundZero = (word: number): number => 2 * unitOf(word) - 1;

function drawOf(sample: number, control: Numbers, { height, width }: Extents, attrs: Attrs): Draw {
  const { shift, flips, cutout, rotation, scale, brightness, contrast, stream } = attrs;
  const words = (block: number): Words4 => philox([sample, control[STEP], stream, KIND + (block << 8)], keyOf(control));
  const [flipWord, shiftWord, placeWord] = words(0);
  const [shiftsY, shiftsX] = shift.map(shiftsOf);
  const moved = shiftWord % (shiftsY * shiftsX);
  const place = placeWord % (height * width);
  const [angle, growth, lift, gain] = words(1).map(aroundZero);
  const factor = 1 + scale * growth;
  const [cosine, sine] = [Math.cos(rotation * angle) / factor, Math.sin(rotation * angle) / factor];
  const down = flipWord & flips & 2 ? -1 : 1;
  const across = flipWord & flips & 1 ? -1 : 1;
  const half = Math.floor(cutout / 2);
  return {
    toRow: [cosine * down, sine * down],
    toColumn: [-sine * across, cosine * across],
    shift: [Math.floor(moved / shiftsX) - shift[0], (moved % shiftsX) - shift[1]],
    hole: [Math.floor(place / width) - half, (place % width) - half],
    gain: 1 + contrast * gain,
    lift: brightness * lift,
  };
}

/** Calls `at` for each pixel of the result: its sample's draw, and where it lies in the source, or null where it is cut out. */
function forEachPixel(
  { inputs: [x], attrs }: Node<Attrs>,
  control: Numbers,
  at: (sample: number, draw: Draw, source: readonly [number, number] | null) => void,
): void {
  const extents = extentsOf(x.spec, attrs);
  const { samples, height, width } = extents;
  const [centreY, centreX] = [(height - 1) / 2, (width - 1) / 2];
  const first = firstElement(control, attrs.partCount);
  for (let n = 0; n < samples; n++) {
    const draw = drawOf((first + n) >>> 0, control, extents, attrs);
    const { toRow, toColumn, shift, hole } = draw;
    const isIn = (place: number, start: number): boolean => place >= start && place < start + attrs.cutout;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const [down, across] = [row - shift[0] - centreY, column - shift[1] - centreX];
        const isCut = isIn(row, hole[0]) && isIn(column, hole[1]);
        const sourceY = centreY + toRow[0] * down + toRow[1] * across;
        const sourceX = centreX + toColumn[0] * down + toColumn[1] * across;
        at(n, draw, isCut ? null : [sourceY, sourceX]);
      }
    }
  }
}

/** Reads pixels of x, or what stands beyond the edges. */
function pixelsOf(x: Numbers, { height, width, channels }: Extents, { fill, edge }: Augmentation) {
  return (n: number, row: number, column: number, c: number): number => {
    const [y, z] = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)];
    return edge || (y === row && z === column) ? x[((n * height + y) * width + z) * channels + c] : fill;
  };
}

function cpu([x, control]: readonly Numbers[], [y]: readonly Numbers[], node: Node<Attrs>): void {
  const { attrs } = node;
  const extents = extentsOf(node.inputs[0].spec, attrs);
  const pixel = pixelsOf(x, extents, attrs);
  const bent = isBent(attrs);
  let i = 0;
  forEachPixel(node, control, (n, { gain, lift }, source) => {
    for (let c = 0; c < extents.channels; c++) {
      if (!source) y[i++] = attrs.fill;
      else if (!bent) y[i++] = gain * pixel(n, source[0], source[1], c) + lift;
      else {
        const [row, column] = [Math.floor(source[0]), Math.floor(source[1])];
        const [down, across] = [source[0] - row, source[1] - column];
        const upper = pixel(n, row, column, c) * (1 - across) + pixel(n, row, column + 1, c) * across;
        const lower = pixel(n, row + 1, column, c) * (1 - across) + pixel(n, row + 1, column + 1, c) * across;
        y[i++] = gain * (upper * (1 - down) + lower * down) + lift;
      }
    }
  });
}

/** Roundings on the way to a place: of the angle, its cosine and sine, their quotient, products and sums. */
const PLACE_ULPS = 48;
const VALUE_ULPS = 8;

/** Of the finite numbers around a place, how far they lie apart, and the largest: one near a whole number may fall on its other side. */
function around(pixel: ReturnType<typeof pixelsOf>, n: number, [y, x]: readonly [number, number], c: number) {
  const numbers: number[] = [];
  for (let down = -1; down <= 2; down++) {
    for (let across = -1; across <= 2; across++) {
      const number = pixel(n, Math.floor(y) + down, Math.floor(x) + across, c);
      if (Number.isFinite(number)) numbers.push(number);
    }
  }
  const spread = numbers.length > 0 ? Math.max(...numbers) - Math.min(...numbers) : 0;
  return { spread, largest: Math.max(0, ...numbers.map(Math.abs)) };
}

/**
 * By how many 2⁻²⁴ an element may be off: by what its place's error makes of the pixels around, and by its own roundings.
 * What is moved by whole pixels alone must be equal.
 */
function strays([x, control]: readonly Numbers[], node: Node<Attrs>): Numbers {
  const { inputs, outputs, attrs } = node;
  const { shift, scale, brightness, contrast } = attrs;
  const off = new Float64Array(sizeOf(outputs[0].spec.shape));
  const bent = isBent(attrs);
  if (!bent && brightness === 0 && contrast === 0) return off;
  const extents = extentsOf(inputs[0].spec, attrs);
  const pixel = pixelsOf(x, extents, attrs);
  // A step in the result is at most 1 / (1 − scale) in the source, itself off by as much where 1 − scale is small.
  const size = extents.height + extents.width + shift[0] + shift[1];
  const placeUlps = bent ? (PLACE_ULPS * size) / (1 - scale) ** 2 : 0;
  let i = 0;
  forEachPixel(node, control, (n, { lift }, source) => {
    for (let c = 0; c < extents.channels; c++, i++) {
      if (!source) continue;
      const { spread, largest } = around(pixel, n, source, c);
      // The gain may come to less than its own rounding.
      off[i] = (1 + contrast) * (placeUlps * spread + VALUE_ULPS * largest) + VALUE_ULPS * Math.abs(lift);
    }
  });
  return off;
}

/** Invocations that share a row: where a CPU plays the GPU, to draw for a sample costs as much as to make many elements. */
const sharesOf = ({ width, channels }: Extents, { software }: AdapterTraits): number =>
  Math.min(width, Math.ceil((width * channels) / (software ? 64 : 4)));

const augmentOp: Op<Attrs, 'f32'> = {
  name: 'augment',
  effect: true,
  epilogue: true,
  infer([x], attrs) {
    requireDtype('augment', 'x', x, 'f32');
    extentsOf(x, attrs);
    return [x];
  },
  cpu,
  gpu({ inputs: [x], attrs }, adapter) {
    const extents = extentsOf(x.spec, attrs);
    const { samples, height, width, channels } = extents;
    const { shift, flips, cutout, rotation, scale, brightness, contrast, fill, edge, stream, partCount } = attrs;
    const shares = sharesOf(extents, adapter);
    const fractions = [rotation, scale, brightness, contrast, fill].map((number) => ({ f32: number }));
    const wholes = [samples, height, width, channels, shares, stream, partCount, flips, ...shift.map(shiftsOf), cutout];
    return [
      {
        kernel: {
          name: 'augment',
          source: augmentKernel,
          functions: { ...randomWords.functions, cosine_sine: '' },
          includes: [...randomWords.includes, cosineSine],
        },
        uniform: [...wholes, ...fractions, edge ? 1 : 0],
        grid: flatGrid(samples * height * shares),
      },
    ];
  },
  // Of each element the four pixels weighed, and gain and lift.
  flops: ({ outputs, attrs }) => (isBent(attrs) ? 11 : 2) * elementsOf(outputs),
  accuracy: (node) => ({
    ulps: 1,
    magnitude: (inputs) => [strays(inputs, node)],
    // A subnormal may count as 0.
    absolute: 1e-37,
  }),
  fromSamples: ({ inputs: [x] }, at, samples) =>
    at === 0 && sizeOf(x.spec.shape.slice(1)) === samples.size ? elementsFromSamples(samples) : undefined,
  vjp() {
    throw new ShapeError(
      '[augment] x depends on what is learned, but no gradient flows through augment: make it the first layer',
    );
  },
};

/**
 * Pictures changed at random, each by draws of its own, other ones at every step: flipped, scaled and turned about the
 * centre, shifted; then contrast and brightness; then a square is cut out. By whole pixels alone (shift, flip, cutout)
 * each pixel is taken as it is; where a picture is turned or scaled, from the four around its place, beyond the edges too.
 * @param x `[N, H, W, C]`, or `[N, H, W]`, f32   @param draws `context.draws(name, [N])`: one for each sample
 * @returns x's shape; x itself if all is 0
 * @throws DataError where an option is out of its range   @throws ShapeError if x holds no pictures, or a gradient is asked
 * Source: of the cut, DeVries and Taylor 2017.
 */
export function augmentImages<D extends Dtype>(draws: Draws, x: Value<D>, options: AugmentOptions): Value<D> {
  specOf('augment', 'x', x);
  const isDraws = typeof draws === 'object' && draws !== null && 'control' in draws;
  requireKind('augment', 'what it draws by', draws, isDraws, 'what context.draws(…) gives');
  const { control, stream, partCount } = draws;
  const augmentation = augmentationOf(options);
  if (isIdle(augmentation)) return x;
  return applyOne(augmentOp, [x, read(control)], { ...augmentation, stream: hashName(stream), partCount }) as Value<D>;
}
