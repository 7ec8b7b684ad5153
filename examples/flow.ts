// A flow. A network is told a place and answers with a velocity. It learns that from strokes: along them, that is the way to
// go. What it makes of the places between nobody told it. Particles follow it at once: a compute shader of this page's own
// asks the network where each is, in WGSL that the trainer wrote, while it learns, on the same weights.

import {
  adam,
  createTrainer,
  dataset,
  fourierFeatures,
  linear,
  meanSquaredError,
  sequential,
  tanh,
} from '../src/index.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, lossText } from './stage/page.ts';
import { Particles } from './stage/particles.ts';
import { perform } from './stage/stage.ts';
import { Strokes } from './stage/strokes.ts';

const FREQUENCIES = 12;
const BATCH = 128;

const strokes = new Strokes(find('strokes', HTMLCanvasElement));
const canvas = find('flow', HTMLCanvasElement);

const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }]);

perform({ lastStep: 200_000, stepsAtOnce: 4 }, async ({ seed, width, detail, rate }, device) => {
  if (!device) throw new Error('Shaders move these particles, and this browser gives the page no WebGPU.');
  strokes.takeNew();
  const { places, directions } = strokes;
  const data = dataset({ place: { data: places, shape: [2] }, velocity: { data: directions, shape: [2] } });
  const trainer = await createTrainer({
    model: sequential(
      fourierFeatures(2, FREQUENCIES, { sigma: detail, seed }),
      linear(2 * FREQUENCIES, width),
      tanh,
      linear(width, width),
      tanh,
      linear(width, 2),
    ),
    loss: meanSquaredError,
    targets: 'velocity',
    optimizer: adam({ learningRate: rate }),
    batchSize: BATCH,
    seed,
    backend: 'webgpu',
    device,
    data,
  });
  const { code } = await trainer.wgsl({ entry: 'velocity_at' });
  const particles = await Particles.open(canvas, device, code, trainer.buffers.weights);
  chart.clear();
  let loss = NaN;

  return {
    trainers: [trainer],
    end: () => particles.destroy(),
    async train(steps) {
      // The arrays have changed where they are: the trainer takes them anew, and goes on from what it knows.
      if (strokes.takeNew()) await trainer.refresh(data);
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(data, { steps, every: steps }));
      chart.push(last.step, last.loss);
      ({ loss } = last);
      return last;
    },
    async paint() {
      chart.paint();
      const count = await particles.advance();
      return {
        // The length by which a velocity is off, where 1 is right.
        off: Number.isNaN(loss) ? '–' : lossText(Math.sqrt(2 * loss)),
        particles: count.toLocaleString('en'),
      };
    },
  };
});
