import { adam, createTrainer, mean, type LossOptions, type Trainer, type Value } from '../index.ts';
import type { Dataset } from '../data/index.ts';
import { isValue } from '../graph/graph.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import type { KeptModel } from './modelFile.ts';
import type { Transcript } from './tasks/transcriber.ts';
import { taskOf } from './tasks/tasks.ts';

/** How a model is to be asked. */
export interface Asking {
  readonly backend: 'webgpu' | 'cpu' | 'auto';
  /** Samples as it is asked of. */
  readonly data: Dataset;
  /** The fields that go in, where there are several. */
  readonly inputs?: LossOptions['inputs'];
  /** Samples that are asked of together: 1. */
  readonly batchSize?: number;
}

/**
 * A trainer of a model as its file has it, which learns nothing more.
 * @throws FormatError if the file's weights are others than its form says
 */
export async function openModel(path: string, { form, bytes }: KeptModel, asking: Asking): Promise<Trainer> {
  const task = taskOf(form.input);
  const { inputs = task.inputs?.(form), batchSize = 1, backend, data } = asking;
  const trainer = await createTrainer({
    model: task.network(form, null),
    // A trainer must have them.
    loss: (outputs: Value | Transcript) => mean(isValue(outputs) ? outputs : outputs.logits),
    optimizer: adam(),
    ...(inputs && { inputs }),
    batchSize,
    backend,
    kernels: kernelFiles(),
    data,
  });
  try {
    await trainer.loadWeights(bytes, path);
    return trainer;
  } catch (error) {
    trainer.destroy();
    throw error;
  }
}
