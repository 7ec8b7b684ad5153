// A curve through noisy points. The network sees a few points of a law, each a little off. Wide as it is, it can go
// through all of them, and then it has learned the noise as well: that is over-fitting. Points that were held out show it,
// for on them the loss sinks at first, and rises while that of the training points goes on sinking.

import { adam, createTrainer, dataset, linear, meanSquaredError, Random, sequential, tanh } from '../src/index.ts';
import type { Dataset } from '../src/index.ts';
import { CurvePicture } from './stage/curvePicture.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, lossText } from './stage/page.ts';
import { perform } from './stage/stage.ts';

const law = (x: number): number => 0.7 * Math.sin(3 * x) + 0.3 * x;

/** The standard deviation of what is added to the law. Its square is the loss that the law itself has on average. */
const NOISE = 0.2;
const HELD_OUT = 120;

function pointsOf(count: number, seed: number, stream: string): Dataset {
  const random = new Random(seed, stream);
  const x = Float32Array.from({ length: count }, () => random.uniform(-2, 2));
  const y = x.map((at) => law(at) + random.normal(0, NOISE));
  return dataset({ x: { data: x, shape: [1] }, y: { data: y, shape: [1] } });
}

const picture = new CurvePicture(find('curve', HTMLCanvasElement), { x: [-2, 2], y: [-2, 2] }, law);
const chart = new LossChart(
  'chart',
  [
    { label: 'Training', token: '--one' },
    { label: 'Held out', token: '--two' },
    { label: 'Noise', token: '--soft-rgb', dashed: true },
  ],
  'logarithmic',
);

perform({ lastStep: 1500, stepsAtOnce: 4 }, async ({ seed, points, width }, device) => {
  const learned = pointsOf(points, seed, 'learned');
  const heldOut = pointsOf(HELD_OUT, seed, 'held out');
  const trainer = await createTrainer({
    model: sequential(linear(1, width), tanh, linear(width, width), tanh, linear(width, 1)),
    // The mean of (fit − y)²: what is far off counts most.
    loss: meanSquaredError,
    targets: 'y',
    optimizer: adam({ learningRate: 0.01 }),
    batchSize: points,
    seed,
    backend: 'auto',
    device,
    data: learned,
  });
  chart.clear();
  let step = 0;

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(learned, { steps })) chart.push(last.step, last.loss, null, NOISE ** 2);
      step = last.step;
      return last;
    },
    async paint() {
      picture.show(learned, heldOut, (await trainer.predict(picture.places)).data);
      // Evaluated, never trained on: no step has seen these points.
      const { loss } = await trainer.evaluate(heldOut);
      if (step > 0) chart.push(step, null, loss, NOISE ** 2);
      chart.paint();
      return { 'held-out': lossText(loss) };
    },
  };
});
