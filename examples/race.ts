// Five optimizers on one surface. Here the loss is a function of two numbers, so one can look at it: a bent valley with
// steep walls and a nearly flat floor, at whose end is the lowest place. Whoever follows the slope alone drops to the floor
// at once, and then hardly moves. The others remember: where they were going, or how steep each direction has been.

import {
  adagrad,
  adam,
  add,
  constantValue,
  createTrainer,
  dataset,
  mul,
  Random,
  rmsprop,
  sgd,
  sub,
  type Layer,
  type Value,
} from '../src/index.ts';
import { LossChart } from './stage/lossChart.ts';
import { find } from './stage/page.ts';
import { perform } from './stage/stage.ts';
import { SurfacePicture, type Track } from './stage/surfacePicture.ts';

/** (1 − x)² + 10 (y − x²)², 0 at (1, 1). Source: Rosenbrock 1960, whose walls are ten times as steep. */
export function valley(x: Value, y: Value): Value {
  const [ahead, aside] = [sub(1, x), sub(y, mul(x, x))];
  return add(mul(ahead, ahead), mul(10, mul(aside, aside)));
}

/** A model that is nothing but a place: two parameters, whatever it is shown. */
const place = (x: number, y: number): Layer<Value, { x: Value; y: Value }> => ({
  parameters: { x: { shape: [], initial: constantValue(x) }, y: { shape: [], initial: constantValue(y) } },
  apply: (_, { x: atX, y: atY }) => ({ x: atX, y: atY }),
});

// Each has a learning rate of its own, chosen by hand.
const runners = {
  SGD: sgd({ learningRate: 0.004 }),
  Momentum: sgd({ learningRate: 0.002, momentum: 0.9 }),
  Adagrad: adagrad({ learningRate: 0.3 }),
  RMSprop: rmsprop({ learningRate: 0.02 }),
  Adam: adam({ learningRate: 0.1 }),
};

const view = { x: [-2, 2], y: [-1, 3] } as const;
const picture = new SurfacePicture(find('surface', HTMLCanvasElement), valley, view, [1, 1]);
const lines = Object.keys(runners).map((label, i) => ({ label, token: `--runner-${i}` }));
const chart = new LossChart('chart', lines, 'logarithmic');
// A model must be shown something.
const nothing = dataset({ nothing: [0] });

perform({ lastStep: 400, stepsAtOnce: 2 }, async ({ seed, x, y }, device) => {
  const random = new Random(seed, 'start');
  const [drawnX, drawnY] = [random.uniform(...view.x), random.uniform(...view.y)];
  const [startX, startY] = [Number.isNaN(x) ? drawnX : x, Number.isNaN(y) ? drawnY : y];
  const trainers = await Promise.all(
    Object.values(runners).map((optimizer) =>
      createTrainer({
        model: place(startX, startY),
        // The loss is the height. What is reported beside it is where the step began.
        loss: (at: { x: Value; y: Value }) => ({ loss: valley(at.x, at.y), ...at }),
        optimizer,
        batchSize: 1,
        backend: 'auto',
        device,
        data: nothing,
      }),
    ),
  );
  const tracks = Object.entries(runners).map(([name, { learningRate }]): Track => {
    return { name, learningRate: Number(learningRate), xs: [startX], ys: [startY], heights: [] };
  });
  chart.clear();
  let step = 0;

  return {
    trainers,
    async train(steps) {
      const runs = trainers.map(async (trainer, i) => {
        for await (const { loss, metrics } of trainer.fit(nothing, { steps })) {
          tracks[i].xs.push(metrics['x']);
          tracks[i].ys.push(metrics['y']);
          tracks[i].heights.push(loss);
        }
      });
      await Promise.all(runs);
      for (let i = 0; i < steps; i++) chart.push(++step, ...tracks.map(({ heights }) => heights[step - 1]));
      return { step, loss: Math.min(...tracks.map(({ heights }) => heights[step - 1])) };
    },
    async paint() {
      picture.show(tracks);
      chart.paint();
      return {};
    },
  };
});
