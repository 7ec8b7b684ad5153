import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { BLOCK, type Page, type Range } from '../core/parameterLayout.ts';
import type { Numbers } from '../core/shape.ts';
import type { Node, Value } from '../graph/graph.ts';
import { bytesOf } from '../graph/work.ts';
import { RATE } from '../ops/training/record.ts';
import { part } from '../ops/shaping/views.ts';
import type { Clip } from './clip.ts';

/**
 * The learning rate, or what it is at each step, counted from 0. A function is asked when steps are submitted, more than
 * once: what it then says of each of them is what is applied and reported.
 */
export type LearningRate = number | ((step: number) => number);

/** A parameter's range of its page. */
export interface ParameterRange extends Range {
  /** Whether the update may change it. */
  readonly trains: boolean;
}

/** What an update reads and leaves changed, as values of the step's graph: a page of each arena, all of one layout. */
export interface UpdateInputs {
  readonly parameters: Value;
  readonly gradients: Value;
  /** Those of all pages, this one's among them, for norms of all that a phase trains; left out, it is the only page. */
  readonly allGradients?: readonly Value[];
  /** The optimizer's own arenas, in the order of its `moments`. */
  readonly moments: readonly Value[];
  /** f32[blocks, 4]: of each 64 elements, factor of the learning rate, decay, 1 if they train; a table per optimizer. */
  readonly groups: Value;
  /** f32[rows, 4]: what the optimizer's `row` says of each step; a table per optimizer. */
  readonly schedule: Value;
  /** Words, the step first: a ledger, by which a bad step is left out, where one is kept; see ops/training/badStepLedger.ts. */
  readonly control: Value;
  /** The same as the step's updates before this one leave it. */
  readonly closed?: Value;
  /** All parameters of the page; together they cover it. */
  readonly ranges: readonly ParameterRange[];
}

/** A rule of update over whole pages: as few launches for all parameters of one as it can have. */
export interface Optimizer {
  readonly name: string;
  readonly learningRate: LearningRate;
  readonly weightDecay: number;
  /** Whether biases and norms decay too. */
  readonly decaysEverything: boolean;
  /** By name: the arenas that it keeps beside the parameters, and the number that each is filled with at first. */
  readonly moments: Readonly<Record<string, number>>;
  readonly groups: readonly ParameterGroup[];
  /** Up to three numbers of a step, made in f64; groups multiply the first. */
  row(step: number, learningRate: number): readonly number[];
  /** Another optimizer for some of the parameters: this one's update uses it, and its tables lie behind this one's. */
  readonly others?: { readonly optimizer: Optimizer; have(range: Range): boolean };
  /** Looks at all parameters of a model. @throws ShapeError if it was told of some that are not among them */
  requireRanges?(ranges: readonly Range[]): void;
  /** The updated parameters of a page, then the moments, then, if it obeys a ledger, the control as it leaves it. */
  update(inputs: UpdateInputs): readonly Value[];
}

/** Parameters that are treated differently, by name. The first group that matches counts. */
export interface ParameterGroup {
  /** A parameter's name, the beginning of one, or a pattern. */
  readonly match: string | RegExp;
  /** Multiplies the learning rate; 1 if left out. */
  readonly learningRateFactor?: number;
  readonly weightDecay?: number;
  /** They stay as they are. */
  readonly frozen?: boolean;
}

/** The options that all optimizers have. */
export interface UsualOptions {
  readonly learningRate?: LearningRate;
  /** 0 where the optimizer does not say otherwise. */
  readonly weightDecay?: number;
  readonly groups?: readonly ParameterGroup[];
  readonly clip?: Clip;
}

/** What the usual options are where the optimizer does not say otherwise. */
export const usualDefaults = { learningRate: 1e-3, weightDecay: 0, groups: [], clip: undefined } as const;

/** The usual options with nothing left out. */
export interface Usual extends Pick<Optimizer, 'learningRate' | 'weightDecay' | 'groups'> {
  readonly clip: Clip | undefined;
}

/** Whether a name belongs to a group: its own, or everything below it. */
export const matches = (match: string | RegExp, name: string): boolean =>
  typeof match === 'string' ? name === match || name.startsWith(`${match}.`) : name.search(match) >= 0;

/** Steps that fit into the schedule's table before it is written from its beginning again; a submit takes fewer. */
export const SCHEDULE_ROWS = 4096;

/** An optimizer, and those that update what it does not, in the order of their tables. */
const chainOf = (optimizer: Optimizer): readonly Optimizer[] =>
  optimizer.others ? [optimizer, ...chainOf(optimizer.others.optimizer)] : [optimizer];

const ownerOf = (optimizer: Optimizer, range: Range): Optimizer =>
  optimizer.others?.have(range) ? ownerOf(optimizer.others.optimizer, range) : optimizer;

