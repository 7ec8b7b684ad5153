import { output, type Kernel } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Numbers, Spec } from '../../core/shape.ts';
import { apply, type Node, type Op, type Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { elementsOf } from '../../graph/work.ts';
import { channelLaunch, channelsOf, partsOf, perChannel } from './moments.ts';
import { pairSums } from '../products/pairSums.ts';
import channelSumsKernel from '../../../shaders/normalization/channelSums.wgsl?raw';
import channelTerm from '../../../shaders/functions/channelTerm.wgsl?raw';
import groupTerm from '../../../shaders/functions/groupTerm.wgsl?raw';

/* The gradients of gamma and beta of every norm: dBeta[c] = Σ dY, dGamma[c] = Σ dY · x̂, over all rows. */

/** Which elements of x have one mean and one variance: those of `width` channels in `pixels` rows. */
export interface Statistics {
  readonly pixels: number;
  readonly width: number;
  readonly epsilon: number;
}

interface Attrs extends Statistics {
  readonly parts?: number;
}

/** A difference, two products, two sums. */
const FLOPS = 5;

/** Where an element's mean and variance stand. */
export const statisticAt = ({ pixels, width }: Statistics, channels: number, row: number, c: number): number =>
  Math.floor(row / pixels) * (channels / width) + Math.floor(c / width);

type Magnitude = (x: number) => number;
const asIs: Magnitude = (x) => x;

/** Adds up, for each channel of each part, dY and dY · x̂, or their sizes. */
function addUp(node: Node<Attrs>, [x, dY, mean, variance]: readonly Numbers[], of: Magnitude, to: readonly Numbers[]) {
  const { rows, channels } = channelsOf(node.inputs[0].spec);
  const { parts = 1, epsilon } = node.attrs;
  const part = Math.ceil(rows / parts);
  // Without an array of its own, an f32 output would round after each term.
  const sums = to.map(({ length }) => new Float64Array(length));
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < channels; c++) {
      const at = r * channels + c;
      const s = statisticAt(node.attrs, channels, r, c);
      const i = Math.floor(r / part) * channels + c;
      sums[0][i] += of(dY[at]);
      sums[1][i] += of((dY[at] * (x[at] - mean[s])) / Math.sqrt(variance[s] + epsilon));
    }
  }
  sums.forEach((numbers, at) => to[at].set(numbers));
}

/** At most 64 terms one by one, then their blocks; and what a term is rounded to. */
const ulpsOf = (terms: number): number => 2 * (64 + terms / 64 + 12);

const isByChannel = ({ width, pixels }: Statistics, rows: number): boolean => width === 1 && pixels === rows;

/** Channels that are an item of assembly/norms.ts. */
const WASM_CHANNELS = 16;

function inWasm({ inputs: [x], attrs }: Node<Attrs>): WasmWork | undefined {
  const { parts, pixels, width, epsilon } = attrs;
  const { rows, channels } = channelsOf(x.spec);
  if (parts !== undefined) return undefined;
  return {
    launches: [
      {
        kernel: 'channelSums',
        operands: [0, 1, 2, 3, output(0), output(1)],
        words: [rows, channels, pixels, width, { f32: epsilon }],
        items: Math.ceil(channels / WASM_CHANNELS),
        grain: grainOver(WASM_CHANNELS * rows, 2),
      },
    ],
  };
}

const channelSumsOp: Op<Attrs> = {
  name: 'channelSums',
  infer([x], { parts }) {
    const result: Spec = { shape: perChannel(channelsOf(x).channels, parts), dtype: 'f32' };
    return [result, result];
  },
  cpu: (inputs, outputs, node) => addUp(node, inputs, asIs, outputs),
  gpu(node, adapter) {
    const { parts = 1, pixels, width, epsilon } = node.attrs;
    const all = channelsOf(node.inputs[0].spec);
    const byChannel = isByChannel(node.attrs, all.rows);
    const kernel: Kernel = {
      name: 'channelSums',
      source: channelSumsKernel,
      functions: byChannel ? { of_channel: '', term: '' } : { term: '' },
      includes: [byChannel ? channelTerm : groupTerm],
      reads: { mean: 'f32', variance: 'f32' },
    };
    const launch = channelLaunch(all, parts, kernel, adapter);
    return [
      {
        ...launch,
        bindings: [0, 1, output(0), output(1), 2, 3],
        uniform: [...launch.uniform, pixels, width, { f32: epsilon }],
      },
    ];
  },
  expand(node, adapter) {
    const parts = partsOf(channelsOf(node.inputs[0].spec), adapter);
    if (parts === undefined) return undefined;
    const [dBeta, dGamma] = apply(channelSumsOp, node.inputs, { ...node.attrs, parts });
    return pairSums(dBeta, dGamma);
  },
  wasm: inWasm,
  flops: ({ inputs: [x] }) => FLOPS * elementsOf([x]),
  accuracy: (node) => ({
    ulps: ulpsOf(channelsOf(node.inputs[0].spec).rows / (node.attrs.parts ?? 1)),
    magnitude(inputs, expected) {
      const sizes = expected.map(({ length }) => new Float64Array(length));
      addUp(node, inputs, Math.abs, sizes);
      return sizes;
    },
    absolute: 1e-37,
  }),
};

/**
 * What gamma and beta of a norm are to change by, in one pass over x and dY.
 * @param x `[…, C]`, and dY   @param mean one for each of the statistics, and variance   @returns `[C]` each
 */
export function affineGradients(
  x: Value,
  dY: Value,
  mean: Value,
  variance: Value,
  statistics: Statistics,
): { readonly dGamma: Value; readonly dBeta: Value } {
  const { pixels, width, epsilon } = statistics;
  const [dBeta, dGamma] = apply(channelSumsOp, [x, dY, mean, variance], { pixels, width, epsilon });
  return { dGamma, dBeta };
}

/** Whether a node makes the gradients of gamma and beta, of all rows at once. */
export const isAffineGradients = (node: Node): boolean => {
  const attrs = asUseOf(channelSumsOp, node);
  return attrs !== undefined && attrs.parts === undefined;
};
