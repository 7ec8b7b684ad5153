import { ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import type { AdapterTraits } from '../../core/launch.ts';
import { formatSpec, requireDtype, sameShape, type Spec } from '../../core/shape.ts';
import {
  type Accuracy,
  apply,
  applyOne,
  type Forms,
  type Node,
  type Op,
  type Samples,
  specOf,
  type Value,
} from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { convolveOnCpu, spreadOnCpu, weightsOnCpu } from './convolutionOnCpu.ts';
import { DEPTHWISE, depthwiseLaunch, depthwiseParts, isDepthwise } from './depthwise.ts';
import { linesFromSamples } from '../products/sampleOperand.ts';
import { affine } from '../products/matmul.ts';
import { partsOf, partTerms, productForms } from '../products/matmulForms.ts';
import { productLaunch } from '../products/productLaunch.ts';
import { pairSums } from '../products/pairSums.ts';
import { accessOf, shapeOf, type Convolution, type Role } from './patches.ts';
import { patchesInWasm, weightsInWasm } from './wasmConvolution.ts';
import { broadcastTo, sum } from '../reductions/sum.ts';
import {
  requireCount,
  slide,
  slideDefaults,
  spread as spreadAxes,
  type Axes,
  type SlideOptions,
  type SpreadOptions,
} from './spatial.ts';
import { reshape } from '../shaping/views.ts';

/*
 * Convolutions and their gradients: three products that are each other's derivatives, so they share this file. Images
 * are [N, H, W, C], weights [taps down, taps across, C / groups, features].
 */

export interface Attrs {
  readonly axes: Axes;
  readonly groups: number;
}

/** The spatial extents of an image or a window. */
const extentsOf = ({ shape }: Spec): readonly [number, number] => [shape.at(-3)!, shape.at(-2)!];

type Convolved = Pick<Node<Attrs>, 'inputs' | 'attrs'>;

/** What forward and spread have in common: images and weights. */
const convolutionOf = ({ inputs: [x, weight], attrs: { axes, groups } }: Convolved): Convolution => ({
  images: x.spec.shape[0],
  axes,
  channels: weight.spec.shape[2] * groups,
  features: weight.spec.shape[3],
  groups,
});

type Product = Convolution & { readonly parts?: number; readonly withSums?: boolean };

/** A kernel of its own where each channel makes its own features, before those of any product. */
function formsOf(role: Role, convolution: Product, adapter: AdapterTraits): Forms {
  const forms = productForms(adapter, shapeOf(role, convolution, convolution));
  if (!isDepthwise(convolution)) return forms;
  return { kind: `${DEPTHWISE} ${forms.kind}`, names: [DEPTHWISE, ...forms.names] };
}

/** The kernel of one of a convolution's products. */
export const onGpu = <A>(
  role: Role,
  of: (node: Node<A>) => Product,
): Required<Pick<Op<A>, 'forms' | 'gpu' | 'flops' | 'accuracy'>> => ({
  forms: (node, adapter) => formsOf(role, of(node), adapter),
  gpu(node, adapter, form = formsOf(role, of(node), adapter).names[0]) {
    const convolution = of(node);
    const { name } = node.op;
    const bias = node.inputs[2] && 2;
    if (form === DEPTHWISE) return [depthwiseLaunch(name, role, convolution, bias)];
    const shape = shapeOf(role, convolution, convolution);
    return [productLaunch(name, form, adapter, shape, accessOf(role, convolution), bias)];
  },
  // Of all three products: each place's taps, each tap's channels, each channel's features.
  flops(node) {
    const { images, axes, channels, features, groups } = of(node);
    const each = axes.reduce((product, { output, window }) => product * output * window, images);
    return (2 * each * channels * features) / groups;
  },
  accuracy: (node): Accuracy => ({
    ulps: 2 * (shapeOf(role, of(node)).K + 8),
    magnitude: 'terms',
    absolute: 1e-37,
  }),
});

function requireBias(op: string, bias: Spec | undefined, extent: number): void {
  if (bias && (bias.dtype !== 'f32' || !sameShape(bias.shape, [extent]))) {
    throw new ShapeError(
      `[${op}] bias is ${formatSpec(bias)} but there are ${extent} features: it must be f32[${extent}]`,
    );
  }
}

/** The images are the samples: of the convolution, or of its weights' gradient. */
export const patchesFromSamples = (
  of: Convolution,
  at: number,
  samples: Samples,
): ReturnType<NonNullable<Op['fromSamples']>> => {
  const size = of.channels * of.axes[0].input * of.axes[1].input;
  const whole = (of.channels / of.groups) % 4 === 0;
  return at === 0 && size === samples.size && !isDepthwise(of) ? linesFromSamples('b', samples, whole) : undefined;
};

const convolveOp: Op<Attrs, 'f32'> = {
  name: 'conv2d',
  epilogue: true,
  infer([x, weight, bias], { axes }) {
    const features = weight.shape[3];
    requireBias('conv2d', bias, features);
    return [{ shape: [x.shape[0], ...axes.map(({ output }) => output), features], dtype: 'f32' }];
  },
  cpu: ([x, weight, bias], [y], node) => convolveOnCpu(x, weight, bias, y, convolutionOf(node)),
  ...onGpu('forward', convolutionOf),
  wasm: (node) => patchesInWasm('forward', convolutionOf(node), node.inputs[2] ? 2 : 'nothing'),
  fromSamples: (node, at, samples) => patchesFromSamples(convolutionOf(node), at, samples),
  vjp([dY], { inputs: [x, weight, bias], attrs }) {
    if (!dY) return [null, null, null];
    const dX = applyOne(spreadOp, [dY, weight], attrs);
    return [dX, ...apply(weightsOp, [x, dY], { ...attrs, withSums: bias !== undefined })];
  },
};

/** What a node convolves; undefined if it is no convolution. */
export const convolutionIn = (node: Node): Convolution | undefined =>
  asUseOf(convolveOp, node) && convolutionOf(node as Node<Attrs>);

const spreadOp: Op<Attrs, 'f32'> = {
  name: 'convTranspose2d',
  epilogue: true,
  infer([y, weight, bias], { axes, groups }) {
    const channels = weight.shape[2] * groups;
    requireBias('convTranspose2d', bias, channels);
    return [{ shape: [y.shape[0], ...axes.map(({ input }) => input), channels], dtype: 'f32' }];
  },
  cpu: ([y, weight, bias], [x], node) => spreadOnCpu(y, weight, bias, x, convolutionOf(node)),
  ...onGpu('spread', convolutionOf),
  wasm: (node) => patchesInWasm('spread', convolutionOf(node), node.inputs[2] ? 2 : 'nothing'),
  vjp([dX], { inputs: [y, weight, bias], attrs }) {
    if (!dX) return [null, null, null];
    const dY = applyOne(convolveOp, [dX, weight], attrs);
    const dWeight = applyOne(weightsOp, [dX, y], { ...attrs, withSums: false });
    return [dY, dWeight, ...(bias ? [sum(dX, { axes: [0, 1, 2] })] : [])];
  },
};

interface WeightsAttrs extends Attrs {
  /** Whether the sum of dY over all places comes with it: the gradient of a bias. */
  readonly withSums: boolean;
  /** Computes so many sums, of a part of the places each, along an axis in front. */
  readonly parts?: number;
}

const weightsConvolution = ({ inputs: [x, dY], attrs }: Node<WeightsAttrs>): Convolution & WeightsAttrs => ({
  ...attrs,
  images: x.spec.shape[0],
  channels: x.spec.shape[3],
  features: dY.spec.shape[3],
});

const weightsOp: Op<WeightsAttrs> = {
  name: 'conv2dWeights',
  infer([x, dY], { axes, groups, withSums, parts }) {
    const features = dY.shape[3];
    const leading = parts ? [parts] : [];
    const windows = axes.map(({ window }) => window);
    return [
      { shape: [...leading, ...windows, x.shape[3] / groups, features], dtype: 'f32' },
      ...(withSums ? [{ shape: [...leading, features], dtype: 'f32' } as const] : []),
    ];
  },
  cpu([x, dY], [dWeight, sums], node) {
    const convolution = weightsConvolution(node);
    const { features, parts = 1 } = convolution;
    weightsOnCpu(x, dY, dWeight, convolution, parts);
    if (!sums) return;
    const length = partTerms(dY.length / features, parts) * features;
    const totals = new Float64Array(sums.length);
    for (let at = 0; at < dY.length; at++) totals[Math.floor(at / length) * features + (at % features)] += dY[at];
    sums.set(totals);
  },
  ...onGpu('weights', weightsConvolution),
  wasm(node) {
    const { parts, withSums } = node.attrs;
    return parts === undefined ? weightsInWasm(weightsConvolution(node), withSums) : undefined;
  },
  fromSamples: (node, at, samples) => patchesFromSamples(weightsConvolution(node), at, samples),
  expand(node, adapter) {
    const convolution = weightsConvolution(node);
    const parts = isDepthwise(convolution)
      ? depthwiseParts(adapter, convolution)
      : partsOf(adapter, shapeOf('weights', convolution));
    if (parts === 1) return undefined;
    const [dWeight, sums] = apply(weightsOp, node.inputs, { ...node.attrs, parts });
    return sums ? pairSums(dWeight, sums) : [sum(dWeight, { axes: 0 })];
  },
  vjp([dWeight, dSums], { inputs: [x, dY], attrs: { axes, groups } }) {
    const attrs = { axes, groups };
    const bias = dSums ? [dSums] : [];
    if (!dWeight) return [null, dSums ? broadcastTo(dSums, dY.spec.shape) : null];
    return [applyOne(spreadOp, [dY, dWeight], attrs), applyOne(convolveOp, [x, dWeight, ...bias], attrs)];
  },
};

/** What `convolve` may be told. */
export interface ConvolveOptions extends SlideOptions {
  /** Added to each feature: `[features]`. */
  readonly bias?: Value | undefined;
  /** The channels, and the features, fall into so many groups, each made of its own: 1. */
  readonly groups?: number;
}

const USUAL = { ...slideDefaults, groups: 1, bias: undefined } as const;

/** Whether the images and weights are such, and how many groups share them. */
function requireOperands(where: string, x: Value, weight: Value, groups: number, axis: 2 | 3): void {
  for (const [name, given] of Object.entries({ x, weight })) {
    const spec = specOf(where, name, given);
    requireDtype(where, name, spec, 'f32');
    if (spec.shape.length !== 4) {
      const wanted = name === 'x' ? '[N, H, W, C]' : '[rows, columns, channels / groups, features]';
      throw new ShapeError(`[${where}] ${name} is ${formatSpec(spec)} but must be ${wanted}: reshape it`);
    }
  }
  if (weight.spec.shape[0] * weight.spec.shape[1] === 0) {
    throw new ShapeError(
      `[${where}] weight is ${formatSpec(weight.spec)}: a kernel has at least one row and one column`,
    );
  }
  const channels = x.spec.shape[3];
  const [perGroup, features] = weight.spec.shape.slice(2) as [number, number];
  const taken = axis === 2 ? perGroup * groups : features;
  requireCount(where, 'groups', groups);
  if (channels !== taken) {
    throw new ShapeError(
      `[${where}] x has ${channels} channels but the weights take ${taken}${axis === 2 && groups > 1 ? `, ${perGroup} in each of ${groups} groups` : ''}: x is ${formatSpec(x.spec)}, weight is ${formatSpec(weight.spec)}`,
    );
  }
  if (features % groups !== 0) {
    throw new ShapeError(
      `[${where}] ${groups} groups do not divide ${features} features: weight is ${formatSpec(weight.spec)}`,
    );
  }
}

/**
 * Each place's features: the weights times what lies under the window there, images being 0 beyond their edges. It is a
 * cross-correlation, as in every library.
 * @param x `[N, H, W, C]`   @param weight `[rows, columns, C / groups, features]`, as in Keras
 * @returns `[N, places down, places across, features]`
 * @throws ShapeError where channels, groups or extents do not fit; DataError for a stride, padding or dilation that is none
 */
export function convolve(x: Value, weight: Value, options?: ConvolveOptions): Value<'f32'> {
  const { groups, bias, ...sliding } = optionsOf('conv2d', options, USUAL);
  requireOperands('conv2d', x, weight, groups, 2);
  const axes = slide('conv2d', 'kernel', extentsOf(x.spec), [weight.spec.shape[0], weight.spec.shape[1]], sliding);
  const isPlain = axes.every(({ window, stride, input, output }) => window * stride === 1 && input === output);
  if (isPlain && groups === 1) return affine(x, reshape(weight, weight.spec.shape.slice(2)), bias);
  return applyOne(convolveOp, [x, weight, ...(bias ? [bias] : [])], { axes, groups });
}

/** What `convolveTransposed` may be told. */
export interface ConvolveTransposedOptions extends SpreadOptions {
  /** Added to each channel of the result. */
  readonly bias?: Value | undefined;
  readonly groups?: number;
}

/**
 * The transpose of `convolve`: each place sends its features, times the weights, to the pixels under its window. As a layer
 * it makes images larger.
 * @param y `[N, H, W, features]`   @param weight `[rows, columns, C / groups, features]`, as in Keras
 * @returns `[N, (H − 1) · stride + span − padding + outputPadding, …, C]`; with padding `same`, `[N, H · stride, …, C]`
 * @throws as `convolve` does   Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
 */
export function convolveTransposed(y: Value, weight: Value, options?: ConvolveTransposedOptions): Value<'f32'> {
  const { groups, bias, ...spreading } = optionsOf('convTranspose2d', options, { ...USUAL, outputPadding: 0 });
  requireOperands('convTranspose2d', y, weight, groups, 3);
  const window = [weight.spec.shape[0], weight.spec.shape[1]] as const;
  const axes = spreadAxes('convTranspose2d', 'kernel', extentsOf(y.spec), window, spreading);
  return applyOne(spreadOp, [y, weight, ...(bias ? [bias] : [])], { axes, groups });
}
