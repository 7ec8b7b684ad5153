import type { AdapterTraits } from '../../core/launch.ts';
import type { Forms } from '../../graph/graph.ts';
import { hasLanes, heldByLanes, laneOf } from './subgroupLanes.ts';
import naiveSource from '../../../shaders/products/forms/naive.wgsl?raw';
import registersSource from '../../../shaders/products/forms/registers.wgsl?raw';
import slicesSource from '../../../shaders/products/forms/slices.wgsl?raw';
import subgroupsSource from '../../../shaders/products/forms/subgroups.wgsl?raw';
import tilesSource from '../../../shaders/products/forms/tiles.wgsl?raw';

/*
 * The ladder of a product's kernels, each a file behind the same access to their operands. Which of them is
 * fastest depends on the adapter and on the shape: where a CPU plays the GPU, barriers are slow and a load costs as much
 * as ten multiplications, so that what is broadcast in a subgroup wins; on a card it is what is kept near.
 */

/** What a product's launch depends on. Legend: C[M, N] = A[M, K] · B[K, N]. */
export interface ProductShape {
  /** What tells products of the same extents apart, if it matters to which form is fastest: `AᵀB`. */
  readonly kind: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly matrices: number;
  /** Elements from one matrix to the next; 0 where all share one. */
  readonly aMatrix: number;
  readonly bMatrix: number;
  /** Whether sums come with it: of B's columns, or of A's rows. */
  readonly sums: 'none' | 'columns' | 'rows';
  /** Each product comes as so many, of a part of its terms each. */
  readonly parts: number;
  /** C takes blocks of four rows and four columns, and no row by itself. */
  readonly blocksOnly?: boolean;
}

/** A kernel of the ladder: what one of its blocks is, and what it needs. */
interface Form {
  readonly entry: string;
  readonly source: string;
  readonly rows: number;
  readonly columns: number;
  /** Invocations that share a block; several blocks share a workgroup where it is 1. */
  readonly invocations: number;
  /** Bytes of workgroup memory. */
  readonly shared: number;
  /** Which sums have blocks of their own. */
  readonly sumsApart: readonly ProductShape['sums'][];
  /** Whether it stores rows of C by fours; the others store blocks, as rows or as columns. */
  readonly storesRows?: true;
  readonly constants: Readonly<Record<string, number | string>>;
  readonly functions?: Readonly<Record<string, string>>;
  readonly enables?: readonly string[];
}

/** Terms of a step of the tiles: parts of a product are multiples of it. */
const TILE_K = 16;

/** Terms of a part, of which the last may have fewer. */
export const partTerms = (K: number, parts: number): number => Math.ceil(K / parts / TILE_K) * TILE_K;

const registers = (rowQuads: number, columnQuads = rowQuads): Form => ({
  entry: 'registers',
  source: registersSource,
  rows: 4 * rowQuads,
  columns: 4 * columnQuads,
  invocations: 1,
  shared: 0,
  sumsApart: ['columns'],
  constants: { ROW_QUADS: rowQuads, COLUMN_QUADS: columnQuads },
});

/** @param terms of a step: what a card's compiler has registers for   @param rowQuads fours of rows that an invocation computes */
const tiles = (rows: number, columns: number, terms: number, rowQuads: number, adapter: AdapterTraits): Form => {
  const shared = (rows + columns) * terms * 4;
  // Between four and four terms.
  const gaps = 2 * 128;
  const hasGaps = shared + gaps <= adapter.maxComputeWorkgroupStorageSize;
  return {
    entry: 'tiles',
    source: tilesSource,
    rows,
    columns,
    invocations: (rows * columns) / 32 / rowQuads,
    shared: shared + (hasGaps ? gaps : 0),
    sumsApart: ['columns', 'rows'],
    constants: {
      TILE_M: `${rows}u`,
      TILE_N: `${columns}u`,
      TILE_K: `${terms}u`,
      ROW_QUADS: `${rowQuads}u`,
      HAS_GAPS: String(hasGaps),
    },
  };
};

const lanes = (name: string, first: number): string => {
  const held = heldByLanes('value', first, 4);
  return `fn ${name}(value: vec4f) -> mat4x4f {\n  return mat4x4f(${held});\n}`;
};

/** @param rows 16 or 8   @param invocations a multiple of the subgroup's size, which is a multiple of eight */
const subgroups = (rows: number, invocations: number): Form => ({
  entry: 'subgroups',
  source: subgroupsSource,
  rows,
  columns: 4 * invocations,
  invocations,
  shared: 0,
  sumsApart: [],
  constants: { LANES: invocations, ROWS: rows },
  enables: ['subgroups'],
  functions: {
    lane_of: laneOf,
    low_lanes: lanes('low_lanes', 0),
    high_lanes: lanes('high_lanes', 4),
  },
});

const slices: Form = {
  entry: 'slices',
  source: slicesSource,
  rows: 16,
  columns: 16,
  invocations: 256,
  shared: 256 * 64,
  sumsApart: ['columns', 'rows'],
  storesRows: true,
  constants: {},
};

