import type { Shape } from '../../../core/shape.ts';
import type { ReduceAttrs } from '../../../ops/reductions/reduce.ts';
import type { Write, Writes } from './definitions.ts';
import { bothDirections } from './sequences.ts';
import { floatsOf } from './kerasWriter.ts';

/* What moves values, brings several into one, or reduces them. */

/** The same elements: who reads them brings them into shape. */
const view: Write = ({ inputs, outputs }, to) => to.write(outputs[0], () => to.loose(inputs[0]));

const transpose: Write = (node, to) => {
  const { order } = node.attrs as { readonly order: readonly number[] };
  const { shape } = node.outputs[0].spec;
  const x = to.read(node.inputs[0]);
  if (order[0] === 0) return to.write(node.outputs[0], to.layer('Permute', { dims: order.slice(1) }, [x], shape));
  to.refuse(node.op.name, 'it moves the axis of the samples', 'leave it in front');
};

interface Sliced {
  readonly start: readonly number[];
  readonly shape: Shape;
  readonly step: readonly number[];
}

const slice: Write = (node, to) => {
  const { start, shape, step } = node.attrs as Sliced;
  const x = to.read(node.inputs[0]);
  const given = x.shape;
  if (start[0] !== 0 || shape[0] !== given[0])
    to.refuse(node.op.name, 'it takes some of the samples', 'take them in front of the model');
  const rank = given.length;
  const isCut = (axis: number): boolean => start[axis] !== 0 || shape[axis] !== given[axis];
  const isPlain = step.every((each) => each === 1) && !isCut(rank - 1) && (rank === 3 || rank === 4);
  if (isPlain && (to.target === 'keras' || rank === 4)) {
    const sides = start.slice(1, -1).map((from, at) => [from, given[at + 1] - from - shape[at + 1]]);
    const className = rank === 4 ? 'Cropping2D' : 'Cropping1D';
    const cropping = rank === 4 ? sides : sides[0];
    return to.write(node.outputs[0], to.layer(className, { cropping }, [x], shape));
  }
  const ranges = start.map((from, axis) => ({
    class_name: '__slice__',
    config:
      axis === 0
        ? { start: null, stop: null, step: null }
        : { start: from, stop: Math.min(given[axis], from + (shape[axis] - 1) * step[axis] + 1), step: step[axis] },
  }));
  to.write(node.outputs[0], to.operation('GetItem', [x, { plain: ranges }], shape));
};

interface Padded {
  readonly before: readonly number[];
  readonly step: readonly number[];
  readonly shape: Shape;
  readonly value: number;
}

const pad: Write = (node, to) => {
  const { before, step, shape, value } = node.attrs as Padded;
  const x = to.read(node.inputs[0]);
  if (step.some((each) => each !== 1))
    to.refuse(node.op.name, 'it spreads numbers apart', 'leave the gradient out of the model');
  if (before[0] !== 0 || shape[0] !== x.shape[0])
    to.refuse(node.op.name, 'it adds samples', 'add them in front of the model');
  const sides = before.map((from, axis) => [from, shape[axis] - x.shape[axis] - from]);
  const isImages = x.shape.length === 4 && sides[3].every((side) => side === 0) && value === 0;
  if (isImages) return to.write(node.outputs[0], to.layer('ZeroPadding2D', { padding: sides.slice(1, 3) }, [x], shape));
  const named = value === 0 ? {} : { constant_values: { plain: value } };
  to.write(node.outputs[0], to.operation('Pad', [x], shape, { pad_width: sides }, { named }));
};

const concat: Write = (node, to) => {
  const { axis } = node.attrs as { readonly axis: number };
  if (axis === 0) to.refuse(node.op.name, 'it joins samples', 'keep their number');
  const both = bothDirections(node, to);
  if (both) return to.write(node.outputs[0], both);
  const inputs = node.inputs.map((input) => {
    if (!to.known(input)) return to.read(input);
    return to.refuse(node.op.name, 'one of its values follows from no sample', 'pad, or add it');
  });
  const [alone] = inputs;
  // Keras joins two at least.
  if (inputs.length === 1) return to.write(node.outputs[0], alone);
  to.write(node.outputs[0], to.layer('Concatenate', { axis }, inputs, node.outputs[0].spec.shape));
};

