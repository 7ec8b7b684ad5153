import { ShapeError } from '../../core/errors.ts';
import { flatGrid, output, type Launch } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, requireDtype, sizeOf, type Spec } from '../../core/shape.ts';
import { applyOne, floatsOf, type Node, type Op, type Value } from '../../graph/graph.ts';
import { siluOf, siluSlope, siluSlopeTerms } from './logistic.ts';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';
import sigmoidText from '../../../shaders/functions/sigmoid.wgsl?raw';
import siluText from '../../../shaders/functions/silu.wgsl?raw';
import swigluKernel from '../../../shaders/pointwise/swiglu.wgsl?raw';
import swigluGradKernel from '../../../shaders/pointwise/swigluGrad.wgsl?raw';

const includes = [nan, exponentialText, sigmoidText, siluText];

/** One invocation for each element of y, or of dY, of which x has twice as many. */
function launch(node: Node, source: string, own: readonly string[], { shape }: Spec): Launch {
  const functions = Object.fromEntries(own.map((name) => [name, '']));
  const count = sizeOf(shape);
  return {
    kernel: { name: node.op.name, source, functions, includes },
    uniform: [count, shape.at(-1)!],
    grid: flatGrid(count),
  };
}

/** An item is a line of y, or of dY. */
function inWasm(node: Node, { shape }: Spec): WasmWork {
  const width = shape.at(-1)!;
  const operands = [...node.inputs.map((_, at) => at), output(0)];
  const [items, grain] = [sizeOf(shape.slice(0, -1)), grainOver(width, 2)];
  return { launches: [{ kernel: node.op.name, operands, words: [width], items, grain }] };
}

/** Where an element of y has its gate in x; its other half lies a width behind. */
const gateOf = (at: number, width: number): number => Math.floor(at / width) * width + at;

const swigluGradOp: Op<null, 'f32'> = {
  name: 'swigluGrad',
  infer: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  cpu([x, dY], [dX], { inputs }) {
    const width = inputs[1].spec.shape.at(-1)!;
    dY.forEach((dy, at) => {
      const gate = gateOf(at, width);
      dX[gate] = dy * x[gate + width] * siluSlope(x[gate]);
      dX[gate + width] = dy * siluOf(x[gate]);
    });
  },
  gpu: (node) => [launch(node, swigluGradKernel, ['silu', 'silu_grad'], node.inputs[1].spec)],
  wasm: (node) => inWasm(node, node.inputs[1].spec),
  flops: ({ inputs: [x] }) => 4 * sizeOf(x.spec.shape),
  accuracy: ({ inputs }) => ({
    ulps: 24,
    magnitude([x, dY], [dX]) {
      const width = inputs[1].spec.shape.at(-1)!;
      const sizes = Float64Array.from(dX, Math.abs);
      dY.forEach((dy, at) => {
        const gate = gateOf(at, width);
        sizes[gate] = Math.abs(dy * x[gate + width]) * siluSlopeTerms(x[gate]);
      });
      return [sizes];
    },
    absolute: 2 ** -110,
  }),
};

const swigluOp: Op<null, 'f32'> = {
  name: 'swiglu',
  epilogue: true,
  infer([x]) {
    requireDtype('swiglu', 'x', x, 'f32');
    const width = (x.shape.at(-1) ?? 1) / 2;
    if (Number.isInteger(width)) return [{ shape: [...x.shape.slice(0, -1), width], dtype: 'f32' }];
    throw new ShapeError(`[swiglu] x is ${formatSpec(x)} but its last axis must have two halves: make it even`);
  },
  cpu([x], [y], { outputs }) {
    const width = outputs[0].spec.shape.at(-1)!;
    for (let at = 0; at < y.length; at++) {
      const gate = gateOf(at, width);
      y[at] = siluOf(x[gate]) * x[gate + width];
    }
  },
  gpu: (node) => [launch(node, swigluKernel, ['silu'], node.outputs[0].spec)],
  wasm: (node) => inWasm(node, node.outputs[0].spec),
  flops: ({ outputs: [y] }) => 5 * sizeOf(y.spec.shape),
  accuracy: () => ({ ulps: 24, magnitude: 'result', absolute: 2 ** -110 }),
  vjp: ([dY], { inputs: [x] }) => [dY && applyOne(swigluGradOp, [x, dY], null)],
};

/**
 * silu of the first half of the last axis times the second half: a gated layer's activation. PyTorch's `glu` has the gate
 * behind, and sigmoid in silu's place.
 * @param x f32, `[…, 2F]`   @returns `[…, F]`   @throws ShapeError for an odd extent     Source: Shazeer 2020, 5
 */
export const swiglu = (x: Value): Value<'f32'> => applyOne(swigluOp, [floatsOf('swiglu', 'x', x)], null);
