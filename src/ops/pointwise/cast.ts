import { ShapeError } from '../../core/errors.ts';
import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { f32Literal, flatGrid } from '../../core/launch.ts';
import { sizeOf, type Dtype } from '../../core/shape.ts';
import { applyOne, type Op, specOf, type Value } from '../../graph/graph.ts';
import { wasmPointwise } from './wasmPointwise.ts';
import { elementsOf } from '../../graph/work.ts';
import bytes from '../../../shaders/pointwise/cast.wgsl?raw';
import map from '../../../shaders/pointwise/map.wgsl?raw';

export interface CastAttrs {
  readonly dtype: Dtype;
  readonly scale: number;
  readonly offset: number;
}

/** An element of another type, in WGSL. */
const valueOf = ({ scale, offset }: CastAttrs, x: string, type: string): string =>
  scale === 1 && offset === 0 ? `${type}(${x})` : `f32(${x}) * ${f32Literal(scale)} + ${f32Literal(offset)}`;

export const castOp: Op<CastAttrs> = {
  name: 'cast',
  infer([x], { dtype, scale, offset }) {
    requireKind('cast', 'the dtype', dtype, ['f32', 'i32', 'u32', 'u8'].includes(dtype), '"f32", "i32" or "u32"');
    if (dtype === 'u8') throw new ShapeError('[cast] u8 is for data that comes in: cast to u32, i32 or f32');
    if ((scale !== 1 || offset !== 0) && dtype !== 'f32') {
      throw new ShapeError(`[cast] scale and offset need f32, not ${dtype}: cast to f32`);
    }
    return [{ shape: x.shape, dtype }];
  },
  cpu([x], [y], { attrs: { scale, offset } }) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] * scale + offset;
  },
  gpu({ inputs: [x], outputs: [y], attrs: { dtype, scale, offset } }) {
    const from = x.spec.dtype === 'u8' ? 'u32' : x.spec.dtype;
    const count = sizeOf(y.spec.shape);
    const value = valueOf({ dtype, scale, offset }, 'value', 'Y');
    const head = x.spec.dtype === 'u8' ? 'value: u32' : 'value: X';
    return [
      {
        kernel: {
          name: 'cast',
          source: x.spec.dtype === 'u8' ? bytes : map,
          functions: { epilogue: `fn epilogue(${head}, at: u32) -> Y {\n  return ${value};\n}` },
          constants: x.spec.dtype === 'u8' ? { Y: dtype } : { X: from, Y: dtype },
        },
        uniform: [count],
        grid: flatGrid(count),
      },
    ];
  },
  wasm(node) {
    const { dtype, scale, offset } = node.attrs;
    const from = node.inputs[0].spec.dtype;
    const walk = { shape: [sizeOf(node.inputs[0].spec.shape)], strides: [[1]] };
    if (from === 'u8' || (from === 'f32' && dtype !== 'f32')) return undefined;
    const operation = dtype !== 'f32' || from === 'f32' ? 'scaled' : from === 'i32' ? 'fromSigned' : 'fromUnsigned';
    return wasmPointwise(operation, node, walk, [scale, offset]);
  },
  inline({ outputs: [y], attrs }, [x], store) {
    const kept = store('i', valueOf(attrs, x('i'), attrs.dtype));
    return {
      statements: `for (var i = 0u; i < ${sizeOf(y.spec.shape)}u; i++) {
    ${kept}
  }`,
    };
  },
  flops: ({ outputs, attrs: { scale, offset } }) => (scale === 1 && offset === 0 ? 0 : 2 * elementsOf(outputs)),
  accuracy: ({ attrs: { scale, offset } }) => ({
    ulps: 4,
    magnitude: 'result',
    absolute: scale === 1 && offset === 0 ? 0 : 2 ** -22 * Math.abs(offset) + 1e-37,
  }),
  vjp: ([dY], { inputs: [x], attrs: { scale } }) => [
    dY && x.spec.dtype === 'f32' ? applyOne(castOp, [dY], { dtype: 'f32', scale, offset: 0 }) : null,
  ],
};

/** x as another dtype; towards integers, f32 is cut towards 0. To f32 it may be scaled and shifted: x · scale + offset. */
export const cast = <D extends Exclude<Dtype, 'u8'>>(
  x: Value,
  dtype: D,
  options?: { readonly scale?: number; readonly offset?: number },
): Value<D> => {
  const { scale, offset } = optionsOf('cast', options, { scale: 1, offset: 0 });
  const same = specOf('cast', 'x', x).dtype === dtype && scale === 1 && offset === 0;
  return (same ? x : applyOne(castOp, [x], { dtype, scale, offset })) as Value<D>;
};
