import type { Trainer } from '../../src/index.ts';

/** Opens the gates by which an LSTM keeps what it has: the second of each unit's four. */
export async function openForgetGates(trainer: Trainer, bias: number): Promise<void> {
  const parameters = Object.entries(await trainer.readParameters());
  const [name, biases] = parameters.find(([path]) => path.endsWith('hiddenBias'))!;
  await trainer.writeParameters({ [name]: biases.map((first, at) => (at % 4 === 1 ? bias : first)) });
}
