import type { Kernel } from '../../core/launch.ts';
import { spec } from '../../core/shape.ts';
import { UNIT } from '../../graph/accuracy.ts';
import type { Node, Op } from '../../graph/graph.ts';
import { asUseOf, constantOp } from '../../graph/leaf.ts';
import { backwardBounds } from './ctcBounds.ts';
import { backward } from './ctcOnCpu.ts';
import { extentsOf, overSamples, type Attrs } from './ctcLaunch.ts';
import backwardText from '../../../shaders/functions/ctcBackward.wgsl?raw';
import backwardKernel from '../../../shaders/losses/ctcGrad.wgsl?raw';

/** Of a state: three products and two sums. Of a logit: its exponential twice, their sum, a product, a difference, a sum. */
const FLOPS_PER_STATE = 5;
const FLOPS_PER_LOGIT = 6;

/** dLogits, and by frame and state, how much of all paths is there. */
export const gradOp: Op<Attrs> = {
  name: 'ctcGrad',
  infer([logits, labels]) {
    const [N, T] = logits.shape;
    return [logits, spec([N, T, 2 * labels.shape[1] + 1])];
  },
  cpu: backward,
  gpu(node, adapter) {
    const { kernel, grid, sizes } = overSamples(node, backwardKernel, adapter);
    return [{ kernel: withBackward(kernel), grid, uniform: sizes }];
  },
  flops(node) {
    const { N, T, C, E } = extentsOf(node);
    return N * T * (E * FLOPS_PER_STATE + C * FLOPS_PER_LOGIT);
  },
  accuracy: (node) => ({
    ulps: 1,
    magnitude: (inputs, expected) =>
      backwardBounds(node, inputs, expected).map((bounds) => bounds.map((b) => b / UNIT)),
  }),
};

/** A kernel into which the way back is linked. */
export const withBackward = (kernel: Kernel): Kernel => ({
  ...kernel,
  functions: { ...kernel.functions, backward: '' },
  includes: [...(kernel.includes ?? []), backwardText],
});

/** What every sample's loss counts in the whole, if a node is the gradient of such losses, of which all count alike. */
export function slopeOf(node: Node, reader: Node): number | undefined {
  const [logits, labels, inputLengths, labelLengths, shares, dLoss] = reader.inputs;
  const slopes = dLoss && asUseOf(constantOp, dLoss.node)?.numbers;
  const isGradient =
    reader.op === (gradOp as Op) &&
    [logits, labels, inputLengths, labelLengths].every((value, at) => value === node.inputs[at]) &&
    shares === node.outputs[1];
  return isGradient && slopes?.every((slope) => slope === slopes[0]) ? slopes[0] : undefined;
}
