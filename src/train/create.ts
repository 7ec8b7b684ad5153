import { DeviceError } from '../core/errors.ts';
import { requestDevice } from '../gpu/device.ts';
import { CpuBackend } from '../scheduler/cpuBackend.ts';
import { GpuBackend } from '../scheduler/gpuBackend.ts';
import type { OutputOf } from '../nn/layer.ts';
import type { Model } from './model.ts';
import type { TrainerOptions } from './options.ts';
import { Trainer, type Place } from './trainer.ts';
import { trainerOptionsOf } from './trainerOptions.ts';

/**
 * A trainer for a model, on WebGPU or on the CPU.
 * @throws DeviceError if there is no WebGPU and `backend` does not allow the CPU; ShapeError where layers do not fit;
 * DataError for options that are none
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export async function createTrainer<M extends Model, F extends string = any>(
  given: TrainerOptions<M, F>,
): Promise<Trainer<F, OutputOf<M>>> {
  const { options, phases } = trainerOptionsOf(given);
  const trainer = new Trainer(options, phases, await placeOf(options));
  try {
    if (options.data) await trainer.prepare(options.data);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
  return trainer;
}

async function placeOf({ backend = 'webgpu', device, memoryLimit, fuse, kernels }: TrainerOptions): Promise<Place> {
  if (backend === 'cpu') return { backend: new CpuBackend() };
  if (device) return { backend: new GpuBackend(device, { memoryLimit, fuse, kernels }) };
  try {
    const owned = await requestDevice();
    return { backend: new GpuBackend(owned, { memoryLimit, fuse, kernels }), owned };
  } catch (error) {
    if (backend === 'auto' && error instanceof DeviceError) {
      return { backend: new CpuBackend(), fallback: error.message };
    }
    throw error;
  }
}
