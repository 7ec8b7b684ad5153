import { sameShape, sizeOf, spec } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import { softmax, logSoftmax } from '../../../../ops/losses/softmax.ts';
import { normalizeBy, type Attrs as BatchAttrs } from '../../../../ops/normalization/batchNorm.ts';
import { normalizeGroups, type Attrs as GroupAttrs } from '../../../../ops/normalization/groupNorm.ts';
import { moments } from '../../../../ops/normalization/moments.ts';
import { reshaped } from '../batchShapes.ts';
import type { Definition, Definitions } from '../definition.ts';
import { inShape } from '../elementwise.ts';
import { float, type Tensor } from '../onnxNodes.ts';
import { inOrder, type OnnxWriter } from '../onnxWriter.ts';
import { reduced } from './reductions.ts';

/* Norms. Channels are the last axis here, and the one behind the samples there. */

const sample = (shape: readonly number[] = [2, 2]): Value => input('x', spec(shape));
const channels = (): Value => sample([2]);

/** Channels behind samples, and then all else. */
const channelsSecond = (value: Value): number[] => {
  const [samples, ...others] = inOrder(value);
  return [samples, others.at(-1)!, ...others.slice(0, -1)];
};

const batchNormDefinition: Definition<BatchAttrs> = {
  use: () => normalizeBy(sample(), { mean: channels(), variance: channels() }, channels(), channels(), 1e-5),
  operators: ['BatchNormalization'],
  write({ inputs: [x, mean, variance, gamma, beta], outputs: [y], attrs: { epsilon } }, to) {
    const isRow = x.spec.shape.length === 1;
    const order = isRow ? inOrder(x) : channelsSecond(x);
    const extents = to.extentsOf(x);
    const given = to.read(x, { order });
    const rows = isRow ? reshaped(to, given, extents, [1, ...extents]) : given;
    const operands = [rows, ...[gamma, beta, mean, variance].map((value) => to.read(value))];
    const tensor = to.emit('BatchNormalization', operands, { epsilon: float(epsilon) });
    to.write(y, isRow ? reshaped(to, tensor, [1, ...extents], extents) : tensor, { order });
  },
};

const momentsDefinition: Definition = {
  use: () => moments(sample()).mean,
  operators: ['ReduceMean', 'Sub', 'Mul'],
  write({ inputs: [x], outputs: [mean, variance] }, to) {
    const rows = inOrder(x).slice(0, -1);
    const given = to.read(x);
    to.write(mean, reduced(to, 'ReduceMean', given, rows, false));
    const centered = to.emit('Sub', [given, to.read(mean)]);
    to.write(variance, reduced(to, 'ReduceMean', to.emit('Mul', [centered, centered]), rows, false));
  },
};

const LAYER_NORM_SINCE = 17;
const GROUP_NORM_SINCE = 21;
const RMS_NORM_SINCE = 23;

/** Whether a row is all of a sample's numbers that gamma has one for. */
function isOverLastAxes({ inputs: [x, gamma], attrs: { samples, groups } }: Node<GroupAttrs>): boolean {
  const own = gamma.spec.shape;
  const isLast = sameShape(x.spec.shape.slice(x.spec.shape.length - own.length), own);
  return groups === 1 && isLast && samples * sizeOf(own) === sizeOf(x.spec.shape);
}

/** Whether a value is a constant of nothing but this number. */
const isAll = (value: Value, number: number, to: OnnxWriter): boolean => {
  const known = to.known(value);
  return known !== undefined && known.name === undefined && known.numbers.every((each) => each === number);
};

/** (x − mean) / √(variance + epsilon) over axes, the mean 0 if it is not centered. */
function normalized(to: OnnxWriter, x: Tensor, axes: readonly number[], { epsilon, centered }: GroupAttrs): Tensor {
  const own = centered ? to.emit('Sub', [x, reduced(to, 'ReduceMean', x, axes, true)]) : x;
  const squares = reduced(to, 'ReduceMean', to.emit('Mul', [own, own]), axes, true);
  return to.emit('Div', [own, to.emit('Sqrt', [to.emit('Add', [squares, to.scalar(epsilon)])])]);
}

/** Times gamma and plus beta, as far as they do something. */
function scaled(to: OnnxWriter, tensor: Tensor, gamma: Value, beta: Value, read: (value: Value) => Tensor): Tensor {
  const product = isAll(gamma, 1, to) ? tensor : to.emit('Mul', [tensor, read(gamma)]);
  return isAll(beta, 0, to) ? product : to.emit('Add', [product, read(beta)]);
}