/** What an optimizer's own part of an update reads, and what the other optimizer's does. */
export function splitInputs(
  optimizer: Optimizer & Required<Pick<Optimizer, 'others'>>,
  { groups, schedule, moments, ranges, ...shared }: UpdateInputs,
): readonly [UpdateInputs, UpdateInputs] {
  const { others } = optimizer;
  const count = chainOf(optimizer).length;
  const ofOthers = moments.length - Object.keys(others.optimizer.moments).length;
  const half = (own: boolean): UpdateInputs => {
    const tables = (all: Value): Value => {
      const [rows, width] = all.spec.shape;
      const first = rows / count;
      return own ? part(all, [first, width], 0) : part(all, [rows - first, width], first * width);
    };
    return {
      ...shared,
      groups: tables(groups),
      schedule: tables(schedule),
      moments: own ? moments.slice(0, ofOthers) : moments.slice(ofOthers),
      ranges: ranges.map((range) => ({ ...range, trains: range.trains && others.have(range) !== own })),
    };
  };
  return [half(true), half(false)];
}

/** What the schedule says of a step: a function may say anything, or fail. */
function rateGiven({ learningRate }: Optimizer, step: number): unknown {
  if (typeof learningRate === 'number') return learningRate;
  try {
    return learningRate(step);
  } catch (error) {
    return error;
  }
}

const isRate = (given: unknown): given is number => typeof given === 'number' && given >= 0 && given < Infinity;

/** A step's learning rate; NaN where it has none. */
export function rateAt(optimizer: Optimizer, step: number): number {
  const given = rateGiven(optimizer, step);
  return isRate(given) ? given : NaN;
}

/** Whether a step has a learning rate. */
export const hasRate = (optimizer: Optimizer, step: number): boolean =>
  chainOf(optimizer).every((each) => isRate(rateGiven(each, step)));

/** Asked when a step is about to be taken, no earlier. @throws DataError if its learning rate is none */
function requireRate(optimizer: Optimizer, step: number): number {
  const given = rateGiven(optimizer, step);
  if (isRate(given)) return given;
  throw new DataError(
    `[${optimizer.name}] the learning rate at step ${step} is ${given instanceof Error ? String(given) : described(given)} but must be at least 0 and finite: look at the function that gives it`,
    { cause: given },
  );
}

/** @throws DataError unless a number among the options is at least 0 and below a bound */
export function requireOption(where: string, name: string, value: unknown, bound = Infinity): void {
  if (typeof value === 'number' && value >= 0 && value < bound) return;
  throw new DataError(`[${where}] ${name} is ${described(value)} but must be at least 0 and below ${bound}`);
}

/** @throws DataError unless a number that is divided by, or below which nothing is left, is above 0 */
export function requirePositive(where: string, name: string, value: unknown): void {
  if (typeof value === 'number' && value > 0 && value < Infinity) return;
  throw new DataError(`[${where}] ${name} is ${described(value)} but must be above 0 and finite`);
}

/** @throws DataError for usual options that are none */
export function requireUsualOptions(optimizer: string, { learningRate, weightDecay, groups, clip }: Usual): void {
  const isGiven = typeof learningRate === 'number' || typeof learningRate === 'function';
  requireKind(optimizer, 'learningRate', learningRate, isGiven, 'a number or a function of the step');
  if (typeof learningRate === 'number') requireOption(optimizer, 'learningRate', learningRate);
  requireOption(optimizer, 'weightDecay', weightDecay);
  for (const group of groups) requireGroup(optimizer, group);
  if (clip === undefined) return;
  const limits = { value: undefined, norm: undefined, globalNorm: undefined };
  const given = optionsOf<Partial<Record<keyof typeof limits, number>>, typeof limits>(
    `${optimizer}, clip`,
    clip,
    limits,
  );
  const [kind, ...others] = Object.keys(clip) as (keyof typeof limits)[];
  requireKind(optimizer, 'clip', clip, kind && others.length === 0, 'one limit');
  requirePositive(optimizer, `clip.${kind}`, given[kind]);
}

function requireGroup(optimizer: string, group: ParameterGroup): void {
  const where = `${optimizer}, groups`;
  const names = { match: undefined, learningRateFactor: 1, weightDecay: 0, frozen: false };
  const { match, learningRateFactor, weightDecay } = optionsOf(where, group, names);
  requireMatch(where, match);
  requireOption(optimizer, `learningRateFactor of group ${String(match)}`, learningRateFactor);
  requireOption(optimizer, `weightDecay of group ${String(match)}`, weightDecay);
}

/** @throws DataError for what chooses no parameters */
export function requireMatch(where: string, match: string | RegExp): void {
  const is = typeof match === 'string' || Symbol.search in Object(match);
  requireKind(where, 'match', match, is, 'a name or a pattern');
}

/** @throws DataError for anything else, as the function that makes one */
export function requireOptimizer(where: string, name: string, given: unknown): void {
  const is = typeof given === 'object' && given !== null && 'update' in given && 'row' in given;
  requireKind(where, name, given, is, 'an optimizer, as adam() gives one');
}

