import { FormatError } from '../../../../core/errors.ts';
import { formatSpec, spec, type Shape } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { asUseOf, input, inputOp } from '../../../../graph/leaf.ts';
import { gather, type GatherAttrs } from '../../../../ops/indexing/gather.ts';
import { ownSteps } from '../../../../ops/recurrent/lengths.ts';
import { concat, pad, slice, type PadAttrs, type SliceAttrs } from '../../../../ops/shaping/pieces.ts';
import { transpose } from '../../../../ops/shaping/transpose.ts';
import { reshape, stopGradient } from '../../../../ops/shaping/views.ts';
import { computedType } from '../elementTypes.ts';
import { batchOf, reshaped } from '../batchShapes.ts';
import type { Definition, Definitions } from '../definition.ts';
import type { Tensor } from '../onnxNodes.ts';
import { inOrder, type OnnxWriter } from '../onnxWriter.ts';
import { isSame, type Extent } from '../sampledGraph.ts';

/* What moves numbers and computes none. */

const sample = (): Value => input('x', spec([2, 2]));

/** The same tensor by another name of ours. */
const aliasDefinition = (use: () => Value): Definition => ({
  use,
  operators: [],
  write({ inputs: [x], outputs: [y] }, to) {
    const form = to.formOf(x);
    to.write(y, to.read(x, form), form);
  },
});

/** Where only axes of one element come and go, the others keep their order. @returns the order of y's axes; undefined for other shapes */
function orderAround(x: readonly Extent[], order: readonly number[], y: readonly Extent[]): number[] | undefined {
  const [inX, inY] = [x, y].map((extents) => extents.flatMap((extent, axis) => (isSame(extent, 1) ? [] : [axis])));
  const areSame = inX.length === inY.length && inX.every((axis, at) => isSame(x[axis], y[inY[at]]));
  if (!areSame) return undefined;
  const result = order.filter((axis) => inX.includes(axis)).map((axis) => inY[inX.indexOf(axis)]);
  // An axis of one element stands before the one that follows it in y.
  for (let axis = y.length - 1; axis >= 0; axis--) {
    if (inY.includes(axis)) continue;
    const next = result.indexOf(axis + 1);
    result.splice(next < 0 ? result.length : next, 0, axis);
  }
  return result;
}

const reshapeDefinition: Definition<{ readonly shape: Shape }> = {
  use: () => reshape(sample(), [4]),
  operators: ['Reshape'],
  varies: () => ['shape'],
  write({ inputs: [x], outputs: [y] }, to) {
    const { type, order } = to.formOf(x);
    const isPlain = order.every((axis, at) => axis === at);
    const around = isPlain ? undefined : orderAround(to.extentsOf(x), order, to.extentsOf(y));
    if (!around) {
      to.writeElements(y, to.elementsOf(x));
      return;
    }
    const tensor = reshaped(to, to.read(x, { type, order }), to.extentsIn(x, order), to.extentsIn(y, around));
    to.write(y, tensor, { type, order: around });
  },
};

/** The tensor stays, and its axes have other names. */
const transposeDefinition: Definition<{ readonly order: readonly number[] }> = {
  use: () => transpose(sample()),
  operators: ['Transpose'],
  write({ inputs: [x], outputs: [y], attrs }, to) {
    const { type, order } = to.formOf(x);
    const renamed = order.map((axis) => attrs.order.indexOf(axis));
    to.write(y, to.read(x, { type, order }), { type, order: renamed });
  },
};

const concatDefinition: Definition<{ readonly axis: number }> = {
  use: () => concat([sample(), sample()]),
  operators: ['Concat'],
  write({ inputs, outputs: [y], attrs: { axis } }, to) {
    const orders = inputs.filter((part) => !to.known(part)).map((part) => to.formOf(part).order);
    const order = orders.find((each) => inputs.every((part) => to.lies(part, each))) ?? inOrder(y);
    const types = new Set(inputs.map((part) => to.formOf(part).type));
    const type = types.size === 1 ? [...types][0] : computedType[y.spec.dtype];
    const parts = inputs.map((part) => to.read(part, { type, order }));
    to.write(y, to.emit('Concat', parts, { axis: order.indexOf(axis) }), { type, order });
  },
};

/** Beyond whatever extent there is. */
const END = 2 ** 31 - 1;

/** What is taken of an axis; undefined if it is all. */
function rangeOf(node: Node<SliceAttrs>, to: OnnxWriter, axis: number): readonly [number, number, number] | undefined {
  const [x, y] = [node.inputs[0], node.outputs[0]].map((value) => to.extentsOf(value)[axis]);
  const { start, step } = node.attrs;
  if (start[axis] === 0 && step[axis] === 1 && isSame(x, y)) return undefined;
  const isChanged = to.graph.twinOf(node).attrs.start[axis] !== start[axis];
  if (typeof y === 'number' && !isChanged) return [start[axis], start[axis] + (y - 1) * step[axis] + 1, step[axis]];
  const isWhole = typeof x !== 'number' && typeof y !== 'number' && x.batches === y.batches * step[axis];
  if (isWhole && !isChanged && start[axis] < step[axis]) return [start[axis], END, step[axis]];
  throw new FormatError(
    `[toOnnx] a slice takes ${formatSpec(node.outputs[0].spec)} of ${formatSpec(node.inputs[0].spec)}, a part that grows with the batch: write it for a fixed number of samples, toOnnx(trainer, { samples: 1 })`,
  );
}

