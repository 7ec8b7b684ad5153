import { output, type AdapterTraits, type Launch } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { ShapeError } from '../../core/errors.ts';
import { formatSpec, requireDtype, sizeOf, type Numbers } from '../../core/shape.ts';
import { applyOne, type Node, type Op, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import { sharedBy, sharingOf } from '../reductions/rowSharing.ts';
import softmaxKernel from '../../../shaders/losses/softmax.wgsl?raw';
import softmaxGradKernel from '../../../shaders/losses/softmaxGrad.wgsl?raw';

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

/** An item is a row. */
function inWasm(node: Node, kernel: string, logarithm: boolean): WasmWork {
  const { rows, classes } = rowsOf(node);
  const operands = [...node.inputs.map((_, at) => at), output(0)];
  const grain = grainOver(classes, 4);
  return { launches: [{ kernel, operands, words: [classes, Number(logarithm)], items: rows, grain }] };
}

/** Where the one class of a row is that may be likelier than all others together, whose 1 − y would cancel; else −1. */
function likelyOf(y: Numbers, base: number, classes: number, logarithm: boolean): number {
  for (let at = base; at < base + classes; at++) if (y[at] > (logarithm ? -Math.LN2 : 0.5)) return at;
  return -1;
}

function define(name: string, logarithm: boolean): Op<null, 'f32'> {
  const gradOp: Op<null> = {
    name: `${name}Grad`,
    infer: ([y]) => [y],
    cpu([y, dY], [dX], node) {
      const { rows, classes } = rowsOf(node);
      for (let row = 0; row < rows; row++) {
        const base = row * classes;
        const likely = likelyOf(y, base, classes, logarithm);
        const ofLikely = likely < 0 ? 0 : dY[likely];
        let rest = 0;
        for (let at = base; at < base + classes; at++) {
          if (at !== likely) rest += logarithm ? dY[at] : y[at] * (dY[at] - ofLikely);
        }
        for (let at = base; at < base + classes; at++) {
          if (!logarithm) dX[at] = y[at] * (dY[at] - ofLikely - rest);
          else if (at === likely) dX[at] = -Math.expm1(y[at]) * dY[at] - Math.exp(y[at]) * rest;
          else dX[at] = dY[at] - Math.exp(y[at]) * (rest + ofLikely);
        }
      }
    },
    gpu: (node, adapter) => [launch(node, softmaxGradKernel, logarithm, adapter)],
    wasm: (node) => inWasm(node, 'softmaxGrad', logarithm),
    flops: (node) => GRADIENT_FLOPS * elementsOf(node.outputs),
    // Each class' terms: what its own dY brings, and what the others' do.
    accuracy: (node) => ({
      ulps: 64 + 8 * rowsOf(node).classes,
      magnitude([y, dY]) {
        const { rows, classes } = rowsOf(node);
        const sizes = new Float64Array(dY.length);
        for (let base = 0; base < rows * classes; base += classes) {
          const likely = likelyOf(y, base, classes, logarithm);
          const ofLikely = likely < 0 ? 0 : dY[likely];
          let rest = 0;
          for (let at = base; at < base + classes; at++) {
            if (at !== likely) rest += logarithm ? Math.abs(dY[at]) : y[at] * Math.abs(dY[at] - ofLikely);
          }
          for (let at = base; at < base + classes; at++) {
            if (!logarithm) sizes[at] = y[at] * (Math.abs(dY[at] - ofLikely) + rest);
            else if (at === likely) sizes[at] = -Math.expm1(y[at]) * Math.abs(dY[at]) + Math.exp(y[at]) * rest;
            else sizes[at] = Math.abs(dY[at]) + Math.exp(y[at]) * (rest + Math.abs(ofLikely));
          }
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
        // The largest class' 1 stays out: beside it, what the others have would be rounded away.
        let [ones, rest] = [-1, 0];
        for (let c = 0; c < classes; c++) {
          const shifted = x[base + c] - largest;
          if (shifted === 0) ones++;
          else rest += Math.exp(shifted);
        }
        rest += ones;
        for (let c = 0; c < classes; c++) {
          const shifted = x[base + c] - largest;
          y[base + c] = logarithm ? shifted - Math.log1p(rest) : Math.exp(shifted) / (1 + rest);
        }
      }
    },
    gpu: (node, adapter) => [launch(node, softmaxKernel, logarithm, adapter)],
    wasm: (node) => inWasm(node, 'softmax', logarithm),
    flops: (node) => FLOPS * elementsOf(node.outputs),
    // A row's classes are added one by one at the most: invocations that share it have fewer each. The distance to the
    // largest is rounded before its exponential is taken, which is 0 beyond 104.
    accuracy: (node) => ({ ulps: 128 + 2 * rowsOf(node).classes, magnitude: 'result', absolute: 1e-37 }),
    vjp: ([dY], { outputs: [y] }) => [dY ? applyOne(gradOp, [y, dY], null) : null],
  };
}

const softmaxOp = define('softmax', false);
const logSoftmaxOp = define('logSoftmax', true);

/** exp(x) over its sum along the last axis. */
export const softmax = (x: Value): Value<'f32'> => applyOne(softmaxOp, [x], null);
/** log of softmax along the last axis, without its rounding to 0. */
export const logSoftmax = (x: Value): Value<'f32'> => applyOne(logSoftmaxOp, [x], null);
