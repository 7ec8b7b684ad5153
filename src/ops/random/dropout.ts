import { DataError } from '../../core/errors.ts';
import { described } from '../../core/argumentChecks.ts';
import { f32Literal, flatGrid, output } from '../../core/launch.ts';
import { hashName, philox } from '../../core/random.ts';
import { requireDtype, sizeOf } from '../../core/shape.ts';
import { applyOne, type Op, specOf, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { rounded } from '../pointwise/pointwise.ts';
import { keyOf, STEP } from '../training/control.ts';
import { firstElement, randomWords } from './random.ts';
import dropText from '../../../shaders/functions/drop.wgsl?raw';
import dropoutKernel from '../../../shaders/random/dropout.wgsl?raw';

/*
 * Nothing is stored of a mask: whoever knows the step, the seed and the stream can draw it again. So the derivative is
 * the op itself, applied to dY. Element e of a stream is kept by word e & 3 of the counter e >> 2; the last word of the
 * counter keeps the streams apart from those of `random`.
 */
const KIND = 1;

interface Attrs {
  readonly rate: number;
  readonly stream: number;
  readonly partCount: number;
}

/** Of the 2²⁴ uniforms, those below are dropped: whole, so that CPU and GPU draw one line. */
const thresholdOf = (rate: number): number => Math.ceil(rate * 2 ** 24);

/** @throws DataError unless a share of the elements can be dropped */
export function requireDropRate(rate: number, where = 'dropout'): void {
  if (Number.isFinite(rate) && rate >= 0 && rate < 1) return;
  throw new DataError(
    `[${where}] rate is ${described(rate)} but must be at least 0 and below 1: it is the share of the elements that is dropped`,
  );
}

/** Elements that are an item of assembly/random.ts, and those that a thread of WebAssembly takes at once. */
const WASM_ELEMENTS = 16;
const WASM_GRAIN = 8192;

const dropoutOp: Op<Attrs, 'f32'> = {
  name: 'dropout',
  effect: true,
  epilogue: true,
  infer([x], { rate }) {
    requireDtype('dropout', 'x', x, 'f32');
    requireDropRate(rate);
    return [x];
  },
  cpu([x, control], [y], { attrs: { rate, stream, partCount } }) {
    const first = firstElement(control, partCount);
    const key = keyOf(control);
    const [threshold, kept] = [thresholdOf(rate), 1 / (1 - rate)];
    let words = philox([first >>> 2, control[STEP], stream, KIND], key);
    for (let i = 0; i < y.length; i++) {
      const e = (first + i) >>> 0;
      if ((e & 3) === 0) words = philox([e >>> 2, control[STEP], stream, KIND], key);
      y[i] = x[i] * (words[e & 3] >>> 8 >= threshold ? kept : 0);
    }
  },
  gpu({ outputs: [y], attrs: { rate, stream, partCount } }) {
    const count = sizeOf(y.spec.shape);
    return [
      {
        kernel: { name: 'dropout', source: dropoutKernel, ...randomWords },
        uniform: [count, stream, thresholdOf(rate), { f32: 1 / (1 - rate) }, { f32: 0 }, partCount],
        // The first counter may lend as little as one element.
        grid: flatGrid(Math.ceil((count + 3) / 4)),
      },
    ];
  },
  wasm({ outputs: [y], attrs: { rate, stream, partCount } }) {
    const count = sizeOf(y.spec.shape);
    return {
      launches: [
        {
          kernel: 'dropout',
          operands: [0, 1, output(0)],
          words: [count, partCount, stream, thresholdOf(rate), { f32: 1 / (1 - rate) }],
          // The first counter may lend as little as one element.
          items: Math.ceil((count + 3) / WASM_ELEMENTS),
          grain: WASM_GRAIN / WASM_ELEMENTS,
        },
      ],
    };
  },
  // Where a CPU plays the GPU, drawing a counter anew for each of its four elements costs more than a launch.
  tail({ attrs: { rate, stream, partCount } }, { software }) {
    if (software) return undefined;
    const numbers = [`${stream}u`, `${thresholdOf(rate)}u`, f32Literal(1 / (1 - rate)), `${partCount}u`].join(', ');
    return {
      expression([x, control]) {
        const words = [0, 1, 2, 3].map((at) => `${control}[${at}]`).join(', ');
        return `drop(${x}, at, vec4u(${words}), ${numbers})`;
      },
      includes: [...randomWords.includes, dropText],
      arrays: [1],
    };
  },
  // A subnormal may count as 0.
  accuracy: ({ attrs: { rate } }) => ({ ...rounded, absolute: 2 ** -126 / (1 - rate) }),
  vjp: ([dY], { inputs: [, control], attrs }) => [dY && applyOne(dropoutOp, [dY, control], attrs), null],
};

/**
 * x with each element either 0, of which the probability is `rate`, or multiplied by 1 / (1 − rate); other ones at every
 * step, counted by the control state and named by a stream. It multiplies, so NaN stays NaN, and infinity times 0 is NaN.
 * @param partCount elements that each earlier part of the step has; as many as x if left out
 * @throws ShapeError if x is not f32, DataError if the rate is not in 0 … 1, without 1
 */
export const dropElements = (
  control: State,
  stream: string,
  x: Value,
  rate: number,
  partCount = sizeOf(specOf('dropout', 'x', x).shape),
): Value<'f32'> => applyOne(dropoutOp, [x, read(control)], { rate, stream: hashName(stream), partCount });
