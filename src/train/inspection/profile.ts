import type { BackendKind } from '../../core/places.ts';
import { DataError } from '../../core/errors.ts';
import { described, optionsOf } from '../../core/argumentChecks.ts';
import { formatSpec } from '../../core/shape.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Node } from '../../graph/graph.ts';
import { workOf } from '../../graph/work.ts';
import type { Backend, Executable, Times } from '../../scheduler/backend.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import { rehearse } from './restoreStates.ts';

/** What a machine can do in a second, as its maker says: WebGPU does not tell. */
export interface Peak {
  /** Floating-point operations, in f32. */
  readonly flops?: number;
  /** Bytes to and from its memory. */
  readonly bytes?: number;
}

/** What `profile` may be told. */
export interface ProfileOptions {
  /** What the steps are taken from; if left out, what `fit` or `step` took its last one from. */
  readonly data?: Dataset;
  /** Against which launches are held. */
  readonly peak?: Peak;
}

/** Time, and what was done in it. */
export interface Cost {
  readonly ms: number;
  /** Floating-point operations, counted from the graph: additions, products, comparisons, and functions as one each. */
  readonly flops: number;
  /** What must at least be read and written, counted from the graph: each number once. */
  readonly bytes: number;
  /** Null where the clock saw no time go by. */
  readonly flopsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** What one node of a step costs. */
export interface LaunchProfile extends Cost {
  /** The op's, as in the printed graph. */
  readonly name: string;
  /** What the node computes: `f32[128, 10]`, of several outputs the first. */
  readonly output: string;
  /** Launches that it has in a step, whose costs are added up: more than one for some ops, and for a step in parts. */
  readonly count: number;
  /** Of the time of all launches, 0 … 1. */
  readonly share: number;
  /**
   * How much of the time the machine would need at its peak, 0 … 1, and what would then hold it up: the roofline of
   * Williams et al. 2009. Null without a peak.
   */
  readonly limit: { readonly by: keyof Peak; readonly share: number } | null;
}

/** Where the time of a training step goes. */
export interface Profile {
  readonly adapter: string;
  readonly backend: BackendKind;
  /** The GPU's own, or this program's, which also sees how a submit gets to the GPU and back. */
  readonly clock: 'timestamps' | 'wall';
  /** Whether timestamps are multiples of 65,536 ns; times are then means, else medians. */
  readonly quantised: boolean;
  readonly steps: number;
  /** Of a step as training runs it, without the seams that tell its launches apart. */
  readonly msPerStep: number;
  /** In the order of the step. */
  readonly launches: readonly LaunchProfile[];
  /** Of all launches. */
  readonly total: Cost;
}

/** @throws DataError for a peak that is none */
export function requirePeak(peak: Peak): void {
  const numbers: Readonly<Record<string, unknown>> = optionsOf('profile, peak', peak, {
    flops: undefined,
    bytes: undefined,
  });
  for (const [name, number] of Object.entries(numbers)) {
    if (number === undefined || (typeof number === 'number' && number > 0 && number < Infinity)) continue;
    throw new DataError(
      `[profile] peak.${name} is ${described(number)} but must be above 0: give how many the machine can do in a second`,
    );
  }
}

/** Runs a step's programs so many times, and once before to warm up, and puts the states back. */
export async function profileStep(
  backend: Backend,
  step: readonly StepProgram[],
  steps: number,
  peak: Peak,
  enter: () => void,
): Promise<Profile> {
  const programs = step.map(({ program }) => program);
  const written = programs.flatMap(({ graph }) => graph.writes.map(([state]) => state));
  const { clock, quantised, nodes, runs } = await rehearse(backend, written, () => {
    enter();
    return backend.time(programs, 1 + steps);
  });
  const warm = runs.slice(1);
  const typical = (msOf: (run: Times) => number): number => Math.max(0, (quantised ? mean : median)(warm.map(msOf)));
  const times = nodes.map((node, at) => ({ node, ms: typical(({ launches }) => launches[at]) }));
  const launches = launchesOf(programs, times, peak);
  const total = (name: 'ms' | 'flops' | 'bytes'): number => launches.reduce((sum, launch) => sum + launch[name], 0);
  return {
    adapter: backend.adapter,
    backend: backend.kind,
    clock,
    quantised,
    steps,
    msPerStep: typical(({ whole }) => whole),
    launches,
    total: costOf(total('ms'), total('flops'), total('bytes')),
  };
}

/** The launches of each node together. */
function launchesOf(
  programs: readonly Executable[],
  times: readonly { readonly node: Node; readonly ms: number }[],
  peak: Peak,
): LaunchProfile[] {
  const all = times.reduce((total, { ms }) => total + ms, 0);
  const timesOf = new Map<Node, number[]>();
  for (const { node, ms } of times) {
    const own = timesOf.get(node);
    if (own) own.push(ms);
    else timesOf.set(node, [ms]);
  }
  const nodesIn = new Map(programs.map(({ order }) => [order, new Set(order)]));
  return [...timesOf].map(([node, own]) => {
    const ms = own.reduce((total, each) => total + each, 0);
    // The parts of a step run one program again and again.
    const uses = programs.filter(({ order }) => nodesIn.get(order)!.has(node)).length;
    const { flops, bytes } = workOf(node);
    const cost = costOf(ms, uses * flops, uses * bytes);
    const [name, output] = [node.op.name, formatSpec(node.outputs[0].spec)];
    return { name, output, count: own.length, share: all > 0 ? ms / all : 0, ...cost, limit: limitOf(cost, peak) };
  });
}

const costOf = (ms: number, flops: number, bytes: number): Cost => ({
  ms,
  flops,
  bytes,
  flopsPerSecond: ms > 0 ? (1000 * flops) / ms : null,
  bytesPerSecond: ms > 0 ? (1000 * bytes) / ms : null,
});

function limitOf({ flopsPerSecond, bytesPerSecond }: Cost, peak: Peak): LaunchProfile['limit'] {
  const rates = { bytes: bytesPerSecond, flops: flopsPerSecond };
  const limits = (['bytes', 'flops'] as const).flatMap((by) => {
    const [rate, most] = [rates[by], peak[by]];
    return rate === null || most === undefined ? [] : [{ by, share: rate / most }];
  });
  return limits.toSorted((a, b) => b.share - a.share)[0] ?? null;
}

/** Of multiples of a quantum the median would be another one; their mean comes close to what was rounded. */
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** What interrupts a step now and then does not move it. */
function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
