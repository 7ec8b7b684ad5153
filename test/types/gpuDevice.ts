// Where the program knows WebGPU's types, a device is a GPUDevice.

import { createTrainer, linear, meanSquaredError, requestDevice, sgd } from 'millrace';

const device: GPUDevice = await requestDevice({ powerPreference: 'high-performance' });
const model = linear(1, 1);
await createTrainer({ model, loss: meanSquaredError, optimizer: sgd(), batchSize: 1, device });

// @ts-expect-error
await createTrainer({ model, loss: meanSquaredError, optimizer: sgd(), batchSize: 1, device: {} });
