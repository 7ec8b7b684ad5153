// Plain loops over typed arrays: in f32 a peer, in f64 the judge of all peers. Being both costs them about a fifth in V8.

import {
  adamConstants,
  CHECKED_STEPS,
  PIXEL_SCALE,
  rates,
  type Inputs,
  type OptimizerName,
  type Product,
  type Softmax,
  type Steps,
  type Sum,
  type Update,
  type Work,
} from '../work.ts';
import type { Job, Peer, PeerEntry } from './peer.ts';

type Floats = Float32Array | Float64Array;
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

function softmax({ rows, columns }: Softmax, x: Floats, y: Floats): Floats {
  for (let r = 0; r < rows; r++) {
    const [begin, end] = [r * columns, (r + 1) * columns];
    let largest = -Infinity;
    for (let i = begin; i < end; i++) largest = Math.max(largest, x[i]);
    let total = 0;
    for (let i = begin; i < end; i++) total += y[i] = Math.exp(x[i] - largest);
    for (let i = begin; i < end; i++) y[i] /= total;
  }
  return y;
}

/** Updates parameters and their moments in place; `step` counts from 1. */
function update(name: OptimizerName, step: number, p: Floats, g: Floats, m: Floats, v: Floats): void {
  const { learningRate } = rates[name];
  if (name === 'sgd') {
    for (let i = 0; i < p.length; i++) p[i] -= learningRate * g[i];
    return;
  }
  const { beta1, beta2, epsilon } = adamConstants;
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  for (let i = 0; i < p.length; i++) {
    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
    p[i] -= (learningRate * (m[i] / correction1)) / (Math.sqrt(v[i] / correction2) + epsilon);
  }
}

/** A classifier's training: legend X[B, I] → H[B, J] = relu(X · W1 + b1) → logits[B, C] = H · W2 + b2. */
function classifier(work: Steps, { arrays, images, labels }: Inputs, Floats: FloatsConstructor): () => number {
  const { batchSize: B, batches, optimizer } = work;
  const [I, J, C] = work.layers;
  const parameters = arrays.map((numbers) => Floats.from(numbers));
  const gradients = arrays.map(({ length }) => new Floats(length));
  const [means, squares] = [0, 1].map(() => arrays.map(({ length }) => new Floats(length)));
  const [W1, b1, W2, b2] = parameters;
  const [dW1, db1, dW2, db2] = gradients;
  const samples = Floats.from(images).map((pixel) => pixel * PIXEL_SCALE) as Floats;
  const [H, dH, logits] = [new Floats(B * J), new Floats(B * J), new Floats(B * C)];
  let steps = 0;

  return () => {
    const first = (steps % batches) * B;
    const X = samples.subarray(first * I, (first + B) * I);
    product({ M: B, K: I, N: J }, X, W1, H);
    for (let i = 0; i < H.length; i++) H[i] = Math.max(H[i] + b1[i % J], 0);
    product({ M: B, K: J, N: C }, H, W2, logits);
    for (let i = 0; i < logits.length; i++) logits[i] += b2[i % C];

    // From here on the logits are their own gradient, (softmax − one-hot) / B.
    const d = softmax({ kind: 'softmax', rows: B, columns: C }, logits, logits);
    let loss = 0;
    for (let b = 0; b < B; b++) {
      const at = b * C + labels[first + b];
      loss -= Math.log(d[at]) / B;
      d[at] -= 1;
    }
    for (let i = 0; i < d.length; i++) d[i] /= B;

    product({ M: J, K: B, N: C, transposeA: true }, H, d, dW2);
    sum({ kind: 'sum', rows: B, columns: C, axis: 0 }, d, db2);
    product({ M: B, K: C, N: J, transposeB: true }, d, W2, dH);
    for (let i = 0; i < H.length; i++) if (H[i] === 0) dH[i] = 0;
    product({ M: I, K: B, N: J, transposeA: true }, X, dH, dW1);
    sum({ kind: 'sum', rows: B, columns: J, axis: 0 }, dH, db1);

    steps++;
    parameters.forEach((p, i) => update(optimizer, steps, p, gradients[i], means[i], squares[i]));
    return loss;
  };
}

/** What does the work once and returns its result; of steps, the loss. */
function worker(work: Work, inputs: Inputs, Floats: FloatsConstructor): () => Floats {
  const arrays = work.kind === 'steps' ? [] : inputs.arrays.map((numbers) => Floats.from(numbers));
  switch (work.kind) {
    case 'product': {
      const C = new Floats(work.M * work.N);
      return () => product(work, arrays[0], arrays[1], C);
    }
    case 'sum': {
      const y = new Floats(sumLength(work));
      return () => sum(work, arrays[0], y);
    }
    case 'softmax': {
      const y = new Floats(arrays[0].length);
      return () => softmax(work, arrays[0], y);
    }
    case 'update':
      return updater(work, arrays, Floats);
    case 'steps': {
      const step = classifier(work, inputs, Floats);
      return () => Floats.from([step()]);
    }
  }
}

function updater({ optimizer, size }: Update, [p, g]: Floats[], Floats: FloatsConstructor): () => Floats {
  const [m, v] = [new Floats(size), new Floats(size)];
  return () => {
    update(optimizer, 1, p, g, m, v);
    return p;
  };
}

export function loopsJob(work: Work, inputs: Inputs, Floats: FloatsConstructor): Job {
  const once = worker(work, inputs, Floats);
  return {
    result: async () =>
      work.kind === 'steps' ? Array.from({ length: CHECKED_STEPS }, () => once()[0]) : once().slice(),
    run: async (times) => {
      for (let i = 0; i < times; i++) once();
    },
    destroy: () => {},
  };
}

export const loops: PeerEntry = {
  name: 'plain loops',
  open: async (): Promise<Peer> => ({
    name: 'plain loops',
    version: 'f32 arrays',
    slow: true,
    prepare: async (work, inputs) => loopsJob(work, inputs, Float32Array),
  }),
};