const broadcast: Write = (node, to) => {
  const { shape, scale } = node.attrs as { readonly shape: Shape; readonly scale: number };
  const x = to.read(node.inputs[0]);
  if (x.shape[0] !== shape[0] || scale !== 1) to.refuse(node.op.name, 'it repeats samples', 'keep their number');
  // What reads it repeats it by itself where it need be, but for its axes.
  const rank = x.shape.length;
  const whole = rank === shape.length ? x : to.reshaped(x, [x.shape[0], ...shape.slice(1).map(() => 1)], node);
  const ones = { plain: { class_name: '__numpy__', config: { value: onesOf(shape.slice(1)), dtype: 'float32' } } };
  to.write(node.outputs[0], to.operation('Multiply', [whole, ones], shape));
};

const onesOf = ([extent, ...others]: Shape): unknown =>
  extent === undefined ? 1 : Array.from({ length: extent }, () => onesOf(others));

/** Over the places of images or sequences as a layer of Keras', else as an operation. */
const reduced =
  (className: 'Sum' | 'Max' | 'Min', pooled: 'GlobalAveragePooling' | 'GlobalMaxPooling' | undefined): Write =>
  (node, to) => {
    const { axes, keepDimensions } = node.attrs as ReduceAttrs;
    const { scale = 1 } = node.attrs as { readonly scale?: number };
    const [x] = node.inputs;
    const { shape } = node.outputs[0].spec;
    if (axes.includes(0))
      to.refuse(node.op.name, 'it reduces over the samples', 'leave what is of the whole batch to the loss');
    const given = to.read(x);
    const rank = given.shape.length;
    const count = axes.reduce((product, axis) => product * given.shape[axis], 1);
    const isMean = className === 'Sum' && Math.abs(scale * count - 1) < 1e-6;
    const isPlaces =
      axes.length === rank - 2 && axes.every((axis, at) => axis === at + 1) && (rank === 3 || rank === 4);
    const canKeep = to.target === 'keras' || !keepDimensions;
    if (isPlaces && pooled && canKeep && (isMean || className === 'Max')) {
      const config = to.target === 'keras' ? { keepdims: keepDimensions } : {};
      return to.write(node.outputs[0], to.layer(`${pooled}${rank - 2}D`, config, [given], shape));
    }
    const told = { axis: [...axes], keepdims: keepDimensions };
    if (isMean) return to.write(node.outputs[0], to.operation('Mean', [given], shape, told));
    const y = to.operation(className, [given], shape, told);
    to.write(node.outputs[0], scale === 1 ? y : to.layer('Rescaling', { scale, offset: 0 }, [y], shape));
  };

/** Of the last axis, of a value in the extents in which it was written. */
const softmaxes =
  (name: 'softmax' | 'log_softmax'): Write =>
  (node, to) => {
    const [x] = node.inputs;
    const given = to.rows(x, x.spec.shape.at(-1)!);
    if (name === 'log_softmax' && to.target === 'tensorflow.js') {
      return to.write(node.outputs[0], to.layer('Activation', { activation: 'log_softmax' }, [given], given.shape));
    }
    to.write(
      node.outputs[0],
      name === 'softmax'
        ? to.layer('Softmax', { axis: -1 }, [given], given.shape)
        : to.layer('Activation', { activation: name }, [given], given.shape),
    );
  };

const gather: Write = (node, to) => {
  const { axis, padding } = node.attrs as { readonly axis: number; readonly padding?: number };
  const [x, indices] = node.inputs;
  const table = to.known(x);
  if (table && axis === 0 && table.shape.length === 2) {
    const [rows, width] = table.shape as readonly [number, number];
    const data = floatsOf(table);
    const own = padding === undefined ? data : data.slice().fill(0, padding * width, (padding + 1) * width);
    const given = to.read(indices);
    const config = { input_dim: rows, output_dim: width };
    const shape = [...given.shape, width];
    return to.write(
      node.outputs[0],
      to.layer('Embedding', config, [given], shape, [{ name: 'embeddings', shape: table.shape, data: own }], [table]),
    );
  }
  const places = to.known(indices);
  if (places && axis > 0 && padding === undefined) {
    const numbers = {
      plain: { class_name: '__numpy__', config: { value: Array.from(places.numbers), dtype: 'int32' } },
    };
    return to.write(node.outputs[0], to.operation('Take', [to.read(x), numbers], node.outputs[0].spec.shape, { axis }));
  }
  to.refuse(node.op.name, 'neither its table nor its places are known', 'look up rows of a parameter');
};

export const shapingWrites: Writes = {
  reshape: view,
  stopGradient: view,
  transpose,
  slice,
  pad,
  concat,
  broadcast,
  sum: reduced('Sum', 'GlobalAveragePooling'),
  max: reduced('Max', 'GlobalMaxPooling'),
  min: reduced('Min', undefined),
  softmax: softmaxes('softmax'),
  logSoftmax: softmaxes('log_softmax'),
  gather,
};
