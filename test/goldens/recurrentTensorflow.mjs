/*
 * What TensorFlow.js makes of small recurrent layers on its CPU backend, and what flows back, for
 * test/nn/recurrentJudges.test.ts and test/nn/unrolled.test.ts. LSTM by its own layers, ragged by their mask. Its GRU layer
 * refuses `resetAfter: true`, so the form whose reset lies behind the product is written in its ops, after Keras; its own
 * layer, whose reset lies before it, judges a cell that is unrolled.
 *
 *     npm install --prefix DIR @tensorflow/tfjs@4.22.0
 *     node test/goldens/recurrentTensorflow.mjs DIR > test/goldens/recurrentTensorflow.json
 */

// @ts-nocheck -- what is judged with is not installed here, so nothing is known of its types

import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import process from 'node:process';

const tf = createRequire(join(resolve(process.argv[2]), 'package.json'))('@tensorflow/tfjs');
await tf.setBackend('cpu');

const [N, T, C, H] = [3, 5, 3, 4];
const LENGTHS = [5, 2, 4];

let word = 7;
/** Of few digits, so that f32 and the file have the same numbers: −1 … 1. */
function drawn() {
  word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.round((word / 2 ** 31 - 1) * 1e4) / 1e4;
}
const filled = (shape) => tf.tensor(Array.from({ length: tf.util.sizeFromShape(shape) }, drawn), shape);
const flat = (tensor) => Array.from(tensor.dataSync(), (number) => Number(number.toPrecision(7)));

const x = tf.variable(filled([N, T, C]));
const mask = tf.tensor2d(LENGTHS.map((length) => Array.from({ length: T }, (_, t) => Number(t < length))));

const NAMES = ['kernel', 'recurrent_kernel', 'bias'];
const sigmoids = { recurrentActivation: 'sigmoid', returnSequences: true, returnState: true };

/** A layer of TensorFlow.js with weights of its own, and what it gives: outputs, and h for each direction. */
function ownLayer(make, features, bidirectional) {
  const one = make({ units: H, ...sigmoids });
  const layer = bidirectional ? tf.layers.bidirectional({ layer: one, mergeMode: 'concat' }) : one;
  layer.apply(tf.zeros([N, T, features]));
  layer.setWeights(layer.getWeights().map(({ shape }) => filled(shape)));
  const variables = layer.trainableWeights.map((weight) => weight.read());
  const count = bidirectional ? 2 : 1;
  return {
    nets: Array.from({ length: count }, (_, at) => variables.slice(3 * at, 3 * at + 3)),
    run(given, ragged) {
      const [sequence, ...states] = layer.apply(given, ragged ? { mask } : {});
      return { sequence, hidden: states.filter((_, at) => at % (states.length / count) === 0) };
    },
  };
}

/** GRU as Keras has it by default, reset behind the product: gates z, r, h, and a bias of x and one of h. */
function resetBehind([kernel, recurrentKernel, bias], given, h) {
  const [ofX, ofH] = tf.unstack(bias);
  const [xz, xr, xh] = tf.split(tf.add(tf.matMul(given, kernel), ofX), 3, 1);
  const [hz, hr, hh] = tf.split(tf.add(tf.matMul(h, recurrentKernel), ofH), 3, 1);
  const [z, r] = [tf.sigmoid(tf.add(xz, hz)), tf.sigmoid(tf.add(xr, hr))];
  const made = tf.tanh(tf.add(xh, tf.mul(r, hh)));
  return tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), made));
}

/** The same over all steps, both ways if it is asked for. */
function gruBehind(_, features, bidirectional) {
  const shapes = [
    [features, 3 * H],
    [H, 3 * H],
    [2, 3 * H],
  ];
  const nets = (bidirectional ? [false, true] : [false]).map(() => shapes.map((shape) => tf.variable(filled(shape))));
  return {
    nets,
    run(given, ragged) {
      const ends = nets.map((weights, at) => {
        let h = tf.zeros([N, H]);
        const outputs = [];
        for (const t of at === 1 ? [...Array(T).keys()].reverse() : Array(T).keys()) {
          const made = resetBehind(weights, tf.squeeze(tf.slice(given, [0, t, 0], [N, 1, -1]), [1]), h);
          h = ragged ? tf.where(tf.cast(tf.slice(mask, [0, t], [N, 1]), 'bool'), made, h) : made;
          outputs[t] = h;
        }
        return { sequence: tf.stack(outputs, 1), hidden: h };
      });
      return {
        sequence: tf.concat(
          ends.map(({ sequence }) => sequence),
          2,
        ),
        hidden: ends.map(({ hidden }) => hidden),
      };
    },
  };
}

const wave = (like, f) =>
  tf.tensor(
    Float32Array.from({ length: like.size }, (_, at) => f(at)),
    like.shape,
  );

/** Layers one on the other; behind a sample's own steps, where TensorFlow.js repeats its last output, zeros. */
function golden(kind, make, { layers = 1, bidirectional = false, ragged = false } = {}) {
  const build = make ? ownLayer : gruBehind;
  const all = Array.from({ length: layers }, (_, at) => build(make, at === 0 ? C : 2 * H, bidirectional));
  const run = () => {
    let sequence = x;
    const hidden = [];
    for (const layer of all) {
      const made = layer.run(sequence, ragged);
      sequence = made.sequence;
      hidden.push(...made.hidden);
    }
    return { sequence: ragged ? tf.mul(sequence, tf.expandDims(mask, 2)) : sequence, hidden: tf.stack(hidden) };
  };
  const nets = all.flatMap((layer) => layer.nets);
  const { sequence, hidden } = run();
  const loss = () => {
    const made = run();
    const ofSequence = tf.sum(tf.mul(made.sequence, wave(sequence, Math.cos)));
    return tf.add(ofSequence, tf.sum(tf.mul(made.hidden, wave(hidden, Math.sin))));
  };
  const { grads } = tf.variableGrads(loss, [x, ...nets.flat()]);
  const named = (of) => (net) => Object.fromEntries(net.map((tensor, at) => [NAMES[at], flat(of(tensor))]));
  const slopeOf = (variable) => grads[variable.name];
  return {
    from: 'tensorflow.js',
    kind,
    layers,
    bidirectional,
    lengths: ragged ? LENGTHS : null,
    nets: nets.map((net) => ({ given: named((tensor) => tensor)(net), slopes: named(slopeOf)(net) })),
    sequence: flat(sequence),
    hidden: flat(hidden),
    slopeOfX: flat(slopeOf(x)),
  };
}

const both = { layers: 2, bidirectional: true, ragged: true };
const file = {
  versions: { '@tensorflow/tfjs': tf.version.tfjs },
  extents: { samples: N, steps: T, features: C, units: H },
  x: flat(x),
  cases: [
    golden('lstm', tf.layers.lstm),
    golden('lstm', tf.layers.lstm, both),
    golden('gru', null),
    golden('gru', null, both),
  ],
  resetBefore: golden('gru', tf.layers.gru, { ragged: true }),
};
process.stdout.write(`${JSON.stringify(file)}\n`);
