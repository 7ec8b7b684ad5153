import { flatGrid, output, type AdapterTraits, type Kernel, type Launch } from '../core/launch.ts';
import type { Forms } from '../graph/graph.ts';
import source from '../../shaders/matmul.wgsl?raw';

/*
 * The ladder of a product's kernels, all in one file and all with the same access to their operands. Which of them is
 * fastest depends on the adapter and on the shape: where a CPU plays the GPU, barriers are slow and a load costs as much
 * as ten multiplications, so that what is broadcast in a subgroup wins; on a card it is what is kept near.
 */

/** What a product's launch depends on. Legend: C[M, N] = A[M, K] · B[K, N]. */
export interface ProductShape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly matrices: number;
  /** Elements from one matrix to the next; 0 where all share one. */
  readonly aMatrix: number;
  readonly bMatrix: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether the column sums of B come with it. */
  readonly withSums: boolean;
  /** Each product comes as so many, of a part of its terms each. */
  readonly parts: number;
}

/** A kernel of the ladder: what one of its blocks is, and what it needs. */
interface Form {
  readonly entry: string;
  readonly rows: number;
  readonly columns: number;
  /** Invocations that share a block; several blocks share a workgroup where it is 1. */
  readonly invocations: number;
  /** Bytes of workgroup memory. */
  readonly shared: number;
  /** Whether a row of blocks of its own sums the columns of B. */
  readonly sumsApart: boolean;
  readonly constants: Readonly<Record<string, number>>;
  readonly functions?: Readonly<Record<string, string>>;
  readonly enables?: readonly string[];
}

/** Terms of a step of the tiles: parts of a product are multiples of it. */
const TILE_K = 16;

/** Terms of a part, of which the last may have fewer. */
export const partTerms = (K: number, parts: number): number => Math.ceil(K / parts / TILE_K) * TILE_K;

const registers = (quads: number): Form => ({
  entry: 'registers',
  rows: 4 * quads,
  columns: 4 * quads,
  invocations: 1,
  shared: 0,
  sumsApart: true,
  constants: { ROW_QUADS: quads, COLUMN_QUADS: quads },
});

const tiles = (size: number, stages: number, unrolls: boolean): Form => ({
  entry: 'tiles',
  rows: size,
  columns: size,
  invocations: (size / 8) ** 2,
  shared: 2 * size * TILE_K * 4 * stages,
  sumsApart: false,
  constants: { TILE_M: size, TILE_N: size, STAGES: stages },
  functions: unrolls ? { terms_of_step: 'fn terms_of_step() -> u32 {\n  return TILE_K;\n}' } : {},
});

const lanes = (name: string, first: number): string => {
  const each = [0, 1, 2, 3].map((lane) => `subgroupBroadcast(value, ${first + lane}u)`);
  return `fn ${name}(value: vec4f) -> mat4x4f {\n  return mat4x4f(${each.join(', ')});\n}`;
};

/** @param invocations a multiple of the subgroup's size, which is a multiple of eight */
const subgroups = (invocations: number): Form => ({
  entry: 'subgroups',
  rows: 16,
  columns: 4 * invocations,
  invocations,
  shared: 0,
  sumsApart: true,
  constants: { LANES: invocations },
  enables: ['subgroups'],
  functions: {
    lane_of: 'fn lane_of(local: u32) -> u32 {\n  return subgroupExclusiveAdd(1u);\n}',
    low_lanes: lanes('low_lanes', 0),
    high_lanes: lanes('high_lanes', 4),
  },
});

const slices: Form = {
  entry: 'slices',
  rows: 16,
  columns: 16,
  invocations: 256,
  shared: 256 * 64,
  sumsApart: true,
  constants: {},
};

const naive: Form = {
  entry: 'naive',
  rows: 1,
  columns: 4,
  invocations: 1,
  shared: 0,
  sumsApart: true,
  constants: {},
};

/** The ladder by name, as far as an adapter can climb it. */
function ladderOf(adapter: AdapterTraits, { N }: ProductShape): ReadonlyMap<string, Form> {
  const { software, subgroupSize, maxComputeWorkgroupStorageSize: memory } = adapter;
  const bothStages = (size: number): Form => {
    const doubled = tiles(size, 2, !software);
    return doubled.shared <= memory ? doubled : tiles(size, 1, !software);
  };
  const rungs: [string, Form][] = [
    ['naive', naive],
    ['registers4', registers(1)],
    ['registers8', registers(2)],
    ['slices', slices],
    ['tiles64', bothStages(64)],
    ['tiles128', bothStages(128)],
  ];
  // Sixteen lanes at least, for fewer and larger workgroups, unless most of them would be idle.
  if (subgroupSize % 8 === 0 && subgroupSize > 0) {
    rungs.push(['subgroups', subgroups(Math.max(subgroupSize, N <= 32 ? 8 : 16))]);
  }
  const fits = ({ invocations, shared }: Form): boolean =>
    invocations <= adapter.maxComputeInvocationsPerWorkgroup && shared <= memory;
  return new Map(rungs.filter(([, form]) => fits(form)));
}

/** So many tiles keep a card busy. */
const MANY_TILES = 100;
/** Fewer rows or columns than this leave most of a large block empty. */
const NARROW = 4;

/** What is likeliest fastest, without a measurement. */
function guess(adapter: AdapterTraits, { M, N, matrices, parts }: ProductShape): readonly string[] {
  if (adapter.software) return M <= NARROW ? ['registers4'] : ['subgroups', 'registers8', 'registers4'];
  const tilesOf = (size: number): number => Math.floor(M / size) * Math.floor(N / size) * matrices * parts;
  if (tilesOf(128) >= MANY_TILES) return ['tiles128', 'tiles64'];
  if (tilesOf(64) >= MANY_TILES) return ['tiles64'];
  return ['slices', 'registers4'];
}

