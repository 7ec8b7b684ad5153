import { sizeOf, spec, type Numbers, type Shape } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { cast } from '../../ops/pointwise/cast.ts';
import { reshape } from '../../ops/shaping/views.ts';
import { transpose } from '../../ops/shaping/transpose.ts';

/** What a tensor's numbers mean. Every float is computed in f32, every integer in i32, and a truth is 0 or 1. */
export type ElementType = 'float' | 'int' | 'bool';

/** Numbers that are there while a model is read. */
export type KnownNumbers = Float32Array | Float64Array;

/** A place in which ONNX' axes lie: `[0, 2, 3, 1]` of what is N, C, H, W there and N, H, W, C here. */
export type Order = readonly number[];

/**
 * A tensor of an ONNX graph while it is traced: numbers that are known, or a value. A value may lie in another order than the
 * axes have in the file, as images do, whose channels are the last axis here; whoever needs an order asks for it, and what
 * does not care keeps the one that there is.
 */
export class Tensor {
  readonly type: ElementType;
  /** In the order of the file. */
  readonly shape: Shape;
  /** In the order of the file, where they are known. */
  readonly numbers: KnownNumbers | undefined;
  /** The order in which it came to be. */
  readonly order: Order;
  readonly #forms = new Map<string, Value>();

  private constructor(type: ElementType, shape: Shape, order: Order, numbers?: KnownNumbers) {
    this.type = type;
    this.shape = shape;
    this.order = order;
    this.numbers = numbers;
  }

  /** Numbers that are known. */
  static known(type: ElementType, shape: Shape, numbers: KnownNumbers): Tensor {
    return new Tensor(type, shape, orderOf(shape), numbers);
  }

  /** A value whose axes lie in some order; in that of the file, if left out. */
  static of(value: Value, type: ElementType, order: Order = orderOf(value.spec.shape)): Tensor {
    const shape = new Array<number>(order.length);
    order.forEach((axis, at) => (shape[axis] = value.spec.shape[at]));
    const tensor = new Tensor(type, shape, order);
    tensor.#forms.set(order.join(), value);
    return tensor;
  }

  /** The tensor as a value, its axes in the file's order. */
  get value(): Value {
    return this.as(orderOf(this.shape));
  }

  /** The tensor in the order in which it came to be. */
  get native(): Value {
    return this.as(this.order);
  }

  /** The tensor as a value whose axes lie in an order. */
  as(order: Order): Value {
    const key = order.join();
    let form = this.#forms.get(key);
    if (!form) {
      form = key === this.order.join() ? this.#constant() : reordered(this.native, this.order, order);
      this.#forms.set(key, form);
    }
    return form;
  }

  #constant(): Value {
    return constant(this.numbers!, spec(this.shape));
  }

  /** Integers as i32, where they were computed in f32: rounded towards 0. */
  wholeNumbers(): Tensor {
    return this.native.spec.dtype === 'f32' ? Tensor.of(cast(this.native, 'i32'), 'int', this.order) : this;
  }

  /** The same numbers, as another type. */
  retyped(type: ElementType): Tensor {
    return this.numbers ? Tensor.known(type, this.shape, this.numbers) : Tensor.of(this.native, type, this.order);
  }
}

/** Axes one behind the other. */
export const orderOf = (shape: Shape): Order => shape.map((_, axis) => axis);

function reordered(value: Value, from: Order, to: Order): Value {
  const axes = to.map((axis) => from.indexOf(axis));
  const { shape } = value.spec;
  const long = axes.filter((axis) => shape[axis] !== 1);
  // Where only axes of one element move, nothing does.
  const isStill = long.every((axis, at) => at === 0 || long[at - 1] < axis);
  if (isStill)
    return reshape(
      value,
      axes.map((axis) => shape[axis]),
    );
  return transpose(value, axes);
}

/** A value as numbers to compute with: f32, or i32 for integers and truths. Known numbers are f32, whatever their type. */
export function computable(value: Value): Value {
  const { dtype } = value.spec;
  return dtype === 'f32' || dtype === 'i32' ? value : cast(value, 'i32');
}

/** A value as f32. */
export const floats = (value: Value): Value<'f32'> =>
  value.spec.dtype === 'f32' ? (value as Value<'f32'>) : cast(value, 'f32');

/** Known numbers as what their type holds: integers whole, truths 0 or 1. */
export function asType(numbers: Numbers, type: ElementType): KnownNumbers {
  if (type === 'int') return Float64Array.from(numbers, Math.trunc);
  if (type === 'bool') return Float64Array.from(numbers, (x) => (x === 0 ? 0 : 1));
  return Float64Array.from(numbers);
}

/** A scalar, or a list of numbers. */
export const knownInts = (numbers: readonly number[], shape: Shape = [numbers.length]): Tensor =>
  Tensor.known('int', shape, Float64Array.from(numbers));

/** Elements of a shape of the file. */
export const countOf = ({ shape }: Tensor): number => sizeOf(shape);
