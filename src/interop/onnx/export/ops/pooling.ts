import { spec } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import { averagePool, type WindowSums } from '../../../../ops/pooling/averagePool.ts';
import { maxPool } from '../../../../ops/pooling/maxPool.ts';
import type { Windows } from '../../../../ops/pooling/pooling.ts';
import { upsample, type Factors } from '../../../../ops/pooling/upsampling.ts';
import type { Definition, Definitions } from '../definition.ts';
import type { Attributes } from '../onnxNodes.ts';
import type { OnnxWriter } from '../onnxWriter.ts';
import { CHANNELS_FIRST } from './products.ts';

/* Windows over images, and images of more pixels. */

const images = (): Value => input('x', spec([1, 4, 4, 2]));

function windowsOf({ window, stride, before, input: extents, output }: Windows): Attributes {
  const behind = [0, 1].map((axis) =>
    Math.max(0, (output[axis] - 1) * stride[axis] + window[axis] - before[axis] - extents[axis]),
  );
  return { kernel_shape: window, strides: stride, pads: [...before, ...behind] };
}

function writePool(node: Node<Windows>, to: OnnxWriter, operator: string, attributes: Attributes = {}): void {
  const given = to.read(node.inputs[0], { order: CHANNELS_FIRST });
  const tensor = to.emit(operator, [given], { ...windowsOf(node.attrs), ...attributes });
  to.write(node.outputs[0], tensor, { order: CHANNELS_FIRST });
}

const maxPoolDefinition: Definition<Windows> = {
  use: () => maxPool(images(), 2),
  operators: ['MaxPool'],
  write: (node, to) => writePool(node, to, 'MaxPool'),
};

const averagePoolDefinition: Definition<WindowSums> = {
  use: () => averagePool(images(), 2),
  operators: ['AveragePool'],
  write: (node, to) =>
    writePool(node, to, 'AveragePool', { count_include_pad: Number(node.attrs.divisor !== 'inside') }),
};

/** How pixels become more of them. */
function writeResize(node: Node, to: OnnxWriter, factor: readonly number[], attributes: Attributes): void {
  const scales = to.floats([1, 1, ...factor]);
  const operands = [to.read(node.inputs[0], { order: CHANNELS_FIRST }), null, scales];
  to.write(node.outputs[0], to.emit('Resize', operands, attributes), { order: CHANNELS_FIRST });
}

const upsampleDefinition: Definition<WindowSums> = {
  use: () => upsample(images(), 2),
  operators: ['Resize'],
  write(node, to) {
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    writeResize(node, to, node.attrs.window, attributes);
  },
};

const bilinearDefinition: Definition<Factors> = {
  use: () => upsample(images(), 2, { mode: 'bilinear' }),
  operators: ['Resize'],
  write(node, to) {
    const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
    writeResize(node, to, node.attrs.factor, attributes);
  },
};

export const poolingOps: Definitions = {
  maxPool: maxPoolDefinition,
  averagePool: averagePoolDefinition,
  upsample: upsampleDefinition,
  upsampleBilinear: bilinearDefinition,
};
