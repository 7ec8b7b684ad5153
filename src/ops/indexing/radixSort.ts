import { output, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import { sizeOf, type Spec } from '../../core/shape.ts';
import { apply, applyOne, type Node, type Op, type Value } from '../../graph/graph.ts';
import { rowReader } from '../data/integerReader.ts';
import digitCountsKernel from '../../../shaders/indexing/digitCounts.wgsl?raw';
import digitOrderKernel from '../../../shaders/indexing/digitOrder.wgsl?raw';
import sharedPlaces from '../../../shaders/functions/sharedPlaces.wgsl?raw';

/*
 * A stable radix sort of integers, least significant digit first. A pass takes two launches: the blocks of the rows count
 * their digits, and then each block, knowing what all have counted, places its rows. Only integers are added, so the
 * order is the same every time. Source: Zagha and Blelloch 1991.
 */

interface PassAttrs {
  /** Rows count as this at most: those outside a table come behind all of its own. */
  readonly limit: number;
  /** Bits below the pass's digit. */
  readonly shift: number;
  /** Rows that are counted and placed together. */
  readonly block: number;
  /** A row that counts as outside. */
  readonly padding: number | undefined;
  /** Invocations that share a block: as many as there are digits, or one, where a CPU plays the GPU. */
  readonly shares: number;
}

/** Rows in ascending order, equal ones as they came. */
export interface SortedRows {
  /** `[K]`, u32; what was not below the limit is the limit. */
  readonly rows: Value;
  /** `[K]`, u32: where each of them stood. */
  readonly order: Value;
}

const DIGIT_BITS = 8;
const DIGITS = 2 ** DIGIT_BITS;

/** Invocations of a workgroup where each has a block to itself: the lanes of a core. */
const LANES = 8;
/** Rows that a block has at least, so that what it does for each digit does not outweigh them; a multiple of the digits. */
const SMALLEST_BLOCK = 512;
/** Enough for a large card, and for a processor's cores; each block reads the counts of all. */
const MOST_BLOCKS = { shared: 256, alone: 64 } as const;

/** A row, or the limit for what is none. */
const limited = (row: number, { limit, padding }: PassAttrs): number =>
  row < 0 || row === padding ? limit : Math.min(row, limit);

const digitOf = (row: number, attrs: PassAttrs): number => (limited(row, attrs) >>> attrs.shift) % DIGITS;

const blocksOf = ({ inputs: [rows], attrs: { block } }: Node<PassAttrs>): number =>
  Math.ceil(sizeOf(rows.spec.shape) / block);

/** A launch of either half of a pass. @param more of its kernel */
function passLaunch(
  node: Node<PassAttrs>,
  source: string,
  more: Partial<Kernel>,
): Launch & { readonly uniform: number[] } {
  const { block, limit, shift, shares, padding } = node.attrs;
  const [{ spec }] = node.inputs;
  const blocks = blocksOf(node);
  const width = Math.max(shares, LANES);
  return {
    kernel: {
      name: node.op.name,
      source,
      ...more,
      constants: { WIDTH: `${width}u`, SHARES: `${shares}u` },
      functions: { ...more.functions, row_at: rowReader('row_at', 'rows', spec.dtype, padding) },
    },
    uniform: [sizeOf(spec.shape), block, blocks, limit, shift],
    grid: [Math.ceil((blocks * shares) / width), 1, 1],
  };
}

const digitCountsOp: Op<PassAttrs> = {
  name: 'digitCounts',
  infer: ([rows], { block }) => [{ shape: [Math.ceil(sizeOf(rows.shape) / block), DIGITS], dtype: 'u32' }],
  cpu([rows], [counts], { attrs }) {
    counts.fill(0);
    for (let at = 0; at < rows.length; at++) {
      counts[Math.floor(at / attrs.block) * DIGITS + digitOf(rows[at], attrs)]++;
    }
  },
  gpu: (node) => [passLaunch(node, digitCountsKernel, {})],
  flops: () => 0,
};

const digitOrderOp: Op<PassAttrs> = {
  name: 'digitOrder',
  infer([rows]) {
    const result: Spec = { shape: [sizeOf(rows.shape)], dtype: 'u32' };
    return [result, result];
  },
  cpu([rows, counts, order], [sorted, places], { attrs }) {
    const next = new Uint32Array(DIGITS + 1);
    for (let at = 0; at < counts.length; at++) next[(at % DIGITS) + 1] += counts[at];
    for (let digit = 1; digit < DIGITS; digit++) next[digit] += next[digit - 1];
    for (let at = 0; at < rows.length; at++) {
      const to = next[digitOf(rows[at], attrs)]++;
      sorted[to] = limited(rows[at], attrs);
      places[to] = order ? order[at] : at;
    }
  },
  gpu(node) {
    const isFirst = node.inputs.length === 2;
    const shared = { functions: { sum_before: '', place_of: '' }, includes: [sharedPlaces] };
    const launch = passLaunch(node, digitOrderKernel, node.attrs.shares === 1 ? {} : shared);
    return [
      {
        ...launch,
        bindings: [0, isFirst ? 0 : 2, 1, output(0), output(1)],
        uniform: [...launch.uniform, isFirst ? 1 : 0],
      },
    ];
  },
  flops: () => 0,
};

/**
 * Rows of a table in ascending order, equal ones in the order in which they came.
 * @param indices i32, u32 or u8, any shape   @param limit rows of the table: what lies outside comes last, as padding does
 */
export function sortRows(
  indices: Value,
  limit: number,
  padding: number | undefined,
  adapter: AdapterTraits,
): SortedRows {
  const shares = adapter.software ? 1 : DIGITS;
  const fewest = sizeOf(indices.spec.shape) / (adapter.software ? MOST_BLOCKS.alone : MOST_BLOCKS.shared);
  const block = Math.max(SMALLEST_BLOCK, Math.ceil(fewest / DIGITS) * DIGITS);
  let sorted: readonly Value[] = [indices];
  for (let shift = 0; shift === 0 || limit >= 2 ** shift; shift += DIGIT_BITS) {
    const [rows, ...order] = sorted;
    // What is sorted by further digits has no padding left.
    const attrs = { limit, shift, block, shares, padding: shift === 0 ? padding : undefined };
    const counts = applyOne(digitCountsOp, [rows], attrs);
    sorted = apply(digitOrderOp, [rows, counts, ...order], attrs);
  }
  return { rows: sorted[0], order: sorted[1] };
}
