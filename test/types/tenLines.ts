// README's ten lines, and what they report.

import { adamw, createTrainer, crossEntropy, flatten, linear, relu, sequential } from 'millrace';
import { mnist } from 'millrace/data';

const { train, test } = await mnist();
const trainer = await createTrainer({
  model: sequential(flatten, linear(784, 128), relu, linear(128, 10)),
  loss: crossEntropy,
  optimizer: adamw({ learningRate: 1e-3 }),
  batchSize: 128,
  seed: 1,
  backend: 'auto',
});
for await (const { step, loss } of trainer.fit(train, { epochs: 3 })) said(step, loss);
const { loss } = await trainer.evaluate(test);
said(0, loss);
const weights: Uint8Array = await trainer.saveWeights();
await trainer.loadWeights(weights);
trainer.destroy();

function said(step: number, loss: number): string {
  return `${step}: ${loss.toFixed(3)}`;
}
