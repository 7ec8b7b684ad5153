import { flatGrid } from '../core/launch.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { matmul } from '../ops/products/matmul.ts';
import quinticKernel from '../../shaders/optim/quintic.wgsl?raw';

/** Of a quintic that is steep at 0, and takes singular values into about 0.7 … 1.2. Source: Jordan et al. 2024 */
const COEFFICIENTS = [3.4445, -4.775, 2.0315] as const;

interface Attrs {
  /** Of 1, x² and x⁴. */
  readonly coefficients: readonly number[];
}

const quinticOp: Op<Attrs> = {
  name: 'quintic',
  infer: ([gram]) => [gram],
  cpu([gram, square], [polynomial], { inputs, attrs: { coefficients } }) {
    const [a, b, c] = coefficients;
    const [n] = inputs[0].spec.shape;
    for (let i = 0; i < polynomial.length; i++) {
      polynomial[i] = (i % (n + 1) === 0 ? a : 0) + b * gram[i] + c * square[i];
    }
  },
  gpu({ inputs: [gram], attrs: { coefficients } }) {
    const [n] = gram.spec.shape;
    return [
      {
        kernel: { name: 'quintic', source: quinticKernel },
        uniform: [n, ...coefficients.map((f32) => ({ f32 }))],
        grid: flatGrid(n * n),
      },
    ];
  },
  // Two products, their sum, and the diagonal.
  flops: (node) => 4 * elementsOf(node.outputs),
  accuracy: ({ attrs: { coefficients } }) => ({
    ulps: 8,
    // The terms have both signs.
    magnitude: ([gram, square]) => {
      const [a, b, c] = coefficients;
      return [gram.map((x, i) => Math.abs(a) + Math.abs(b * x) + Math.abs(c * square[i]))];
    },
    absolute: 1e-37,
  }),
};

/**
 * A matrix with all its singular values near 1, and its singular vectors as they were: U S′ Vᵀ of U S Vᵀ. The products
 * are formed on the shorter side, and nothing is transposed.
 * @param x `[rows, columns]`, of norm 1 at most   @param scale multiplies the result
 */
export function orthogonalize(x: Value, steps: number, scale: number): Value {
  const [rows, columns] = x.spec.shape;
  const tall = rows > columns;
  let y = x;
  for (let step = 1; step <= steps; step++) {
    const coefficients = COEFFICIENTS.map((number) => (step === steps ? scale * number : number));
    const gram = matmul(y, y, tall ? { transposeA: true } : { transposeB: true });
    const polynomial = applyOne(quinticOp, [gram, matmul(gram, gram)], { coefficients });
    y = tall ? matmul(y, polynomial) : matmul(polynomial, y);
  }
  return y;
}
