import { f32Literal, type Kernel } from '../core/launch.ts';
import type { Samples } from '../graph/graph.ts';
import { byteAt } from './integers.ts';

/**
 * Access to an operand of a product whose lines are samples, or patches of them: four of a line at a time.
 * @param whole whether what is read together begins at multiples of four
 */
export function linesFromSamples(
  operand: 'a' | 'b',
  { dtype, scale, offset }: Samples,
  whole: boolean,
): Pick<Kernel, 'functions' | 'constants'> {
  const packed = dtype === 'u8';
  const seen = (value: string): string => `vec4f(${value}) * ${f32Literal(scale)} + ${f32Literal(offset)}`;
  const single = (at: number): string => (packed ? byteAt(operand, `(at + ${at}u)`) : `${operand}[at + ${at}u]`);
  const element = `${operand.toUpperCase()}_ELEMENT`;
  const four = whole
    ? packed
      ? `(vec4u(${operand}[at / 4u]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu)`
      : `${operand}[at / 4u]`
    : `vec4<${element}>(${[0, 1, 2, 3].map(single).join(', ')})`;
  // Past a line's end there is 0, whatever the offset.
  const value = whole
    ? `  return ${seen(four)};`
    : `  return select(vec4f(), ${seen(four)}, vec4u(0u, 1u, 2u, 3u) < vec4u(left));`;
  return {
    functions: {
      [`${operand}_line`]: `fn ${operand}_line(line: u32, length: u32) -> u32 {\n  return rows[line] * length;\n}`,
      [`${operand}_four`]: `fn ${operand}_four(at: u32, left: u32) -> vec4f {\n${value}\n}`,
    },
    constants: { [element]: packed ? 'u32' : whole ? `vec4<${dtype}>` : dtype },
  };
}
