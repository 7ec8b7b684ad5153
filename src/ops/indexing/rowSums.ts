import { flatGrid, output, type AdapterTraits, type Kernel } from '../../core/launch.ts';
import { sizeOf } from '../../core/shape.ts';
import { applyOne, type Op, type Value } from '../../graph/graph.ts';
import { bytesOf, elementsOf } from '../../graph/work.ts';
import { sortRows } from './radixSort.ts';
import { reshape } from '../shaping/views.ts';
import runSumsKernel from '../../../shaders/indexing/runSums.wgsl?raw';
import tileSumsKernel from '../../../shaders/indexing/tileSums.wgsl?raw';
import zerosKernel from '../../../shaders/indexing/zeros.wgsl?raw';

/*
 * Sums of slices by the row that they belong to, at the cost of the slices. Sorted by row, the slices of a row stand in
 * one run. A row of many would keep one invocation busy while all others have done: so tiles of ∛K places that lie
 * within a run are added up first, then tiles of as many tiles, and no sum has more than a few times ∛K terms one after
 * the other. The order of all additions follows from the indices alone.
 */

/** How slices lie: x is `[outer, chosen, inner]`, what they are added up to `[outer, rows, inner]`. */
export interface Extents {
  readonly outer: number;
  readonly rows: number;
  readonly chosen: number;
  readonly inner: number;
  /** A row to which nothing is added. */
  readonly padding?: number | undefined;
}

/** X that a workgroup clears, as zeros.wgsl has it, and its invocations where a CPU plays the GPU: the lanes of a core. */
const CLEARED = 1024;
const LANES = 8;

/**
 * X that an invocation adds up where a CPU plays the GPU: there to find a run costs as much as a few of them. On a card it
 * is one, so that neighbours read neighbours.
 */
const SOFTWARE_COLUMNS = 16;

interface TileAttrs {
  /** Entries of x that make a tile. */
  readonly several: number;
  /** Sorted places that each of them stands for. */
  readonly span: number;
}

interface RunAttrs extends Omit<Extents, 'padding'> {
  /** Places of a tile, and tiles of a large one. */
  readonly tile: number;
}

/** Four neighbours at a time, if lines are whole vectors. */
const widthOf = (inner: number): 1 | 4 => (inner % 4 === 0 ? 4 : 1);

const kernelOf = (name: string, source: string, inner: number): Kernel => ({
  name,
  source,
  constants: widthOf(inner) === 4 ? { X: 'vec4f' } : {},
});

const tileSumsOp: Op<TileAttrs> = {
  name: 'tileSums',
  infer([x], { several }) {
    const [outer, entries, inner] = x.shape;
    return [{ shape: [outer, Math.floor(entries / several), inner], dtype: 'f32' }];
  },
  cpu([x, rows, order], [y], { inputs, outputs, attrs: { several, span } }) {
    const [, entries, inner] = inputs[0].spec.shape;
    const tiles = outputs[0].spec.shape[1];
    y.fill(0);
    for (let at = 0; at < y.length; at++) {
      const tile = Math.floor(at / inner) % tiles;
      const base = Math.floor(at / inner / tiles) * entries;
      const [first, end] = [tile * several, (tile + 1) * several];
      if (rows[first * span] !== rows[end * span - 1]) continue;
      for (let j = first; j < end; j++) y[at] += x[(base + (span === 1 ? order[j] : j)) * inner + (at % inner)];
    }
  },
  gpu({ inputs, outputs: [y], attrs: { several, span } }) {
    const [, entries, inner] = inputs[0].spec.shape;
    const width = widthOf(inner);
    const count = sizeOf(y.spec.shape) / width;
    const uniform = [count, y.spec.shape[1], entries, several, span, inner / width];
    return [{ kernel: kernelOf('tileSums', tileSumsKernel, inner), uniform, grid: flatGrid(count) }];
  },
  flops: ({ inputs: [x] }) => elementsOf([x]),
  accuracy: ({ attrs: { several } }) => ({ ulps: 2 * several, magnitude: 'terms' }),
};

const runSumsOp: Op<RunAttrs> = {
  name: 'runSums',
  infer: (_, { outer, rows, inner }) => [{ shape: [outer, rows, inner], dtype: 'f32' }],
  cpu([x, sorted, order], [y], { attrs: { outer, rows, chosen, inner } }) {
    y.fill(0);
    for (let o = 0; o < outer; o++) {
      for (let p = 0; p < chosen && sorted[p] < rows; p++) {
        const [from, to] = [(o * chosen + order[p]) * inner, (o * rows + sorted[p]) * inner];
        for (let i = 0; i < inner; i++) y[to + i] += x[from + i];
      }
    }
  },
  gpu({ outputs: [y], attrs: { outer, rows, chosen, inner, tile } }, { software }) {
    const width = widthOf(inner);
    const zeros = kernelOf('zeros', zerosKernel, inner);
    const cleared = sizeOf(y.spec.shape) / width;
    const lanes = Math.ceil(inner / width / (software ? SOFTWARE_COLUMNS : 1));
    const count = outer * chosen * lanes;
    return [
      {
        kernel: software ? { ...zeros, constants: { ...zeros.constants, WIDTH: `${LANES}u` } } : zeros,
        bindings: [output(0)],
        uniform: [cleared],
        grid: flatGrid(cleared, CLEARED),
      },
      {
        kernel: kernelOf('runSums', runSumsKernel, inner),
        uniform: [count, rows, chosen, inner / width, lanes, Math.log2(tile)],
        grid: flatGrid(count),
      },
    ];
  },
  flops: ({ inputs: [x] }) => elementsOf([x]),
  bytes: ({ inputs: [x, rows, order], outputs }) => bytesOf([x, rows, order]) + bytesOf(outputs),
  // Before and behind the whole tiles less than one more, of either kind; three tiles of large ones; and what is in them.
  accuracy: ({ attrs: { tile } }) => ({ ulps: 2 * 9 * tile, magnitude: 'terms' }),
};

/**
 * y[o, r, i], the sum of x[o, j, i] over all j with indices[j] = r, in the work of sorting the indices and adding up x.
 * @param x f32, `[outer, chosen, inner]` in any shape of as many elements; more than four chosen
 */
export function rowSums(x: Value, indices: Value, extents: Extents, adapter: AdapterTraits): Value {
  const { padding, ...others } = extents;
  const { outer, rows: limit, chosen, inner } = others;
  const tile = 2 ** Math.round(Math.log2(chosen) / 3);
  const { rows, order } = sortRows(indices, limit, padding, adapter);
  const slices = reshape(x, [outer, chosen, inner]);
  const small = applyOne(tileSumsOp, [slices, rows, order], { several: tile, span: 1 });
  const large = applyOne(tileSumsOp, [small, rows, order], { several: tile, span: tile });
  return applyOne(runSumsOp, [slices, rows, order, small, large], { ...others, tile });
}