/** The share that a mean keeps, as kernels have it: what is left of 1, and its powers in f64, must be of the same number. */
export const keptInF32 = (share: number): number => Math.min(Math.fround(share), 1 - 2 ** -24);

/** The smallest normal number in place of 0, of which a gradient that was always 0 would make 0 / 0. */
export const epsilonInF32 = (epsilon: number): number => Math.max(epsilon, 2 ** -126);

/** Numbers of the schedule's tables: of an optimizer, and of each that updates what it does not. */
export const scheduleSize = (optimizer: Optimizer): number => chainOf(optimizer).length * SCHEDULE_ROWS * 4;

/**
 * Rows for so many steps, for each table: what an optimizer's `row` says, and at the end the learning rate itself.
 * @param factor of all learning rates   @throws DataError at a step that has none
 */
export function scheduleRows(optimizer: Optimizer, first: number, count: number, factor: number): Float32Array[] {
  return chainOf(optimizer).map((each) => {
    const rows = new Float32Array(4 * count);
    for (let at = 0; at < count; at++) {
      const rate = factor * requireRate(each, first + at);
      rows.set(each.row(first + at, rate), 4 * at);
      rows[4 * at + RATE] = rate;
    }
    return rows;
  });
}

/** @throws ShapeError if an optimizer, or another that it leaves parameters to, names some that the model lacks */
export function requireMatches(optimizer: Optimizer, ranges: readonly Range[]): void {
  for (const each of chainOf(optimizer)) {
    requireGroups(each, ranges);
    each.requireRanges?.(ranges);
  }
}

/** @throws ShapeError if a group is of no parameter */
function requireGroups(optimizer: Optimizer, ranges: readonly Range[]): void {
  for (const { match } of optimizer.groups) {
    if (ranges.some(({ name }) => matches(match, name))) continue;
    const names = ranges.map(({ name }) => name).join(', ');
    throw new ShapeError(
      `[${optimizer.name}] group ${String(match)} matches no parameter: a text is a name or its beginning, up to a point, and they are ${names}`,
    );
  }
}

/** The group that says how a parameter is treated, if one does. */
const groupOf = (optimizer: Optimizer, range: Range): ParameterGroup | undefined =>
  ownerOf(optimizer, range).groups.find(({ match }) => matches(match, range.name));

/** Whether a group leaves a parameter as it is. */
export const isFrozenBy = (optimizer: Optimizer, range: Range): boolean => groupOf(optimizer, range)?.frozen === true;

/** Rows of four in the 256 bytes to which WebGPU aligns a binding: an optimizer's table is a range of all. */
const ALIGNED_ROWS = BLOCK / 4;

/**
 * How the parameters in each block of a page are treated, in a table for each optimizer. A block does not train if it is
 * frozen, another optimizer's, or another phase's.
 */
export function groupTable(
  optimizer: Optimizer,
  page: Page,
  treated: (name: string) => { readonly trains: boolean; readonly decays: boolean },
): { readonly groups: Float32Array; readonly trains: readonly boolean[] } {
  const chain = chainOf(optimizer);
  const rows = Math.ceil(page.size / BLOCK / ALIGNED_ROWS) * ALIGNED_ROWS;
  const groups = new Float32Array(chain.length * rows * 4);
  const trains = page.ranges.map((range) => {
    const { name, offset, size } = range;
    const { trains: chosen, decays } = treated(name);
    const owner = ownerOf(optimizer, range);
    const first = chain.indexOf(owner) * rows;
    const group = groupOf(optimizer, range);
    if (!chosen || group?.frozen) return false;
    const decay = group?.weightDecay ?? (decays || owner.decaysEverything ? owner.weightDecay : 0);
    const row = [group?.learningRateFactor ?? 1, decay, 1, 0];
    for (let block = offset / BLOCK; block * BLOCK < offset + size; block++) {
      groups.set(row, 4 * (first + block));
    }
    return true;
  });
  return { groups, trains };
}

/** All that an update binds, but of schedule and control, its fourth and fifth inputs, only the step's row and words. */
export const bytesOfUpdate = ({ inputs, outputs }: Node): number =>
  bytesOf([...inputs.toSpliced(3, 2), ...outputs.filter(({ spec: { dtype } }) => dtype === 'f32')]) + 4 * (4 + 6);

/** A block's row as the references read it: factor of the learning rate, decay, whether it trains, factor of its norm. */
export const groupAt = (groups: ArrayLike<number>, block: number): readonly [number, number, boolean, number] => [
  groups[4 * block],
  groups[4 * block + 1],
  groups[4 * block + 2] !== 0,
  groups[4 * block + 3],
];

/** The step's row of a schedule, as the references read it. */
export function rowAt(schedule: Numbers, control: Numbers): Numbers {
  const row = 4 * (control[0] % (schedule.length / 4));
  return schedule.subarray(row, row + 4);
}
