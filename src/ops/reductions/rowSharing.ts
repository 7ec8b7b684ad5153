import { flatGrid, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import treeText from '../../../shaders/functions/tree.wgsl?raw';

/*
 * On a card the invocations of a workgroup share a row's terms: neighbours read neighbours, and a tree in workgroup
 * memory, always the same one, makes one of what they have. Where a CPU plays the GPU, barriers cost more than that
 * gains; and a short row is read before a tree has grown. There each invocation has a row to itself.
 */

/** How many invocations a workgroup has, and how many of them share a row: both are powers of two. */
export interface Sharing {
  readonly width: number;
  readonly shares: number;
}

/** As the kernels' files have it. */
const ALONE: Sharing = { width: 64, shares: 1 };

/** Eight warps: a barrier among them is cheap still, and eight such workgroups fill a multiprocessor. */
const WIDEST = 256;
/** The largest term of a tree. */
const TERM_BYTES = 12;
/** Terms that an invocation reads sooner alone, one after the other from the cache, than a tree passes its barriers. */
const MOST_ALONE = 32;
/** Terms that each invocation has at least, for its part in the tree. */
const FEWEST_TERMS = 4;
/** Outputs side by side whose terms are read together: 64 bytes, a whole line of most caches. */
const NEIGHBOURS = 16;

const powerBelow = (x: number): number => 2 ** Math.floor(Math.log2(x));

/** @param length terms of a row   @param run outputs whose terms lie side by side in memory; 1 where those of a row do */
export function sharingOf(length: number, adapter: AdapterTraits, run = 1): Sharing {
  if (adapter.software || length <= MOST_ALONE) return ALONE;
  const { maxComputeInvocationsPerWorkgroup: invocations, maxComputeWorkgroupStorageSize: bytes } = adapter;
  const width = powerBelow(Math.min(WIDEST, invocations, bytes / TERM_BYTES));
  const across = 2 ** Math.ceil(Math.log2(Math.min(run, NEIGHBOURS)));
  const shares = Math.min(width / across, powerBelow(length / FEWEST_TERMS));
  return shares > 1 ? { width, shares } : ALONE;
}

/** Workgroups that a large card works on at once. */
const GROUPS = 1024;
/** Terms that an invocation has to read in a row for a part to be worth its place in memory. */
const PART_TERMS = 16;
/** Fewer parts would not make up for the launch that combines them: a launch that waits for another takes some 5 µs. */
const FEWEST_PARTS = 4;

/** Rows that keep all lanes of a processor's cores busy, and the terms of one that a launch more is worth. */
const SOFTWARE_ROWS = 128;
const SOFTWARE_TERMS = 1024;

/** How many terms make a part, where few outputs have many terms each and so would keep little of an adapter busy. */
export function partOf(length: number, outputs: number, adapter: AdapterTraits, run: number): number | undefined {
  if (outputs === 0) return undefined;
  const parts = adapter.software
    ? Math.min(Math.ceil(SOFTWARE_ROWS / outputs), Math.floor(length / SOFTWARE_TERMS))
    : partsOnCard(length, outputs, sharingOf(length, adapter, run));
  return parts >= FEWEST_PARTS ? Math.ceil(length / parts) : undefined;
}

function partsOnCard(length: number, outputs: number, { width, shares }: Sharing): number {
  const groups = Math.ceil((outputs * shares) / width);
  return Math.min(Math.ceil(GROUPS / groups), Math.floor(length / (shares * PART_TERMS)));
}

/** A kernel that declares `shares` and `tree`, and its grid, for so many rows. */
export function sharedBy({ width, shares }: Sharing, kernel: Kernel, rows: number): Pick<Launch, 'kernel' | 'grid'> {
  const grid = flatGrid(rows, width / shares);
  if (shares === 1) return { kernel, grid };
  const functions = { ...kernel.functions, shares: '', tree: '' };
  const constants = { ...kernel.constants, WIDTH: `${width}u` };
  return { kernel: { ...kernel, functions, constants, includes: [...(kernel.includes ?? []), treeText] }, grid };
}