/** Workgroups that keep a card busy. */
const MANY_GROUPS = 256;
/** Terms that a part has at least, and parts that a product has: fewer would not make up for the launch that adds them. */
const PART_TERMS = 512;
const FEWEST_PARTS = 4;

/** In how many parts a product is best computed: of few elements with many terms, each part by workgroups of its own. */
export function partsOf({ software }: AdapterTraits, { M, N, K, matrices }: ProductShape): number {
  if (software) return 1;
  const groups = Math.ceil(M / slices.rows) * Math.ceil(N / slices.columns) * matrices;
  const parts = Math.min(Math.floor(MANY_GROUPS / groups), Math.floor(K / PART_TERMS));
  return parts >= FEWEST_PARTS ? Math.ceil(K / partTerms(K, parts)) : 1;
}

/** The forms that can do a product on an adapter. Extents within a power of two are one kind. */
export function productForms(adapter: AdapterTraits, shape: ProductShape): Forms {
  const { M, N, K, matrices, parts, transposeA, transposeB } = shape;
  const extents = [M, N, K / parts].map((extent) => 2 ** Math.ceil(Math.log2(Math.max(1, extent))));
  const operands = `A${transposeA ? 'ᵀ' : ''}B${transposeB ? 'ᵀ' : ''}`;
  const names = [...ladderOf(adapter, shape).keys()];
  const first = guess(adapter, shape).filter((name) => names.includes(name));
  return {
    kind: `matmul ${operands} ${matrices * parts > 1 ? 'batched ' : ''}${extents.join('×')}`,
    names: [...first, ...names.filter((name) => !first.includes(name))],
  };
}

/** Replaces element access by whole vectors where lines are a multiple of four long; an empty buffer has no room for one. */
function vectors({ M, N, K, transposeA, transposeB }: ProductShape): Pick<Kernel, 'functions' | 'constants'> {
  const functions: Record<string, string> = {};
  const constants: Record<string, string> = {};
  if (M * N * K === 0) return { functions, constants };
  const lines = { a: transposeA ? M : K, b: transposeB ? K : N };
  for (const operand of ['a', 'b'] as const) {
    if (lines[operand] % 4 !== 0) continue;
    constants[`${operand.toUpperCase()}_ELEMENT`] = 'vec4f';
    functions[`${operand}_four`] =
      `fn ${operand}_four(at: u32, left: u32) -> vec4f {\n  return ${operand}[at / 4u];\n}`;
  }
  if (N % 4 === 0) {
    constants['C_ELEMENT'] = 'vec4f';
    const each = ['x', 'y', 'z', 'w'].map((lane, at) => `epilogue(value.${lane}, at + ${at}u)`);
    functions['store_four'] =
      `fn store_four(at: u32, left: u32, value: vec4f) {\n  c[at / 4u] = vec4f(${each.join(', ')});\n}`;
  }
  return { functions, constants };
}

const withBias = 'fn epilogue(value: f32, at: u32) -> f32 {\n  return value + bias[at % sizes.n];\n}';

const stores = ['x', 'y', 'z', 'w'].map(
  (lane, at) => `  if (column + ${at}u < sizes.n) {\n    sums[part * sizes.n + column + ${at}u] = value.${lane};\n  }`,
);
const storeSums = `fn store_sums(part: u32, column: u32, value: vec4f) {\n${stores.join('\n')}\n}`;

/** A product in one of its forms. @param bias at which input a bias stands that is added as C is stored */
export function productLaunch(
  name: string,
  formName: string,
  adapter: AdapterTraits,
  shape: ProductShape,
  bias?: number,
): Launch {
  const form = ladderOf(adapter, shape).get(formName);
  if (!form) throw new Error(`[${name}] has no form ${formName} on this adapter`);
  const { M, N, K, matrices, aMatrix, bMatrix, transposeA, transposeB, withSums, parts } = shape;
  const { functions, constants } = vectors(shape);
  // Sums are to be had without any rows of C too.
  const mBlocks = Math.max(1, Math.ceil(M / form.rows) + (withSums && form.sumsApart ? 1 : 0));
  const nBlocks = Math.ceil(N / form.columns);
  const blocks = matrices * parts * mBlocks * nBlocks;
  return {
    kernel: {
      name,
      source,
      entry: form.entry,
      ...(form.enables && { enables: form.enables }),
      functions: {
        ...form.functions,
        ...functions,
        ...(bias !== undefined && { epilogue: withBias }),
        ...(withSums && { store_sums: storeSums }),
      },
      constants: {
        ...form.constants,
        ...constants,
        A_TRANSPOSED: String(transposeA),
        B_TRANSPOSED: String(transposeB),
        WITH_SUMS: String(withSums),
        WHOLE_K: String(K % 4 === 0),
      },
      ...(bias !== undefined && { reads: { bias: 'f32' } }),
      ...(withSums && { writes: { sums: 'f32' } }),
    },
    bindings: [0, 1, output(0), ...(bias === undefined ? [] : [bias]), ...(withSums ? [output(1)] : [])],
    uniform: [M, N, K, mBlocks, nBlocks, blocks, aMatrix, bMatrix, parts, partTerms(K, parts)],
    grid: form.invocations === 1 ? flatGrid(blocks) : flatGrid(blocks, 1),
  };
}
