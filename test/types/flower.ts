// A node needs a trainer and what it learns of; what happens to it is told apart by kind.

import { createTrainer, crossEntropy, dataset, linear, sgd } from 'millrace';
import { createNodeKey, FlowerError, joinFlower, type FlowerAnswer, type FlowerEvent } from 'millrace/flower';

const train = dataset({ x: { data: new Float32Array(8), shape: [2] }, label: Uint8Array.of(0, 1, 0, 1) });
const trainer = await createTrainer({ model: linear(2, 2), loss: crossEntropy, optimizer: sgd(), batchSize: 2 });
const key = await createNodeKey();
const told = (event: FlowerEvent): string => {
  if (event.kind === 'replied') return `${event.done.round}: ${event.done.bytesSent}`;
  return event.kind === 'waiting' ? event.why : event.kind;
};
const { rounds } = await joinFlower({
  superlink: 'http://127.0.0.1:8000',
  key,
  trainer,
  train,
  evaluate: async ({ arrays, config }): Promise<FlowerAnswer> => ({
    examples: arrays.size,
    metrics: { lr: Number(config['lr']) },
  }),
  onEvent: told,
});
export const sent: number = rounds[0]!.bytesSent;
export const isOurs = (error: unknown): error is FlowerError => error instanceof FlowerError;
// @ts-expect-error: there is no such layout
void joinFlower({ superlink: '', trainer, layout: 'jax' });
