import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { output, type AdapterTraits, type Kernel, type Launch } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, requireDtype, sizeOf, type Dtype, type Numbers, type Spec } from '../../core/shape.ts';
import { UNIT } from '../../graph/accuracy.ts';
import { apply, type Accuracy, type Node, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { add, mul, sub } from '../pointwise/arithmetic.ts';
import { broadcastTo } from '../reductions/sum.ts';
import { partOf, sharedBy, sharingOf } from '../reductions/rowSharing.ts';
import momentsKernel from '../../../shaders/normalization/moments.wgsl?raw';
import pooledBlock from '../../../shaders/functions/pooledBlock.wgsl?raw';

/*
 * Mean and variance of each channel, the last axis, over all rows, the other axes. Never as E[x²] − E[x]², which loses all
 * digits of a small deviation from a large mean: deviations are taken from a number among them, block by block, and
 * what blocks have is brought together in a fixed order. Source: Chan, Golub and LeVeque 1979.
 */

/** Of each channel, `[C]`. */
export interface Moments<D extends Dtype = Dtype> {
  readonly mean: Value<D>;
  /** The mean squared deviation: divided by the number of rows, not by one less. */
  readonly variance: Value<D>;
}

/** A difference, its square, two sums. */
const FLOPS = 4;

/** A value as rows of channels. */
export interface Rows {
  readonly rows: number;
  readonly channels: number;
}

export function channelsOf({ shape }: Spec): Rows {
  const channels = shape.at(-1) ?? 1;
  return { rows: channels === 0 ? 0 : sizeOf(shape) / channels, channels };
}

/** Where few channels have many rows: into how many parts the rows are cut. */
export function partsOf({ rows, channels }: Rows, adapter: AdapterTraits): number | undefined {
  const part = partOf(rows, channels, adapter, channels);
  return part === undefined ? undefined : Math.ceil(rows / part);
}

/** @throws DataError for what cannot be added to a variance */
export function requireEpsilon(where: string, epsilon: number): void {
  requireKind(where, 'epsilon', epsilon, typeof epsilon === 'number' && epsilon >= 0, 'a number of 0 or more');
}

/** The shape of what each channel has, of each part of the rows. */
export const perChannel = (channels: number, parts: number | undefined): number[] =>
  parts === undefined ? [channels] : [parts, channels];

/** A launch of a kernel in which a channel of a part belongs to an invocation, or to as many as share it. */
export function channelLaunch(
  { rows, channels }: Rows,
  parts: number,
  kernel: Kernel,
  adapter: AdapterTraits,
): Pick<Launch, 'kernel' | 'grid'> & { readonly uniform: readonly number[] } {
  const part = Math.ceil(rows / parts);
  const sharing = sharingOf(part, adapter, channels);
  const count = parts * channels;
  return { ...sharedBy(sharing, kernel, count), uniform: [count, rows, channels, part, sharing.shares] };
}

/** Numbers that an item of WebAssembly's has: its sums, and so the bits, depend on it. */
const WASM_PART = 16_384;

/** Rows that an item of assembly/batchNorm.ts has, and how many items there are. */
export function rowsInWasm({ rows, channels }: Rows): { readonly part: number; readonly items: number } {
  const part = 16 * Math.max(1, Math.round(WASM_PART / channels / 16));
  return { part, items: Math.ceil(rows / part) };
}

/** Sums over parts of the rows, then those of the parts. */
function inWasm(node: Node<Attrs>): WasmWork | undefined {
  const { rows, channels } = channelsOf(node.inputs[0].spec);
  if (node.attrs.parts !== undefined || channels === 0) return undefined;
  const { part, items } = rowsInWasm({ rows, channels });
  return {
    room: 2 * 8 * channels * items,
    launches: [
      { kernel: 'channelDeviations', operands: [0, 'room'], words: [rows, channels, part], items, grain: 1 },
      {
        kernel: 'channelMoments',
        operands: [0, 'room', output(0), output(1)],
        words: [rows, channels, items],
        items: channels,
        grain: grainOver(items),
      },
    ],
  };
}

interface Attrs {
  /** Into how many runs the rows are cut, each with moments of its own along a new first axis; left out: all are one. */
  readonly parts?: number;
}

interface Extent extends Rows {
  readonly parts: number;
  readonly part: number;
}

function extentOf({ inputs: [x], attrs: { parts = 1 } }: Node<Attrs>): Extent {
  const { rows, channels } = channelsOf(x.spec);
  return { rows, channels, parts, part: Math.ceil(rows / parts) };
}

/** Calls back for each channel of each part with its place in the outputs, its first row, and the row after its last. */
function forEachChannel(
  { rows, channels, parts, part }: Extent,
  visit: (at: number, c: number, first: number, end: number) => void,
): void {
  for (let p = 0; p < parts; p++) {
    for (let c = 0; c < channels; c++) visit(p * channels + c, c, p * part, Math.min((p + 1) * part, rows));
  }
}

/**
 * The kernel's rounding grows with the blocks that it adds up, in units of the numbers' range, max − min: a mean is
 * taken from one of them, and rounded once more when that one is added.
 */
function accuracyOf(blocks: number, rangesOf: (inputs: readonly Numbers[]) => readonly Extrema[]): Accuracy {
  const ulps = 2 * (32 + blocks);
  return {
    ulps,
    magnitude(inputs, [, variance]) {
      const ranges = rangesOf(inputs);
      return [
        ranges.map(({ range, largest }) => range + (4 * largest) / ulps),
        ranges.map(({ range }, i) => variance[i] + range * Math.sqrt(variance[i]) + ulps * UNIT * range ** 2),
      ];
    },
    absolute: 1e-37,
  };
}

interface Extrema {
  readonly range: number;
  readonly largest: number;
}

function extremaOf(numbers: Iterable<number>): Extrema {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return { range: high - low, largest: Math.max(Math.abs(low), Math.abs(high)) };
}

function* columnOf(x: Numbers, channels: number, c: number, first: number, end: number): Generator<number> {
  for (let r = first; r < end; r++) yield x[r * channels + c];
}

const momentsOp: Op<Attrs, 'f32'> = {
  name: 'moments',
  infer([x], { parts }) {
    requireDtype('moments', 'x', x, 'f32');
    const { rows, channels } = channelsOf(x);
    if (rows === 0) {
      throw new ShapeError(`[moments] ${formatSpec(x)} has no elements to average: an axis has extent 0`);
    }
    const result: Spec<'f32'> = { shape: perChannel(channels, parts), dtype: 'f32' };
    return [result, result];
  },
  cpu([x], [mean, variance], node) {
    const extent = extentOf(node);
    forEachChannel(extent, (at, c, first, end) => {
      let total = 0;
      for (let r = first; r < end; r++) total += x[r * extent.channels + c];
      const center = total / (end - first);
      let squares = 0;
      for (let r = first; r < end; r++) squares += (x[r * extent.channels + c] - center) ** 2;
      mean[at] = center;
      variance[at] = squares / (end - first);
    });
  },
  gpu(node, adapter) {
    const extent = extentOf(node);
    const launch = channelLaunch(extent, extent.parts, { name: 'moments', source: momentsKernel }, adapter);
    return [{ ...launch, uniform: [...launch.uniform, 1, 1] }];
  },
  wasm: inWasm,
  expand(node, adapter) {
    const [x] = node.inputs;
    const { rows, channels } = channelsOf(x.spec);
    const parts = partsOf({ rows, channels }, adapter);
    if (parts === undefined) return undefined;
    const several = Math.ceil(rows / parts);
    return apply(pooledOp, apply(momentsOp, [x], { parts }), { several, last: rows - (parts - 1) * several });
  },
  flops: (node) => FLOPS * elementsOf(node.inputs),
  accuracy(node) {
    const extent = extentOf(node);
    return accuracyOf(extent.part / 16, ([x]) => {
      const ranges: Extrema[] = [];
      forEachChannel(extent, (at, c, first, end) => {
        ranges[at] = extremaOf(columnOf(x, extent.channels, c, first, end));
      });
      return ranges;
    });
  },
  vjp([dMean, dVariance], { inputs: [x], outputs: [mean] }) {
    const share = 1 / channelsOf(x.spec).rows;
    const ofVariance = dVariance && mul(sub(x, mean), mul(dVariance, 2 * share));
    if (!dMean) return [ofVariance];
    const ofMean = mul(dMean, share);
    return [ofVariance ? add(ofVariance, ofMean) : broadcastTo(ofMean, x.spec.shape)];
  },
};

interface PooledAttrs {
  /** Of how many rows each row has the moments, and the last row. */
  readonly several: number;
  readonly last: number;
}

/** Moments of all rows, from those of runs of them. */
const pooledOp: Op<PooledAttrs, 'f32'> = {
  name: 'pooledMoments',
  infer([means]) {
    const result: Spec<'f32'> = { shape: [means.shape[1]], dtype: 'f32' };
    return [result, result];
  },
  cpu([means, variances], [mean, variance], { attrs: { several, last } }) {
    const channels = mean.length;
    const parts = means.length / channels;
    const rowsOf = (p: number): number => (p < parts - 1 ? several : last);
    const rows = (parts - 1) * several + last;
    for (let c = 0; c < channels; c++) {
      let total = 0;
      for (let p = 0; p < parts; p++) total += rowsOf(p) * means[p * channels + c];
      mean[c] = total / rows;
      let squares = 0;
      for (let p = 0; p < parts; p++) {
        squares += rowsOf(p) * (variances[p * channels + c] + (means[p * channels + c] - total / rows) ** 2);
      }
      variance[c] = squares / rows;
    }
  },
  gpu(node, adapter) {
    const { several, last } = node.attrs;
    const kernel: Kernel = {
      name: 'pooledMoments',
      source: momentsKernel,
      functions: { block_at: pooledBlock },
      reads: { variances: 'f32' },
    };
    const launch = channelLaunch(channelsOf(node.inputs[0].spec), 1, kernel, adapter);
    return [{ ...launch, bindings: [0, output(0), output(1), 1], uniform: [...launch.uniform, several, last] }];
  },
  flops: (node) => 2 * FLOPS * elementsOf(node.inputs),
  accuracy({ inputs: [means] }) {
    const { rows, channels } = channelsOf(means.spec);
    return accuracyOf(rows, ([numbers]) =>
      Array.from({ length: channels }, (_, c) => extremaOf(columnOf(numbers, channels, c, 0, rows))),
    );
  },
};

/**
 * Mean and variance of each channel over all other axes; the variance is divided by their number, as normalization wants
 * it. A channel in which NaN or an infinity is has NaN for its variance.
 * @param x `[…, C]`, f32   @returns `[C]` each   @throws ShapeError if there is nothing to average
 */
export function moments(x: Value): Moments<'f32'> {
  const [mean, variance] = apply(momentsOp, [x], {});
  return { mean, variance };
}
