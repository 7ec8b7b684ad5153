import { output, type Word } from '../../core/launch.ts';
import { sizeOf, type Numbers } from '../../core/shape.ts';
import { apply, type Node, type Op, type State, type Value } from '../../graph/graph.ts';
import { asUseOf, read } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import { EPOCH, PART, POSITION, STEP } from './control.ts';
import { alone, sharesOf, type Share } from '../launches/sharedLaunch.ts';
import { BAD, badIn, ledgerState } from './badStepLedger.ts';
import { averagedBy } from '../reductions/sum.ts';
import lookAt from '../../../shaders/functions/lookAt.wgsl?raw';
import recordText from '../../../shaders/riders/record.wgsl?raw';

/** What the control counts on by; the numbers are the kernel's. */
const COUNTS = { nothing: 0, part: 1, restart: 2, step: 3 } as const;

export interface RecordOptions {
  /** The first of the ring's columns that is written. */
  readonly column: number;
  /** What the control counts on by, at the end: `restart` goes back to the first part of the same step. */
  readonly counts: keyof typeof COUNTS;
  /** Samples that a step takes, and samples of an epoch. */
  readonly taken?: number;
  readonly length?: number;
  /** Of the step's samples: metrics of its parts, each times its share, add up. 1 if left out. */
  readonly share?: number;
  /** Totals in place of means, for who divides in f64. */
  readonly totals?: boolean;
  /** A table whose row of this step gives one more metric, by its last number: the learning rate. */
  readonly schedule?: Value;
  /** The ring as earlier launches of the step leave it, if there are any. */
  readonly left?: Value;
  /** Where the update behind it finds the step's words, and whether the step is sound; one of its own if left out. */
  readonly ledger?: State;
  /** Where the ring's row has the loss, which must be a number for the step to be sound. */
  readonly loss?: LossCells;
}

/** A figure's numbers in a row of the ring: so many from a column on, and again for each part of the step. */
export interface LossCells {
  readonly column: number;
  readonly width: number;
  readonly stride: number;
  readonly parts: number;
}

interface Attrs extends Required<Omit<RecordOptions, 'schedule' | 'left' | 'ledger'>> {
  /** Whether the last input is a schedule. */
  readonly scheduled: boolean;
}

const NO_LOSS: LossCells = { column: 0, width: 0, stride: 0, parts: 0 };

/** Inputs in front of the metrics: control, ring, ledger. */
const FIRST_METRIC = 3;

/** As many metrics as fit beside control, ring and ledger under WebGPU's default of eight storage buffers a stage. */
const METRICS_PER_LAUNCH = 5;

interface Term {
  /** How many numbers are added up, and what their total is multiplied by. */
  readonly length: number;
  readonly factor: number;
  readonly isRate: boolean;
  /** The loss and the learning rate must be numbers. */
  readonly judged: boolean;
}

/** By metric. */
function termsOf({ inputs, attrs: { column, totals, share, scheduled, loss } }: Node<Attrs>): Term[] {
  const metrics = inputs.slice(FIRST_METRIC);
  return metrics.map(({ spec }, j) => {
    const isRate = scheduled && j === metrics.length - 1;
    const length = isRate ? 1 : sizeOf(spec.shape);
    const isLoss = loss.parts === 1 && column + j >= loss.column && column + j < loss.column + loss.width;
    return { length, factor: totals ? 1 : share / length, isRate, judged: isRate || isLoss };
  });
}

/** Whether the row has the loss from other launches: of the step's parts, or number by number. */
const isLossBefore = (node: Node<Attrs>): boolean =>
  node.attrs.loss.parts > 0 && !termsOf(node).some(({ judged, isRate }) => judged && !isRate);

/** Numbers that are added up in all. */
const lengthsOf = (node: Node<Attrs>): number => termsOf(node).reduce((total, { length }) => total + length, 0);

/** Where a row of the schedule has the learning rate; an update that clips finds its factor there in a copy. */
export const RATE = 3;

const rateIn = (schedule: Numbers, control: Numbers): Numbers => {
  const at = 4 * (control[STEP] % (schedule.length / 4)) + RATE;
  return schedule.subarray(at, at + 1);
};

/** The numbers of each metric. */
function metricText(node: Node<Attrs>): string {
  const cases = termsOf(node).map(({ isRate }, j) => {
    const [rows] = node.inputs[FIRST_METRIC + j].spec.shape;
    const at = isRate ? `4u * (step % ${rows}u) + ${RATE}u` : 'i';
    return `    case ${j}u: {\n      return metric${j}[${at}];\n    }`;
  });
  return `fn metric(j: u32, i: u32, step: u32) -> f32 {\n  switch j {\n${cases.join('\n')}\n    default: {\n      return 0.0;\n    }\n  }\n}`;
}

