import { optionsOf, requireFinite, requireKind } from '../../core/argumentChecks.ts';
import { ShapeError } from '../../core/errors.ts';
import { flatGrid } from '../../core/launch.ts';
import { formatSpec, requireDtype, sizeOf, spec } from '../../core/shape.ts';
import { applyOne, floatsOf, type Op, type Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import rotaryKernel from '../../../shaders/attention/rotary.wgsl?raw';

export interface Attrs {
  /** The first so many heads are turned. */
  readonly turned: number;
  /** −1 turns back. */
  readonly sign: 1 | -1;
}

const rotaryOp: Op<Attrs, 'f32'> = {
  name: 'rotary',
  infer([x, angles]) {
    requireDtype('rotary', 'x', x, 'f32');
    requireDtype('rotary', 'angles', angles, 'f32');
    return [{ shape: x.shape, dtype: 'f32' }];
  },
  cpu([x, angles], [y], { inputs, attrs: { turned, sign } }) {
    const [, steps, heads, width] = inputs[0].spec.shape;
    for (let i = 0; i < y.length; i += 2) {
      const line = Math.floor(i / width);
      const at = (Math.floor(line / heads) % steps) * width + (i % width);
      const isTurned = line % heads < turned;
      const [cosine, sine] = isTurned ? [angles[at], sign * angles[at + 1]] : [1, 0];
      y[i] = isTurned ? cosine * x[i] - sine * x[i + 1] : x[i];
      y[i + 1] = isTurned ? sine * x[i] + cosine * x[i + 1] : x[i + 1];
    }
  },
  gpu({ inputs: [x], attrs: { turned, sign } }) {
    const [, steps, heads, width] = x.spec.shape;
    const count = sizeOf(x.spec.shape) / 2;
    return [
      {
        kernel: { name: 'rotary', source: rotaryKernel },
        uniform: [count, width / 2, heads, turned, steps, { f32: sign }],
        grid: flatGrid(count),
      },
    ];
  },
  flops: ({ inputs: [x] }) => 3 * sizeOf(x.spec.shape),
  // Two products, of which both may be as long as the pair.
  accuracy: () => ({
    ulps: 8,
    magnitude([x], [y]) {
      return [y.map((_, i) => Math.abs(x[i]) + Math.abs(x[i ^ 1]))];
    },
    absolute: 1e-37,
  }),
  vjp: ([dY], { inputs: [, angles], attrs }) => [
    dY && applyOne(rotaryOp, [dY, angles], { ...attrs, sign: attrs.sign === 1 ? -1 : 1 }),
    null,
  ],
};

/** Cosine and sine of t · base^(−2i / width), `[steps, width / 2, 2]`. */
function anglesOf(steps: number, width: number, base: number): Float32Array {
  return Float32Array.from({ length: steps * width }, (_, at) => {
    const [t, i] = [Math.floor(at / width), Math.floor((at % width) / 2)];
    const angle = t * base ** ((-2 * i) / width);
    return at % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
}

/** What `rotary` may be told. */
export interface RotaryOptions {
  /** What the wavelengths grow to, over 2π: 10,000. */
  readonly base?: number;
  /** The first so many heads are turned; all of them if left out. */
  readonly heads?: number;
}

const usual = { base: 10_000, heads: undefined };

/** @throws DataError for a base that has no powers */
export function rotaryOptionsOf(options: RotaryOptions) {
  const filled = optionsOf<RotaryOptions, typeof usual>('rotary', options, usual);
  requireFinite('rotary', 'base', filled.base, Number.MIN_VALUE);
  return filled;
}

/** By what each of so many steps is turned, a constant `[steps, width / 2, 2]`. */
export const rotaryAngles = (steps: number, width: number, base: number): Value<'f32'> =>
  constant(anglesOf(steps, width, base), spec([steps, width / 2, 2]));

/** x, `[N, T, H, D]`, turned by angles `[T, D / 2, 2]` that are at hand, as rows of `rotaryAngles`. */
export const turnedBy = (x: Value, angles: Value, heads: number): Value<'f32'> =>
  applyOne(rotaryOp, [x, angles], { turned: heads, sign: 1 });

/**
 * Rotary positions: step t turns the pair (2i, 2i + 1) of each head by t · base^(−2i / D), so that the product of a query
 * and a key depends on how far they are apart. Neighbours are pairs, as in the paper and torchtune; Keras and Hugging Face's
 * Llama pair i with i + D / 2, so that their weights need another order.
 * @param x f32, `[N, T, H, D]`, D even   @returns x's shape
 * @throws ShapeError for another shape; DataError for a base that is not above 0     Source: Su et al. 2021, 3.4.2
 */
export function rotary(x: Value, options: RotaryOptions = {}): Value<'f32'> {
  const given = floatsOf('rotary', 'x', x).spec;
  const { base, heads } = rotaryOptionsOf(options);
  const [, steps, all, width] = given.shape;
  if (given.shape.length !== 4 || width % 2 !== 0) {
    throw new ShapeError(
      `[rotary] x is ${formatSpec(given)} but must be [N, T, H, D], samples, steps, heads and an even width: reshape it`,
    );
  }
  const turned = heads ?? all;
  const fits = Number.isInteger(turned) && turned >= 0 && turned <= all;
  requireKind('rotary', 'heads', turned, fits, `a number of x's ${all} heads`);
  return turnedBy(x, rotaryAngles(steps, width, base), turned);
}
