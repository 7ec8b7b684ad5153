// An LSTM as plain loops, forward and back through time. A unit's gates lie side by side: input, forget, cell, output.

import { GATES } from '../networks.ts';
import type { LoopLayer, Parameters } from './loopLayers.ts';
import { product, sum, type Floats, type FloatsConstructor } from './loopSums.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Of several parts of a size, one. */
const at = (numbers: Floats, t: number, size: number): Floats => numbers.subarray(t * size, (t + 1) * size);

/** Rows with their first two axes exchanged. */
function exchange([outer, inner]: readonly [number, number], x: Floats, y: Floats): Floats {
  const width = x.length / (outer * inner);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const from = (i * inner + j) * width;
      y.set(x.subarray(from, from + width), (j * outer + i) * width);
    }
  }
  return y;
}

/**
 * From x[B, T, C] to the last h[B, H]. Within, steps come first.
 * @param ofX weight[C, 4H] and bias of what comes from x   @param ofH weight[H, 4H] and bias of what comes from h
 */
export function lstm(
  [B, T]: readonly [samples: number, steps: number],
  [W, b, dW, db]: Parameters,
  [R, c, dR, dc]: Parameters,
  Floats: FloatsConstructor,
): LoopLayer {
  const width = b.length;
  const [C, H] = [W.length / width, width / GATES];
  const rows = B * H;
  const x = new Floats(T * B * C);
  const [gates, dGates] = [0, 1].map(() => new Floats(T * B * width));
  const fromH = new Floats(B * width);
  // Part t + 1 is of step t, part 0 of what was before the first.
  const [h, cells] = [0, 1].map(() => new Floats((T + 1) * rows));
  const [dH, dCells] = [0, 1].map(() => new Floats(rows));

  function forward(t: number): void {
    const z = at(gates, t, B * width);
    product({ M: B, K: H, N: width }, at(h, t, rows), R, fromH);
    for (let k = 0; k < z.length; k++) {
      const total = z[k] + b[k % width] + fromH[k] + c[k % width];
      z[k] = k % GATES === 2 ? Math.tanh(total) : sigmoid(total);
    }
    const [before, cell, out] = [at(cells, t, rows), at(cells, t + 1, rows), at(h, t + 1, rows)];
    for (let k = 0; k < rows; k++) {
      const g = k * GATES;
      cell[k] = z[g + 1] * before[k] + z[g] * z[g + 2];
      out[k] = z[g + 3] * Math.tanh(cell[k]);
    }
  }

  function backward(t: number): void {
    const [z, dZ] = [at(gates, t, B * width), at(dGates, t, B * width)];
    const [before, cell] = [at(cells, t, rows), at(cells, t + 1, rows)];
    for (let k = 0; k < rows; k++) {
      const g = k * GATES;
      const [i, f, n, o] = [z[g], z[g + 1], z[g + 2], z[g + 3]];
      const squashed = Math.tanh(cell[k]);
      const d = dCells[k] + dH[k] * o * (1 - squashed * squashed);
      dZ[g] = d * n * i * (1 - i);
      dZ[g + 1] = d * before[k] * f * (1 - f);
      dZ[g + 2] = d * i * (1 - n * n);
      dZ[g + 3] = dH[k] * squashed * o * (1 - o);
      dCells[k] = d * f;
    }
    product({ M: B, K: width, N: H, transposeB: true }, dZ, R, dH);
  }

  return {
    forward(given) {
      exchange([B, T], given, x);
      product({ M: T * B, K: C, N: width }, x, W, gates);
      for (let t = 0; t < T; t++) forward(t);
      return at(h, T, rows);
    },
    backward(dY, wantsInputs) {
      dH.set(dY);
      dCells.fill(0);
      for (let t = T - 1; t >= 0; t--) backward(t);
      product({ M: C, K: T * B, N: width, transposeA: true }, x, dGates, dW);
      product({ M: H, K: T * B, N: width, transposeA: true }, h.subarray(0, T * rows), dGates, dR);
      sum({ kind: 'sum', rows: T * B, columns: width, axis: 0 }, dGates, db);
      dc.set(db);
      if (!wantsInputs) return x;
      const dX = product({ M: T * B, K: width, N: C, transposeB: true }, dGates, W, new Floats(x.length));
      return exchange([T, B], dX, new Floats(x.length));
    },
  };
}