const recordOp: Op<Attrs> = {
  name: 'record',
  effect: true,
  inPlace: [0, 1, 2],
  infer: ([control, ring, ledger]) => [control, ring, ledger],
  cpu([control, ring, ledger, ...metrics], [nextControl, nextRing, nextLedger], node) {
    const { column, share, counts, taken, length, loss } = node.attrs;
    const row = rowOf(node, control);
    nextRing.set(ring);
    nextControl.set(control);
    nextLedger.set(ledger);
    nextLedger.set(control);
    const adds = share < 1 && control[PART] > 0;
    termsOf(node).forEach(({ factor, isRate, judged }, j) => {
      let total = 0;
      for (const number of isRate ? rateIn(metrics[j], control) : metrics[j]) total += number;
      const at = row + column + j;
      nextRing[at] = (adds ? ring[at] : 0) + total * factor;
      if (judged) nextLedger[BAD] += badIn(nextRing.subarray(at, at + 1));
    });
    for (let part = 0; part < (isLossBefore(node) ? loss.parts : 0); part++) {
      const at = row + loss.column + part * loss.stride;
      nextLedger[BAD] += badIn(nextRing.subarray(at, at + loss.width));
    }
    if (counts === 'part') nextControl[PART]++;
    else if (counts !== 'nothing') nextControl[PART] = 0;
    if (counts !== 'step') return;
    const position = control[POSITION] + taken;
    nextControl[STEP]++;
    nextControl[EPOCH] += Math.floor(position / length);
    nextControl[POSITION] = position % length;
  },
  gpu(node) {
    const { column, share, counts, taken, length, loss } = node.attrs;
    const [rows, columns] = node.inputs[1].spec.shape as [number, number];
    const terms = termsOf(node);
    // A step in one part neither adds up nor looks back: loads that a visitor need not wait for.
    const constants = `const ADDS = ${share < 1};\nconst LOSS_BEFORE = ${isLossBefore(node)};`;
    return [
      alone({
        name: 'record',
        includes: [lookAt, constants, recordText, metricText(node)],
        reads: Object.fromEntries(terms.map((_, j) => [`metric${j}`, 'f32'])),
        writes: { counting: 'u32', ring: 'f32', ledger: 'atomic<u32>' },
        watched: [],
        bindings: [...terms.map((_, j) => FIRST_METRIC + j), output(0), output(1), output(2)],
        words: [
          rows,
          columns,
          column,
          terms.length,
          COUNTS[counts],
          taken,
          length,
          0,
          loss.column,
          loss.width,
          loss.stride,
          loss.parts,
          ...terms.flatMap((term): Word[] => [term.length, { f32: term.factor }, term.judged ? 1 : 0, 0]),
          ...new Array<number>(4 * (METRICS_PER_LAUNCH - terms.length)).fill(0),
        ],
        count: 1,
      }),
    ];
  },
  rides: () => 1,
  flops: (node) => lengthsOf(node),
  // The control is read, counted on and handed on; of the ring and a schedule only what belongs to the step.
  bytes: (node) => 3 * bytesOf([node.outputs[0]]) + 4 * (lengthsOf(node) + termsOf(node).length),
  accuracy: (node) => ({
    ulps: 8 + 2 * Math.max(1, ...termsOf(node).map(({ length }) => length)),
    magnitude: 'terms',
    absolute: 1e-37,
  }),
};

/** The `record` that a launch does, or does besides. */
export const recordIn = (launch: Node): Share | undefined =>
  sharesOf(launch).find(({ node }) => asUseOf(recordOp, node));

/** What a launch added to one of the ring's columns: a part's share of a metric, or all of it. */
export function addedTo(column: number, node: Node, [control, before]: readonly Numbers[], ring: Numbers): number {
  const { share } = asUseOf(recordOp, node)!;
  const at = rowOf(node, control) + column;
  return ring[at] - (share < 1 && control[PART] > 0 ? before[at] : 0);
}

/** Where the step's row begins in the ring. */
export function rowOf(node: Node, control: Numbers): number {
  const [rows, columns] = node.inputs[1].spec.shape as [number, number];
  return (control[STEP] % rows) * columns;
}

/** Of a metric that need not be averaged before it is recorded: one invocation adds it up. */
const MOST_TERMS = 1024;

/** Recording takes means: what would only be averaged for it is recorded as it is. */
function unaveraged(metric: Value): Value {
  const whole = averagedBy(metric);
  return whole && sizeOf(whole.spec.shape) <= MOST_TERMS ? whole : metric;
}

/** What recording leaves. */
export interface Recorded {
  readonly writes: readonly (readonly [State, Value])[];
  /** The control as it counts on from here. */
  readonly next: Value;
  /** The ledger with the words of the step that was recorded: for the update, which comes behind. */
  readonly counted: Value;
}

/**
 * Writes the mean of each metric into the ring's row of this step; the last of these launches also lets the control
 * count on. Every launch that reads the control comes before.
 * @param control u32[6]   @param ring f32[rows, columns]   @param metrics f32, of any shapes, from `column` on
 */
export function record(control: State, ring: State, metrics: readonly Value[], options: RecordOptions): Recorded {
  const { schedule, counts, taken = 0, length = 1, share = 1, totals = false, loss = NO_LOSS } = options;
  const { ledger = ledgerState('ledger') } = options;
  let { left = read(ring) } = options;
  let next = read(control);
  let counted = read(ledger);
  const recorded = totals ? metrics : metrics.map(unaveraged);
  const all = schedule ? [...recorded, schedule] : recorded;
  for (let first = 0; first === 0 || first < all.length; first += METRICS_PER_LAUNCH) {
    const some = all.slice(first, first + METRICS_PER_LAUNCH);
    const last = first + METRICS_PER_LAUNCH >= all.length;
    const attrs: Attrs = {
      column: options.column + first,
      counts: last ? counts : 'nothing',
      taken,
      length,
      share,
      totals,
      scheduled: last && schedule !== undefined,
      loss: last ? loss : NO_LOSS,
    };
    [next, left, counted] = apply(recordOp, [next, left, counted, ...some], attrs);
  }
  return {
    writes: [
      [control, next],
      [ring, left],
      [ledger, counted],
    ],
    next,
    counted,
  };
}
