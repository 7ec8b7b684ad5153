// nanoGPT's model as plain loops, forward and backward. Rows are the tokens of all texts, B · T of them.

import type { Gpt } from '../networks.ts';
import { erfc } from '../../src/ops/pointwise/elementary.ts';
import type { LoopLayer } from './loopLayers.ts';
import { product, type Floats, type FloatsConstructor } from './loopSums.ts';

const EPSILON = 1e-5;

/** Arrays of a parameter and of its gradient. */
type Pair = readonly [parameter: Floats, gradient: Floats];

/** A row of the table and one of the places for each token. What the output learned of the table is there before. */
function tokens(
  rows: number,
  [table, dTable]: Pair,
  [places, dPlaces]: Pair,
  E: number,
  Floats: FloatsConstructor,
): LoopLayer {
  const y = new Floats(rows * E);
  let X: Floats = y;
  return {
    forward(x) {
      X = x;
      for (let i = 0; i < y.length; i++) y[i] = table[x[Math.floor(i / E)] * E + (i % E)] + places[i % places.length];
      return y;
    },
    backward(dY) {
      dPlaces.fill(0);
      for (let i = 0; i < dY.length; i++) {
        dTable[X[Math.floor(i / E)] * E + (i % E)] += dY[i];
        dPlaces[i % dPlaces.length] += dY[i];
      }
      return dY;
    },
  };
}

/** x · W, or x · Wᵀ. */
function times([W, dW]: Pair, rows: number, K: number, transposed: boolean, Floats: FloatsConstructor): LoopLayer {
  const N = W.length / K;
  const [y, dX] = [new Floats(rows * N), new Floats(rows * K)];
  let X: Floats = y;
  return {
    forward(x) {
      X = x;
      return product({ M: rows, K, N, transposeB: transposed }, x, W, y);
    },
    backward(dY) {
      if (transposed) product({ M: N, K: rows, N: K, transposeA: true }, dY, X, dW);
      else product({ M: K, K: rows, N, transposeA: true }, X, dY, dW);
      return product({ M: rows, K: N, N: K, transposeB: !transposed }, dY, W, dX);
    },
  };
}

function norm([gamma, dGamma]: Pair, rows: number, Floats: FloatsConstructor): LoopLayer {
  const E = gamma.length;
  const [y, normed, dX] = [0, 1, 2].map(() => new Floats(rows * E)) as [Floats, Floats, Floats];
  const inverse = new Floats(rows);
  return {
    forward(x) {
      for (let r = 0; r < rows; r++) {
        const row = x.subarray(r * E, (r + 1) * E);
        const mean = (row as Float64Array).reduce((total, a) => total + a, 0) / E;
        const variance = (row as Float64Array).reduce((total, a) => total + (a - mean) ** 2, 0) / E;
        inverse[r] = 1 / Math.sqrt(variance + EPSILON);
        for (let c = 0; c < E; c++) {
          normed[r * E + c] = (row[c] - mean) * inverse[r];
          y[r * E + c] = normed[r * E + c] * gamma[c];
        }
      }
      return y;
    },
    backward(dY) {
      dGamma.fill(0);
      for (let r = 0; r < rows; r++) {
        let [sum, along] = [0, 0];
        for (let c = 0; c < E; c++) {
          const at = r * E + c;
          dGamma[c] += dY[at] * normed[at];
          sum += dY[at] * gamma[c];
          along += dY[at] * gamma[c] * normed[at];
        }
        for (let c = 0; c < E; c++) {
          const at = r * E + c;
          dX[at] = inverse[r] * (dY[at] * gamma[c] - sum / E - (normed[at] * along) / E);
        }
      }
      return dX;
    },
  };
}

/** The standard normal distribution. */
const share = (x: number): number => 0.5 * erfc(-x / Math.SQRT2);

function gelu(length: number, Floats: FloatsConstructor): LoopLayer {
  const [y, dX] = [new Floats(length), new Floats(length)];
  let X: Floats = y;
  return {
    forward(x) {
      X = x;
      for (let i = 0; i < length; i++) y[i] = x[i] * share(x[i]);
      return y;
    },
    backward(dY) {
      for (let i = 0; i < length; i++) {
        dX[i] = dY[i] * (share(X[i]) + (X[i] * Math.exp(-0.5 * X[i] ** 2)) / Math.sqrt(2 * Math.PI));
      }
      return dX;
    },
  };
}

