import { ShapeError } from '../../core/errors.ts';
import { f32Literal, flatGrid, output, type Launch } from '../../core/launch.ts';
import { THREAD_ROOM, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, requireDtype, spec, type Spec } from '../../core/shape.ts';
import { constant } from '../../graph/leaf.ts';
import { apply, applyOne, type Node, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { add, div, mul, neg } from '../pointwise/arithmetic.ts';
import { alone, withRoom } from '../launches/sharedLaunch.ts';
import { affineGradients } from './channelSums.ts';
import { channelsOf, moments, requireEpsilon, rowsInWasm, type Moments } from './moments.ts';
import { reshape } from '../shaping/views.ts';
import batchNormKernel from '../../../shaders/normalization/batchNorm.wgsl?raw';
import batchNormGradKernel from '../../../shaders/normalization/batchNormGrad.wgsl?raw';
import runningText from '../../../shaders/riders/runningAverages.wgsl?raw';

/*
 * Batch norm: each channel, the last axis, is brought to mean beta and deviation gamma over all rows, the other axes.
 * Moments first, then one launch that reads x once more; backward the same: two sums, then dX. Source: Ioffe and
 * Szegedy 2015.
 */

export interface Attrs {
  readonly epsilon: number;
  /** Whether mean and variance are x's own: then the gradient of x counts what x does through them, and they have none. */
  readonly own: boolean;
}

/** Elements of a channel that an invocation takes: enough to make up for reading what belongs to the channel. */
const ROWS_EACH = 8;
/** Numbers that assembly/batchNorm.ts lays out for each channel. */
const LAID_OUT = 3;
/** A difference, two products, two sums: of a forward element, and about as many of a backward one. */
const FLOPS = 4;
const GRADIENT_FLOPS = 6;
/** An inverse root, and a few roundings. */
const ULPS = 32;

function launchOf(node: Node<Attrs>, source: string): Launch {
  const { rows, channels } = channelsOf(node.inputs[0].spec);
  const stride = Math.ceil(rows / ROWS_EACH);
  return {
    kernel: { name: node.op.name, source },
    uniform: [rows, channels, stride, { f32: node.attrs.epsilon }],
    grid: flatGrid(stride * channels),
  };
}

/** An item is some rows; what kernels lay out for all channels must have room in a thread's own. */
function inWasm(node: Node<Attrs>): WasmWork | undefined {
  const { rows, channels } = channelsOf(node.inputs[0].spec);
  if (channels === 0 || LAID_OUT * 4 * channels > THREAD_ROOM) return undefined;
  const { part, items } = rowsInWasm({ rows, channels });
  return {
    launches: [
      {
        kernel: node.op.name,
        operands: [...node.inputs.map((_, at) => at), output(0)],
        words: [rows, channels, part, { f32: node.attrs.epsilon }],
        items,
        grain: 1,
      },
    ],
  };
}

/** @throws ShapeError unless there is a number for each channel */
export function requireChannels(where: string, name: string, given: Spec, x: Spec): void {
  requireDtype(where, name, given, 'f32');
  const { channels } = channelsOf(x);
  if (given.shape.length === 1 && given.shape[0] === channels) return;
  throw new ShapeError(
    `[${where}] ${name} is ${formatSpec(given)} but x is ${formatSpec(x)}: it must be f32[${channels}], a number for each channel`,
  );
}

const PER_CHANNEL = ['mean', 'variance', 'gamma', 'beta'] as const;

const batchNormGradOp: Op<Attrs> = {
  name: 'batchNormGrad',
  epilogue: true,
  infer: ([x]) => [x],
  cpu([x, mean, variance, gamma, dBeta, dGamma, dY], [dX], { inputs, attrs: { epsilon } }) {
    const { rows, channels } = channelsOf(inputs[0].spec);
    for (let at = 0; at < dX.length; at++) {
      const c = at % channels;
      const inverse = 1 / Math.sqrt(variance[c] + epsilon);
      const normalized = (x[at] - mean[c]) * inverse;
      dX[at] = gamma[c] * inverse * (dY[at] - (dBeta[c] + normalized * dGamma[c]) / rows);
    }
  },
  gpu: (node) => [launchOf(node, batchNormGradKernel)],
  wasm: inWasm,
  flops: (node) => GRADIENT_FLOPS * elementsOf(node.outputs),
  accuracy: ({ inputs, attrs: { epsilon } }) => ({
    ulps: ULPS,
    magnitude([x, mean, variance, gamma, dBeta, dGamma, dY]) {
      const { rows, channels } = channelsOf(inputs[0].spec);
      const sizeAt = (_: number, at: number): number => {
        const c = at % channels;
        const inverse = 1 / Math.sqrt(variance[c] + epsilon);
        const throughMoments = Math.abs(dBeta[c]) + Math.abs((x[at] - mean[c]) * inverse * dGamma[c]);
        return Math.abs(gamma[c] * inverse) * (Math.abs(dY[at]) + throughMoments / rows);
      };
      return [Float64Array.from(dY, sizeAt)];
    },
    absolute: 1e-37,
  }),
};

const batchNormOp: Op<Attrs, 'f32'> = {
  name: 'batchNorm',
  epilogue: true,
  infer([x, ...others]) {
    requireDtype('batchNorm', 'x', x, 'f32');
    others.forEach((given, at) => requireChannels('batchNorm', PER_CHANNEL[at], given, x));
    return [x];
  },
  cpu([x, mean, variance, gamma, beta], [y], { inputs, attrs: { epsilon } }) {
    const { channels } = channelsOf(inputs[0].spec);
    for (let at = 0; at < y.length; at++) {
      const c = at % channels;
      y[at] = ((x[at] - mean[c]) / Math.sqrt(variance[c] + epsilon)) * gamma[c] + beta[c];
    }
  },
  gpu: (node) => [withRoom(launchOf(node, batchNormKernel))],
  wasm: inWasm,
  hosts: ({ inputs: [x] }) => channelsOf(x.spec).channels,
  // With numbers of others it joins the convolution in front of it, on a card. Where a CPU plays the GPU, to look up a
  // channel's four numbers for each element costs more than a launch.
  tail: ({ attrs: { epsilon, own } }, { software }) =>
    own || software
      ? undefined
      : {
          expression: ([x, mean, variance, gamma, beta]) =>
            `(${x} - ${mean}) * (inverseSqrt(${variance} + ${f32Literal(epsilon)}) * ${gamma}) + ${beta}`,
          includes: [],
        },
  flops: (node) => FLOPS * elementsOf(node.outputs),
  accuracy: () => ({
    ulps: ULPS,
    magnitude: ([, , , , beta], [y]) => [
      Float64Array.from(y, (value, at) => Math.abs(value) + 2 * Math.abs(beta[at % beta.length])),
    ],
    absolute: 1e-37,
  }),
  vjp([dY], { inputs: [x, mean, variance, gamma, beta], attrs }) {
    if (!dY) return [null, null, null, null, null];
    const { epsilon, own } = attrs;
    const { rows } = channelsOf(x.spec);
    const { dGamma, dBeta } = affineGradients(x, dY, mean, variance, { pixels: rows, width: 1, epsilon });
    if (own) {
      const dX = applyOne(batchNormGradOp, [x, mean, variance, gamma, dBeta, dGamma, dY], attrs);
      return [dX, null, null, dGamma, dBeta];
    }
    // With numbers of others, y is linear in x: what multiplies x multiplies dY.
    const none = constant(new Float32Array(beta.spec.shape[0]), beta.spec);
    const scaled = (value: Value): Value => applyOne(batchNormOp, [value, none, variance, gamma, none], attrs);
    const dMean = neg(reshape(scaled(reshape(dBeta, [1, -1])), [-1]));
    const dVariance = mul(div(mul(dGamma, gamma), add(variance, epsilon)), -0.5);
    return [scaled(dY), dMean, dVariance, dGamma, dBeta];
  },
};

/**
 * (x − mean) / √(variance + epsilon) · gamma + beta with given numbers for each channel: running averages, in evaluation.
 * @param x `[…, C]`   @param gamma `[C]`, as are mean, variance and beta   @returns x's shape
 * @throws ShapeError unless there is a number for each channel
 */
export const normalizeBy = (x: Value, given: Moments, gamma: Value, beta: Value, epsilon: number): Value<'f32'> => {
  requireEpsilon('normalizeBy', epsilon);
  const { mean, variance } = given ?? {};
  return applyOne(batchNormOp, [x, mean, variance, gamma, beta], { epsilon, own: false });
};

/**
 * The same with x's own moments, which come with it. Gradients flow through the moments too.
 * @param x `[…, C]`   @param gamma `[C]`, as is beta
 * @throws ShapeError unless there is a number for each channel     Source: Ioffe and Szegedy 2015
 */
export function normalizeBatch(
  x: Value,
  gamma: Value,
  beta: Value,
  epsilon: number,
): Moments<'f32'> & { readonly y: Value<'f32'> } {
  requireEpsilon('normalizeBatch', epsilon);
  const { mean, variance } = moments(x);
  const y = applyOne(batchNormOp, [x, mean, variance, gamma, beta], { epsilon, own: true });
  return { y, mean, variance };
}

interface RunningAttrs {
  readonly momentum: number;
  /** By which the batch's variance is multiplied. */
  readonly correction: number;
}

const runningAveragesOp: Op<RunningAttrs, 'f32'> = {
  name: 'runningAverages',
  effect: true,
  inPlace: [0, 1, null, null],
  infer: (running) => running.slice(0, 2).map(({ shape }) => spec(shape)),
  cpu([runningMean, runningVariance, mean, variance], [nextMean, nextVariance], { attrs: { momentum, correction } }) {
    nextMean.set(runningMean);
    nextVariance.set(runningVariance);
    for (let c = 0; c < mean.length; c++) {
      if (!Number.isFinite(mean[c]) || !Number.isFinite(variance[c])) continue;
      nextMean[c] = (1 - momentum) * runningMean[c] + momentum * mean[c];
      nextVariance[c] = (1 - momentum) * runningVariance[c] + momentum * correction * variance[c];
    }
  },
  gpu({ outputs: [mean], attrs: { momentum, correction } }) {
    const [channels] = mean.spec.shape;
    return [
      alone({
        name: 'runningAverages',
        includes: [runningText],
        reads: { batch_mean: 'f32', batch_variance: 'f32' },
        writes: { running_mean: 'f32', running_variance: 'f32' },
        bindings: [2, 3, output(0), output(1)],
        words: [channels, { f32: 1 - momentum }, { f32: momentum }, { f32: momentum * correction }],
        count: channels,
      }),
    ];
  },
  rides: ({ outputs: [mean] }) => mean.spec.shape[0],
  flops: (node) => 3 * elementsOf(node.outputs),
  accuracy: () => ({ ulps: 6, magnitude: 'terms', absolute: 1e-37 }),
};

/**
 * running ← (1 − momentum) · running + momentum · batch, in place, as PyTorch counts: a channel's variance divided by
 * one less than its number of rows. A channel of which the batch has NaN or infinity stays as it is.
 * @param running what the states hold, `[C]` each   @param batch of x, `[C]` each   @param rows numbers of a channel
 */
export function runningAverages(running: Moments, batch: Moments, momentum: number, rows: number): Moments {
  const inputs = [running.mean, running.variance, batch.mean, batch.variance];
  const [mean, variance] = apply(runningAveragesOp, inputs, { momentum, correction: rows / (rows - 1) });
  return { mean: mean, variance: variance };
}
