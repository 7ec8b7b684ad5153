// Examples of losses, metrics, and scores.

import {
  accuracy,
  beamSearch,
  binaryCrossEntropy,
  bitsPerCharacter,
  bleu,
  characterErrorRate,
  crossEntropy,
  ctc,
  ctcBeamSearch,
  f1Score,
  f1Scores,
  huber,
  kullbackLeibler,
  labelErrorRate,
  log,
  meanAbsoluteError,
  meanSquaredError,
  metric,
  mul,
  perplexity,
  reshape,
  rootMeanSquaredError,
  rSquared,
  wordErrorRate,
  adam,
  createTrainer,
  linear,
  type BatchValues,
  type Value,
} from '../../../src/index.ts';
import { labels, line, matrix, numbersOf, vector, type Examples } from './stage.ts';

export const losses: Examples = {
  meanSquaredError() {
    console.log(numbersOf(meanSquaredError(vector(1, 5), vector(1, 2)))); // [4.5]
  },
  meanAbsoluteError() {
    console.log(numbersOf(meanAbsoluteError(vector(1, 5), vector(1, 2)))); // [1.5]
  },
  huber() {
    console.log(numbersOf(huber(vector(1, 5), vector(1.5, 2), { delta: 1 }))); // [1.313]
  },
  crossEntropy() {
    const logits = matrix([2, 0, 0], [0, 0, 0]);
    console.log(numbersOf(crossEntropy(logits, labels(0, 2)))); // [0.6691]
    console.log(numbersOf(crossEntropy(logits, labels(0, 2), { labelSmoothing: 0.1 }))); // [0.7357]
  },
  binaryCrossEntropy() {
    console.log(numbersOf(binaryCrossEntropy(vector(0, 4), vector(1, 1)))); // [0.3556]
  },
  kullbackLeibler() {
    console.log(numbersOf(kullbackLeibler(log(matrix([0.5, 0.5])), matrix([0.9, 0.1])))); // [0.3681]
  },
  ctc() {
    // Three frames of a blank and one class, of which the label 1 may stand anywhere.
    const logits = reshape(matrix([0, 0], [0, 0], [0, 0]), [1, 3, 2]);
    console.log(numbersOf(ctc(logits, reshape(labels(1), [1, 1])))); // [0.2877]
  },
  accuracy() {
    console.log(numbersOf(accuracy(matrix([2, 0], [2, 0]), labels(0, 1)))); // [0.5]
  },
  f1Score() {
    console.log(numbersOf(f1Score(matrix([2, 0], [2, 0], [0, 1]), labels(0, 1, 1)))); // [0.6667]
  },
  f1Scores() {
    console.log(f1Scores([0, 0, 1], [0, 1, 1], 2)); // [0.6667, 0.6667]
  },
  rootMeanSquaredError() {
    console.log(numbersOf(rootMeanSquaredError(vector(1, 5), vector(1, 2)))); // [2.121]
  },
  async rSquared() {
    const trainer = await createTrainer({
      model: linear(1, 1),
      loss: (x: Value, { target }: BatchValues) => ({
        loss: meanSquaredError(x, target),
        r2: rSquared(x, target),
      }),
      optimizer: adam({ learningRate: 0.1 }),
      batchSize: 16,
      backend: 'cpu',
      data: line,
    });
    await trainer.fit(line, { epochs: 30 });
    const { r2 } = await trainer.evaluate(line);
    console.log(r2 > 0.9); // true
    trainer.destroy();
  },
  perplexity() {
    console.log(numbersOf(perplexity(matrix([0, 0, 0, 0]), labels(2)))); // [4]
  },
  bitsPerCharacter() {
    console.log(numbersOf(bitsPerCharacter(matrix([0, 0, 0, 0]), labels(2)))); // [2]
  },
  metric() {
    const [hits, weights] = [vector(1, 0, 1), vector(2, 1, 1)];
    const weighted = metric({
      sums: { right: mul(hits, weights), all: weights },
      finish: ({ right, all }) => right / all,
    });
    console.log(weighted.finish(Float64Array.of(3, 4))); // 0.75
  },
  labelErrorRate() {
    console.log(labelErrorRate([[1, 2]], [[1, 3, 2]])); // 0.3333
  },
  wordErrorRate() {
    console.log(wordErrorRate(['the cat sat'], ['the cat sits'])); // 0.3333
  },
  characterErrorRate() {
    console.log(characterErrorRate(['cat'], ['cart'])); // 0.25
  },
  bleu() {
    console.log(bleu(['the cat sat on the mat'], ['the cat sat on a mat'])); // 53.73
  },
  ctcBeamSearch() {
    const frames = { data: [0.6, 0.4, 0.6, 0.4], shape: [1, 2, 2] };
    const [best] = ctcBeamSearch(frames, { probabilities: true });
    console.log(best.labels, Math.exp(best.logProbability)); // [1] 0.64
  },
  async beamSearch() {
    // Behind any token 2 is likeliest, and then the end, 1.
    const step = (texts: readonly { readonly tokens: readonly number[] }[]) => ({
      data: texts.flatMap(({ tokens }) => (tokens.length > 1 ? [0, 3, 0] : [0, 0, 3])),
      shape: [texts.length, 3],
    });
    const [[best]] = await beamSearch(step, { begin: 0, end: 1, maximum: 5, beams: 2 });
    console.log(best.tokens, best.hasEnded); // [2] true
  },
};
