import { ShapeError } from '../../core/errors.ts';
import { f32Literal, flatGrid, type Kernel, type Launch } from '../../core/launch.ts';
import {
  broadcastShapes,
  broadcastStrides,
  formatSpec,
  requireDtype,
  sizeOf,
  type Dtype,
  type Numbers,
  type Shape,
} from '../../core/shape.ts';
import { collapse, eight, forEachOffset, offsetText, rankOf, type Walk } from '../../core/strided.ts';
import { applyOne, type Accuracy, type Node, type Op, type Range, type Value } from '../../graph/graph.ts';
import { wasmPointwise, type Operation } from './wasmPointwise.ts';
import map from '../../../shaders/pointwise/map.wgsl?raw';
import zip from '../../../shaders/pointwise/zip.wgsl?raw';
import zip3 from '../../../shaders/pointwise/zip3.wgsl?raw';

/*
 * Ops that compute each element of the output from the elements at the same place in up to three inputs, which are
 * broadcast. Such an op is a JavaScript function, a WGSL function, and a derivative.
 */

/** What differs between uses of a pointwise op. */
export interface PointwiseAttrs {
  /** Up to two numbers handed to the function after its inputs, baked into the kernel: a slope, a width. */
  readonly constants: readonly number[];
}

/** A pointwise op: its function in JavaScript and in WGSL, and its derivative. */
export interface PointwiseDefinition<D extends Dtype = 'f32'> {
  readonly name: string;
  readonly arity: 1 | 2 | 3;
  /** The WGSL function, or an expression in a, b and c. */
  readonly wgsl: { readonly call: string; readonly sources: readonly string[] } | { readonly expression: string };
  /** The inputs' elements, then the constants. */
  f(...numbers: readonly number[]): number;
  /** By input, what it may be; f32 if left out. */
  readonly accepts?: readonly (readonly Dtype[])[];
  /** Of the output; that of the last input if left out. */
  readonly dtype?: D;
  readonly accuracy?: Accuracy;
  /** Where the result is a difference that may cancel, the sum of its terms' sizes: what errors are then relative to. */
  terms?(...numbers: readonly number[]): number;
  vjp?(dY: Value<D>, node: Node<PointwiseAttrs>): readonly (Value | null)[];
  /** By input, what may come in; null for no bound. */
  readonly ranges?: readonly (Range | null)[];
  /** The same in WebAssembly, of inputs of f32. Left out, `f` is called. */
  readonly wasm?: Operation;
}

/** An op that goes element by element, as `definePointwise` makes it. */
export type PointwiseOp<D extends Dtype = 'f32'> = Op<PointwiseAttrs, D>;

/** What is lost where a number below f32's normal ones, 2⁻¹²⁶, is flushed to 0 before it is multiplied by some 100. */
const FLUSHED = 2 ** -118;

/** A few roundings, each relative to the result: however small it is, it is right. */
export const elementary: Accuracy = { ulps: 16, magnitude: 'result', absolute: FLUSHED };

/** One or two roundings. */
export const rounded: Accuracy = { ulps: 8, magnitude: 'result', absolute: 1e-37 };

const exact: Accuracy = { ulps: 0, magnitude: 'result' };

export const NAMES = ['a', 'b', 'c'] as const;
const wgslType = (dtype: Dtype): string => (dtype === 'u8' ? 'u32' : dtype);

/** `sigmoid(a, 0.5f)`, or the expression itself. */
function bodyOf({ wgsl, arity }: Pick<PointwiseDefinition, 'wgsl' | 'arity'>, constants: readonly number[]): string {
  if ('expression' in wgsl) return wgsl.expression;
  return `${wgsl.call}(${[...NAMES.slice(0, arity), ...constants.map(f32Literal)].join(', ')})`;
}

function kernelOf(
  definition: Pick<PointwiseDefinition, 'name' | 'wgsl' | 'arity'>,
  node: Node<PointwiseAttrs>,
  walk: Walk,
): Kernel {
  const { name, arity, wgsl } = definition;
  const types = node.inputs.map((input) => wgslType(input.spec.dtype));
  const result = wgslType(node.outputs[0].spec.dtype);
  const body = bodyOf(definition, node.attrs.constants);
  const parameters = NAMES.slice(0, arity).map((letter, at) => `${letter}: ${types[at]}`);
  const head = arity === 1 ? `fn epilogue(a: X, at: u32) -> Y` : `fn combine(${parameters.join(', ')}) -> Y`;
  const constants: Record<string, string> = { Y: result };
  if (arity === 1) constants['X'] = types[0]!;
  else {
    constants['RANK'] = rankOf(walk);
    types.forEach((type, at) => (constants[NAMES[at].toUpperCase()] = type));
  }
  return {
    name,
    source: [map, zip, zip3][arity - 1],
    functions: { [arity === 1 ? 'epilogue' : 'combine']: `${head} {\n  return ${body};\n}` },
    constants,
    includes: 'expression' in wgsl ? [] : wgsl.sources,
  };
}

