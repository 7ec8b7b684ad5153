import { DataError, ShapeError } from '../../core/errors.ts';
import { optionsOf, requireFinite, requireKind } from '../../core/argumentChecks.ts';
import { flatGrid } from '../../core/launch.ts';
import { hashName, philox, type Words4 } from '../../core/random.ts';
import { formatSpec, requireDtype, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { applyOne, specOf, type Node, type Op, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { keyOf, STEP } from '../training/control.ts';
import { firstElement, randomWords, type Draws } from '../random/random.ts';
import { elementsFromSamples } from './sampleAccess.ts';
import kernel from '../../../shaders/data/augmentSequences.wgsl?raw';

/** Spans that are covered up, each of a place and a width by chance. */
export interface Masks {
  readonly count: number;
  /** The most places that one covers; each width from 0 on is as likely. */
  readonly longest: number;
}

/** What may happen to a sequence; each part that is left out does not happen. */
export interface SequenceChanges {
  /** Moved by whole steps, each way at most so many. */
  readonly shift?: number | undefined;
  /** Masks over steps, all features of which they cover. */
  readonly timeMasks?: Masks | undefined;
  /** Masks over features, in all steps. */
  readonly featureMasks?: Masks | undefined;
  /** What stands beyond the ends and under masks: 0, which is the mean of what was standardized. */
  readonly fill?: number | undefined;
}

interface Attrs {
  readonly shift: number;
  readonly timeMasks: Masks;
  readonly featureMasks: Masks;
  readonly fill: number;
  readonly stream: number;
  readonly partCount: number;
}

const WHERE = 'augmentSequences';
/** Keeps the blocks of words apart from the draws of other ops. */
const KIND = 3;
/** Of both kinds: what a kernel keeps in registers. */
const MOST_MASKS = 8;
const NONE: Masks = { count: 0, longest: 0 };
const USUAL = { shift: 0, timeMasks: NONE, featureMasks: NONE, fill: 0 } as const;

const isCount = (given: unknown): boolean => Number.isInteger(given) && (given as number) >= 0;

/** @throws DataError where an option is out of its range */
export function sequenceChangesOf(options: SequenceChanges): Omit<Attrs, 'stream' | 'partCount'> {
  const { shift, timeMasks, featureMasks, fill } = optionsOf<SequenceChanges, typeof USUAL>(WHERE, options, USUAL);
  requireKind(WHERE, 'shift', shift, isCount(shift), 'a whole number of steps');
  for (const [name, masks] of Object.entries({ timeMasks, featureMasks })) {
    const { count, longest } = Object(masks) as Partial<Masks>;
    requireKind(WHERE, name, masks, isCount(count) && isCount(longest), 'whole numbers, as { count: 2, longest: 10 }');
  }
  requireFinite(WHERE, 'fill', fill);
  const count = timeMasks.count + featureMasks.count;
  if (count <= MOST_MASKS) return { shift, timeMasks, featureMasks, fill };
  throw new DataError(
    `[augmentSequences] there are ${count} masks, but at most ${MOST_MASKS}: give fewer, longer ones`,
  );
}

/** Of sequences `[N, steps, features]`, or `[N, steps]`, which have one feature. @throws ShapeError or DataError where they do not fit */
function extentsOf(x: Spec, { shift, timeMasks, featureMasks }: Omit<Attrs, 'stream' | 'partCount'>) {
  const [samples, steps, features = 1] = x.shape as [number, number, number?];
  if (x.shape.length < 2 || x.shape.length > 3) {
    throw new ShapeError(
      `[augmentSequences] x is ${formatSpec(x)} but must be sequences, [N, steps] or [N, steps, features]: reshape it`,
    );
  }
  const slips = {
    shift: [shift, steps - 1],
    timeMasks: [timeMasks.longest, steps],
    featureMasks: [featureMasks.longest, features],
  } as const;
  for (const [name, [given, most]] of Object.entries(slips)) {
    if (given <= most) continue;
    throw new DataError(
      `[augmentSequences] ${name} reaches ${given}, but of x, ${formatSpec(x)}, at most ${most}: give less`,
    );
  }
  return { samples, steps, features };
}

/** What happens to a sample. */
interface Draw {
  readonly shift: number;
  /** First places and widths. */
  readonly time: readonly (readonly [number, number])[];
  readonly feature: readonly (readonly [number, number])[];
}

function drawOf(sample: number, control: Numbers, steps: number, features: number, attrs: Attrs): Draw {
  const { shift, timeMasks, featureMasks, stream } = attrs;
  const words = (block: number): Words4 => philox([sample, control[STEP], stream, KIND + (block << 8)], keyOf(control));
  const maskOf = (m: number, longest: number, extent: number): readonly [number, number] => {
    const own = words(1 + Math.floor(m / 2)).slice(m % 2 === 1 ? 2 : 0) as [number, number];
    const width = own[0] % (longest + 1);
    return [own[1] % (extent - width + 1), width];
  };
  const count = timeMasks.count;
  return {
    shift: (words(0)[0] % (2 * shift + 1)) - shift,
    time: Array.from({ length: count }, (_, m) => maskOf(m, timeMasks.longest, steps)),
    feature: Array.from({ length: featureMasks.count }, (_, m) => maskOf(count + m, featureMasks.longest, features)),
  };
}

const isUnder = (masks: Draw['time'], place: number): boolean =>
  masks.some(([start, width]) => place >= start && place < start + width);

function cpu([x, control]: readonly Numbers[], [y]: readonly Numbers[], { inputs, attrs }: Node<Attrs>): void {
  const { samples, steps, features } = extentsOf(inputs[0].spec, attrs);
  const first = firstElement(control, attrs.partCount);
  for (let n = 0; n < samples; n++) {
    const { shift, time, feature } = drawOf((first + n) >>> 0, control, steps, features, attrs);
    for (let t = 0; t < steps; t++) {
      const isSeen = t >= shift && t < steps + shift && !isUnder(time, t);
      for (let c = 0; c < features; c++) {
        const at = (n * steps + t) * features + c;
        y[at] = isSeen && !isUnder(feature, c) ? x[at - shift * features] : attrs.fill;
      }
    }
  }
}

const augmentSequencesOp: Op<Attrs, 'f32'> = {
  name: WHERE,
  effect: true,
  epilogue: true,
  infer([x], attrs) {
    requireDtype(WHERE, 'x', x, 'f32');
    extentsOf(x, attrs);
    return [x];
  },
  cpu,
  gpu({ inputs: [x], attrs }, { software }) {
    const { samples, steps, features } = extentsOf(x.spec, attrs);
    const { shift, timeMasks, featureMasks, fill, stream, partCount } = attrs;
    // Where a CPU plays the GPU, to draw for a sample costs as much as to make many elements.
    const run = software ? 256 : 8;
    const shares = Math.ceil((steps * features) / run);
    const masks = [timeMasks.count, timeMasks.count + featureMasks.count, timeMasks.longest, featureMasks.longest];
    const sizes = [samples, steps, features, run, shares, stream, partCount, 2 * shift + 1, ...masks];
    return [
      {
        kernel: { name: WHERE, source: kernel, ...randomWords },
        uniform: [...sizes, { f32: fill }],
        grid: flatGrid(samples * shares),
      },
    ];
  },
  flops: () => 0,
  accuracy: () => ({ ulps: 1, magnitude: 'result', absolute: 1e-37 }),
  fromSamples: ({ inputs: [x] }, at, samples) =>
    at === 0 && sizeOf(x.spec.shape.slice(1)) === samples.size ? elementsFromSamples(samples) : undefined,
  vjp() {
    throw new ShapeError(
      '[augmentSequences] x depends on what is learned, but no gradient flows through it: put it before the first layer that learns',
    );
  },
};

/**
 * Sequences changed at random, each by draws of its own, other ones at every step: moved by whole steps, then covered by
 * masks over steps and over features, at most eight together. By whole numbers alone, so that each element is as it was.
 * @param x `[N, steps, features]`, or `[N, steps]`, f32   @param draws `context.draws(name, [N])`: one for each sample
 * @returns x's shape; x itself if all is 0
 * @throws DataError where an option is out of its range   @throws ShapeError if x holds no sequences, or a gradient is asked
 * Source: Park et al. 2019, "SpecAugment".
 */
export function maskSequences(draws: Draws, x: Value, options: SequenceChanges): Value<'f32'> {
  specOf(WHERE, 'x', x);
  const isDraws = typeof draws === 'object' && draws !== null && 'control' in draws;
  requireKind(WHERE, 'what it draws by', draws, isDraws, 'what context.draws(…) gives');
  const { control, stream, partCount } = draws;
  const changes = sequenceChangesOf(options);
  const { shift, timeMasks, featureMasks } = changes;
  if (shift + timeMasks.count + featureMasks.count === 0) return x as Value<'f32'>;
  return applyOne(augmentSequencesOp, [x, read(control)], { ...changes, stream: hashName(stream), partCount });
}
