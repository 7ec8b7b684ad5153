// XOR is 1 where exactly one of two bits is 1. It is the smallest problem that needs a hidden layer: on the plane of the
// two bits no straight line parts the ones from the zeros. A single neuron has only that one line; a hidden layer draws
// several, and the output neuron puts together what they part.

import {
  adam,
  binaryCrossEntropy,
  createTrainer,
  dataset,
  linear,
  randomNormal,
  sequential,
  tanh,
} from '../src/index.ts';
import { LossChart } from './stage/lossChart.ts';
import { NetworkPicture } from './stage/networkPicture.ts';
import { find } from './stage/page.ts';
import { PlaneMap, type Boundary } from './stage/planeMap.ts';
import { perform } from './stage/stage.ts';

// All there is to know. With so few samples, each step sees every one of them.
const xor = dataset({
  bits: { data: [0, 0, 0, 1, 1, 0, 1, 1], shape: [2] },
  label: [0, 1, 1, 0],
});

const map = new PlaneMap(find('map', HTMLCanvasElement), -0.5, 1.5);
const network = new NetworkPicture(find('network', HTMLCanvasElement), 'weights');
const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }]);

perform({ lastStep: 400, stepsAtOnce: 2 }, async ({ seed, hidden }, device) => {
  // Neurons that begin alike would learn alike: their first weights are drawn, and the seed says how.
  const drawn = { weightInitial: randomNormal(0, 1) };
  const trainer = await createTrainer({
    // tanh bends. Without it, two linear layers would be no more than one.
    model: sequential(linear(2, hidden, drawn), tanh, linear(hidden, 1, drawn)),
    // The output is the logit of "1": above 0 means 1. The loss is how surprised the network is by the right answer.
    loss: binaryCrossEntropy,
    optimizer: adam({ learningRate: 0.05 }),
    batchSize: 4,
    seed,
    backend: 'auto',
    device,
    data: xor,
  });
  chart.clear();

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(xor, { steps })) chart.push(last.step, last.loss);
      return last;
    },
    async paint() {
      const weights = await trainer.readParameters();
      const [w, b] = [weights['layer0.weight'], weights['layer0.bias']];
      network.show([w, b], [weights['layer2.weight'], weights['layer2.bias']]);
      // A hidden neuron is 0 on a line of the plane; on one side of it, it says yes, on the other no.
      const lines = Array.from(b, (bias, i): Boundary => [w[i], w[hidden + i], bias]);
      map.show(xor, (await trainer.predict(map.places)).data, lines);
      chart.paint();
      // The logistic function makes a probability of a logit.
      const answers = Array.from((await trainer.predict(xor)).data, (logit) => 1 / (1 + Math.exp(-logit)));
      return Object.fromEntries(answers.map((answer, i) => [`answer-${i}`, answer.toFixed(3)]));
    },
  };
});
