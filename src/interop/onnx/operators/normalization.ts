import { sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { normalizeBatch, normalizeBy, runningAverages } from '../../../ops/normalization/batchNorm.ts';
import { normalizeGroups } from '../../../ops/normalization/groupNorm.ts';
import { abs, add, div, maximum, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { mean, sum } from '../../../ops/reductions/sum.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { floats, Tensor } from '../tensor.ts';
import { axesOf, axisOf } from './axes.ts';
import { channelsLast } from './windows.ts';

const full = (shape: Shape, number: number): Value =>
  constant(new Float32Array(sizeOf(shape)).fill(number), spec(shape));

/** Channels last of what has samples and channels in front. */
const orderOf = (x: Tensor) => (x.shape.length < 3 ? x.shape.map((_, axis) => axis) : channelsLast(x.shape.length - 2));

/** In training as in PyTorch: by the batch, whose means and variances come into the running ones. */
function batchNormalization(node: OnnxNode): Tensor {
  const x = node.tensor(0);
  const order = orderOf(x);
  const value = floats(x.as(order));
  const [gamma, beta] = [node.float(1), node.float(2)];
  const running = { mean: node.float(3), variance: node.float(4) };
  const epsilon = node.real('epsilon', 1e-5);
  const momentum = node.real('momentum', 0.9);
  const trains = node.int('training_mode', 0) === 1;
  if (trains && node.outputs.slice(1).some(Boolean)) {
    node.refuse('gives its running averages', 'export the model in evaluation');
  }
  if (node.opset < 9) node.int('spatial', 1);
  const rows = sizeOf(x.shape) / x.shape[1];
  if (node.setting.context.mode !== 'train' || rows < 2) {
    return Tensor.of(normalizeBy(value, running, gamma, beta, epsilon), 'float', order);
  }
  const { y, ...batch } = normalizeBatch(value, gamma, beta, epsilon);
  const { update } = node.setting;
  const next = runningAverages(running, batch, 1 - momentum, rows);
  update(node.tensor(3), next.mean);
  update(node.tensor(4), next.variance);
  return Tensor.of(y, 'float', order);
}

/** Of the last axes of each sample, from one on. */
function lastAxes(node: OnnxNode, centered: boolean): readonly (Tensor | undefined)[] {
  const x = node.float(0);
  const { shape } = x.spec;
  const axis = axisOf(node, node.int('axis', -1), shape.length);
  const epsilon = node.real('epsilon', 1e-5);
  node.int('stash_type', 1);
  const own = shape.slice(axis);
  const flat = (at: number, usual: number): Value => {
    const given = node.maybeFloat(at);
    return given ? reshape(spread(given, own), [sizeOf(own)]) : full([sizeOf(own)], usual);
  };
  if (node.outputs.slice(1).some(Boolean)) node.refuse('gives its means or deviations', 'leave these outputs unused');
  const samples = sizeOf(shape.slice(0, axis));
  const y = normalizeGroups(
    reshape(x, [samples, sizeOf(own)]),
    flat(1, 1),
    centered ? flat(2, 0) : full([sizeOf(own)], 0),
    {
      samples,
      epsilon,
      centered,
    },
  );
  return [Tensor.of(reshape(y, shape), 'float')];
}

/** What is broadcast to a shape. */
const spread = (x: Value, shape: Shape): Value => (sizeOf(x.spec.shape) === sizeOf(shape) ? x : mul(x, full(shape, 1)));

/** Groups of channels of each sample; as many as channels are instance norm. */
function groups(node: OnnxNode, count: number, perGroup: boolean): Tensor {
  const x = node.tensor(0);
  const order = orderOf(x);
  const channels = x.shape[1];
  const each = (at: number): Value => {
    const given = node.float(at);
    const repeated = mul(reshape(given, [count, 1]), full([count, channels / count], 1));
    return perGroup && count !== channels ? reshape(repeated, [channels]) : given;
  };
  const epsilon = node.real('epsilon', 1e-5);
  return Tensor.of(normalizeGroups(floats(x.as(order)), each(1), each(2), { groups: count, epsilon }), 'float', order);
}

/** x over the norm of an axis. */
function overNorm(node: OnnxNode): Tensor {
  const x = node.float(0);
  const axes = [axisOf(node, node.int('axis', -1), x.spec.shape.length)];
  const power = node.int('p', 2);
  const total =
    power === 1 ? sum(abs(x), { axes, keepDimensions: true }) : sqrt(sum(mul(x, x), { axes, keepDimensions: true }));
  // Where all are 0 they stay.
  return Tensor.of(div(x, maximum(total, 2 ** -126)), 'float');
}

const LEAST_DEVIATION = 1e-9;

function meanVariance(node: OnnxNode): Tensor {
  const x = node.float(0);
  const axes = axesOf(node, node.ints('axes', [0, 2, 3]), x.spec.shape.length);
  const centred = sub(x, mean(x, { axes, keepDimensions: true }));
  const deviation = sqrt(mean(mul(centred, centred), { axes, keepDimensions: true }));
  return Tensor.of(div(centred, add(deviation, LEAST_DEVIATION)), 'float');
}

/** Operators that bring numbers to a mean and a deviation. */
export const normalizationOperators: Operators = {
  BatchNormalization: { kept: [3, 4], apply: batchNormalization },
  // Before opset 21 there is a scale for each group, since then one for each channel.
  GroupNormalization: {
    apply(node) {
      node.int('stash_type', 1);
      return groups(node, node.int('num_groups', 1), node.opset < 21);
    },
  },
  InstanceNormalization: { apply: (node) => groups(node, node.tensor(0).shape[1], false) },
  LayerNormalization: { apply: (node) => lastAxes(node, true) },
  LpNormalization: { apply: overNorm },
  MeanVarianceNormalization: { apply: meanVariance },
  RMSNormalization: { apply: (node) => lastAxes(node, false) },
};
