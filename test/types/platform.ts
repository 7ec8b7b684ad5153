// What the engine brings is not asked of the program's types.

import { createTrainer, linear, meanSquaredError, requestDevice, sgd } from 'millrace';
import { files, mnist, syntheticDigits } from 'millrace/data';

const device = await requestDevice();
const trainer = await createTrainer({
  model: linear(1, 1),
  loss: meanSquaredError,
  optimizer: sgd(),
  batchSize: 1,
  device,
});
trainer.destroy();
device.destroy();

const dropped = [{ name: 'train-images-idx3-ubyte', arrayBuffer: () => Promise.resolve(new ArrayBuffer(8)) }];
await mnist(files(dropped));
await syntheticDigits({ train: 60, test: 10 });
