// Plain loops over typed arrays: in f32 a peer, in f64 the judge of all peers. Being both costs them about a fifth in V8.

import { sizeOf } from '../../src/core/shape.ts';
import { answersOf, classesOf, featuresOf } from '../networks.ts';
import {
  adamConstants,
  CHECKED_STEPS,
  convolutionShapes,
  rates,
  scaleOf,
  type Convolution,
  type Embedding,
  type Inputs,
  type OptimizerName,
  type Softmax,
  type Steps,
  type Update,
  type Work,
} from '../work.ts';
import { convolve, convolveInputs, convolveWeights, layersOf } from './loopLayers.ts';
import { product, sum, sumLength, type Floats, type FloatsConstructor } from './loopSums.ts';
import type { Job, Peer, PeerEntry } from './peer.ts';

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

/** Legend: dTable[rows, columns], dY[chosen, columns]. */
function addRows({ columns, chosen }: Embedding, dY: Floats, indices: Floats, dTable: Floats): Floats {
  dTable.fill(0);
  for (let j = 0; j < chosen; j++) {
    const [from, to] = [j * columns, indices[j] * columns];
    for (let i = 0; i < columns; i++) dTable[to + i] += dY[from + i];
  }
  return dTable;
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

/** A classifier's training, layer by layer. Legend: logits[B, C], B rows of all samples. */
function classifier(work: Steps, { arrays, images, labels }: Inputs, Floats: FloatsConstructor): () => number {
  const { network, batchSize, batches, optimizer } = work;
  const [I, C] = [featuresOf(network), classesOf(network)];
  const B = batchSize * answersOf(network);
  const parameters = arrays.map((numbers) => Floats.from(numbers));
  const gradients = arrays.map(({ length }) => new Floats(length));
  const [means, squares] = [0, 1].map(() => arrays.map(({ length }) => new Floats(length)));
  const samples = Floats.from(images).map((pixel) => pixel * scaleOf(network)) as Floats;
  const layers = layersOf(work, parameters, gradients, Floats);
  let steps = 0;

  return () => {
    const batch = steps % batches;
    const first = batch * B;
    const X = samples.subarray(batch * batchSize * I, (batch + 1) * batchSize * I);
    const logits = layers.reduce((x, layer) => layer.forward(x), X);

    // From here on the logits are their own gradient, (softmax − one-hot) / B.
    const d = softmax({ kind: 'softmax', rows: B, columns: C }, logits, logits);
    let loss = 0;
    for (let b = 0; b < B; b++) {
      const at = b * C + labels[first + b];
      loss -= Math.log(d[at]) / B;
      d[at] -= 1;
    }
    for (let i = 0; i < d.length; i++) d[i] /= B;
    layers.reduceRight((dY, layer, i) => layer.backward(dY, i > 0), d);

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
    case 'convolution':
      return convolver(work, arrays, Floats);
    case 'sum': {
      const y = new Floats(sumLength(work));
      return () => sum(work, arrays[0], y);
    }
    case 'softmax': {
      const y = new Floats(arrays[0].length);
      return () => softmax(work, arrays[0], y);
    }
    case 'embedding': {
      const dTable = new Floats(work.rows * work.columns);
      return () => addRows(work, arrays[0], arrays[1], dTable);
    }
    case 'update':
      return updater(work, arrays, Floats);
    case 'steps': {
      const step = classifier(work, inputs, Floats);
      return () => Floats.from([step()]);
    }
  }
}

function convolver(work: Convolution, [a, b]: Floats[], Floats: FloatsConstructor): () => Floats {
  const { x, weight, y } = convolutionShapes(work);
  const result = new Floats(sizeOf({ y, dX: x, dWeight: weight }[work.of]));
  const compute = { y: convolve, dX: convolveInputs, dWeight: convolveWeights }[work.of];
  return () => compute(work, a, b, result);
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
