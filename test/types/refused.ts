// What must not compile.

import { createTrainer, linear, meanSquaredError, requestDevice, sgd } from 'millrace';

const model = linear(1, 1);
const loss = meanSquaredError;
const optimizer = sgd();

// @ts-expect-error Property 'batchSize' is missing
void createTrainer({ model, loss, optimizer });

// @ts-expect-error 'batchsize' does not exist
void createTrainer({ model, loss, optimizer, batchSize: 1, batchsize: 1 });

// @ts-expect-error Type 'string' is not assignable
void requestDevice({ hardwareOnly: 'yes' });
