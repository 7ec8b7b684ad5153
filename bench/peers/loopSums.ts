// Products and sums as plain loops, in f32 or f64.

import type { Product, Sum } from '../work.ts';

export type Floats = Float32Array | Float64Array;
export type FloatsConstructor = { from(numbers: ArrayLike<number>): Floats; new (length: number): Floats };

/** Legend: C[M, N] = A[M, K] · B[K, N], of which A or B may be stored transposed. */
export function product(work: Omit<Product, 'kind'>, A: ArrayLike<number>, B: ArrayLike<number>, C: Floats): Floats {
  const { M, K, N, transposeA = false, transposeB = false } = work;
  const [rowOfA, columnOfA] = transposeA ? [1, M] : [K, 1];
  C.fill(0);
  for (let m = 0; m < M; m++) {
    if (transposeB) {
      for (let n = 0; n < N; n++) {
        let total = 0;
        for (let k = 0; k < K; k++) total += A[m * rowOfA + k * columnOfA] * B[n * K + k];
        C[m * N + n] = total;
      }
      continue;
    }
    for (let k = 0; k < K; k++) {
      const a = A[m * rowOfA + k * columnOfA];
      for (let n = 0; n < N; n++) C[m * N + n] += a * B[k * N + n];
    }
  }
  return C;
}

/** Along an axis, or of everything. */
export function sum({ rows, columns, axis }: Sum, x: Floats, y: Floats): Floats {
  y.fill(0);
  for (let r = 0; r < rows; r++) {
    let total = 0;
    for (let c = 0; c < columns; c++) {
      if (axis === 0) y[c] += x[r * columns + c];
      else total += x[r * columns + c];
    }
    if (axis !== 0) y[axis === 1 ? r : 0] += total;
  }
  return y;
}

export const sumLength = ({ rows, columns, axis }: Sum): number => (axis === null ? 1 : axis === 0 ? columns : rows);
