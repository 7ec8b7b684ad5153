import { sizeOf, spec, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { constant } from '../../../graph/leaf.ts';
import { normalizeBatch, normalizeBy, runningAverages } from '../../../ops/normalization/batchNorm.ts';
import { normalizeGroups } from '../../../ops/normalization/groupNorm.ts';
import { abs, add, div, maximum, mul, sub } from '../../../ops/pointwise/arithmetic.ts';
import { sqrt } from '../../../ops/pointwise/elementary.ts';
import { broadcastTo, mean, sum } from '../../../ops/reductions/sum.ts';
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
  if (trains || node.opset < 14) node.requireUnused(1, 'its running averages');
  if (node.opset < 9 && node.int('spatial', 1) !== 1) {
    node.refuse('has spatial = 0, a mean for each place', 'only one for each channel is read; export it otherwise');
  }
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
    return given ? reshape(broadcastTo(given, own), [sizeOf(own)]) : full([sizeOf(own)], usual);
  };
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
  return [Tensor.of(reshape(y, shape), 'float'), ...(centered ? statistics(node, x, axis, epsilon) : [])];
}

/** Means, and one over deviations, where somebody reads them. */
function statistics(node: OnnxNode, x: Value, axis: number, epsilon: number): Tensor[] {
  if (!node.wants(1) && !node.wants(2)) return [];
  const over = { axes: x.spec.shape.map((_, at) => at).slice(axis), keepDimensions: true };
  const average = mean(x, over);
  const centred = sub(x, average);
  const deviation = sqrt(add(mean(mul(centred, centred), over), epsilon));
  return [Tensor.of(average, 'float'), Tensor.of(div(1, deviation), 'float')];
}

/** Groups of channels of each sample; as many as channels are instance norm. */
function groups(node: OnnxNode, count: number, perGroup: boolean): Tensor {
  const x = node.tensor(0);
  const order = orderOf(x);
  const channels = x.shape[1];
  const each = (at: number): Value => {
    const given = node.float(at);
    if (!perGroup || count === channels) return given;
    return reshape(broadcastTo(reshape(given, [count, 1]), [count, channels / count]), [channels]);
  };
  const epsilon = node.real('epsilon', 1e-5);
  return Tensor.of(normalizeGroups(floats(x.as(order)), each(1), each(2), { groups: count, epsilon }), 'float', order);
}

/** x over the norm of an axis. */
function overNorm(node: OnnxNode): Tensor {
  const x = node.float(0);
  const axes = [axisOf(node, node.int('axis', -1), x.spec.shape.length)];
  const power = node.int('p', 2);
  if (power !== 1 && power !== 2) node.refuse(`is of norm ${power}`, 'norms 1 and 2 are read; export it otherwise');
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
