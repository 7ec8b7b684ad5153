import { FormatError } from '../../../core/errors.ts';
import { allocate, sameShape, sizeOf, type Numbers, type Shape } from '../../../core/shape.ts';
import type { Node, Value } from '../../../graph/graph.ts';
import { asUseOf, constantOp } from '../../../graph/leaf.ts';
import type { Forward } from '../../../train/emission/forward.ts';
import type { Config } from '../layerOptions.ts';

/*
 * A graph of ours as layers of Keras'. Samples come first in all of its values, and nothing may join their axis with another
 * one. Ours does, as where a product takes steps as rows; so a value is had in the extents in which it was written, `loose`,
 * by whoever looks at its last axis only, and brought into its own by who does not.
 */

/** For whom is written: Keras 3 has operations on values beside layers. */
export type Target = 'keras' | 'tensorflow.js';

/** Numbers of a layer, as its file has them. */
export interface WrittenWeight {
  readonly name: string;
  readonly within?: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A layer's result. */
export interface Result {
  readonly layer: WrittenLayer;
  readonly call: number;
  readonly tensor: number;
  /** Samples first. */
  readonly shape: Shape;
}

/** What a layer is called with: results, and what JSON holds. */
export type Argument = Result | readonly Argument[] | { readonly plain: unknown };

/** A layer, with each use of it. */
export interface WrittenLayer {
  readonly name: string;
  readonly className: string;
  readonly module: string;
  readonly config: Config;
  readonly weights: readonly WrittenWeight[];
  readonly isOperation: boolean;
  readonly calls: { readonly args: readonly Argument[]; readonly named: Readonly<Record<string, Argument>> }[];
}

/** Numbers that are known while writing. */
export interface Known {
  readonly shape: Shape;
  readonly numbers: Numbers;
  /** The parameter or average that they are, as it is or in another shape. */
  readonly name: string | undefined;
}

type Lazily = () => Result;

const isResult = (given: Argument): given is Result => 'layer' in given;

/** All results in an argument. */
export const resultsIn = (given: Argument): readonly Result[] =>
  isResult(given) ? [given] : Array.isArray(given) ? (given as readonly Argument[]).flatMap(resultsIn) : [];

/** What one writer says of a model. */
export class KerasWriter {
  readonly target: Target;
  readonly where: string;
  readonly layers: WrittenLayer[] = [];
  readonly #forward: Forward;
  readonly #samples: number;
  readonly #written = new Map<Value, Result | Lazily>();
  readonly #known = new Map<Value, Known | undefined>();
  readonly #names = new Map<string, number>();
  readonly #shared = new Map<string, WrittenLayer>();

  constructor(target: Target, forward: Forward, samples: number) {
    this.target = target;
    this.#samples = samples;
    this.where = target === 'keras' ? 'toKeras' : 'toLayersModel';
    this.#forward = forward;
  }

  /** @throws FormatError naming an op, why it is not written, and what can be done */
  refuse(op: string, why: string, way: string): never {
    throw new FormatError(`[${this.where}] the model uses ${op}, which cannot be written, as ${why}: ${way}`);
  }

  /** What a value's numbers are, if nothing that is given has a part in them. */
  known(value: Value): Known | undefined {
    if (!this.#known.has(value)) this.#known.set(value, this.#lookedUp(value));
    return this.#known.get(value);
  }

  #lookedUp(value: Value): Known | undefined {
    const { shape } = value.spec;
    const leaf = this.#forward.leafOf(value);
    if (leaf) {
      const tensor = 'tensor' in leaf ? this.#forward.tensors[leaf.tensor] : undefined;
      return tensor && 'tensor' in leaf ? { shape, numbers: tensor.data, name: leaf.tensor } : undefined;
    }
    const { node } = value;
    const numbers = asUseOf(constantOp, node)?.numbers;
    if (numbers) return { shape, numbers, name: undefined };
    const inputs = node.inputs.map((input) => this.known(input));
    if (inputs.length === 0 || inputs.some((input) => input === undefined) || node.op.effect) return undefined;
    // What follows from numbers that are known is reckoned by the op's own definition.
    const outputs = node.outputs.map(({ spec }) => allocate(spec));
    node.op.cpu(
      inputs.map((input) => input!.numbers),
      outputs,
      node,
    );
    const isSame =
      inputs.length === 1 && node.op.view?.(node.attrs) === 0 && sizeOf(shape) === inputs[0]!.numbers.length;
    return { shape, numbers: outputs[value.index], name: isSame ? inputs[0]!.name : undefined };
  }

  /** A name of a layer's own, after what it is of. */
  #nameOf(stem: string): string {
    const plain = stem.replace(/[^\w.-]+/g, '_').replace(/\./g, '_') || 'layer';
    const count = this.#names.get(plain) ?? 0;
    this.#names.set(plain, count + 1);
    return count === 0 ? plain : `${plain}_${count}`;
  }

