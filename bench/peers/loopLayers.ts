// Layers as plain loops, forward and backward: what the classifiers of `loops.ts` are made of. Images are [N, H, W, C].

import { POOLED } from '../networks.ts';
import { convolutionShapes, convolutionsOf, type Convolution, type Steps } from '../work.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { gptLayers } from './loopGpt.ts';
import { lstm } from './loopLstm.ts';
import { product, sum, type Floats, type FloatsConstructor } from './loopSums.ts';

type Sizes = Omit<Convolution, 'kind' | 'of'>;
type Visit = (place: number, pixel: number, tap: number) => void;

/** Calls back for each place and each tap of its window that lies on a pixel. */
function forEachTap({ images: [count, rows, columns], window }: Sizes, visit: Visit): void {
  const before = (window - 1) / 2;
  for (let n = 0; n < count; n++) {
    for (let h = 0; h < rows; h++) {
      for (let w = 0; w < columns; w++) {
        const place = (n * rows + h) * columns + w;
        for (let r = Math.max(0, before - h); r < Math.min(window, rows + before - h); r++) {
          for (let s = Math.max(0, before - w); s < Math.min(window, columns + before - w); s++) {
            visit(place, place + (r - before) * columns + s - before, r * window + s);
          }
        }
      }
    }
  }
}

/** y = weight ∗ x. Legend: C channels, F features. */
export function convolve(sizes: Sizes, x: Floats, weight: Floats, y: Floats): Floats {
  const [C, F] = [sizes.images[3], sizes.features];
  y.fill(0);
  forEachTap(sizes, (place, pixel, tap) => {
    for (let c = 0; c < C; c++) {
      const seen = x[pixel * C + c];
      const from = (tap * C + c) * F;
      for (let f = 0; f < F; f++) y[place * F + f] += seen * weight[from + f];
    }
  });
  return y;
}

/** dX: what each place sends back through the taps that lie on a pixel. */
export function convolveInputs(sizes: Sizes, dY: Floats, weight: Floats, dX: Floats): Floats {
  const [C, F] = [sizes.images[3], sizes.features];
  dX.fill(0);
  forEachTap(sizes, (place, pixel, tap) => {
    for (let c = 0; c < C; c++) {
      const from = (tap * C + c) * F;
      let total = 0;
      for (let f = 0; f < F; f++) total += dY[place * F + f] * weight[from + f];
      dX[pixel * C + c] += total;
    }
  });
  return dX;
}

/** dWeight: over all places, what lies under a tap times the place's gradient. */
export function convolveWeights(sizes: Sizes, x: Floats, dY: Floats, dWeight: Floats): Floats {
  const [C, F] = [sizes.images[3], sizes.features];
  dWeight.fill(0);
  forEachTap(sizes, (place, pixel, tap) => {
    for (let c = 0; c < C; c++) {
      const seen = x[pixel * C + c];
      const to = (tap * C + c) * F;
      for (let f = 0; f < F; f++) dWeight[to + f] += seen * dY[place * F + f];
    }
  });
  return dWeight;
}

/** A layer of a network: keeps what its gradient needs. */
export interface LoopLayer {
  forward(x: Floats): Floats;
  /** Writes its parameters' gradients. @returns dX; nothing of use where nobody asks for it */
  backward(dY: Floats, wantsInputs: boolean): Floats;
}

/** A weight and its bias, and where their gradients go. */
export type Parameters = readonly [weight: Floats, bias: Floats, dWeight: Floats, dBias: Floats];

/** Legend: Y[B, J] = X[B, I] · W[I, J] + b. */
function dense(B: number, [W, b, dW, db]: Parameters, Floats: FloatsConstructor): LoopLayer {
  const J = b.length;
  const I = W.length / J;
  const [Y, dX] = [new Floats(B * J), new Floats(B * I)];
  let X: Floats = Y;
  return {
    forward(x) {
      X = x;
      product({ M: B, K: I, N: J }, X, W, Y);
      for (let i = 0; i < Y.length; i++) Y[i] += b[i % J];
      return Y;
    },
    backward(dY, wantsInputs) {
      product({ M: I, K: B, N: J, transposeA: true }, X, dY, dW);
      sum({ kind: 'sum', rows: B, columns: J, axis: 0 }, dY, db);
      return wantsInputs ? product({ M: B, K: J, N: I, transposeB: true }, dY, W, dX) : dX;
    },
  };
}

