import { DataError, ShapeError } from '../core/errors.ts';
import { BLOCK, type Layout } from '../core/layout.ts';
import type { Numbers } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import type { Clip } from './clip.ts';

/** The learning rate, or what it is at each step, counted from 0. */
export type LearningRate = number | ((step: number) => number);

/** What an update reads and leaves changed, as values of the step's graph; all arenas have one layout. */
export interface UpdateInputs {
  readonly parameters: Value;
  readonly gradients: Value;
  /** The optimizer's own arenas, in the order of its `moments`. */
  readonly moments: readonly Value[];
  /** f32[blocks, 4]: of each 64 elements, factor of the learning rate, decay, 1 if they train. */
  readonly groups: Value;
  /** f32[rows, 4]: what the optimizer's `row` says of each step. */
  readonly schedule: Value;
  /** u32[4], the step first. */
  readonly control: Value;
}

/** A rule of update over whole arenas: one launch for all parameters of a model. */
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
  /** The updated parameters, then the moments. */
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

/** Whether a name belongs to a group: its own, or everything below it. */
export const matches = (match: string | RegExp, name: string): boolean =>
  typeof match === 'string' ? name === match || name.startsWith(`${match}.`) : name.search(match) >= 0;

/** Steps that fit into the schedule's table before it is filled anew. */
export const SCHEDULE_ROWS = 4096;

/** What the schedule says of a step. */
export const rateAt = ({ learningRate }: Optimizer, step: number): number =>
  typeof learningRate === 'number' ? learningRate : learningRate(step);

/** Whether a step has a learning rate. */
export function isRate(optimizer: Optimizer, step: number): boolean {
  const rate = rateAt(optimizer, step);
  return rate >= 0 && rate < Infinity;
}

/**
 * Asked when a step is about to be taken: tables go far ahead, to steps at which a function may have no rate to give.
 * @throws DataError if the step's learning rate is none
 */
export function requireRate(optimizer: Optimizer, step: number): void {
  if (isRate(optimizer, step)) return;
  throw new DataError(
    `[${optimizer.name}] the learning rate at step ${step} is ${rateAt(optimizer, step)} but must be at least 0 and finite: look at the function that gives it`,
  );
}

/** @throws DataError unless a number of an optimizer's options, if it was given, is at least 0 and below a bound */
export function requireOption(optimizer: string, name: string, value: number | undefined, bound = Infinity): void {
  if (value === undefined || (value >= 0 && value < bound)) return;
  throw new DataError(`[${optimizer}] ${name} is ${value} but must be at least 0 and below ${bound}`);
}

/** The same for the usual options. */
export function requireUsualOptions(
  optimizer: string,
  { learningRate, weightDecay, groups }: Pick<Optimizer, 'learningRate' | 'weightDecay' | 'groups'>,
): void {
  if (typeof learningRate === 'number') requireOption(optimizer, 'learningRate', learningRate);
  requireOption(optimizer, 'weightDecay', weightDecay);
  for (const { match, learningRateFactor, weightDecay: own } of groups) {
    requireOption(optimizer, `learningRateFactor of group ${String(match)}`, learningRateFactor);
    requireOption(optimizer, `weightDecay of group ${String(match)}`, own);
  }
}

/** The table's rows for the steps from `first` on. @param factor of all learning rates */
export function scheduleFrom(optimizer: Optimizer, first: number, factor = 1): Float32Array {
  const table = new Float32Array(SCHEDULE_ROWS * 4);
  for (let row = 0; row < SCHEDULE_ROWS; row++) {
    const step = first + row;
    table.set(optimizer.row(step, factor * rateAt(optimizer, step)), row * 4);
  }
  return table;
}

/** How the parameters in each block are treated. A block does not train if it is frozen, or another phase's. */
export function groupTable(
  optimizer: Optimizer,
  layout: Layout,
  parameters: readonly { readonly trains: boolean; readonly decays: boolean }[],
): { readonly groups: Float32Array; readonly trains: readonly boolean[] } {
  for (const { match } of optimizer.groups) {
    if (!layout.ranges.some(({ name }) => matches(match, name))) {
      const names = layout.ranges.map(({ name }) => name).join(', ');
      throw new ShapeError(`[${optimizer.name}] group ${String(match)} matches no parameter: they are ${names}`);
    }
  }
  const groups = new Float32Array((layout.size / BLOCK) * 4);
  const trains = layout.ranges.map(({ name, offset, size }, at) => {
    const { trains: chosen, decays } = parameters[at];
    const group = optimizer.groups.find(({ match }) => matches(match, name));
    if (!chosen || group?.frozen) return false;
    const decay = group?.weightDecay ?? (decays || optimizer.decaysEverything ? optimizer.weightDecay : 0);
    const row = [group?.learningRateFactor ?? 1, decay, 1, 0];
    for (let block = offset / BLOCK; block * BLOCK < offset + size; block++) groups.set(row, 4 * block);
    return true;
  });
  return { groups, trains };
}

/** A block's row as the references read it: factor of the learning rate, decay, whether it trains. */
export const groupAt = (groups: ArrayLike<number>, block: number): readonly [number, number, boolean] => [
  groups[4 * block],
  groups[4 * block + 1],
  groups[4 * block + 2] !== 0,
];

/** The step's row of a schedule, as the references read it. */
export function rowAt(schedule: Numbers, control: Numbers): Numbers {
  const row = 4 * (control[0] % (schedule.length / 4));
  return schedule.subarray(row, row + 4);
}