const sliceDefinition: Definition<SliceAttrs> = {
  use: () => slice(sample(), [{ end: 1 }]),
  operators: ['Slice'],
  varies: () => ['shape', 'start'],
  write(node, to) {
    const [x] = node.inputs;
    const { type, order } = to.formOf(x);
    const taken = order.flatMap((axis, place) => {
      const range = rangeOf(node, to, axis);
      return range ? [{ place, range }] : [];
    });
    const [starts, ends, steps] = [0, 1, 2].map((at) => to.ints(taken.map(({ range }) => range[at])));
    const isPlain = taken.every(({ range }) => range[2] === 1);
    const places = to.ints(taken.map(({ place }) => place));
    const operands = [to.read(x, { type, order }), starts, ends, places, ...(isPlain ? [] : [steps])];
    to.write(node.outputs[0], to.emit('Slice', operands), { type, order });
  },
};

const padDefinition: Definition<PadAttrs> = {
  use: () =>
    pad(sample(), [
      [1, 1],
      [1, 1],
    ]),
  operators: ['Pad'],
  varies: () => ['shape'],
  write({ inputs: [x], outputs: [y], attrs: { before, step, value } }, to) {
    if (step.some((each) => each !== 1)) {
      throw new FormatError(
        '[toOnnx] a gradient of a slice is part of the model, which spreads numbers apart: ONNX has no operator for it; leave the gradient out of what is predicted',
      );
    }
    const { order } = to.formOf(x);
    const [from, made] = [x, y].map((each) => to.extentsOf(each));
    const behind = (axis: number): number =>
      isSame(from[axis], made[axis]) ? 0 : (made[axis] as number) - (from[axis] as number) - before[axis];
    const pads = to.ints([...order.map((axis) => before[axis]), ...order.map(behind)]);
    const type = computedType[y.spec.dtype];
    to.write(y, to.emit('Pad', [to.read(x, { order }), pads, to.scalar(value, type)]), { order });
  },
};

/** Whether indices are a field of the batch, whose range is looked at where they come in. */
function isField(indices: Value): boolean {
  let { node } = indices;
  while (node.inputs.length === 1 && ['cast', 'reshape', 'slice', 'transpose'].includes(node.op.name)) {
    ({ node } = node.inputs[0]);
  }
  return asUseOf(inputOp, node) !== undefined;
}

/** Whether each index names a row that is read; undefined if all do. */
function readRows(to: OnnxWriter, indices: Tensor, node: Node<GatherAttrs>): Tensor | undefined {
  const { axis, padding } = node.attrs;
  const rows = to.extentsOf(node.inputs[0])[axis];
  const isRead: Tensor[] = [];
  if (padding !== undefined) {
    isRead.push(to.emit('Not', [to.emit('Equal', [indices, to.scalar(padding, 'INT64')])]));
  }
  if (!isField(node.inputs[1])) {
    const end = typeof rows === 'number' ? to.scalar(rows, 'INT64') : batchOf(to, rows.batches);
    isRead.push(to.emit('GreaterOrEqual', [indices, to.scalar(0, 'INT64')]), to.emit('Less', [indices, end]));
  }
  return isRead.length === 0 ? undefined : isRead.reduce((all, each) => to.emit('And', [all, each]));
}

const gatherDefinition: Definition<GatherAttrs> = {
  use: () => gather(sample(), input('indices', spec([2], 'i32'))),
  operators: ['Gather', 'Equal', 'Not', 'GreaterOrEqual', 'Less', 'And', 'Where'],
  varies: () => ['shape'],
  write(node, to) {
    const { inputs, outputs, attrs } = node;
    const [x, indices] = inputs;
    const { type } = to.formOf(x);
    const given = to.read(indices, { type: 'INT64' });
    const isRead = readRows(to, given, node);
    const rows = isRead ? to.emit('Where', [isRead, given, to.scalar(0, 'INT64')]) : given;
    const found = to.emit('Gather', [to.read(x, { type }), rows], { axis: attrs.axis });
    if (!isRead) {
      to.write(outputs[0], found, { type });
      return;
    }
    const inner = to.extentsOf(x).slice(attrs.axis + 1);
    const own = to.extentsOf(indices);
    const choice = reshaped(to, isRead, own, [...own, ...inner.map(() => 1)]);
    to.write(outputs[0], to.emit('Where', [choice, found, to.scalar(0, type)]), { type });
  },
};

/** Which values are lengths, behind the casts and comparisons that are made of them. */
function lengthsUse(): Value {
  let value: Value = ownSteps(input('lengths', spec([2], 'u32')), 2);
  while (value.node.op.name !== 'lengths') value = value.node.inputs.at(-1)!;
  return value;
}

export const shapingOps: Definitions = {
  reshape: reshapeDefinition,
  stopGradient: aliasDefinition(() => stopGradient(sample())),
  lengths: aliasDefinition(lengthsUse),
  transpose: transposeDefinition,
  concat: concatDefinition,
  slice: sliceDefinition,
  pad: padDefinition,
  gather: gatherDefinition,
};
