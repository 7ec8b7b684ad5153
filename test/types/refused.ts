// The commonest slips with a trainer's options, and what is said of them.

import { crossEntropy, createTrainer, linear, meanSquaredError, relu, requestDevice, sequential, sgd } from 'millrace';
import { type Value } from 'millrace';

const model = linear(1, 1);
const loss = meanSquaredError;
const optimizer = sgd();
const batchSize = 1;

// @ts-expect-error Property 'batchSize' is missing
void createTrainer({ model, loss, optimizer });

// @ts-expect-error Property 'loss' is missing
void createTrainer({ model, optimizer, batchSize });

// @ts-expect-error Property 'optimizer' is missing
void createTrainer({ model, loss, batchSize });

// @ts-expect-error Property 'model' is missing
void createTrainer({ loss, optimizer, batchSize });

// @ts-expect-error 'phases' are incompatible
void createTrainer({ model, loss, optimizer, batchSize, phases: [{ name: 'one', loss, optimizer }] });

// @ts-expect-error 'batchsize' does not exist
void createTrainer({ model, loss, optimizer, batchSize, batchsize: 1 });

// @ts-expect-error Type 'string' is not assignable to type 'Loss
void createTrainer({ model, loss: 'crossEntropy', optimizer, batchSize });

// @ts-expect-error is not assignable to type 'Optimizer'
void createTrainer({ model, loss, optimizer: sgd, batchSize });

// @ts-expect-error Promise<Value
void createTrainer({ model: async (x: Value) => x, loss: crossEntropy, optimizer, batchSize });

// @ts-expect-error is not assignable to type 'Loss<{ a: Value<"f32">; }
void createTrainer({ model: (x: Value) => ({ a: relu(x) }), loss: meanSquaredError, optimizer, batchSize });

// @ts-expect-error not callable
export const called = (x: Value): Value => model(x);

// @ts-expect-error is not assignable to parameter of type 'Module
sequential([model, relu]);

// @ts-expect-error Expected 1 arguments, but got 0
relu();

// @ts-expect-error 'lr' does not exist
sgd({ lr: 0.1 });

// @ts-expect-error Type 'string' is not assignable
void requestDevice({ hardwareOnly: 'yes' });
