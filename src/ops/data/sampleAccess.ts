import { f32Literal, type Kernel } from '../../core/launch.ts';
import type { Samples } from '../../graph/graph.ts';
import { byteAt } from './integerReader.ts';

/** How a kernel that asks `place_of` a sample and `x_at` an element reads samples where they lie. */
export function elementsFromSamples({ dtype, scale, offset }: Samples): Pick<Kernel, 'functions' | 'constants'> {
  const element = dtype === 'u8' ? byteAt('x', 'at') : 'x[at]';
  const seen = scale === 1 && offset === 0 ? '' : ` * ${f32Literal(scale)} + ${f32Literal(offset)}`;
  return {
    functions: {
      place_of: 'fn place_of(n: u32) -> u32 {\n  return rows[n];\n}',
      x_at: `fn x_at(at: u32) -> f32 {\n  return f32(${element})${seen};\n}`,
    },
    constants: { X_ELEMENT: dtype === 'u8' ? 'u32' : dtype },
  };
}