/** Each token attends to those before it, from queries, keys and values side by side. Legend: x[B, T, 3, H, D]. */
function attend({ context: T, width: E, heads: H }: Gpt, rows: number, Floats: FloatsConstructor): LoopLayer {
  const D = E / H;
  const [y, dX, weights] = [rows * E, 3 * rows * E, rows * H * T].map((length) => new Floats(length)) as [
    Floats,
    Floats,
    Floats,
  ];
  let X: Floats = y;
  const at = (row: number, which: number, h: number): number => row * 3 * E + which * E + h * D;
  /** Calls back for each query of each head: its row, where its weights begin, and how many tokens it sees. */
  const forEachQuery = (visit: (row: number, first: number, h: number, own: number, seen: number) => void): void => {
    for (let row = 0; row < rows; row++) {
      for (let h = 0; h < H; h++) visit(row, row - (row % T), h, (row * H + h) * T, (row % T) + 1);
    }
  };
  return {
    forward(x) {
      X = x;
      y.fill(0);
      forEachQuery((row, first, h, own, seen) => {
        let total = 0;
        for (let j = 0; j < seen; j++) {
          let score = 0;
          for (let d = 0; d < D; d++) score += x[at(row, 0, h) + d] * x[at(first + j, 1, h) + d];
          total += weights[own + j] = Math.exp(score / Math.sqrt(D));
        }
        for (let j = 0; j < seen; j++) {
          weights[own + j] /= total;
          for (let d = 0; d < D; d++) y[row * E + h * D + d] += weights[own + j] * x[at(first + j, 2, h) + d];
        }
      });
      return y;
    },
    backward(dY) {
      dX.fill(0);
      const slopes = new Float64Array(T);
      forEachQuery((row, first, h, own, seen) => {
        let mean = 0;
        for (let j = 0; j < seen; j++) {
          slopes[j] = 0;
          for (let d = 0; d < D; d++) {
            slopes[j] += dY[row * E + h * D + d] * X[at(first + j, 2, h) + d];
            dX[at(first + j, 2, h) + d] += weights[own + j] * dY[row * E + h * D + d];
          }
          mean += weights[own + j] * slopes[j];
        }
        for (let j = 0; j < seen; j++) {
          const slope = (weights[own + j] * (slopes[j] - mean)) / Math.sqrt(D);
          for (let d = 0; d < D; d++) {
            dX[at(row, 0, h) + d] += slope * X[at(first + j, 1, h) + d];
            dX[at(first + j, 1, h) + d] += slope * X[at(row, 0, h) + d];
          }
        }
      });
      return dX;
    },
  };
}

/** x and what layers make of it. */
function beside(layers: readonly LoopLayer[], length: number, Floats: FloatsConstructor): LoopLayer {
  const [y, dX] = [new Floats(length), new Floats(length)];
  return {
    forward(x) {
      const made = layers.reduce((value, layer) => layer.forward(value), x);
      for (let i = 0; i < length; i++) y[i] = x[i] + made[i];
      return y;
    },
    backward(dY) {
      const slopes = layers.reduceRight((value, layer) => layer.backward(value, true), dY);
      for (let i = 0; i < length; i++) dX[i] = dY[i] + slopes[i];
      return dX;
    },
  };
}

/** @param pairs parameters with the arrays for their gradients, in the order of `parameterShapes` */
export function gptLayers(network: Gpt, rows: number, pairs: readonly Pair[], Floats: FloatsConstructor): LoopLayer[] {
  const { width: E, layers } = network;
  const [table, places, ...others] = pairs;
  const dense = (pair: Pair, from: number): LoopLayer => times(pair, rows, from, false, Floats);
  const blocks = Array.from({ length: layers }, (_, block) => {
    const [norm1, input, output, norm2, up, down] = others.slice(6 * block);
    return [
      beside(
        [norm(norm1, rows, Floats), dense(input, E), attend(network, rows, Floats), dense(output, E)],
        rows * E,
        Floats,
      ),
      beside(
        [norm(norm2, rows, Floats), dense(up, E), gelu(4 * rows * E, Floats), dense(down, 4 * E)],
        rows * E,
        Floats,
      ),
    ];
  });
  return [
    tokens(rows, table, places, E, Floats),
    ...blocks.flat(),
    norm(others.at(-1)!, rows, Floats),
    times(table, rows, E, true, Floats),
  ];
}
