import type { AdapterTraits, Launch } from '../core/launch.ts';
import { ShapeError } from '../core/errors.ts';
import { formatSpec, requireDtype, sizeOf } from '../core/shape.ts';
import { applyOne, type Node, type Op, type Value } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { guarded } from './guarded.ts';
import { sharedBy, sharingOf } from './tree.ts';
import softmaxKernel from '../../shaders/softmax.wgsl?raw';
import softmaxGradKernel from '../../shaders/softmaxGrad.wgsl?raw';

/** Of an element: compared, shifted, its exponential added up, divided by the sum. */
const FLOPS = 5;
/** Of an element: a product and a sum for the row's total, a difference, a product. */
const GRADIENT_FLOPS = 4;

/** Rows are all axes but the last; a row is a distribution over the last. */
function rowsOf({ outputs: [y] }: Node): { rows: number; classes: number } {
  const classes = y.spec.shape.at(-1)!;
  return { rows: sizeOf(y.spec.shape) / classes, classes };
}

function launch(node: Node, source: string, logarithm: boolean, adapter: AdapterTraits): Launch {
  const { rows, classes } = rowsOf(node);
  const sharing = sharingOf(classes, adapter);
  const kernel = { ...guarded(node.op.name, source), constants: { LOGARITHM: String(logarithm) } };
  return { ...sharedBy(sharing, kernel, rows), uniform: [rows, classes, sharing.shares] };
}

function define(name: string, logarithm: boolean): Op<null> {
  const gradOp: Op<null> = {
    name: `${name}Grad`,
    infer: ([y]) => [y],
    cpu([y, dY], [dX], node) {
      const { rows, classes } = rowsOf(node);
      for (let row = 0; row < rows; row++) {
        const base = row * classes;
        let total = 0;
        for (let c = 0; c < classes; c++) total += dY[base + c] * (logarithm ? 1 : y[base + c]);
        for (let c = 0; c < classes; c++) {
          const at = base + c;
          dX[at] = logarithm ? dY[at] - Math.exp(y[at]) * total : y[at] * (dY[at] - total);
        }
      }
    },
    gpu: (node, adapter) => [launch(node, softmaxGradKernel, logarithm, adapter)],
    flops: (node) => GRADIENT_FLOPS * elementsOf(node.outputs),
    accuracy: (node) => ({
      ulps: 64 + 8 * rowsOf(node).classes,
      magnitude([y, dY]) {
        const { rows, classes } = rowsOf(node);
        const sizes = new Float64Array(dY.length);
        for (let row = 0; row < rows; row++) {
          let [size, largest] = [0, 1];
          for (let at = row * classes; at < (row + 1) * classes; at++) {
            size = Math.max(size, Math.abs(dY[at]));
            largest = Math.max(largest, Math.abs(y[at]));
          }
          sizes.fill(size * largest, row * classes, (row + 1) * classes);
        }
        return [sizes];
      },
      absolute: 1e-37,
    }),
  };
  return {
    name,
    infer([x]) {
      requireDtype(name, 'x', x, 'f32');
      if (!x.shape.at(-1))
        throw new ShapeError(`[${name}] ${formatSpec(x)} has no last axis to spread over: give it at least one class`);
      return [x];
    },
    cpu([x], [y], node) {
      const { rows, classes } = rowsOf(node);
      for (let row = 0; row < rows; row++) {
        const base = row * classes;
        let largest = -Infinity;
        for (let c = 0; c < classes; c++) largest = Math.max(largest, x[base + c]);
        let total = 0;
        for (let c = 0; c < classes; c++) total += Math.exp(x[base + c] - largest);
        for (let c = 0; c < classes; c++) {
          const shifted = x[base + c] - largest;
          y[base + c] = logarithm ? shifted - Math.log(total) : Math.exp(shifted) / total;
        }
      }
    },
    gpu: (node, adapter) => [launch(node, softmaxKernel, logarithm, adapter)],
    flops: (node) => FLOPS * elementsOf(node.outputs),
    // A row's classes are added one by one at the most: invocations that share it have fewer each.
    accuracy: (node) => ({ ulps: 32 + 2 * rowsOf(node).classes, magnitude: 'largest' }),
    vjp: ([dY], { outputs: [y] }) => [dY ? applyOne(gradOp, [y, dY], null) : null],
  };
}

const softmaxOp = define('softmax', false);
const logSoftmaxOp = define('logSoftmax', true);

/** exp(x) over its sum along the last axis. */
export const softmax = (x: Value): Value => applyOne(softmaxOp, [x], null);
/** log of softmax along the last axis, without its rounding to 0. */
export const logSoftmax = (x: Value): Value => applyOne(logSoftmaxOp, [x], null);