const naive: Form = {
  entry: 'naive',
  source: naiveSource,
  rows: 1,
  columns: 4,
  invocations: 1,
  shared: 0,
  sumsApart: ['columns', 'rows'],
  storesRows: true,
  constants: {},
};

/** A few columns more than a block of 64 would leave most of a second one idle. */
const WIDE = 256;
const lanesFor = (N: number): number => (N < WIDE && Math.ceil(N / 32) * 32 < Math.ceil(N / 64) * 64 ? 8 : 16);

/** The ladder by name, as far as an adapter can climb it. */
export function ladderOf(
  adapter: AdapterTraits,
  { M, N, blocksOnly = false }: ProductShape,
): ReadonlyMap<string, Form> {
  const { subgroupSize, maxComputeWorkgroupStorageSize: memory } = adapter;
  const rungs: [string, Form][] = [
    ['naive', naive],
    ['registers4', registers(1)],
    ['registers8', registers(2)],
    ['registers8x12', registers(2, 3)],
    ['slices', slices],
    ['tiles32x64', tiles(32, 64, 16, 1, adapter)],
    ['tiles64', tiles(64, 64, 8, 2, adapter)],
    ['tiles128', tiles(128, 128, 16, 2, adapter)],
  ];
  // Sixteen lanes at least, for fewer and larger workgroups, unless many of them would be idle.
  if (hasLanes(adapter)) {
    rungs.push(['subgroups', subgroups(M <= 8 ? 8 : 16, Math.max(subgroupSize, lanesFor(N)))]);
  }
  const fits = ({ invocations, shared, storesRows }: Form): boolean =>
    invocations <= adapter.maxComputeInvocationsPerWorkgroup &&
    shared <= memory &&
    !(blocksOnly && storesRows === true);
  return new Map(rungs.filter(([, form]) => fits(form)));
}

/** So many tiles keep a card busy. */
const MANY_TILES = 100;
/** Fewer rows or columns than this leave most of a large block empty. */
const NARROW = 4;

/** So few outputs that lanes have more to do with parts of their own than with columns of their own. */
const isTiny = (M: number, N: number): boolean => Math.max(M, N) <= 16;

/** What is likeliest fastest, without a measurement. */
function guess(adapter: AdapterTraits, { M, N, matrices, parts }: ProductShape): readonly string[] {
  if (adapter.software && parts > 1 && isTiny(M, N)) return [N > 8 ? 'registers8x12' : 'registers8'];
  // Of one row nothing is read for others.
  if (adapter.software && M === 1) return ['naive', 'registers4'];
  if (adapter.software) return M <= NARROW ? ['registers4'] : ['subgroups', 'registers8', 'registers4'];
  const tilesOf = (size: number): number => Math.floor(M / size) * Math.floor(N / size) * matrices * parts;
  if (tilesOf(128) >= MANY_TILES) return ['tiles128', 'tiles64'];
  if (tilesOf(64) >= MANY_TILES) return ['tiles64'];
  if (M < 64 && Math.ceil(M / 32) * Math.floor(N / 64) * matrices * parts >= MANY_TILES) return ['tiles32x64'];
  return ['slices', 'registers4'];
}

/** Workgroups that keep a card busy. */
const MANY_GROUPS = 256;
/** Terms that a part has at least, and parts that a product has: fewer would not make up for the launch that adds them. */
const PART_TERMS = 512;
const FEWEST_PARTS = 4;

/** On a processor: blocks that keep its cores busy, or, where each is a lane's, their lanes; and terms that a part has at least. */
const SOFTWARE_BLOCKS = 64;
const SOFTWARE_TERMS = 512;
const LANE_BLOCKS = 1024;
const LANE_TERMS = 64;

/** In how many parts a product is best computed: of few elements with many terms, each part by workgroups of its own. */
export function partsOf({ software }: AdapterTraits, { M, N, K, matrices }: ProductShape): number {
  const groups = Math.ceil(M / slices.rows) * Math.ceil(N / slices.columns) * matrices;
  const within = (most: number, terms: number): number => Math.min(Math.floor(most / groups), Math.floor(K / terms));
  const ofLanes = isTiny(M, N);
  const parts = software
    ? within(ofLanes ? LANE_BLOCKS : SOFTWARE_BLOCKS, ofLanes ? LANE_TERMS : SOFTWARE_TERMS)
    : within(MANY_GROUPS, PART_TERMS);
  return parts >= FEWEST_PARTS ? Math.ceil(K / partTerms(K, parts)) : 1;
}

/** The forms that can do a product on an adapter. Extents within a power of two are one kind. */
export function productForms(adapter: AdapterTraits, shape: ProductShape): Forms {
  const { kind, M, N, K, matrices, parts } = shape;
  const extents = [M, N, K / parts].map((extent) => 2 ** Math.ceil(Math.log2(Math.max(1, extent))));
  const names = [...ladderOf(adapter, shape).keys()];
  const first = guess(adapter, shape).filter((name) => names.includes(name));
  return {
    kind: `matmul ${kind} ${matrices * parts > 1 ? 'batched ' : ''}${extents.join('×')}`,
    names: [...first, ...names.filter((name) => !first.includes(name))],
  };
}
