import { f32Literal, flatGrid, output } from '../core/launch.ts';
import { halfBitsOf, Permutation } from '../core/permutation.ts';
import { sizeOf, type Dtype } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { EPOCH, keyOf, PART, POSITION } from './control.ts';
import { randomWords } from './random.ts';
import orderKernel from '../../shaders/sampleOrder.wgsl?raw';
import takeKernel from '../../shaders/takeSamples.wgsl?raw';

interface OrderAttrs {
  readonly count: number;
  /** Of an epoch. */
  readonly length: number;
  readonly partRows: number;
  readonly shuffle: boolean;
}

const orderOp: Op<OrderAttrs> = {
  name: 'sampleOrder',
  infer: (_, { count }) => [{ shape: [count], dtype: 'u32' }],
  cpu([control], [rows], { attrs: { length, partRows, shuffle } }) {
    const first = control[POSITION] + control[PART] * partRows;
    let epoch = -1;
    let permutation: Permutation | undefined;
    for (let r = 0; r < rows.length; r++) {
      const own = control[EPOCH] + Math.floor((first + r) / length);
      if (own !== epoch && shuffle) permutation = new Permutation(length, keyOf(control), own);
      epoch = own;
      const place = (first + r) % length;
      rows[r] = permutation?.at(place) ?? place;
    }
  },
  gpu: ({ attrs: { count, length, partRows, shuffle } }) => [
    {
      kernel: {
        name: 'sampleOrder',
        source: orderKernel,
        ...randomWords,
      },
      uniform: [count, length, partRows, shuffle ? halfBitsOf(length) : 0],
      grid: flatGrid(count),
    },
  ],
};

/**
 * Which samples a part of a step takes: those from the control's position on in the endless stream of epochs, each of
 * which visits every sample once, in an order of its own.
 * @param control u32[6]   @param options.partRows samples of each part before this one   @returns `u32[count]`
 */
export const sampleOrder = (control: Value, options: OrderAttrs): Value => applyOne(orderOp, [control], options);

interface TakeAttrs {
  /** The field's name. */
  readonly label: string;
  /** Samples in every part of the data but the last. */
  readonly held: number;
  readonly dtype: Exclude<Dtype, 'u8'>;
  readonly scale: number;
  readonly offset: number;
}

const UNPACKED = 'fn element(at: u32) -> u32 {\n  return (x[at / 4u] >> (8u * (at % 4u))) & 0xffu;\n}';

/** The inputs are the rows, then the parts of the data, one launch for each. */
export const takeOp: Op<TakeAttrs> = {
  name: 'takeSamples',
  infer: ([rows, part], { dtype }) => [{ shape: [...rows.shape, ...part.shape.slice(1)], dtype }],
  cpu([rows, ...parts], [y], { attrs: { held, scale, offset } }) {
    const size = y.length / rows.length;
    for (let r = 0; r < rows.length; r++) {
      const part = parts[Math.floor(rows[r] / held)];
      const from = (rows[r] % held) * size;
      for (let i = 0; i < size; i++) y[r * size + i] = part[from + i] * scale + offset;
    }
  },
  gpu({ inputs: [, ...parts], outputs: [y], attrs: { held, dtype, scale, offset } }) {
    const count = sizeOf(y.spec.shape);
    const size = count / y.spec.shape[0];
    const scaled = scale !== 1 || offset !== 0;
    const value = scaled ? `f32(value) * ${f32Literal(scale)} + ${f32Literal(offset)}` : 'Y(value)';
    return parts.map(({ spec }, at) => ({
      kernel: {
        name: 'takeSamples',
        source: takeKernel,
        constants: { X: spec.dtype === 'u8' ? 'u32' : spec.dtype, Y: dtype },
        functions: {
          ...(spec.dtype === 'u8' && { element: UNPACKED }),
          epilogue: `fn epilogue(value: X) -> Y {\n  return ${value};\n}`,
        },
      },
      bindings: [0, 1 + at, output(0)],
      uniform: [count, size, at * held, spec.shape[0]],
      grid: flatGrid(count),
    }));
  },
  accuracy({ attrs: { scale, offset } }) {
    const scaled = scale !== 1 || offset !== 0;
    return { ulps: scaled ? 4 : 0, magnitude: 'result', absolute: scaled ? 2 ** -22 * Math.abs(offset) + 1e-37 : 0 };
  },
};

/** How the numbers of a field are kept, and what the model sees of them. */
export interface Kept {
  readonly dtype: Dtype;
  readonly scale: { readonly scale: number; readonly offset: number } | null;
}

/**
 * Chosen samples of a field, as the model sees them: u8 comes as u32, or scaled as f32.
 * @param rows u32[n]   @param parts the field's samples, `held` in each of them but the last
 * @returns `[n, …]`
 */
export function takeSamples(
  rows: Value,
  parts: readonly Value[],
  { label, held, dtype, scale }: Kept & { readonly label: string; readonly held: number },
): Value {
  const plain = dtype === 'u8' ? 'u32' : dtype;
  return applyOne(takeOp, [rows, ...parts], {
    label,
    held,
    dtype: scale ? 'f32' : plain,
    scale: scale?.scale ?? 1,
    offset: scale?.offset ?? 0,
  });
}