/** Makes an op of a definition, which gives f32 unless it says otherwise. */
export function definePointwise<D extends Dtype = 'f32'>(definition: PointwiseDefinition<D>): PointwiseOp<D> {
  const { name, arity, wgsl, f, accepts, dtype, accuracy = exact, terms, vjp, ranges, wasm } = definition;
  return {
    name,
    ...((dtype ?? 'f32') === 'f32' && { epilogue: true }),
    infer(inputs) {
      inputs.forEach((given, at) => requireDtype(name, NAMES[at], given, ...(accepts?.[at] ?? ['f32'])));
      const last = inputs[arity - 1];
      const before = inputs[arity - 2];
      if (arity > 1 && dtype !== 'f32' && before.dtype !== last.dtype) {
        throw new ShapeError(`[${name}] ${formatSpec(before)} and ${formatSpec(last)} differ in dtype: use cast()`);
      }
      return [{ shape: broadcastShapes(name, ...inputs), dtype: dtype ?? (last.dtype as D) }];
    },
    cpu: (inputs, [y], node) => evaluate(f, inputs, y, node),
    gpu(node): readonly Launch[] {
      const count = sizeOf(node.outputs[0].spec.shape);
      const walk = walkOf(node);
      const sizes = arity === 1 ? [count] : [count, 0, 0, 0, ...eight(walk.shape), ...walk.strides.flatMap(eight)];
      return [{ kernel: kernelOf(definition, node, walk), uniform: sizes, grid: flatGrid(count) }];
    },
    ...(wasm && { wasm: (node) => wasmPointwise(wasm, node, walkOf(node), node.attrs.constants) }),
    tail: (node) =>
      [...node.inputs, ...node.outputs].every((value) => value.spec.dtype === 'f32')
        ? {
            expression: () => bodyOf(definition, node.attrs.constants),
            includes: 'expression' in wgsl ? [] : wgsl.sources,
          }
        : undefined,
    inline(node, operands, store) {
      const walk = walkOf(node);
      const reads = operands.map(
        (read, at) => `let ${NAMES[at]} = ${read(arity === 1 ? 'i' : offsetText(walk, at, 'i'))};`,
      );
      const kept = store('i', bodyOf(definition, node.attrs.constants));
      const count = sizeOf(node.outputs[0].spec.shape);
      return {
        statements: `for (var i = 0u; i < ${count}u; i++) {
    ${reads.join(' ')}
    ${kept}
  }`,
        includes: 'expression' in wgsl ? [] : wgsl.sources,
      };
    },
    ...(ranges && { ranges: () => ranges }),
    accuracy: (node) => (terms ? relativeTo(terms, node, accuracy) : accuracy),
    ...(vjp && { vjp: ([dY], node) => (dY ? vjp(dY as Value<D>, node) : node.inputs.map(() => null)) }),
  };
}

type Elementwise = (...numbers: readonly number[]) => number;

/** Puts what the function makes of each element of the inputs, which are broadcast, into y. */
function evaluate(f: Elementwise, inputs: readonly Numbers[], y: Numbers, node: Node<PointwiseAttrs>): void {
  // At most two constants, handed over one by one: spreading a list costs more than most functions.
  const [s, t] = node.attrs.constants;
  const [a, b, c] = inputs as [Numbers, Numbers, Numbers];
  const count = y.length;
  if (inputs.length === 1) for (let i = 0; i < count; i++) y[i] = f(a[i], s, t);
  else if (inputs.length === 2) {
    if (a.length === count && b.length === count) for (let i = 0; i < count; i++) y[i] = f(a[i], b[i], s, t);
    else forEachOffset(walkOf(node), (i, p, q) => (y[i] = f(a[p], b[q], s, t)));
  } else forEachOffset(walkOf(node), (i, p, q, r) => (y[i] = f(a[p], b[q], c[r], s, t)));
}

/** Errors relative to the terms that the result is made of. */
const relativeTo = (terms: Elementwise, node: Node<PointwiseAttrs>, accuracy: Accuracy): Accuracy => ({
  ...accuracy,
  magnitude(inputs, expected) {
    const sizes = new Float64Array(expected[0].length);
    evaluate(terms, inputs, sizes, node);
    return [sizes];
  },
});

function walkOf(node: Node): ReturnType<typeof collapse> {
  const target = node.outputs[0].spec.shape;
  return collapse(
    node.op.name,
    target,
    ...node.inputs.map((input): Shape => broadcastStrides(input.spec.shape, target)),
  );
}

/**
 * Uses an op of `definePointwise`.
 * @param inputs as many as its arity, broadcast   @param constants what `f` is handed behind the inputs' elements
 * @throws ShapeError for shapes that do not go together
 */
export const pointwise = <D extends Dtype>(
  op: PointwiseOp<D>,
  inputs: readonly Value[],
  constants: readonly number[] = [],
): Value<D> => applyOne(op, inputs, { constants });
