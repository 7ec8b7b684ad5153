import { flatGrid, output } from '../../core/launch.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { hashName, philox, unitOf } from '../../core/random.ts';
import { sizeOf, type Numbers, type Shape } from '../../core/shape.ts';
import { applyOne, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { keyOf, PART, STEP } from '../training/control.ts';
import randomKernel from '../../../shaders/random/random.wgsl?raw';
import philoxText from '../../../shaders/functions/philox.wgsl?raw';

/**
 * Where in its step's stream a draw begins: the parts of a step follow each other, so that together they draw what one
 * batch of all their samples would. @param partCount elements that each part before this one draws
 */
export const firstElement = (control: Numbers, partCount: number): number => Math.imul(control[PART], partCount) >>> 0;

/** Where what is drawn comes from: what counts the steps, the stream's name, and how much each earlier part of a step draws. */
export interface Draws {
  readonly control: State;
  readonly stream: string;
  readonly partCount: number;
}

/** Puts Philox into a kernel's `random_words`. */
export const randomWords = {
  functions: {
    random_words: 'fn random_words(counter: vec4u, key: vec2u) -> vec4u {\n  return philox(counter, key);\n}',
  },
  includes: [philoxText],
} as const;

type Law = 'bits' | 'uniform' | 'normal';

interface Attrs {
  readonly shape: Shape;
  readonly law: Law;
  readonly stream: number;
  readonly partCount: number;
}

/** Four words to a number: f32 arithmetic on the GPU, so `normal` agrees within rounding, the others exactly. */
const finish: Record<Law, { readonly cpu: (words: readonly number[]) => number; readonly wgsl: string }> = {
  bits: { cpu: ([x]) => x, wgsl: 'words.x' },
  uniform: { cpu: ([x]) => unitOf(x), wgsl: 'f32(words.x >> 8u) / 16777216.0' },
  // Box and Muller 1958; 1 − u is never 0.
  normal: {
    cpu: ([x, y]) => Math.sqrt(-2 * Math.log(1 - unitOf(x))) * Math.cos(2 * Math.PI * unitOf(y)),
    wgsl: 'sqrt(-2.0 * log(1.0 - f32(words.x >> 8u) / 16777216.0)) * cos(6.283185307 * f32(words.y >> 8u) / 16777216.0)',
  },
};

/** Numbers that are an item of assembly/random.ts, and items that a thread takes at once. */
const WASM_NUMBERS = 4;
const WASM_GRAIN = 1024;

const randomOp: Op<Attrs> = {
  name: 'random',
  effect: true,
  infer: (_, { shape, law }) => [{ shape, dtype: law === 'bits' ? 'u32' : 'f32' }],
  cpu([control], [y], { attrs: { law, stream, partCount } }) {
    const key = keyOf(control);
    const first = firstElement(control, partCount);
    for (let i = 0; i < y.length; i++) {
      y[i] = finish[law].cpu(philox([(first + i) >>> 0, control[STEP], stream, 0], key));
    }
  },
  gpu({ outputs: [y], attrs: { law, stream, partCount } }) {
    const count = sizeOf(y.spec.shape);
    return [
      {
        kernel: {
          name: 'random',
          source: randomKernel,
          constants: { Y: y.spec.dtype },
          functions: {
            ...randomWords.functions,
            finish: `fn finish(words: vec4u) -> Y {\n  return ${finish[law].wgsl};\n}`,
          },
          includes: randomWords.includes,
        },
        uniform: [count, stream, partCount],
        grid: flatGrid(count),
      },
    ];
  },
  wasm({ outputs: [y], attrs: { law, stream, partCount } }) {
    const count = sizeOf(y.spec.shape);
    const words = [count, partCount, stream, { named: `Law.${law}` }];
    const items = Math.ceil(count / WASM_NUMBERS);
    return { launches: [{ kernel: 'random', operands: [0, output(0)], words, items, grain: WASM_GRAIN }] };
  },
  // WebGPU's cos is good to 2⁻¹¹ only.
  accuracy: ({ attrs: { law } }) => ({
    ulps: law === 'normal' ? 64 : 0,
    magnitude: 'result',
    absolute: law === 'normal' ? 4e-3 : 0,
  }),
  vjp: () => [null],
};

/**
 * Fresh numbers at every step, counted by the control state and named by a stream: two draws with one name are equal.
 * @param law `uniform` in [0, 1), `normal` with mean 0 and deviation 1, or `bits`, which is u32
 * @param partCount elements that each earlier part of the step draws; as many as this one if left out
 */
export function random(
  control: State,
  stream: string,
  shape: Shape,
  law?: Exclude<Law, 'bits'>,
  partCount?: number,
): Value<'f32'>;
export function random(control: State, stream: string, shape: Shape, law: Law, partCount?: number): Value;
export function random(control: State, stream: string, shape: Shape, law: Law = 'uniform', partCount?: number): Value {
  requireKind('random', 'the shape', shape, Array.isArray(shape), 'an array of extents');
  requireKind('random', 'the law', law, ['uniform', 'normal', 'bits'].includes(law), '"uniform", "normal" or "bits"');
  return applyOne(randomOp, [read(control)], {
    shape,
    law,
    stream: hashName(stream),
    partCount: partCount ?? sizeOf(shape),
  });
}
