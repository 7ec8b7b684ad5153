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
