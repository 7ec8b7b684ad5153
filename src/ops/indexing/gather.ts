import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { flatGrid, output, type Launch } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { requireDtype, resolveAxis, sizeOf, type Dtype, type Shape } from '../../core/shape.ts';
import { applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { bytesOf, elementsOf } from '../../graph/work.ts';
import { integerDtypes, rowReader } from '../data/integerReader.ts';
import { rowSums, type Extents } from './rowSums.ts';
import { uncast } from '../data/originalIntegers.ts';
import { reshape } from '../shaping/views.ts';
import gatherKernel from '../../../shaders/indexing/gather.wgsl?raw';
import scatterAddKernel from '../../../shaders/indexing/scatterAdd.wgsl?raw';

export interface GatherAttrs {
  /** Of the table: of x in gather, of y in scatterAdd. */
  readonly shape: Shape;
  readonly axis: number;
  /** A row that nobody reads. */
  readonly padding?: number;
}

/** What `gather` may be told. */
export interface GatherOptions {
  /** An index that reads 0 wherever it stands, and through which no gradient flows: what fills up short sequences. */
  readonly padding?: number;
}

/** Indices that each element looks through sooner than they are sorted: of any table, and of one so small that all together look so often. */
const FEWEST = 4;
const FEW = 64;
const MOST_LOOKS = 2 ** 18;

function extentsOf({ inputs, attrs: { shape, axis } }: Node<GatherAttrs>): Extents {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    rows: shape[axis],
    chosen: sizeOf(inputs[1].spec.shape),
    inner: sizeOf(shape.slice(axis + 1)),
  };
}

/** Whether an index names a row that is read. */
const isRead = (row: number, rows: number, padding: number | undefined): boolean =>
  row >= 0 && row < rows && row !== padding;

function launch(node: Node<GatherAttrs>, source: string, constants: Record<string, string>): Launch {
  const { rows, chosen, inner } = extentsOf(node);
  const count = sizeOf(node.outputs[0].spec.shape);
  return {
    kernel: {
      name: node.op.name,
      source,
      constants,
      functions: { index_at: rowReader('index_at', 'indices', node.inputs[1].spec.dtype, node.attrs.padding) },
    },
    uniform: [count, rows, chosen, inner],
    grid: flatGrid(count),
  };
}

/** Numbers of a slice that are an item, as assembly/gather.ts has it. */
const WIDTH = 16;

/** @param perItem numbers that an item goes through */
function inWasm(node: Node<GatherAttrs>, items: number, perItem: number): WasmWork {
  const { rows, chosen, inner } = extentsOf(node);
  const bytes = node.inputs[1].spec.dtype === 'u8' ? 1 : 4;
  return {
    launches: [
      {
        kernel: node.op.name,
        operands: [0, 1, output(0)],
        words: [rows, chosen, inner, bytes, node.attrs.padding ?? -1],
        items,
        grain: grainOver(perItem),
      },
    ],
  };
}

const scatterAddOp: Op<GatherAttrs> = {
  name: 'scatterAdd',
  infer: (_, { shape }) => [{ shape, dtype: 'f32' }],
  cpu([x, indices], [y], node) {
    const { outer, rows, chosen, inner } = extentsOf(node);
    y.fill(0);
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < chosen; j++) {
        const row = indices[j];
        if (!isRead(row, rows, node.attrs.padding)) continue;
        for (let i = 0; i < inner; i++) y[(o * rows + row) * inner + i] += x[(o * chosen + j) * inner + i];
      }
    }
  },
  gpu: (node) => [launch(node, scatterAddKernel, {})],
  wasm(node) {
    const { outer, rows, chosen, inner } = extentsOf(node);
    const blocks = Math.ceil(inner / WIDTH);
    return inWasm(node, outer * blocks, (rows + chosen) * Math.min(inner, WIDTH));
  },
  expand(node, adapter) {
    const extents = extentsOf(node);
    const [x, indices] = node.inputs;
    const size = sizeOf(node.attrs.shape);
    const isSmall = extents.chosen <= (size * extents.chosen <= MOST_LOOKS ? FEW : FEWEST);
    if (isSmall || size * extents.chosen === 0) return undefined;
    return [reshape(rowSums(x, indices, { ...extents, padding: node.attrs.padding }, adapter), node.attrs.shape)];
  },
  flops: ({ inputs: [x] }) => elementsOf([x]),
  accuracy: (node) => ({ ulps: 2 * extentsOf(node).chosen, magnitude: 'terms' }),
  vjp: ([dY], { inputs: [, indices], attrs }) => [dY ? applyOne(gatherOp, [dY, indices], attrs) : null, null],
};

const gatherOp: Op<GatherAttrs> = {
  name: 'gather',
  epilogue: true,
  infer([x, indices], { axis }) {
    requireDtype('gather', 'x', x, 'f32', 'i32', 'u32');
    requireDtype('gather', 'indices', indices, ...integerDtypes);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return [{ shape, dtype: x.dtype }];
  },
  cpu([x, indices], [y], node) {
    const { outer, rows, chosen, inner } = extentsOf(node);
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < chosen; j++) {
        const row = indices[j];
        const inside = isRead(row, rows, node.attrs.padding);
        for (let i = 0; i < inner; i++) {
          y[(o * chosen + j) * inner + i] = inside ? x[(o * rows + row) * inner + i] : 0;
        }
      }
    }
  },
  gpu: (node) => [launch(node, gatherKernel, { X: node.inputs[0].spec.dtype })],
  wasm(node) {
    const { outer, chosen, inner } = extentsOf(node);
    return inWasm(node, outer * chosen, inner);
  },
  flops: () => 0,
  bytes: ({ inputs: [, indices], outputs }) => bytesOf([indices]) + 2 * bytesOf(outputs),
  vjp: ([dY], { inputs: [, indices], attrs }) => [dY ? applyOne(scatterAddOp, [dY, indices], attrs) : null, null],
  ranges({ attrs: { shape, axis } }) {
    const high = shape[axis] - 1;
    return [null, { low: 0, high, meaning: `indices of ${shape[axis]} rows` }];
  },
};

/**
 * Slices of x by index: rows of a table for axis 0, an embedding. Its derivative adds in the order of the indices,
 * so it has the same bits every time.
 * @param indices i32, u32 or u8, any shape, which takes the axis' place; outside 0 … extent − 1 reads 0
 * @throws DataError for a padding that is no row of x
 */
export function gather<D extends Dtype>(x: Value<D>, indices: Value, axis = 0, options: GatherOptions = {}): Value<D> {
  const given = specOf('gather', 'x', x);
  specOf('gather', 'the indices', indices);
  const { padding } = optionsOf<GatherOptions, { padding: undefined }>('gather', options, { padding: undefined });
  const attrs = { shape: given.shape, axis: resolveAxis('gather', axis, given) };
  const rows = given.shape[attrs.axis];
  const isRow = padding === undefined || (Number.isInteger(padding) && padding >= 0 && padding < rows);
  requireKind('gather', 'padding', padding, isRow, `one of ${rows} rows, from 0`);
  const inputs = [x, uncast(indices)];
  return applyOne(gatherOp, inputs, padding === undefined ? attrs : { ...attrs, padding }) as Value<D>;
}