  /**
   * A use of a layer. Two with the same learned numbers and the same config are one layer, used twice.
   * @param of the parameters that the numbers are, by which it is named and known again
   */
  layer(
    className: string,
    config: Config,
    inputs: readonly Result[],
    shape: Shape,
    weights: readonly WrittenWeight[] = [],
    of: readonly (Known | undefined)[] = [],
    named: Readonly<Record<string, Argument>> = {},
  ): Result {
    this.#requireSamples(className, shape);
    const names = of.flatMap((known) => known?.name ?? []);
    const path = names[0]?.split('.').slice(0, -1).join('.');
    const key = names.length > 0 ? JSON.stringify([className, config, names]) : undefined;
    const args = [inputs.length === 1 ? inputs[0] : inputs];
    const shared = key === undefined ? undefined : this.#shared.get(key);
    const layer =
      shared ?? this.#added(path || className.toLowerCase(), className, 'keras.layers', config, weights, false);
    if (key !== undefined) this.#shared.set(key, layer);
    layer.calls.push({ args, named });
    return { layer, call: layer.calls.length - 1, tensor: 0, shape };
  }

  /** Samples come first in all values of Keras' models. */
  #requireSamples(className: string, [samples]: Shape): void {
    if (samples === this.#samples) return;
    this.refuse(className.toLowerCase(), 'it joins the axis of the samples with another one', 'keep the samples apart');
  }

  #added(
    stem: string,
    className: string,
    module: string,
    config: Config,
    weights: readonly WrittenWeight[],
    isOperation: boolean,
  ): WrittenLayer {
    const name = this.#nameOf(stem);
    const layer = { name, className, module, config: { name, ...config }, weights, isOperation, calls: [] };
    this.layers.push(layer);
    return layer;
  }

  /** An operation on values, which Keras 3 alone has. */
  operation(
    className: string,
    args: readonly Argument[],
    shape: Shape,
    config: Config = {},
    { module = 'numpy', named = {} }: { module?: string; named?: Readonly<Record<string, Argument>> } = {},
  ): Result {
    if (this.target !== 'keras') {
      this.refuse(className.toLowerCase(), 'TensorFlow.js has no layer of it', 'write the model by toKeras or toOnnx');
    }
    this.#requireSamples(className, shape);
    const layer = this.#added(className.toLowerCase(), className, `keras.src.ops.${module}`, config, [], true);
    layer.calls.push({ args, named });
    return { layer, call: 0, tensor: 0, shape };
  }

  /** What is given with each batch. */
  input(name: string, config: Config, shape: Shape): Result {
    const layer = this.#added(name, 'InputLayer', 'keras.layers', config, [], false);
    return { layer, call: 0, tensor: 0, shape };
  }

  /** Says what a value is. */
  write(value: Value, result: Result | Lazily): void {
    this.#written.set(value, result);
  }

  /** A value in the extents in which it was written. */
  loose(value: Value): Result {
    const written = this.#written.get(value);
    if (!written) return this.#constant(value);
    const result = typeof written === 'function' ? written() : written;
    this.#written.set(value, result);
    return result;
  }

  /** A value in its own extents. */
  read(value: Value): Result {
    const result = this.loose(value);
    const { shape } = value.spec;
    if (sameShape(result.shape, shape)) return result;
    return this.reshaped(result, shape, value.node);
  }

  /** A value whose last axis has so many features, by whatever axes it has before it. */
  rows(value: Value, features: number): Result {
    const loose = this.loose(value);
    const { shape } = loose;
    const whole = shape.findIndex((_, axis) => axis > 0 && sizeOf(shape.slice(axis)) === features);
    if (whole < 0) return this.read(value);
    return this.reshaped(loose, [...shape.slice(0, whole), features], value.node);
  }

  /** A result in other extents, of as many samples. */
  reshaped(result: Result, shape: Shape, { op }: Node): Result {
    if (sameShape(result.shape, shape)) return result;
    if (result.shape[0] !== shape[0]) {
      this.refuse(op.name, 'it joins the axis of the samples with another one', 'keep the samples apart');
    }
    const target = shape.slice(1);
    return target.length === 1
      ? this.layer('Flatten', {}, [result], shape)
      : this.layer('Reshape', { target_shape: target }, [result], shape);
  }

  /** Numbers that no layer learns, as a part of an operation. */
  #constant(value: Value): Result {
    return this.refuse(
      value.node.op.name,
      'it is used where a value is wanted that follows from the samples',
      'give it one',
    );
  }

  /** A known value as an operation's argument: a number, or an array. */
  literal(known: Known): Argument {
    if (known.numbers.length === 1) return { plain: known.numbers[0] };
    const { shape, numbers } = this.#ofOneSample(known);
    const nested = (at: number, axis: number): unknown => {
      if (axis === shape.length) return numbers[at];
      const stride = sizeOf(shape.slice(axis + 1));
      return Array.from({ length: shape[axis] }, (_, i) => nested(at + i * stride, axis + 1));
    };
    return { plain: { class_name: '__numpy__', config: { value: nested(0, 0), dtype: 'float32' } } };
  }

  /** What is the same for all samples, once. */
  #ofOneSample(known: Known): Known {
    const [samples, ...rest] = known.shape;
    if (samples !== this.#samples) return known;
    const size = sizeOf(rest);
    const isOne = known.numbers.every((number, at) => Object.is(number, known.numbers[at % size]));
    if (isOne) return { ...known, shape: [1, ...rest], numbers: known.numbers.slice(0, size) };
    return this.refuse('a constant', 'it has other numbers for each sample', 'make them of the samples');
  }

  /** A value, or what is known of it. */
  operand(value: Value): Argument {
    const known = this.known(value);
    return known ? this.literal(known) : this.read(value);
  }
}

/** f32 numbers, copied where they are of another kind. */
export const floatsOf = ({ numbers }: Known): Float32Array =>
  numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
