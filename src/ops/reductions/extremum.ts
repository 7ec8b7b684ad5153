import { ShapeError } from '../../core/errors.ts';
import { formatSpec, requireDtype } from '../../core/shape.ts';
import { applyOne, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import {
  attrsOf,
  forEachOutput,
  inParts,
  reducedShape,
  reduceInWasm,
  reduceLaunch,
  type ReduceAttrs,
  type ReduceOptions,
} from './reduce.ts';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import extremumGradKernel from '../../../shaders/reductions/extremumGrad.wgsl?raw';
import reduce from '../../../shaders/reductions/reduce.wgsl?raw';

const extremumGradOp: Op<ReduceAttrs> = {
  name: 'extremumGrad',
  infer: ([x]) => [x],
  cpu([x, y, dY], [dX], node) {
    forEachOutput(node, (i, forEachTerm) => {
      let ties = 0;
      forEachTerm((at) => (ties += x[at] === y[i] ? 1 : 0));
      forEachTerm((at) => (dX[at] = x[at] === y[i] ? dY[i] / ties : 0));
    });
  },
  gpu: (node, adapter) => reduceLaunch(node, { name: 'extremumGrad', source: extremumGradKernel }, adapter),
  // A comparison with the extremum, to count ties and to share the gradient.
  flops: (node) => 2 * elementsOf(node.outputs),
  accuracy: () => ({ ulps: 8, magnitude: 'result' }),
};

const extremum = (name: 'max' | 'min', sign: 1 | -1): Op<ReduceAttrs, 'f32'> => ({
  name,
  extreme: name,
  infer([x], attrs) {
    requireDtype(name, 'x', x, 'f32');
    if (attrs.axes.some((axis) => x.shape[axis] === 0)) {
      throw new ShapeError(`[${name}] ${formatSpec(x)} has no elements to choose from: an axis has extent 0`);
    }
    return [{ shape: reducedShape(x.shape, attrs), dtype: 'f32' }];
  },
  cpu([x], [y], node) {
    forEachOutput(node, (i, forEachTerm) => {
      let best = -sign * Infinity;
      forEachTerm((at) => {
        if (x[at] * sign > best * sign || Number.isNaN(x[at])) best = x[at];
      });
      y[i] = best;
    });
  },
  gpu(node, adapter) {
    const compare = sign === 1 ? '>' : '<';
    const functions = {
      // WGSL forbids an infinity in a constant expression, so a word of the uniform makes it one of run time.
      initial: `fn initial() -> X {\n  return bitcast<f32>(${sign === 1 ? '0xff800000u' : '0x7f800000u'} | (sizes.count & 0u));\n}`,
      combine: `fn combine(a: Term, b: Term) -> Term {\n  return select(a, b, b ${compare} a || is_nan(b));\n}`,
    };
    return reduceLaunch(node, { name, source: reduce, functions, includes: [nan] }, adapter, { f32: 1 });
  },
  wasm: (node) => reduceInWasm(node, sign === 1 ? 'largest' : 'smallest'),
  flops: (node) => elementsOf(node.inputs),
  expand: (node, adapter) => inParts(node, node.attrs, adapter),
  vjp: ([dY], node) => [dY ? applyOne(extremumGradOp, [node.inputs[0], node.outputs[0], dY], node.attrs) : null],
});

const maxOp = extremum('max', 1);
const minOp = extremum('min', -1);

/** The largest element over axes; NaN if one is. Ties share the gradient evenly. */
export const max = (x: Value, options: ReduceOptions = {}): Value<'f32'> =>
  applyOne(maxOp, [x], attrsOf('max', x, options));

/** The smallest element over axes; NaN if one is. Ties share the gradient evenly. */
export const min = (x: Value, options: ReduceOptions = {}): Value<'f32'> =>
  applyOne(minOp, [x], attrsOf('min', x, options));
