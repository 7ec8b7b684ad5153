import type { BackendName } from '../core/places.ts';
import { createPredictor, type Predictor, type PredictorOptions } from '../index.ts';
import type { Dataset } from '../data/index.ts';
import { kernelFiles } from '../node/kernelFiles.ts';
import type { KeptModel } from './modelFile.ts';
import { taskOf } from './tasks/tasks.ts';

/** How a model is to be asked. */
export interface Asking {
  readonly backend: BackendName;
  /** Samples as it is asked of. */
  readonly data: Dataset;
  /** The fields that go in, where there are several. */
  readonly inputs?: PredictorOptions['inputs'];
  /** One of its caller's. */
  readonly device?: PredictorOptions['device'];
}

/**
 * A model as its file has it.
 * @throws FormatError if the file's weights are others than its form says
 */
export async function openModel(path: string, { form, bytes }: KeptModel, asking: Asking): Promise<Predictor> {
  const task = taskOf(form.input);
  const { inputs = task.inputs?.(form), backend, data, device } = asking;
  const predictor = await createPredictor({
    model: task.network(form, null),
    ...(inputs && { inputs }),
    backend,
    kernels: kernelFiles(),
    data,
    device,
  });
  try {
    await predictor.loadWeights(bytes, path);
    return predictor;
  } catch (error) {
    predictor.destroy();
    throw error;
  }
}
