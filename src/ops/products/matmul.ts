import { ShapeError } from '../../core/errors.ts';
import { optionsOf } from '../../core/argumentChecks.ts';
import { output, type AdapterTraits } from '../../core/launch.ts';
import type { WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, requireDtype, sameShape, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import { type Accuracy, apply, applyOne, type Node, type Op, specOf, type Value } from '../../graph/graph.ts';
import { elementsOf } from '../../graph/work.ts';
import { add } from '../pointwise/arithmetic.ts';
import { linesFromSamples } from './sampleOperand.ts';
import { partsOf, partTerms, productForms, type ProductShape } from './matmulForms.ts';
import { productLaunch } from './productLaunch.ts';
import { wholeFours, wholeStores, type ProductAccess } from './productAccess.ts';
import { columnSums, wasmProduct } from './wasmProduct.ts';
import { multiply, prepareProduct, type Product } from './multiply.ts';
import { pairSums } from './pairSums.ts';
import { sum, sumTo } from '../reductions/sum.ts';
import { reshape } from '../shaping/views.ts';

// Legend: C[M, N] = A[M, K] · B[K, N], for each matrix of a batch.

/** What `matmul` may be told. */
export interface MatmulOptions {
  /** A is stored as [K, M]. */
  readonly transposeA?: boolean;
  /** B is stored as [N, K]. */
  readonly transposeB?: boolean;
}

export interface Attrs extends Required<MatmulOptions> {
  /** Computes so many products, of a part of the terms each, along an axis in front of the rows. */
  readonly parts?: number;
}

interface Extents {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** The leading axes of C. */
  readonly batch: readonly number[];
  /** Elements from one matrix to the next; 0 where all share one. */
  readonly aBatch: number;
  readonly bBatch: number;
}

/** Reads the extents of a product from its operands, or says why they have none. */
function extentsOf(a: Spec, b: Spec, { transposeA, transposeB }: Attrs): Extents {
  for (const [name, operand] of [
    ['a', a],
    ['b', b],
  ] as const) {
    requireDtype('matmul', name, operand, 'f32');
    if (operand.shape.length < 2) {
      throw new ShapeError(`[matmul] ${name} is ${formatSpec(operand)} but must have rows and columns: reshape it`);
    }
  }
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [M, K] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [rows, N] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (K !== rows) {
    throw new ShapeError(
      `[matmul] a has ${K} ${transposeA ? 'rows (transposed)' : 'columns'} but b has ${rows} ${transposeB ? 'columns (transposed)' : 'rows'}: a is ${formatSpec(a)}, b is ${formatSpec(b)}`,
    );
  }
  const aLeading = a.shape.slice(0, -2);
  const bLeading = b.shape.slice(0, -2);
  if (aLeading.length && bLeading.length && !sameShape(aLeading, bLeading)) {
    throw new ShapeError(
      `[matmul] the leading axes differ: a is ${formatSpec(a)}, b is ${formatSpec(b)}; make them equal, or give one operand two axes only`,
    );
  }
  return {
    M,
    N,
    K,
    batch: aLeading.length ? aLeading : bLeading,
    aBatch: aLeading.length ? M * K : 0,
    bBatch: bLeading.length ? K * N : 0,
  };
}

const extents = ({ inputs: [a, b], attrs }: Node<Attrs>): Extents => extentsOf(a.spec, b.spec, attrs);

const shapeOf = (node: Node<Attrs>, withSums: boolean): ProductShape => {
  const { batch, aBatch, bBatch, ...extent } = extents(node);
  const { parts = 1, transposeA, transposeB } = node.attrs;
  const kind = `A${transposeA ? 'ᵀ' : ''}B${transposeB ? 'ᵀ' : ''}`;
  const sums = withSums ? 'columns' : 'none';
  return { kind, ...extent, parts, matrices: sizeOf(batch), aMatrix: aBatch, bMatrix: bBatch, sums };
};

/** Operands by elements, or by whole vectors where lines are a multiple of four long; an empty buffer has no room for one. */
function accessOf({ M, N, K }: ProductShape, { transposeA, transposeB }: Attrs): ProductAccess {
  const isWhole = (line: number): boolean => line % 4 === 0 && M * N * K > 0;
  const lines = { a: transposeA ? M : K, b: transposeB ? K : N };
  const { functions, constants } = wholeFours((['a', 'b'] as const).filter((operand) => isWhole(lines[operand])));
  return {
    functions,
    constants: { ...constants, A_TRANSPOSED: String(transposeA), B_TRANSPOSED: String(transposeB) },
    ...(isWhole(N) && { wholeC: { ...wholeStores, along: 'rows' as const } }),
    operands: [0, 1],
    sumAt: 'part * sizes.n + first',
    words: [],
  };
}

/** The forms of a product's kernel, and its launch in one of them. */
const onGpu = (withSums: boolean): Required<Pick<Op<Attrs>, 'forms' | 'gpu'>> => ({
  forms: (node, adapter) => productForms(adapter, shapeOf(node, withSums)),
  gpu(node, adapter, form = productForms(adapter, shapeOf(node, withSums)).names[0]) {
    const shape = shapeOf(node, withSums);
    const bias = node.inputs[2] && 2;
    return [productLaunch(node.op.name, form, adapter, shape, accessOf(shape, node.attrs), bias)];
  },
});

/** The same values by parts that are added up, where the adapter is better served so. */
function inParts(node: Node<Attrs>, withSums: boolean, adapter: AdapterTraits): readonly Value[] | undefined {
  const parts = partsOf(adapter, shapeOf(node, withSums));
  if (parts === 1) return undefined;
  const [a, b, bias] = node.inputs;
  const [partial, sums] = apply(node.op, [a, b], { ...node.attrs, parts });
  if (sums) return pairSums(partial, sums);
  const whole = sum(partial, { axes: partial.spec.shape.length - 3 });
  return [bias ? add(whole, bias) : whole];
}

/** Products of a part of the terms each: plain loops. */
function multiplyParts(a: Numbers, b: Numbers, c: Numbers, node: Node<Attrs>, parts: number): void {
  const { M, N, K, batch, aBatch, bBatch } = extents(node);
  const { transposeA, transposeB } = node.attrs;
  const length = partTerms(K, parts);
  for (let i = 0; i < sizeOf(batch) * parts * M * N; i++) {
    const [n, m] = [i % N, Math.floor(i / N) % M];
    const [part, matrix] = [Math.floor(i / (N * M)) % parts, Math.floor(i / (N * M * parts))];
    let total = 0;
    for (let k = part * length; k < Math.min((part + 1) * length, K); k++) {
      total +=
        a[matrix * aBatch + (transposeA ? k * M + m : m * K + k)] *
        b[matrix * bBatch + (transposeB ? n * K + k : k * N + n)];
    }
    c[i] = total;
  }
}

/** Each node's product as the CPU computes it: kept with its panels, so that a step allocates nothing. */
const products = new WeakMap<Node<Attrs>, Product>();

function productOf(node: Node<Attrs>): Product {
  let product = products.get(node);
  if (!product) {
    const { M, N, K, batch, aBatch, bBatch } = extents(node);
    const { transposeA, transposeB } = node.attrs;
    product = prepareProduct(
      { M, N, K, matrices: sizeOf(batch) },
      { line: transposeA ? 1 : K, term: transposeA ? M : 1, matrix: aBatch },
      { line: transposeB ? K : 1, term: transposeB ? 1 : N, matrix: bBatch },
    );
    products.set(node, product);
  }
  return product;
}

/** Panels of B's columns, then blocks of C: see assembly/product.ts. */
function inWasm(node: Node<Attrs>, withSums: boolean): WasmWork | undefined {
  const { M, N, K, batch, aBatch, bBatch } = extents(node);
  const { parts, transposeA, transposeB } = node.attrs;
  if (parts !== undefined) return undefined;
  const matrices = sizeOf(batch);
  const product = wasmProduct({
    M,
    N,
    K,
    matrices,
    a: { line: transposeA ? 1 : K, term: transposeA ? M : 1, matrix: aBatch },
    b: { line: transposeB ? K : 1, term: transposeB ? 1 : N, matrix: bBatch },
    bias: node.inputs[2] ? 2 : 'nothing',
  });
  if (!withSums) return product;
  return { ...product, launches: [...product.launches, columnSums(1, output(1), K, N)] };
}

/** The lines of A are the samples: of the product, or of a weight's gradient. */
const fromSamples: Op<Attrs>['fromSamples'] = (node, at, samples) => {
  const [lines, length] = node.inputs[0].spec.shape;
  const isOne = at === 0 && node.inputs[0].spec.shape.length === 2 && node.inputs[1] !== node.inputs[0];
  return isOne && length === samples.size && lines > 0
    ? linesFromSamples('a', samples, samples.size % 4 === 0)
    : undefined;
};

const accuracy = (node: Node<Attrs>): Accuracy => ({
  ulps: 2 * (extents(node).K + 8),
  magnitude: 'terms',
  absolute: 1e-37,
});

const flops = (node: Node<Attrs>): number => {
  const { M, N, K, batch } = extents(node);
  return 2 * M * N * K * sizeOf(batch);
};

/** C and the column sums of B: the gradients of a weight and of its bias, in one launch. */
const matmulSumsOp: Op<Attrs> = {
  name: 'matmulSums',
  epilogue: true,
  infer([a, b], attrs) {
    const { M, N } = extentsOf(a, b, attrs);
    const parts = attrs.parts ? [attrs.parts] : [];
    return [
      { shape: [...parts, M, N], dtype: 'f32' },
      { shape: [...parts, N], dtype: 'f32' },
    ];
  },
  cpu([a, b], [c, sums], node) {
    const { N, K } = extents(node);
    const { parts } = node.attrs;
    if (parts) multiplyParts(a, b, c, node, parts);
    else multiply(a, b, c, undefined, productOf(node));
    const length = parts ? partTerms(K, parts) : K;
    for (let i = 0; i < sums.length; i++) {
      const [first, n] = [Math.floor(i / N) * length, i % N];
      let total = 0;
      for (let k = first; k < Math.min(first + length, K); k++) total += b[k * N + n];
      sums[i] = total;
    }
  },
  expand: (node, adapter) => inParts(node, true, adapter),
  hosts: () => 1,
  ...onGpu(true),
  wasm: (node) => inWasm(node, true),
  flops: (node) => flops(node) + elementsOf([node.inputs[1]]),
  fromSamples,
  accuracy,
};

export const matmulOp: Op<Attrs, 'f32'> = {
  name: 'matmul',
  infer([a, b, bias], attrs) {
    const { M, N, batch } = extentsOf(a, b, attrs);
    if (bias && !sameShape(bias.shape, [N])) {
      throw new ShapeError(
        `[matmul] bias is ${formatSpec(bias)} but the product has ${N} columns: it must be f32[${N}]`,
      );
    }
    return [{ shape: [...batch, ...(attrs.parts ? [attrs.parts] : []), M, N], dtype: 'f32' }];
  },
  epilogue: true,
  cpu([a, b, bias], [c], node) {
    const { parts } = node.attrs;
    if (parts) multiplyParts(a, b, c, node, parts);
    else multiply(a, b, c, bias, productOf(node));
  },
  expand: (node, adapter) => inParts(node, false, adapter),
  ...onGpu(false),
  wasm: (node) => inWasm(node, false),
  inline(node, [a, b, bias], store) {
    const { M, N, K, batch } = extents(node);
    const { parts, transposeA, transposeB } = node.attrs;
    if (parts !== undefined || sizeOf(batch) !== 1) return undefined;
    const left = a(transposeA ? `k * ${M}u + m` : `m * ${K}u + k`);
    const right = b(transposeB ? `n * ${K}u + k` : `k * ${N}u + n`);
    return {
      statements: `for (var m = 0u; m < ${M}u; m++) {
    for (var n = 0u; n < ${N}u; n++) {
      var total = ${bias ? bias('n') : '0.0'};
      for (var k = 0u; k < ${K}u; k++) {
        total += ${left} * ${right};
      }
      ${store(`m * ${N}u + n`, 'total')}
    }
  }`,
    };
  },
  flops,
  fromSamples,
  accuracy,
  // Written so that what is stored transposed stays so: no launch transposes anything.
  vjp([dC], { inputs: [a, b, bias], attrs: { transposeA, transposeB } }) {
    if (!dC) return [null, null, null];
    const dA = transposeA
      ? product(b, dC, { transposeA: transposeB, transposeB: true })
      : product(dC, b, { transposeB: !transposeB });
    const gradients = [sumTo(dA, a.spec)];
    if (bias && !transposeA && !transposeB && dC.spec.shape.length === 2) {
      gradients.push(...productWithSums(a, dC));
      return gradients;
    }
    const dB = transposeB
      ? product(dC, a, { transposeA: true, transposeB: transposeA })
      : product(a, dC, { transposeA: !transposeA });
    gradients.push(sumTo(dB, b.spec));
    if (bias) gradients.push(sum(dC, { axes: dC.spec.shape.slice(0, -1).map((_, axis) => axis) }));
    return gradients;
  },
};

/** Aᵀ · B and the sums of B's columns, in one launch: what a weight and its bias learn. */
export const productWithSums = (a: Value, b: Value): readonly Value[] =>
  apply(matmulSumsOp, [a, b], { transposeA: true, transposeB: false });

const product = (a: Value, b: Value, { transposeA = false, transposeB = false }: MatmulOptions): Value<'f32'> =>
  applyOne(matmulOp, [a, b], { transposeA, transposeB });

/** Leading axes of `a` become rows where `b` is one matrix: a taller product instead of many small ones. */
function flattened(a: Value, b: Value, bias: readonly Value[], options: MatmulOptions): Value<'f32'> {
  const { transposeA = false, transposeB = false } = options;
  const leading = specOf('matmul', 'a', a).shape.slice(0, -1);
  if (leading.length < 2 || specOf('matmul', 'b', b).shape.length !== 2 || transposeA) {
    return applyOne(matmulOp, [a, b, ...bias], { transposeA, transposeB });
  }
  const rows = reshape(a, [sizeOf(leading), a.spec.shape.at(-1)!]);
  const c = applyOne(matmulOp, [rows, b, ...bias], { transposeA, transposeB });
  return reshape(c, [...leading, c.spec.shape.at(-1)!]);
}

/**
 * A · B over the last two axes. Leading axes are a batch; an operand with two axes is shared by all of it.
 * @param a `[…, M, K]`   @param b `[…, K, N]`   @returns `[…, M, N]`
 * @throws ShapeError if K or the leading axes differ
 */
export const matmul = (a: Value, b: Value, options?: MatmulOptions): Value<'f32'> =>
  flattened(a, b, [], optionsOf('matmul', options, { transposeA: false, transposeB: false }));

/**
 * x · weight + bias, the bias added as each product is stored.
 * @param x `[…, K]`   @param weight `[K, N]`   @param bias `[N]`   @returns `[…, N]`
 */
export function affine(x: Value, weight: Value, bias?: Value): Value<'f32'> {
  if (specOf('affine', 'x', x).shape.length !== 1) return flattened(x, weight, bias ? [bias] : [], {});
  const row = flattened(reshape(x, [1, x.spec.shape[0]]), weight, bias ? [bias] : [], {});
  return reshape(row, [row.spec.shape[1]]);
}
