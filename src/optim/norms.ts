import { flatGrid, output, type Kernel } from '../core/launch.ts';
import { BLOCK } from '../core/parameterLayout.ts';
import { sizeOf, spec, type Numbers } from '../core/shape.ts';
import { grainOver, type WasmWork } from '../core/wasmLaunch.ts';
import { applyOne, type Accuracy, type Node, type Op, type Value } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { pack } from '../ops/shaping/pack.ts';
import blockNormsKernel from '../../shaders/optim/blockNorms.wgsl?raw';
import normKernel from '../../shaders/optim/norm.wgsl?raw';
import normsKernel from '../../shaders/optim/norms.wgsl?raw';
import normOf from '../../shaders/functions/normOf.wgsl?raw';
import squareOf from '../../shaders/functions/squareOf.wgsl?raw';

/*
 * Norms ‖x‖ = √Σ x² of gradients, in two launches: of parts, then of these. Where squares of f32 would be infinite, beyond
 * 2⁶⁴, or vanish, sums are scaled: a norm is right wherever it is a number of f32 itself.
 */

/** What kernels that add up squares call. */
export const squaring: NonNullable<Kernel['functions']> = { square_of: squareOf, norm_of: normOf };

/** As many invocations as keep a GPU busy; few enough for one workgroup to take the norm of theirs. */
const MOST_NORMS = 8192;

/** Of so many numbers: sums of squares are as good as their blocks of 64 terms are, and a root halves the error. */
export const normAccuracy = (terms: number): Accuracy => ({
  ulps: 64 + terms / 64 + 8,
  magnitude: 'result',
  // Numbers below the smallest normal one may be taken for 0.
  absolute: 2 ** -126 * Math.sqrt(terms),
});

/** ‖x‖ over the numbers from `first` on, each `stride`th, up to `end`: in f64, where no square of f32 is lost. */
export function normOfNumbers(x: Numbers, first = 0, end = x.length, stride = 1): number {
  let total = 0;
  for (let i = first; i < end; i += stride) total += x[i] * x[i];
  return Math.sqrt(total);
}

/** An item is a norm, of every `step`th number; the first ones are `apart`. */
function inWasm(
  { inputs: [x], outputs: [norms] }: Node,
  { terms, step, apart }: { readonly terms: number; readonly step: number; readonly apart: number },
): WasmWork {
  const words = [x.spec.shape[0], terms, step, apart];
  const grain = grainOver(terms);
  return { launches: [{ kernel: 'norms', operands: [0, output(0)], words, items: sizeOf(norms.spec.shape), grain }] };
}

const normsOp: Op<null> = {
  name: 'norms',
  infer: ([x]) => [spec([Math.min(x.shape[0], MOST_NORMS)])],
  cpu([x], [norms]) {
    for (let t = 0; t < norms.length; t++) norms[t] = normOfNumbers(x, t, x.length, norms.length);
  },
  gpu({ inputs: [x], outputs: [norms] }) {
    const count = norms.spec.shape[0];
    return [
      {
        kernel: { name: 'norms', source: normsKernel, functions: squaring },
        uniform: [x.spec.shape[0], count],
        grid: flatGrid(count),
      },
    ];
  },
  wasm(node) {
    const [x, norms] = [...node.inputs, ...node.outputs].map(({ spec: { shape } }) => shape[0]);
    return inWasm(node, { terms: Math.ceil(x / norms), step: norms, apart: 1 });
  },
  flops: (node) => 2 * elementsOf(node.inputs),
  accuracy: ({ inputs: [x], outputs: [norms] }) => normAccuracy(Math.ceil(x.spec.shape[0] / norms.spec.shape[0])),
};

const normOp: Op<null> = {
  name: 'norm',
  infer: () => [spec([])],
  cpu([norms], [whole]) {
    whole[0] = normOfNumbers(norms);
  },
  wasm: (node) => inWasm(node, { terms: node.inputs[0].spec.shape[0], step: 1, apart: 0 }),
  gpu: ({ inputs: [norms] }) => [
    {
      kernel: { name: 'norm', source: normKernel, functions: squaring },
      uniform: [norms.spec.shape[0]],
      grid: [1, 1, 1],
    },
  ],
  flops: (node) => 2 * elementsOf(node.inputs),
  accuracy: ({ inputs: [norms] }) => normAccuracy(norms.spec.shape[0]),
};

const blockNormsOp: Op<null> = {
  name: 'blockNorms',
  infer: ([x]) => [spec([x.shape[0] / BLOCK])],
  cpu([x], [norms]) {
    for (let block = 0; block < norms.length; block++)
      norms[block] = normOfNumbers(x, block * BLOCK, (block + 1) * BLOCK);
  },
  gpu({ outputs: [norms] }) {
    const [blocks] = norms.spec.shape;
    return [
      {
        kernel: { name: 'blockNorms', source: blockNormsKernel, functions: squaring },
        uniform: [blocks],
        grid: flatGrid(blocks),
      },
    ];
  },
  wasm: (node) => inWasm(node, { terms: BLOCK, step: 1, apart: BLOCK }),
  flops: (node) => 2 * elementsOf(node.inputs),
  accuracy: () => normAccuracy(BLOCK),
};

/** Norms of up to 8,192 parts of each page of an arena, whose own norm is the arena's. */
export function partNorms(pages: readonly Value[]): Value {
  const norms = pages.map((page) => applyOne(normsOp, [page], null));
  if (norms.length === 1) return norms[0];
  const ends = norms.map((_, at) => norms.slice(0, at + 1).reduce((sum, { spec: { shape } }) => sum + shape[0], 0));
  return pack(norms, [0, ...ends.slice(0, -1)], ends[ends.length - 1]);
}

/** Norms of the blocks of a page. */
export const blockNorms = (x: Value): Value => applyOne(blockNormsOp, [x], null);

/** ‖x‖ of a whole arena, given as its pages. @returns `[]` */
export const wholeNorm = (pages: readonly Value[]): Value => applyOne(normOp, [partNorms(pages)], null);
