// A neural image. A network is told a place, and answers with a colour: so it is the picture, in a few thousand weights and
// with no pixels. Here it learns from pixels, and a shader draws it: at each pixel of the canvas it asks the network, in
// WGSL that the trainer wrote, on the weights where training changes them. Nothing but the loss is read from the GPU.

import {
  adam,
  createTrainer,
  dataset,
  fourierFeatures,
  linear,
  meanSquaredError,
  relu,
  sequential,
  sigmoid,
} from '../src/index.ts';
import { GivenPicture } from './stage/givenPicture.ts';
import { LossChart } from './stage/lossChart.ts';
import { find } from './stage/page.ts';
import { PixelShader } from './stage/pixelShader.ts';
import { perform } from './stage/stage.ts';

const FREQUENCIES = 32;
const BATCH = 512;

const given = new GivenPicture(find('given', HTMLCanvasElement));
const canvas = find('learned', HTMLCanvasElement);
const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }], 'logarithmic');

perform({ lastStep: 4000, stepsAtOnce: 16 }, async ({ seed, width, detail, rate }, device) => {
  if (!device) throw new Error('A shader draws this picture, and this browser gives the page no WebGPU.');
  const { places, colors } = given.pixels();
  const data = dataset({ place: { data: places, shape: [2] }, color: { data: colors, shape: [3] } });

  // A small network bends slowly: of two numbers alone it makes a blur. So it is told waves of them, of many lengths and
  // directions, and has only to mix them.
  const waves = fourierFeatures(2, FREQUENCIES, { sigma: detail, seed });
  const head = (inputs: number) =>
    sequential(linear(inputs, width), relu, linear(width, width), relu, linear(width, 3), sigmoid);
  const trainer = await createTrainer({
    model: detail > 0 ? sequential(waves, head(2 * FREQUENCIES)) : head(2),
    loss: meanSquaredError,
    targets: 'color',
    optimizer: adam({ learningRate: rate }),
    batchSize: BATCH,
    seed,
    backend: 'webgpu',
    device,
    data,
  });
  const { code } = await trainer.wgsl({ entry: 'color_at' });
  const answer = `let color = color_at(array<f32, 2>(corner.place.x, corner.place.y));
  return vec4f(color[0], color[1], color[2], 1.0);`;
  const picture = await PixelShader.open(canvas, device, code, answer, trainer.buffers.weights);
  chart.clear();
  let loss = NaN;

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(data, { steps })) chart.push(last.step, last.loss);
      ({ loss } = last);
      return last;
    },
    async paint() {
      const side = await picture.draw();
      chart.paint();
      return {
        // Of the last batch, in decibels: 10 more are a tenth of the loss.
        likeness: Number.isNaN(loss) ? '–' : `${(-10 * Math.log10(loss)).toFixed(1)} dB`,
        pixels: `${side} × ${side}`,
      };
    },
  };
});