function writeLastAxesNorm(node: Node<GroupAttrs>, to: OnnxWriter): void {
  const { inputs, outputs, attrs } = node;
  const [x, gamma, beta] = inputs;
  const rank = gamma.spec.shape.length;
  const told = { axis: -rank, epsilon: float(attrs.epsilon) };
  const given = to.read(x);
  const hasBeta = !isAll(beta, 0, to);
  if (attrs.centered && to.opset >= LAYER_NORM_SINCE) {
    const operands = [given, to.read(gamma), ...(hasBeta ? [to.read(beta)] : [])];
    to.write(outputs[0], to.emit('LayerNormalization', operands, told));
  } else if (!attrs.centered && !hasBeta && to.opset >= RMS_NORM_SINCE) {
    to.write(outputs[0], to.emit('RMSNormalization', [given, to.read(gamma)], told));
  } else {
    const axes = inOrder(x).slice(-rank);
    to.write(
      outputs[0],
      scaled(to, normalized(to, given, axes, attrs), gamma, beta, (value) => to.read(value)),
    );
  }
}

/** Over a sample's pixels and a group of its channels. */
function writeGroupNorm(node: Node<GroupAttrs>, to: OnnxWriter): void {
  const { inputs, outputs, attrs } = node;
  const [x, gamma, beta] = inputs;
  const order = channelsSecond(x);
  const given = to.read(x, { order });
  if (to.opset >= GROUP_NORM_SINCE) {
    const operands = [given, to.read(gamma), to.read(beta)];
    const told = { num_groups: attrs.groups, epsilon: float(attrs.epsilon) };
    to.write(outputs[0], to.emit('GroupNormalization', operands, told), { order });
    return;
  }
  // [N, groups, the rest]: an instance there is a row here.
  const extents = to.extentsIn(x, order);
  const rows = to.emit('Reshape', [given, to.ints([0, attrs.groups, -1])]);
  const ones = to.floats(new Array<number>(attrs.groups).fill(1));
  const zeros = to.floats(new Array<number>(attrs.groups).fill(0));
  const even = to.emit('InstanceNormalization', [rows, ones, zeros], { epsilon: float(attrs.epsilon) });
  const shape = [sizeOf(gamma.spec.shape), ...order.slice(2).map(() => 1)];
  const read = (value: Value): Tensor => inShape(value, shape, to);
  const whole = reshaped(to, even, [], extents);
  to.write(outputs[0], scaled(to, whole, gamma, beta, read), { order });
}

/** Whatever else rows may be: samples, pixels and groups as axes of their own. */
function writeRows(node: Node<GroupAttrs>, to: OnnxWriter): void {
  const { inputs, outputs, attrs } = node;
  const [x, gamma, beta] = inputs;
  const size = sizeOf(gamma.spec.shape);
  const { samples } = attrs;
  const grows = to.graph.twinOf(node).attrs.samples !== samples;
  const pixels = sizeOf(x.spec.shape) / (samples * size);
  const width = size / attrs.groups;
  const apart = grows ? [-1, pixels, attrs.groups, width] : [samples, pixels, attrs.groups, width];
  const rows = to.emit('Reshape', [to.read(x), to.ints(apart)]);
  const even = normalized(to, rows, [1, 3], attrs);
  const read = (value: Value): Tensor => to.emit('Reshape', [to.read(value), to.ints([attrs.groups, width])]);
  const whole = scaled(to, even, gamma, beta, read);
  to.write(outputs[0], reshaped(to, whole, [], to.extentsOf(x)));
}

const groupNormDefinition: Definition<GroupAttrs> = {
  use: () => normalizeGroups(sample(), channels(), channels(), { epsilon: 1e-5 }),
  operators: [
    'LayerNormalization',
    'RMSNormalization',
    'GroupNormalization',
    'InstanceNormalization',
    'ReduceMean',
    'Sub',
    'Mul',
    'Sqrt',
    'Div',
    'Add',
  ],
  varies: () => ['samples'],
  write(node, to) {
    const [x, gamma] = node.inputs;
    const { samples, centered } = node.attrs;
    const areChannels = sameShape(gamma.spec.shape, x.spec.shape.slice(-1)) && samples === x.spec.shape[0];
    if (isOverLastAxes(node)) writeLastAxesNorm(node, to);
    else if (areChannels && centered && x.spec.shape.length > 1) writeGroupNorm(node, to);
    else writeRows(node, to);
  },
};

const overLast = (use: () => Value, operator: string): Definition => ({
  use,
  operators: [operator],
  write({ inputs: [x], outputs: [y] }, to) {
    const { order } = to.formOf(x);
    to.write(y, to.emit(operator, [to.read(x, { order })], { axis: order.indexOf(order.length - 1) }), { order });
  },
});

export const normalizationOps: Definitions = {
  batchNorm: batchNormDefinition,
  moments: momentsDefinition,
  groupNorm: groupNormDefinition,
  softmax: overLast(() => softmax(sample()), 'Softmax'),
  logSoftmax: overLast(() => logSoftmax(sample()), 'LogSoftmax'),
};