/** In place, as is its gradient. */
function relu(): LoopLayer {
  let y: Floats;
  return {
    forward(x) {
      for (let i = 0; i < x.length; i++) x[i] = Math.max(x[i], 0);
      return (y = x);
    },
    backward(dY) {
      for (let i = 0; i < y.length; i++) if (y[i] === 0) dY[i] = 0;
      return dY;
    },
  };
}

function convolution(sizes: Sizes, [W, b, dW, db]: Parameters, Floats: FloatsConstructor): LoopLayer {
  const shapes = convolutionShapes(sizes);
  const [y, dX] = [new Floats(sizeOf(shapes.y)), new Floats(sizeOf(shapes.x))];
  let images: Floats = y;
  return {
    forward(x) {
      images = x;
      convolve(sizes, x, W, y);
      for (let i = 0; i < y.length; i++) y[i] += b[i % b.length];
      return y;
    },
    backward(dY, wantsInputs) {
      convolveWeights(sizes, images, dY, dW);
      sum({ kind: 'sum', rows: dY.length / b.length, columns: b.length, axis: 0 }, dY, db);
      return wantsInputs ? convolveInputs(sizes, dY, W, dX) : dX;
    },
  };
}

/** The largest of each window of POOLED × POOLED; the first of equals has the gradient. */
function maxPool({ images: [count, rows, columns], features }: Sizes, Floats: FloatsConstructor): LoopLayer {
  const [down, across] = [rows / POOLED, columns / POOLED];
  const [y, dX] = [new Floats(count * down * across * features), new Floats(count * rows * columns * features)];
  const largest = new Uint32Array(y.length);
  return {
    forward(x) {
      for (let i = 0; i < y.length; i++) {
        const [place, f] = [Math.floor(i / features), i % features];
        const first = (Math.floor(place / across) * POOLED * columns + (place % across) * POOLED) * features + f;
        largest[i] = first;
        for (let t = 1; t < POOLED * POOLED; t++) {
          const at = first + (Math.floor(t / POOLED) * columns + (t % POOLED)) * features;
          if (x[at] > x[largest[i]]) largest[i] = at;
        }
        y[i] = x[largest[i]];
      }
      return y;
    },
    backward(dY) {
      dX.fill(0);
      for (let i = 0; i < dY.length; i++) dX[largest[i]] = dY[i];
      return dX;
    },
  };
}

/** The layers of a classifier, from its parameters and the arrays for their gradients. */
export function layersOf(
  { network, batchSize: B }: Steps,
  parameters: readonly Floats[],
  gradients: readonly Floats[],
  Floats: FloatsConstructor,
): LoopLayer[] {
  const parametersAt = (i: number): Parameters => [
    parameters[2 * i],
    parameters[2 * i + 1],
    gradients[2 * i],
    gradients[2 * i + 1],
  ];
  if (network.kind === 'mlp') return [dense(B, parametersAt(0), Floats), relu(), dense(B, parametersAt(1), Floats)];
  if (network.kind === 'gpt') {
    const pairs = parameters.map((parameter, i) => [parameter, gradients[i]] as const);
    return gptLayers(network, B * network.context, pairs, Floats);
  }
  if (network.kind === 'lstm') {
    const recurrent = lstm([B, network.sequence[0]], parametersAt(0), parametersAt(1), Floats);
    return [recurrent, dense(B, parametersAt(2), Floats)];
  }
  const blocks = convolutionsOf(network, B).map((sizes, i) => [
    convolution(sizes, parametersAt(i), Floats),
    relu(),
    maxPool(sizes, Floats),
  ]);
  return [...blocks.flat(), dense(B, parametersAt(blocks.length), Floats)];
}
