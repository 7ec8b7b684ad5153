import type { Dtype } from '../../core/shape.ts';

/** Labels and indices come as u8, u32 or i32. */
export const integerDtypes: readonly Dtype[] = ['i32', 'u32', 'u8'];

/** The WGSL expression of byte `at` of a binding that packs four to a word. */
export const byteAt = (binding: string, at: string): string =>
  `(${binding}[${at} / 4u] >> (8u * (${at} % 4u))) & 0xffu`;

/** The text of a WGSL function that reads integer `at` of a binding declared array<u32>. */
export function integerReader(name: string, binding: string, dtype: Dtype, result: 'i32' | 'u32'): string {
  const element = dtype === 'u8' ? byteAt(binding, 'at') : `bitcast<${result}>(${binding}[at])`;
  return `fn ${name}(at: u32) -> ${result} {\n  return ${result}(${element});\n}`;
}

/** The same of rows of a table, of which one, if it is given, counts as outside. */
export function rowReader(name: string, binding: string, dtype: Dtype, without: number | undefined): string {
  if (without === undefined) return integerReader(name, binding, dtype, 'u32');
  const all = integerReader(`any_${name}`, binding, dtype, 'u32');
  return `${all}\n\nfn ${name}(at: u32) -> u32 {\n  let row = any_${name}(at);\n  return select(row, 0xffffffffu, row == ${without}u);\n}`;
}
