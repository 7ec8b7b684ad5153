// The perceptron of examples/flower, and a node's share of MNIST, as they are here.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * @typedef {object} Share what a node has of MNIST, as `--node-config` of examples/flower says it
 * @property {number} [part]
 * @property {number} [parts]
 * @property {string} [digits] those alone
 * @property {number | undefined} [most] so many samples at most
 *
 * @typedef {Pick<import('../interop/live.mjs').Live, 'millrace' | 'data' | 'interop'>} Entries
 */

/** As in examples/flower/together/client_app.py. */
const [LEARNING_RATE, BATCH] = [0.3, 32];
const PIXELS = 784;

/** @param {Entries} entries @param {{ hidden?: number | undefined, seed?: number | undefined, backend?: 'cpu' | 'wasm' | 'webgpu' | undefined }} [options] */
export function perceptron(entries, { hidden = 128, seed = 1, backend = 'wasm' } = {}) {
  const { createTrainer, crossEntropy, linear, relu, sequential, sgd } = entries.millrace;
  return createTrainer({
    model: sequential(linear(PIXELS, hidden), relu, linear(hidden, 10)),
    loss: crossEntropy,
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: BATCH,
    seed,
    backend,
    data: pictures(entries, new Uint8Array(PIXELS), Uint8Array.of(0)),
  });
}

/**
 * @param {Entries} entries
 * @param {'train' | 't10k'} of
 * @param {Share} [share]
 */
export async function mnistOf(entries, of, { part = 0, parts = 1, digits = '', most = Infinity } = {}) {
  /** @param {string} kind */
  const contents = async (kind) => {
    const path = join(String(process.env['MILLRACE_DATA']), 'mnist', `${of}-${kind}-ubyte.gz`);
    return (await entries.data.readIdx(path, await readFile(path))).data;
  };
  const [images, labels] = await Promise.all([contents('images-idx3'), contents('labels-idx1')]);
  const [from, to] = [part, part + 1].map((at) => Math.floor((labels.length * at) / parts));
  const wanted = Array.from({ length: to - from }, (_, at) => from + at)
    .filter((at) => digits === '' || digits.includes(String(labels[at])))
    .slice(0, most);
  const own = new Uint8Array(wanted.length * PIXELS);
  wanted.forEach((at, place) => own.set(images.subarray(at * PIXELS, (at + 1) * PIXELS), place * PIXELS));
  return pictures(
    entries,
    own,
    Uint8Array.from(wanted, (at) => labels[at]),
  );
}

/** @param {Entries} entries @param {Uint8Array} image @param {Uint8Array} label */
const pictures = ({ millrace }, image, label) =>
  millrace.dataset({ image: { data: image, shape: [PIXELS], scale: 1 / 255 }, label });

/**
 * A model's arrays as PyTorch has them.
 * @param {Entries} entries
 * @param {import('../../src/index.ts').Trainer} trainer
 */
export async function arraysOf({ data, interop }, trainer) {
  return data.readSafetensors('its arrays', await interop.toTorch(trainer)).tensors;
}
