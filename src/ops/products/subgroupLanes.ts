import type { AdapterTraits } from '../../core/launch.ts';

/** Lanes of a subgroup that hand each other what each has loaded; of larger subgroups, the first of them. */
export const LANES = 8;

/** Whether every subgroup has them. */
export const hasLanes = ({ subgroupSize }: AdapterTraits): boolean => subgroupSize > 0 && subgroupSize % LANES === 0;

/** What some lanes hold, one after the other: arguments of a WGSL constructor. */
export const heldByLanes = (value: string, first: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `subgroupBroadcast(${value}, ${first + at}u)`).join(', ');

/** What is linked for `lane_of`. Not a builtin: entry points are the same with subgroups and without. */
export const laneOf = 'fn lane_of(local: u32) -> u32 {\n  return subgroupExclusiveAdd(1u);\n}';
