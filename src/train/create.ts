import { DataError, DeviceError, ShapeError } from '../core/errors.ts';
import { requestDevice } from '../gpu/device.ts';
import { requireOption } from '../optim/optimizer.ts';
import { isKernels } from '../scheduler/choice.ts';
import { CpuBackend } from '../scheduler/cpuBackend.ts';
import { GpuBackend } from '../scheduler/gpuBackend.ts';
import type { Phase } from './model.ts';
import type { TrainerOptions } from './options.ts';
import { Trainer, type Place } from './trainer.ts';

/**
 * A trainer for a model, on WebGPU or on the CPU.
 * @throws DeviceError if there is no WebGPU and `backend` does not allow the CPU; ShapeError where layers do not fit
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const phases = phasesOf(options);
  if (!Number.isInteger(options.batchSize) || options.batchSize < 1) {
    throw new ShapeError(`[createTrainer] batchSize is ${options.batchSize} but must be a whole number above 0`);
  }
  requireOptions(options);
  const trainer = new Trainer(options, phases, await placeOf(options));
  try {
    if (options.data) await trainer.prepare(options.data);
  } catch (error) {
    trainer.destroy();
    throw error;
  }
  return trainer;
}

function requireOptions(options: TrainerOptions): void {
  const { batchSize, microBatches = 1, averageWeights, seed = 0, kernels = 'auto' } = options;
  if (!(Number.isInteger(microBatches) && microBatches >= 1 && microBatches <= batchSize)) {
    throw new DataError(
      `[createTrainer] microBatches is ${microBatches} but must be a whole number from 1 to batchSize, which is ${batchSize}`,
    );
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new DataError(`[createTrainer] seed is ${seed} but must be a whole number from 0 to 2⁵³ − 1`);
  }
  if (!isKernels(kernels)) {
    throw new DataError(
      `[createTrainer] kernels is ${JSON.stringify(kernels)} but must be "auto", "guess" or "measure", or an adapter and its forms: give what \`trainer.kernels\` said`,
    );
  }
  if (averageWeights) {
    // As f32 has it: one that is rounded to 1 would never move.
    requireOption('createTrainer', 'averageWeights.decay', Math.fround(averageWeights.decay), 1);
  }
}

function phasesOf({ phases, loss, optimizer, model }: TrainerOptions): readonly Phase[] {
  if (phases && !loss && !optimizer && phases.length > 0) {
    const names = phases.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice === undefined) return phases;
    throw new ShapeError(`[createTrainer] two phases are named "${twice}": their metrics could not be told apart`);
  }
  if (!phases && loss && optimizer && model) return [{ name: 'train', loss, optimizer }];
  throw new ShapeError('[createTrainer] give model, loss and optimizer, or phases, each with a loss and an optimizer');
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
