// A learned material. The colours of a soap film come of light that both of its sides reflect, and that puts itself out or
// not, wavelength by wavelength: too much to add up at each pixel of a scene. So a small network learns what comes out of
// it, and a material of three.js asks the network. Renderer and trainer share a device: the material reads the weights
// where training changes them.

import {
  adam,
  createTrainer,
  dataset,
  fourierFeatures,
  linear,
  meanSquaredError,
  sequential,
  sigmoid,
  tanh,
} from '../src/index.ts';
import { FilmScene } from './stage/filmScene.ts';
import { LossChart } from './stage/lossChart.ts';
import { find } from './stage/page.ts';
import { PixelShader } from './stage/pixelShader.ts';
import { perform } from './stage/stage.ts';
import { filmTable, paintTable } from './stage/thinFilm.ts';

const FREQUENCIES = 16;
const BATCH = 512;
const SIDE = 64;

const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }], 'logarithmic');

perform({ lastStep: 4000, stepsAtOnce: 16 }, async ({ seed, width, index, thickest, rate }, device) => {
  if (!device) throw new Error('This scene is drawn by WebGPU, and this browser gives the page none.');
  const table = filmTable(SIDE, thickest, index);
  paintTable(find('formula', HTMLCanvasElement), table);
  const data = dataset({ view: { data: table.views, shape: [2] }, color: { data: table.colors, shape: [3] } });
  const trainer = await createTrainer({
    // Two numbers go in, how it is seen and how thick it is there; a colour comes out.
    model: sequential(
      fourierFeatures(2, FREQUENCIES, { sigma: 1.5, seed }),
      linear(2 * FREQUENCIES, width),
      tanh,
      linear(width, width),
      tanh,
      linear(width, 3),
      sigmoid,
    ),
    loss: meanSquaredError,
    targets: 'color',
    optimizer: adam({ learningRate: rate }),
    batchSize: BATCH,
    seed,
    backend: 'webgpu',
    device,
    data,
  });
  const { code } = await trainer.wgsl({ entry: 'film_color' });
  const { weights } = trainer.buffers;
  const scene = await FilmScene.open(find('scene', HTMLCanvasElement), device, code, weights);
  const answer = `let color = film_color(array<f32, 2>(corner.place.x, corner.place.y));
  return vec4f(color[0], color[1], color[2], 1.0);`;
  const map = await PixelShader.open(find('learned', HTMLCanvasElement), device, code, answer, weights);
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
      const side = await scene.draw();
      await map.draw();
      chart.paint();
      return {
        // Of red, green and blue, on average: a screen has 255 steps of each.
        off: Number.isNaN(loss) ? '–' : (255 * Math.sqrt(loss)).toFixed(1),
        pixels: `${side} × ${side}`,
      };
    },
    end: () => scene.end(),
  };
});
