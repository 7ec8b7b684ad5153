// A sequence, read step by step. Two nets look at some steps of a noisy sine and tell how it goes on: a plain recurrent one,
// and an LSTM. The error is known at the end, and flows back through all the steps that were read. In the plain net each
// step takes a share of it, and the first steps learn nothing; the LSTM's cell lets it pass where its gates are open.

import {
  adam,
  createTrainer,
  forecaster,
  linear,
  lstm,
  meanSquaredError,
  Random,
  rnn,
  sequential,
  take,
  type Dataset,
  type Trainer,
} from '../src/index.ts';
import { windows } from '../src/data/index.ts';
import { openForgetGates } from './stage/forgetGates.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, lossText } from './stage/page.ts';
import { perform } from './stage/stage.ts';
import { TimePicture } from './stage/timePicture.ts';

const PERIOD = 20;
const HORIZON = 20;
const NOISE = 0.1;
const UNITS = 16;
const BATCH = 32;

/** So many windows of a sine: steps to read, and those that follow. */
function sine(count: number, length: number, random: Random): Dataset {
  const phase = random.uniform(0, PERIOD);
  const data = Float32Array.from(
    { length: count + length + HORIZON - 1 },
    (_, step) => Math.sin((2 * Math.PI * (step + phase)) / PERIOD) + random.normal(0, NOISE),
  );
  return windows({ columns: ['sine'], data }, { length, horizon: HORIZON });
}

/** The length of ∂loss / ∂input of the recurrent layer at each step: all that comes from the steps behind it. */
async function errorByStep(trainer: Trainer, samples: Dataset): Promise<number[]> {
  const { layers } = await trainer.inspect(samples);
  // The linear layer gives each step what the recurrent one reads: [N, T, UNITS].
  const { shape, gradient } = layers.find(({ kind }) => kind === 'linear')!;
  const squares = new Array<number>(shape[1]).fill(0);
  gradient!.forEach((slope, at) => (squares[Math.floor(at / UNITS) % shape[1]] += slope ** 2));
  return squares.map(Math.sqrt);
}

const picture = new TimePicture(find('time', HTMLCanvasElement));
const lines = [
  { label: 'Plain', token: '--one' },
  { label: 'LSTM', token: '--two' },
];
const chart = new LossChart('chart', lines, 'logarithmic');

perform({ lastStep: 600, stepsAtOnce: 2 }, async ({ seed, length, forget }, device) => {
  const learned = sine(256, length, new Random(seed, 'learned'));
  const unseen = sine(BATCH, length, new Random(seed, 'unseen'));
  const nets = [rnn(UNITS, UNITS, { returns: 'last' }), lstm(UNITS, UNITS, { returns: 'last' })];
  const trainers = await Promise.all(
    nets.map((net) =>
      createTrainer({
        // Each window on its own level: HORIZON numbers from the state that the last step left.
        model: forecaster(sequential(linear(1, UNITS), net, linear(UNITS, HORIZON))),
        loss: meanSquaredError,
        targets: 'target',
        optimizer: adam({ learningRate: 0.005 }),
        batchSize: BATCH,
        seed,
        backend: 'auto',
        device,
        data: learned,
      }),
    ),
  );
  await openForgetGates(trainers[1], forget);
  chart.clear();
  let gated = NaN;

  return {
    trainers,
    async train(steps) {
      const runs = trainers.map(async (trainer) => {
        const reports = [];
        for await (const report of trainer.fit(learned, { steps })) reports.push(report);
        return reports;
      });
      const [plain, others] = await Promise.all(runs);
      plain.forEach(({ step, loss }, at) => chart.push(step, loss, others[at].loss));
      gated = others.at(-1)!.loss;
      return plain.at(-1)!;
    },
    async paint() {
      const errors = await Promise.all(trainers.map((trainer) => errorByStep(trainer, unseen)));
      const one = take(unseen, 0, 1);
      const told = await Promise.all(trainers.map((trainer) => trainer.predict(one)));
      const { x, target } = one.fields;
      picture.show(
        x.data,
        target.data,
        told.map(({ data }, at) => ({ ...lines[at], told: data, error: errors[at] })),
      );
      chart.paint();
      const [plainLeft, gatedLeft] = errors.map((error) => lossText(error[0] / error[length - 1]));
      return { gated: Number.isNaN(gated) ? '–' : lossText(gated), 'plain-left': plainLeft, 'gated-left': gatedLeft };
    },
  };
});
