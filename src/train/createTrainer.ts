import { requireKind } from '../core/argumentChecks.ts';
import { DeviceLife } from '../scheduler/deviceLife.ts';
import { onDevice, onProcessor, openBackend, type BackendOptions, type OpenBackend } from '../scheduler/openBackend.ts';
import type { OutputOf } from '../nn/layer.ts';
import type { Model, Phase } from './model.ts';
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
  return openTrainer<M, F>(options as TrainerOptions<M, F>, phases);
}

/** The same of options that were looked at; without phases it learns nothing, and is asked only. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Dataset
export async function openTrainer<M extends Model, F extends string = any>(
  options: TrainerOptions<M, F>,
  phases: readonly Phase[],
): Promise<Trainer<F, OutputOf<M>>> {
  const place = placeOn(await openBackend(options, backendOptions(options)));
  const trainer = new Trainer(options, phases, place, (last) => placeAfter(options, last));
  try {
    if (options.data) await trainer.prepare(options.data);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
  return trainer;
}

const placeOn = ({ backend, device, ...others }: OpenBackend): Place => ({
  life: new DeviceLife(backend, device),
  ...others,
});

const backendOptions = ({ memoryLimit, fuse, kernels, threads, relaxed }: TrainerOptions): BackendOptions => ({
  memoryLimit,
  fuse,
  kernels,
  threads,
  relaxed,
});

/** Behind a loss. A browser's next GPU process is there in a tenth of one, a driver that is reset in some. */
const RETRY_SECONDS = 8;

/**
 * Where a trainer goes on whose device was lost: on one that its caller gives, or on another one of its own.
 * @throws DeviceError where there is none; whatever the caller throws
 */
async function placeAfter(options: TrainerOptions, { backend: { kernels }, ended }: DeviceLife): Promise<Place> {
  const { backend, device, onDeviceLost } = options;
  // With the kernels that it had, the same adapter gives the same bits.
  const as = backendOptions({ ...options, ...(kernels && { kernels }) });
  if (!device && !onDeviceLost) return placeOn(await openBackend({ backend }, as, RETRY_SECONDS));
  const given = (await onDeviceLost?.(ended!)) ?? null;
  if (given) {
    requireKind('onDeviceLost', 'what it gave', given, 'createBuffer' in Object(given), 'a GPUDevice, or null');
    return placeOn(onDevice(given, as));
  }
  const why = onDeviceLost ? 'onDeviceLost gave none' : "it is the caller's, who gave no onDeviceLost";
  if (backend === 'auto') return placeOn(await onProcessor(as, `its device was lost, and ${why}`));
  throw new Error(why);
}
