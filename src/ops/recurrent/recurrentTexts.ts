import type { Kernel } from '../../core/launch.ts';
import type { Value } from '../../graph/graph.ts';
import { integerReader } from '../data/integerReader.ts';

/* The functions by which the loops' kernels read and store what differs from cell to cell, and from node to node. */

/** How a kernel finds a unit's gates in its bindings: all four of a vector, or fewer numbers one by one. */
export function gatesOf(gates: number, bindings: readonly string[]): Required<Pick<Kernel, 'functions' | 'constants'>> {
  if (gates === 4) return { functions: {}, constants: {} };
  const functions = bindings.map((binding) => [`gates_of_${binding}`, loadText(`gates_of_${binding}`, binding, gates)]);
  return { functions: Object.fromEntries(functions) as Record<string, string>, constants: { Gates: 'f32' } };
}

/** The function by which a kernel reads a unit's gates. */
export function loadText(name: string, binding: string, gates: number): string {
  const numbers = Array.from({ length: 4 }, (_, gate) =>
    gate < gates ? `${binding}[${gates}u * at + ${gate}u]` : '0.0',
  );
  const all = gates === 4 ? `${binding}[at]` : `vec4f(${numbers.join(', ')})`;
  return `fn ${name}(at: u32) -> vec4f {\n  return ${all};\n}`;
}

/** The function by which a kernel stores a unit's gates. */
export const storeText = (name: string, binding: string, gates: number): string => {
  const lines =
    gates === 4
      ? [`${binding}[at] = value;`]
      : Array.from({ length: gates }, (_, gate) => `${binding}[${gates}u * at + ${gate}u] = value[${gate}];`);
  return `fn ${name}(at: u32, value: vec4f) {\n  ${lines.join('\n  ')}\n}`;
};

export const readText = (name: string, binding: string): string =>
  `fn ${name}(at: u32) -> f32 {\n  return ${binding}[at];\n}`;

/** No sample has more steps than there are, whatever its number says. */
const lengthText = (lengths: Value): string =>
  `${integerReader('stored_length', 'lengths', lengths.spec.dtype, 'u32')}\n\nfn length_of(n: u32) -> u32 {\n  return min(stored_length(n), sizes.steps);\n}`;

/** Bindings that the linked functions read, in the order of the inputs that they are. */
export function linked(
  given: readonly (readonly [
    name: string,
    type: string,
    input: number | undefined,
    functions: Readonly<Record<string, string>>,
  ])[],
) {
  const present = given.filter(([, , input]) => input !== undefined);
  return {
    reads: Object.fromEntries(present.map(([name, type]) => [name, type])),
    functions: Object.assign({}, ...present.map(([, , , functions]) => functions)) as Record<string, string>,
    bindings: present.map(([, , input]) => input!),
  };
}

export const lengthFunctions = (lengths: Value | undefined): Record<string, string> =>
  lengths ? { length_of: lengthText(lengths) } : {};
