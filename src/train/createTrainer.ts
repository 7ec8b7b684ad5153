import { DeviceError } from '../core/errors.ts';
import { requireKind } from '../core/argumentChecks.ts';
import type { Device } from '../core/globalTypes.ts';
import { requestDevice } from '../gpu/device.ts';
import { CpuBackend } from '../scheduler/cpuBackend.ts';
import { GpuBackend } from '../scheduler/gpuBackend.ts';
import { DeviceLife } from '../scheduler/deviceLife.ts';
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
  const place = await placeOf(options);
  const trainer = new Trainer(options, phases, place, (last) => placeAfter(options, last));
  try {
    if (options.data) await trainer.prepare(options.data);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
  return trainer;
}

async function placeOf(options: TrainerOptions): Promise<Place> {
  const { backend, device } = options;
  if (backend === 'cpu') return { life: cpuLife(), owned: undefined };
  if (device) return { life: gpuLife(device, options), owned: undefined };
  return orOnCpu(options);
}

const cpuLife = (): DeviceLife => new DeviceLife(new CpuBackend(), null);

/** @param kernels as they were chosen before, if they were */
function gpuLife(device: Device, { memoryLimit, fuse, kernels }: TrainerOptions): DeviceLife {
  return new DeviceLife(new GpuBackend(device, { memoryLimit, fuse, kernels }), device);
}

/** Behind a loss. A browser's next GPU process is there in a tenth of one, a driver that is reset in some. */
const RETRY_SECONDS = 8;

/** On a device that is the trainer's own, or, where there is none and `auto` allows it, on the CPU. */
async function orOnCpu(options: TrainerOptions, retrySeconds = 0): Promise<Place> {
  try {
    const owned = await requestDevice({ retrySeconds });
    return { life: gpuLife(owned, options), owned };
  } catch (error) {
    if (options.backend === 'auto' && error instanceof DeviceError) {
      return { life: cpuLife(), owned: undefined, fallback: error.message };
    }
    throw error;
  }
}

/**
 * Where a trainer goes on whose device was lost: on one that its caller gives, or on another one of its own.
 * @throws DeviceError where there is none; whatever the caller throws
 */
async function placeAfter(options: TrainerOptions, { backend: { kernels }, ended }: DeviceLife): Promise<Place> {
  const { backend, device, onDeviceLost } = options;
  // With the kernels that it had, the same adapter gives the same bits.
  const as = { ...options, ...(kernels && { kernels }) };
  if (!device && !onDeviceLost) return orOnCpu(as, RETRY_SECONDS);
  const given = (await onDeviceLost?.(ended!)) ?? null;
  if (given) {
    requireKind('onDeviceLost', 'what it gave', given, 'createBuffer' in Object(given), 'a GPUDevice, or null');
    return { life: gpuLife(given, as), owned: undefined };
  }
  const why = onDeviceLost ? 'onDeviceLost gave none' : "it is the caller's, who gave no onDeviceLost";
  if (backend === 'auto') return { life: cpuLife(), owned: undefined, fallback: `its device was lost, and ${why}` };
  throw new Error(why);
}
