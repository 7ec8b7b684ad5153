// A network that reads handwritten digits, in forty lines and some comments. It begins with digits that this page draws by itself, and takes
// MNIST in their place when it is asked to.

import { adam, createTrainer, crossEntropy, flatten, linear, relu, sequential, take } from '../src/index.ts';
import { syntheticDigits } from '../src/data/index.ts';
import { DigitTiles } from './stage/digitTiles.ts';
import { onMnist } from './stage/mnistButton.ts';
import { LossChart } from './stage/lossChart.ts';
import { percent } from './stage/page.ts';
import { perform } from './stage/stage.ts';

const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }]);
const tiles = new DigitTiles('digits', 18);

let digits = syntheticDigits({ train: 4000, test: 500 });
onMnist((mnist) => (digits = mnist));

perform({ lastStep: 2000, stepsAtOnce: 8 }, async ({ seed, hidden, rate }, device) => {
  const { train, test } = await digits;
  // The test images are never trained on. A few hundred are enough to watch by.
  const judged = take(test, 0, 500);
  const trainer = await createTrainer({
    // 28 × 28 pixels become a row of 784 numbers; ten come out, the larger the likelier that digit.
    model: sequential(flatten, linear(784, hidden), relu, linear(hidden, 10)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: rate }),
    batchSize: 64,
    seed,
    backend: 'auto',
    device,
    data: train,
  });
  const shown = tiles.lay(test);
  chart.clear();

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      // Each step takes the next 64 images of an order that is drawn anew in each epoch.
      for await (last of trainer.fit(train, { steps })) chart.push(last.step, last.loss);
      return last;
    },
    async paint() {
      tiles.read((await trainer.predict(shown)).data);
      chart.paint();
      return { accuracy: percent((await trainer.evaluate(judged)).accuracy) };
    },
  };
});
