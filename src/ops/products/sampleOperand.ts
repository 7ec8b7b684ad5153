import { f32Literal, type Kernel } from '../../core/launch.ts';
import type { Samples } from '../../graph/graph.ts';
import { byteAt } from '../data/integerReader.ts';
import { wholeOperand } from './productAccess.ts';

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
  const lines = {
    [`${operand}_line`]: `fn ${operand}_line(line: u32, length: u32) -> u32 {\n  return rows[line] * length;\n}`,
  };
  const gathered = operand === 'a' && { A_GATHERED: 'true' };
  if (whole) {
    const four = packed ? `(vec4u(${operand}[at]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu)` : `${operand}[at]`;
    const { functions, constants } = wholeOperand(operand, packed ? 'u32' : `vec4<${dtype}>`, seen(four));
    return { functions: { ...lines, ...functions }, constants: { ...constants, ...gathered } };
  }
  const element = packed ? 'u32' : dtype;
  const four = `vec4<${element}>(${[0, 1, 2, 3].map(single).join(', ')})`;
  // Past a line's end there is 0, whatever the offset.
  const value = `select(vec4f(), ${seen(four)}, vec4u(0u, 1u, 2u, 3u) < vec4u(left))`;
  return {
    functions: {
      ...lines,
      [`${operand}_four`]: `fn ${operand}_four(at: u32, left: u32) -> vec4f {\n  return ${value};\n}`,
    },
    constants: { [`${operand.toUpperCase()}_ELEMENT`]: element, ...gathered },
  };
}
