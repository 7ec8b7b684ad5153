import type { Numbers, Shape } from '../../../core/shape.ts';
import type { ElementType } from './elementTypes.ts';

/* A graph of ONNX' operators as it is being written; what it is of it does not know. */

/** Numbers that the file has. */
export interface Stored {
  /** Whether they are what a model has learned or kept: an initialiser, and no constant. */
  readonly isLearned?: boolean;
  readonly type: ElementType;
  readonly shape: Shape;
  numbers(): Numbers | BigInt64Array;
}

/** A tensor of such a graph: what a node makes, a field of the batch, or numbers that are stored. */
export interface Tensor {
  /** What it is to be called, as far as nothing else has that name: names are given at the end. */
  hint: string;
  /** The name that it has in any case, as fields and outputs have. */
  name?: string;
  readonly stored?: Stored;
}

/** A number that is a float where others are integers. */
interface Float {
  readonly float: number;
}

export const float = (number: number): Float => ({ float: number });

/** What an operator is told, by name: integers, floats and texts, or lists of integers or texts. */
export type Attributes = Readonly<Record<string, number | Float | string | readonly number[] | readonly string[]>>;

/** A use of an operator; null in the place of an input that is left out. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
}

/** The nodes of a graph, in their order, and the constants that they read. */
export class OnnxNodes {
  readonly list: OnnxNode[] = [];
  /** What is written just now: the beginning of the names of what is made. */
  label = '';
  readonly #constants = new Map<string, Tensor>();

  /** Uses an operator that gives several tensors. */
  several(
    operator: string,
    inputs: readonly (Tensor | null)[],
    attributes: Attributes,
    outputs: readonly string[],
  ): Tensor[] {
    const made = outputs.map((output): Tensor => ({ hint: `${this.label}/${output}` }));
    this.list.push({ operator, inputs, outputs: made, attributes });
    return made;
  }

  /** Uses an operator that gives one tensor. */
  emit(operator: string, inputs: readonly (Tensor | null)[], attributes: Attributes = {}): Tensor {
    return this.several(operator, inputs, attributes, [operator])[0];
  }

  /** A list of integers, INT64. */
  ints(numbers: readonly number[]): Tensor {
    return this.#constant('INT64', [numbers.length], numbers);
  }

  /** A list of floats. */
  floats(numbers: readonly number[]): Tensor {
    return this.#constant('FLOAT', [numbers.length], numbers);
  }

  /** A number. */
  scalar(number: number, type: ElementType = 'FLOAT'): Tensor {
    return this.#constant(type, [], [number]);
  }

  #constant(type: ElementType, shape: Shape, numbers: readonly number[]): Tensor {
    const key = `${type}[${shape.join()}] ${numbers.map((number) => (Object.is(number, -0) ? '-0' : number)).join()}`;
    let tensor = this.#constants.get(key);
    if (!tensor) {
      tensor = { hint: 'constant', stored: { type, shape, numbers: () => arrayOf(type, numbers) } };
      this.#constants.set(key, tensor);
    }
    return tensor;
  }
}

/** Numbers as a tensor of a type has them. */
export function arrayOf(type: ElementType, numbers: ArrayLike<number>): Numbers | BigInt64Array {
  switch (type) {
    case 'FLOAT':
      return Float32Array.from(numbers);
    case 'INT32':
      return Int32Array.from(numbers);
    case 'UINT32':
      return Uint32Array.from(numbers);
    case 'UINT8':
      return Uint8Array.from(numbers);
    case 'BOOL':
      return Uint8Array.from(numbers, (number) => Number(number !== 0));
    case 'INT64':
      return BigInt64Array.from(Array.from(numbers, (number) => BigInt(number)));
  }
}
