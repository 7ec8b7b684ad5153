import type { Kernel, Word } from '../../core/launch.ts';

/** How a product's kernel gets at its operands, and where it puts C. */
export interface ProductAccess extends Pick<Kernel, 'functions' | 'constants' | 'includes' | 'writes'> {
  /** Which inputs are A and B. */
  readonly operands: readonly [a: number, b: number];
  /** How four neighbouring elements of C are stored as one, which takes a form that has them side by side; none if they cannot be. */
  readonly wholeC?: Pick<Kernel, 'functions' | 'constants'> & { readonly along: 'rows' | 'columns' };
  /** In WGSL: where a part's sum of line `first` is stored. */
  readonly sumAt: string;
  /** The words of OPERANDS; none if it is not replaced. */
  readonly words: readonly Word[];
}

/** Access to an operand four of whose neighbours are one element of its buffer; `seen` is what is made of such an element. */
export const wholeOperand = (
  operand: 'a' | 'b',
  element: string,
  seen = `${operand}[at]`,
): Required<Pick<Kernel, 'functions' | 'constants'>> => ({
  functions: {
    [`${operand}_at`]: `fn ${operand}_at(at: u32) -> vec4f {\n  return ${seen};\n}`,
    [`${operand}_four`]: `fn ${operand}_four(at: u32, left: u32) -> vec4f {\n  return ${operand}_at(at / 4u);\n}`,
  },
  constants: { [`${operand.toUpperCase()}_ELEMENT`]: element, [`${operand.toUpperCase()}_WIDTH`]: '4u' },
});

/** Four neighbours of such operands as one load, which must begin at a multiple of four. */
export function wholeFours(operands: readonly ('a' | 'b')[]): Required<Pick<Kernel, 'functions' | 'constants'>> {
  const each = operands.map((operand) => wholeOperand(operand, 'vec4f'));
  return {
    functions: Object.assign({}, ...each.map(({ functions }) => functions)) as Record<string, string>,
    constants: Object.assign({}, ...each.map(({ constants }) => constants)) as Record<string, string>,
  };
}

const each = ['x', 'y', 'z', 'w'].map((lane, at) => `epilogue(value.${lane}, at + ${at}u)`);

/** Four neighbours of C as one store. */
export const wholeStores: Required<Pick<Kernel, 'functions' | 'constants'>> = {
  functions: {
    store_four: `fn store_four(at: u32, left: u32, value: vec4f) {\n  c[at / 4u] = vec4f(${each.join(', ')});\n}`,
  },
  constants: { C_ELEMENT: 'vec4f' },
};
