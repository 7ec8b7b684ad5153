import type { Spec } from '../../core/shape.ts';
import { apply, type Op } from '../../graph/graph.ts';
import { transpose } from '../shaping/transpose.ts';
import { reshape } from '../shaping/views.ts';
import { cells } from './cells.ts';
import { backwardLaunches } from './recurrentLaunches.ts';
import { formsOf, SLOPES } from './recurrentLayout.ts';
import { flopsOf, gradExtentsOf, type GradAttrs } from './recurrentNode.ts';
import { loopAccuracy, runBackward } from './recurrentReference.ts';
import { backwardWork } from './recurrentWasm.ts';

export const recurrentGradOp: Op<GradAttrs, 'f32'> = {
  name: 'recurrentGrad',
  infer([weights, tape], { cell }) {
    const { gates, carried, apart } = cells[cell];
    const [samples, steps] = tape.shape;
    const units = weights.shape[0];
    const slopes: Spec<'f32'> = { shape: [samples, steps, units * gates], dtype: 'f32' };
    return [slopes, ...(apart ? [slopes] : []), { shape: [carried, samples, units], dtype: 'f32' }];
  },
  cpu: (inputs, outputs, node) => runBackward(inputs, outputs, node),
  forms: (node, adapter) => formsOf(node.op.name, gradExtentsOf(node), SLOPES, adapter),
  gpu: (node, adapter, form = formsOf(node.op.name, gradExtentsOf(node), SLOPES, adapter).names[0]) =>
    backwardLaunches(node, adapter, form),
  wasm: backwardWork,
  // On a card neighbouring invocations read neighbouring weights, if these are turned over before.
  expand(node, { software }) {
    const { inputs, attrs } = node;
    if (software || attrs.transposed) return undefined;
    const units = inputs[0].spec.shape[0];
    const turned = transpose(reshape(inputs[0], [units, units, -1]), [1, 0, 2]);
    const weights = reshape(turned, inputs[0].spec.shape);
    return apply(recurrentGradOp, [weights, ...inputs.slice(1)], { ...attrs, transposed: true });
  },
  flops: (node) => flopsOf(gradExtentsOf(node), cells[node.attrs.cell]),
  accuracy: (node) => loopAccuracy(runBackward, node, gradExtentsOf(node).units * cells[node.attrs.cell].gates),
};
