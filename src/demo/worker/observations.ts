// What is read from a trainer for the page to show. Nothing here changes it.

import type { Dataset, Inspection, Trainer } from '../../index.ts';
import { CLASSES } from './network.ts';
import type { Examination, Glance, LayerGlance, Mistake, Probe } from '../protocol.ts';

const softmax = (logits: ArrayLike<number>): Float32Array => {
  const powers = Float64Array.from(logits);
  const largest = Math.max(...powers);
  powers.forEach((logit, at) => (powers[at] = Math.exp(logit - largest)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return Float32Array.from(powers, (power) => power / total);
};

const WHITE = 255;

/** A drawing as the data set has its images: bytes. */
export const asBytes = (pixels: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(pixels, (value) => Math.round(WHITE * Math.max(0, Math.min(1, value))));

/** Layers that have an output of their own for the loss; the whole model, which has no path, is its last layer once more. */
const layersOf = ({ layers }: Inspection): LayerGlance[] =>
  layers.flatMap(({ path, kind, shape, output, gradient }) =>
    path !== '' && gradient
      ? [{ path, kind, shape: shape.slice(1), output: output as Float32Array, gradient: gradient as Float32Array }]
      : [],
  );

/** @param pixels u8[28, 28]   @returns the probabilities `[10]` of the digits */
export async function read(trainer: Trainer, pixels: Uint8Array): Promise<Float32Array> {
  // As for a glance, whose kernels are there already; of the label nothing depends that is read.
  return softmax(layersOf(await trainer.inspect({ image: pixels, label: Uint8Array.of(0) })).at(-1)!.output);
}

/** One rehearsed step on a single sample. @param rate its learning rate   @param sample a set of one image */
export async function glanceAt(trainer: Trainer, step: number, rate: number, sample: Dataset): Promise<Glance> {
  const inspection = await trainer.inspect(sample, { update: true });
  const layers = layersOf(inspection);
  const { image, label } = sample.fields;
  return {
    step,
    rate,
    label: label.data[0],
    pixels: Float32Array.from(image.data, (value) => value / WHITE),
    layers,
    parameters: inspection.parameters.map(({ name, shape, value, gradient, change }) => ({
      name,
      shape,
      value: value as Float32Array,
      gradient: gradient as Float32Array,
      change: Float32Array.from(change!),
    })),
    probabilities: softmax(layers.at(-1)!.output),
    loss: inspection.loss,
    lossAfter: inspection.lossAfter!,
  };
}

/** Every array of a glance, to be handed over. */
export const buffersOf = ({ pixels, layers, parameters, probabilities }: Glance): ArrayBuffer[] =>
  [
    pixels,
    probabilities,
    ...layers.flatMap(({ output, gradient }) => [output, gradient]),
    ...parameters.flatMap(({ value, gradient, change }) => [value, gradient, change]),
  ].map(({ buffer }) => buffer as ArrayBuffer);

const norm = (numbers: ArrayLike<number>): number => {
  let squares = 0;
  for (let i = 0; i < numbers.length; i++) squares += numbers[i] ** 2;
  return Math.sqrt(squares);
};

/** How it stands with some images: how many of the test's are read, and how large the gradients of the training's are. */
export async function probe(trainer: Trainer, step: number, learned: Dataset, judged: Dataset): Promise<Probe> {
  const { parameters } = await trainer.inspect(learned);
  const weights = parameters.filter(({ name }) => name.endsWith('.weight'));
  const gradientNorms = Object.fromEntries(weights.map(({ name, gradient }) => [name, norm(gradient)]));
  return { examination: await examine(trainer, step, judged), gradientNorms };
}

const MISTAKES = 24;

/** Reads every image of a set. */
export async function examine(trainer: Trainer, step: number, set: Dataset): Promise<Examination> {
  const { data: logits } = await trainer.predict(set);
  const { image, label } = set.fields;
  const size = image.data.length / set.length;
  const confusion = new Uint32Array(CLASSES * CLASSES);
  const wrong: { readonly at: number; readonly answer: number; readonly probabilities: Float32Array }[] = [];
  let loss = 0;
  for (let at = 0; at < set.length; at++) {
    const probabilities = softmax(logits.subarray(at * CLASSES, (at + 1) * CLASSES));
    const answer = probabilities.indexOf(Math.max(...probabilities));
    confusion[label.data[at] * CLASSES + answer]++;
    loss -= Math.log(Math.max(probabilities[label.data[at]], Number.MIN_VALUE));
    if (answer !== label.data[at]) wrong.push({ at, answer, probabilities });
  }
  const mistakes = wrong
    .sort((a, b) => b.probabilities[b.answer] - a.probabilities[a.answer])
    .slice(0, MISTAKES)
    .map(({ at, answer, probabilities }): Mistake => ({
      pixels: Uint8Array.from(image.data.subarray(at * size, (at + 1) * size)),
      label: label.data[at],
      answer,
      answerProbability: probabilities[answer],
      labelProbability: probabilities[label.data[at]],
    }));
  const { length: count } = set;
  return { step, count, accuracy: 1 - wrong.length / count, loss: loss / count, confusion, mistakes };
}
