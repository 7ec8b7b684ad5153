import { DataError, ShapeError } from '../core/errors.ts';
import { optionsOf, requireKind } from '../core/argumentChecks.ts';

/** What a text has of all paths so far: those that end in a blank, and those that end in its last label; logarithms. */
interface Ends {
  blank: number;
  label: number;
}

/** A text, as a place in the tree of all texts. */
interface Prefix {
  readonly before: Prefix | null;
  readonly label: number;
  readonly longer: Map<number, Prefix>;
  ends: Ends;
  next: Ends;
}

const none = (): Ends => ({ blank: -Infinity, label: -Infinity });

const prefixOf = (before: Prefix | null, label: number): Prefix => ({
  before,
  label,
  longer: new Map(),
  ends: none(),
  next: none(),
});

/** log(eᵃ + eᵇ) */
function logAdd(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

const totalOf = ({ ends }: Prefix): number => logAdd(ends.blank, ends.label);

function longerBy(prefix: Prefix, label: number): Prefix {
  const known = prefix.longer.get(label);
  if (known) return known;
  const made = prefixOf(prefix, label);
  prefix.longer.set(label, made);
  return made;
}

/** The texts after one more frame, the likeliest first. */
function grown(beams: readonly Prefix[], logP: Float64Array, blank: number): Prefix[] {
  const touched = new Set<Prefix>();
  for (const prefix of beams) {
    const total = totalOf(prefix);
    touched.add(prefix);
    prefix.next.blank = logAdd(prefix.next.blank, total + logP[blank]);
    for (const [label, own] of logP.entries()) {
      if (label === blank || own === -Infinity) continue;
      const longer = longerBy(prefix, label);
      touched.add(longer);
      // The same label again is the same one, unless a blank lies between.
      const repeats = label === prefix.label;
      if (repeats) prefix.next.label = logAdd(prefix.next.label, prefix.ends.label + own);
      longer.next.label = logAdd(longer.next.label, (repeats ? prefix.ends.blank : total) + own);
    }
  }
  for (const prefix of touched) [prefix.ends, prefix.next] = [prefix.next, none()];
  const totals = Array.from(touched, (prefix) => ({ prefix, total: totalOf(prefix) }));
  return totals.toSorted((a, b) => b.total - a.total).map(({ prefix }) => prefix);
}

/** Leaves a text out, and with it what only led to it: the tree is no larger than what is kept. */
function forget(prefix: Prefix): void {
  prefix.ends = none();
  for (let at = prefix; at.before && at.longer.size === 0 && totalOf(at) === -Infinity; at = at.before) {
    at.before.longer.delete(at.label);
  }
}

function textOf(prefix: Prefix): number[] {
  const labels: number[] = [];
  for (let at = prefix; at.before; at = at.before) labels.push(at.label);
  return labels.toReversed();
}

/** Logarithms of a frame's probabilities. */
function logSoftmax(x: readonly number[]): Float64Array {
  const largest = Math.max(...x);
  const total = x.reduce((sum, own) => sum + Math.exp(own - largest), 0);
  return Float64Array.from(x, (own) => own - largest - Math.log(total));
}

/** @param frames logarithms of probabilities by class */
function searched(frames: readonly Float64Array[], blank: number, beamWidth: number): Transcription {
  const root = prefixOf(null, -1);
  root.ends.blank = 0;
  let beams: readonly Prefix[] = [root];
  for (const logP of frames) {
    const all = grown(beams, logP, blank);
    beams = all.slice(0, beamWidth);
    for (const prefix of all.slice(beamWidth)) forget(prefix);
  }
  return { labels: textOf(beams[0]), logProbability: totalOf(beams[0]) };
}

/** What `ctcBeamSearch` may be told. */
export interface CtcBeamSearchOptions {
  /** Texts that are kept from frame to frame: 16. */
  readonly beamWidth?: number;
  /** The class that stands for no label: 0. */
  readonly blank?: number;
  /** Frames of each sample; all T if left out. */
  readonly lengths?: ArrayLike<number>;
  /** Whether the numbers are probabilities already, and not logits. */
  readonly probabilities?: boolean;
}

/** A text, and the logarithm of its probability: that of all paths which spell it, as far as they were kept. */
export interface Transcription {
  readonly labels: readonly number[];
  readonly logProbability: number;
}

/** What a model gave: numbers, and their shape. */
export interface CtcOutput {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/**
 * The likeliest text of what a model that learned by `ctc` gives, on the CPU: from frame to frame so many beginnings are
 * kept, each with the probability of all its paths together, of which `ctcGreedy` takes only one.
 * @param logits of shape `[N, T, C]`, as `predict` gives them   @returns for each sample its labels, without blanks
 * @throws ShapeError for another shape, DataError for a length beyond T, or a frame of NaN
 * Source: Graves et al. 2006, 3.2, prefix search; Hannun et al. 2014
 */
export function ctcBeamSearch(logits: CtcOutput, options: CtcBeamSearchOptions = {}): Transcription[] {
  const where = 'ctcBeamSearch';
  const defaults = { beamWidth: 16, blank: 0, lengths: undefined, probabilities: false };
  const { beamWidth, blank, lengths, probabilities } = optionsOf<CtcBeamSearchOptions, typeof defaults>(
    where,
    options,
    defaults,
  );
  const { data, shape } = Object(logits) as CtcOutput;
  const areNumbers = Array.isArray(shape) && typeof data?.length === 'number';
  requireKind(where, 'the logits', logits, areNumbers, 'numbers with their shape, as predict gives them');
  const [N, T, C] = shape;
  if (shape.length !== 3 || data.length !== N * T * C || C < 1) {
    throw new ShapeError(
      `[ctcBeamSearch] there are ${data.length} logits of the shape [${shape.join(', ')}]: give N × T × C, by sample, frame and class`,
    );
  }
  const isClass = Number.isInteger(blank) && blank >= 0 && blank < C;
  requireKind(where, 'blank', blank, isClass, `a class, 0 … ${C - 1}`);
  requireKind(where, 'beamWidth', beamWidth, Number.isInteger(beamWidth) && beamWidth > 0, 'a whole number above 0');
  return Array.from({ length: N }, (_, n) => {
    const frames = lengths?.[n] ?? T;
    requireKind(where, `lengths[${n}]`, frames, Number.isInteger(frames) && frames >= 0 && frames <= T, `0 … ${T}`);
    const logP = Array.from({ length: frames }, (_x, t) => {
      const row = Array.from({ length: C }, (_y, c) => data[(n * T + t) * C + c]);
      const own = probabilities ? Float64Array.from(row, Math.log) : logSoftmax(row);
      if (!own.some(Number.isNaN)) return own;
      throw new DataError(
        `[ctcBeamSearch] frame ${t} of sample ${n} is ${row.slice(0, 4).join(', ')} …: logits must be finite, or −∞, and probabilities not below 0`,
      );
    });
    return searched(logP, blank, beamWidth);
  });
}
