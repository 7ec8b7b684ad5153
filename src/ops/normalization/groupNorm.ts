import { ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { output, type AdapterTraits, type Launch } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, requireDtype, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { apply, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { affineGradients } from './channelSums.ts';
import { withAffineGradients } from './layerNormGrad.ts';
import { requireEpsilon } from './moments.ts';
import { sharedBy, sharingOf } from '../reductions/rowSharing.ts';
import { reshape } from '../shaping/views.ts';
import groupNormKernel from '../../../shaders/normalization/groupNorm.wgsl?raw';
import groupNormGradKernel from '../../../shaders/normalization/groupNormGrad.wgsl?raw';

/*
 * Norms of a sample by itself: a row is a group of neighbouring channels in all pixels of a sample. With a single group
 * and no pixels it is layer norm; if the mean counts as 0, RMS norm. Sources: Wu and He 2018; Ba, Kiros and Hinton 2016;
 * Zhang and Sennrich 2019.
 */

export interface Attrs {
  readonly samples: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly centered: boolean;
}

/** x as `[samples, pixels, channels]`. */
interface Layout {
  readonly rows: number;
  /** Terms of a row. */
  readonly length: number;
  /** Channels of a group. */
  readonly width: number;
  readonly channels: number;
  readonly pixels: number;
}

/** Of an element: a difference, its square, two sums; a difference, two products, a sum. */
const FLOPS = 8;
/** Of an element: h and its product with the normalized x, two sums; and then half as many again. */
const GRADIENT_FLOPS = 12;

function layoutOf({ inputs: [x, gamma], attrs: { samples, groups } }: Node<Attrs>): Layout {
  const channels = sizeOf(gamma.spec.shape);
  const pixels = sizeOf(x.spec.shape) / (samples * channels);
  const width = channels / groups;
  return { rows: samples * groups, length: pixels * width, width, channels, pixels };
}

/** Calls back for each row with a way to visit its elements: their places in x, and their channels. */
function forEachRow(
  { rows, width, channels, pixels }: Layout,
  compute: (row: number, forEachTerm: (visit: (at: number, c: number) => void) => void) => void,
): void {
  const groups = channels / width;
  for (let row = 0; row < rows; row++) {
    const base = Math.floor(row / groups) * pixels * channels;
    const first = (row % groups) * width;
    compute(row, (visit) => {
      for (let pixel = 0; pixel < pixels; pixel++) {
        for (let c = first; c < first + width; c++) visit(base + pixel * channels + c, c);
      }
    });
  }
}

function launchOf(node: Node<Attrs>, source: string, adapter: AdapterTraits): Launch {
  const { epsilon, centered } = node.attrs;
  const { rows, length, width, channels, pixels } = layoutOf(node);
  const sharing = sharingOf(length, adapter);
  const kernel = { name: node.op.name, source, constants: { CENTERED: String(centered) } };
  return {
    ...sharedBy(sharing, kernel, rows),
    uniform: [rows, length, width, channels, pixels, sharing.shares, { f32: epsilon }],
  };
}

/** An item is a row. */
function inWasm(node: Node<Attrs>, kernel: string): WasmWork {
  const { epsilon, centered } = node.attrs;
  const { rows, length, width, channels, pixels } = layoutOf(node);
  return {
    launches: [
      {
        kernel,
        operands: [...node.inputs.map((_, at) => at), ...node.outputs.map((_, at) => output(at))],
        words: [width, channels, pixels, Number(centered), { f32: epsilon }],
        items: rows,
        grain: grainOver(length, 2),
      },
    ],
  };
}

/** How far a row's numbers lie from each other, or, if its mean counts as 0, from that. */
function spreadOf(x: Numbers, forEachTerm: (visit: (at: number) => void) => void, centered: boolean): number {
  let [low, high] = centered ? [Infinity, -Infinity] : [0, 0];
  forEachTerm((at) => {
    low = Math.min(low, x[at]);
    high = Math.max(high, x[at]);
  });
  return high - low;
}

/** What errors of y, mean and variance are relative to; those of a mean are as many as its row has blocks. */
function sizesOf(
  node: Node<Attrs>,
  ulps: number,
  [x, gamma, beta]: readonly Numbers[],
  [y, mean, variance]: readonly Numbers[],
): Float64Array[] {
  const { epsilon, centered } = node.attrs;
  const sizes = [y, mean, variance].map(({ length }) => new Float64Array(length));
  forEachRow(layoutOf(node), (row, forEachTerm) => {
    const spread = spreadOf(x, forEachTerm, centered);
    const deviation = Math.sqrt(variance[row] + epsilon);
    sizes[1][row] = centered ? spread + (4 * (Math.abs(mean[row]) + spread)) / ulps : 0;
    sizes[2][row] = variance[row] + spread * Math.sqrt(variance[row]);
    forEachTerm((at, c) => {
      const normalized = Math.abs(x[at] - mean[row]) / deviation;
      sizes[0][at] = Math.abs(gamma[c]) * (spread / deviation) * (1 + normalized) + Math.abs(beta[c]);
    });
  });
  return sizes;
}

const ulpsOf = (blocks: number): number => 2 * (32 + blocks);

const groupNormGradOp: Op<Attrs> = {
  name: 'groupNormGrad',
  epilogue: true,
  infer: ([x]) => [x],
  cpu([x, gamma, mean, variance, dY], [dX], node) {
    const { epsilon, centered } = node.attrs;
    const layout = layoutOf(node);
    forEachRow(layout, (row, forEachTerm) => {
      const inverse = 1 / Math.sqrt(variance[row] + epsilon);
      let [sum, product] = [0, 0];
      forEachTerm((at, c) => {
        sum += dY[at] * gamma[c];
        product += dY[at] * gamma[c] * (x[at] - mean[row]) * inverse;
      });
      const [meanH, meanProduct] = [centered ? sum / layout.length : 0, product / layout.length];
      forEachTerm((at, c) => {
        dX[at] = inverse * (dY[at] * gamma[c] - meanH - (x[at] - mean[row]) * inverse * meanProduct);
      });
    });
  },
  gpu: (node, adapter) => [launchOf(node, groupNormGradKernel, adapter)],
  wasm: (node) => inWasm(node, 'groupNormGrad'),
  joins(node, readersOf, adapter) {
    const { length, channels } = layoutOf(node);
    return withAffineGradients(node, length === channels, readersOf, adapter);
  },
  flops: (node) => GRADIENT_FLOPS * elementsOf(node.outputs),
  accuracy(node) {
    const layout = layoutOf(node);
    const { epsilon } = node.attrs;
    return {
      // At most 64 terms one by one, then their blocks.
      ulps: 2 * (64 + layout.length / 64 + 16),
      magnitude([x, gamma, mean, variance, dY]) {
        const sizes = new Float64Array(dY.length);
        forEachRow(layout, (row, forEachTerm) => {
          const inverse = 1 / Math.sqrt(variance[row] + epsilon);
          let [sum, product] = [0, 0];
          forEachTerm((at, c) => {
            const h = Math.abs(dY[at] * gamma[c]);
            sum += h;
            product += h * Math.abs(x[at] - mean[row]) * inverse;
          });
          forEachTerm((at, c) => {
            const throughMoments = (sum + Math.abs(x[at] - mean[row]) * inverse * product) / layout.length;
            sizes[at] = inverse * (Math.abs(dY[at] * gamma[c]) + throughMoments);
          });
        });
        return [sizes];
      },
      absolute: 1e-37,
    };
  },
};

const groupNormOp: Op<Attrs, 'f32'> = {
  name: 'groupNorm',
  epilogue: true,
  infer([x, ...others], { samples, groups }) {
    for (const given of others) requireDtype('normalizeGroups', 'an operand', given, 'f32');
    requireDtype('normalizeGroups', 'an operand', x, 'f32');
    const each: Spec<'f32'> = { shape: [samples * groups], dtype: 'f32' };
    return [x, each, each];
  },
  cpu([x, gamma, beta], [y, means, variances], node) {
    const { epsilon, centered } = node.attrs;
    const layout = layoutOf(node);
    forEachRow(layout, (row, forEachTerm) => {
      let [total, squares] = [0, 0];
      if (centered) forEachTerm((at) => (total += x[at]));
      const mean = total / layout.length;
      forEachTerm((at) => (squares += (x[at] - mean) ** 2));
      const variance = squares / layout.length;
      forEachTerm((at, c) => (y[at] = ((x[at] - mean) / Math.sqrt(variance + epsilon)) * gamma[c] + beta[c]));
      means[row] = mean;
      variances[row] = variance;
    });
  },
  gpu: (node, adapter) => [
    // What is appended reads and writes after all of these.
    { ...launchOf(node, groupNormKernel, adapter), bindings: [0, 1, 2, output(0), output(1), output(2)] },
  ],
  wasm: (node) => inWasm(node, 'groupNorm'),
  flops: ({ inputs: [x] }) => FLOPS * elementsOf([x]),
  accuracy(node) {
    const ulps = ulpsOf(layoutOf(node).length / 16);
    return { ulps, magnitude: (inputs, expected) => sizesOf(node, ulps, inputs, expected), absolute: 1e-37 };
  },
  // Nobody else is handed the moments, so that no gradient comes through them.
  vjp([dY], node) {
    if (!dY) return [null, null, null];
    const { inputs, outputs, attrs } = node;
    const [x, gamma, beta] = inputs;
    const [, mean, variance] = outputs;
    const { pixels, width, channels } = layoutOf(node);
    const [flatX, flatDY] = [x, dY].map((value) => reshape(value, [-1, channels]));
    const { epsilon } = attrs;
    const { dGamma, dBeta } = affineGradients(flatX, flatDY, mean, variance, { pixels, width, epsilon });
    const dX = applyOne(groupNormGradOp, [x, gamma, mean, variance, dY], attrs);
    return [dX, reshape(dGamma, gamma.spec.shape), reshape(dBeta, beta.spec.shape)];
  },
};

/** What `normalizeGroups` may be told. */
export interface NormalizeGroupsOptions {
  /** How many samples x has: the extent of its first axis. */
  readonly samples?: number;
  /** Into which the channels are divided, neighbours together: 1. */
  readonly groups?: number;
  readonly epsilon: number;
  /** False: the mean counts as 0, so that x is divided by the root of its mean square. True if left out. */
  readonly centered?: boolean;
}

/**
 * (x − mean) / √(variance + epsilon) · gamma + beta, mean and variance being those of a sample's group of channels over
 * all its pixels.
 * @param x samples of pixels of channels, in any shape   @param gamma a number for each channel, as is beta
 * @returns x's shape   @throws ShapeError unless x can be cut so, and the groups divide the channels
 */
export function normalizeGroups(x: Value, gamma: Value, beta: Value, options: NormalizeGroupsOptions): Value<'f32'> {
  const where = 'normalizeGroups';
  const [{ shape }, scales, shifts] = [
    specOf(where, 'x', x),
    specOf(where, 'gamma', gamma),
    specOf(where, 'beta', beta),
  ];
  const usual = { samples: shape[0], groups: 1, epsilon: undefined, centered: true };
  const { samples, groups, epsilon, centered } = optionsOf(where, options, usual);
  requireEpsilon(where, epsilon);
  const channels = sizeOf(scales.shape);
  const pixels = sizeOf(x.spec.shape) / (samples * channels);
  const fits = pixels >= 1 && [pixels, channels / groups].every(Number.isInteger);
  if (!fits || sizeOf(shifts.shape) !== channels) {
    throw new ShapeError(
      `[normalizeGroups] x is ${formatSpec(x.spec)}, gamma ${formatSpec(gamma.spec)} and beta ${formatSpec(beta.spec)}, but ${samples} samples of channels in ${groups} groups are wanted: gamma and beta must have a number for each channel, and the groups must divide them`,
    );
  }
  return apply(groupNormOp, [x, gamma, beta], { samples, groups, epsilon, centered })[0];
}
