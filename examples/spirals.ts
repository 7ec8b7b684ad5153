// Two spirals, wound into each other. A network with two hidden layers learns which of them a point belongs to. It is told
// nothing but 256 points; the picture shows what it then answers everywhere else.

import {
  adam,
  binaryCrossEntropy,
  createTrainer,
  dataset,
  linear,
  Random,
  sequential,
  tanh,
  type Dataset,
} from '../src/index.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, percent } from './stage/page.ts';
import { PlaneMap } from './stage/planeMap.ts';
import { perform } from './stage/stage.ts';

const SAMPLES = 256;
const TURNS = 1.5;
const NOISE = 0.015;

/** Points around the origin, within −1 … 1, and which spiral each belongs to. */
function spirals(seed: number): Dataset {
  const random = new Random(seed, 'spirals');
  const point = new Float32Array(2 * SAMPLES);
  const label = new Float32Array(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    label[i] = i % 2;
    // The root spreads the points evenly along the arm.
    const along = Math.sqrt(random.uniform(0.01, 1));
    const angle = 2 * Math.PI * TURNS * along + Math.PI * label[i];
    point[2 * i] = 0.9 * along * Math.cos(angle) + random.normal(0, NOISE);
    point[2 * i + 1] = 0.9 * along * Math.sin(angle) + random.normal(0, NOISE);
  }
  return dataset({ point: { data: point, shape: [2] }, label });
}

const map = new PlaneMap(find('map', HTMLCanvasElement), -1, 1);
const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }]);

perform({ lastStep: 3000, stepsAtOnce: 8 }, async ({ seed, width, rate }, device) => {
  const data = spirals(seed);
  const trainer = await createTrainer({
    // Each layer bends the plane a little; after two of them, a straight line parts the spirals.
    model: sequential(linear(2, width), tanh, linear(width, width), tanh, linear(width, 1)),
    loss: binaryCrossEntropy,
    optimizer: adam({ learningRate: rate }),
    batchSize: SAMPLES,
    seed,
    backend: 'auto',
    device,
    data,
  });
  chart.clear();
  let accuracy = NaN;

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      // All of these steps go to the GPU together; their losses come back in order.
      for await (const report of trainer.fit(data, { steps })) {
        last = report;
        chart.push(report.step, report.loss);
        accuracy = report.metrics['accuracy'];
      }
      return last;
    },
    async paint() {
      // 64 × 64 places, answered by the weights where they are: on the GPU, if there is one.
      const { data: logits } = await trainer.predict(map.places);
      map.show(data, logits);
      chart.paint();
      return { accuracy: Number.isNaN(accuracy) ? '–' : percent(accuracy) };
    },
  };
});
