import { requireBackend } from '../core/places.ts';
import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf, requireKind } from '../core/argumentChecks.ts';
import { requireSeed } from '../core/random.ts';
import { isModule } from '../nn/layer.ts';
import { requireOption, requireOptimizer } from '../optim/optimizer.ts';
import { isKernels } from '../scheduler/kernelChoice.ts';
import { exposesOf } from './graphs/exposed.ts';
import { fieldsOf } from './samples/givenData.ts';
import type { Phase } from './model.ts';
import type { TrainerOptions } from './options.ts';

const where = 'createTrainer';

const defaults = {
  model: undefined,
  loss: undefined,
  optimizer: undefined,
  phases: undefined,
  batchSize: undefined,
  microBatches: 1,
  averageWeights: undefined,
  gradientNorm: false,
  exposes: undefined,
  memoryLimit: undefined,
  fuse: undefined,
  kernels: 'auto',
  seed: 0,
  backend: 'webgpu',
  threads: undefined,
  relaxed: undefined,
  device: undefined,
  onDeviceLost: undefined,
  data: undefined,
  inputs: undefined,
  targets: undefined,
  warn: undefined,
} as const;

/** Of WebAssembly: more would wait for each other more than they would work. */
const MOST_THREADS = 64;

const isFunction = (given: unknown): boolean => typeof given === 'function';

/** The options of `createTrainer`, looked at, and the phases of its steps. @throws DataError and ShapeError for what is none */
export function trainerOptionsOf(given: TrainerOptions): {
  readonly options: TrainerOptions;
  readonly phases: readonly Phase[];
} {
  const options = optionsOf<TrainerOptions, typeof defaults>(where, given, defaults) as TrainerOptions;
  const phases = phasesOf(options);
  requireCommon(where, options);
  return { options, phases };
}

/** Looks at what a trainer is given beside its losses, or somebody else who runs a model. @throws DataError and ShapeError */
export function requireCommon(at: string, options: TrainerOptions): void {
  const { model, data, device, onDeviceLost, backend, threads, relaxed, memoryLimit, fuse, warn } = options;
  requireSizes(at, options);
  if (model !== undefined) {
    requireKind(at, 'model', model, isModule(model), 'a layer or a function, as sequential(…) makes one of several');
  }
  if (data !== undefined) fieldsOf(at, data);
  if (device !== undefined) {
    requireKind(at, 'device', device, 'createBuffer' in Object(device), 'a GPUDevice, as await requestDevice()');
  }
  if (onDeviceLost !== undefined) {
    requireKind(at, 'onDeviceLost', onDeviceLost, isFunction(onDeviceLost), 'a function that gives a GPUDevice');
  }
  requireBackend(at, backend!);
  if (threads !== undefined) {
    const is = Number.isInteger(threads) && threads > 0 && threads <= MOST_THREADS;
    requireKind(at, 'threads', threads, is, `a whole number from 1 to ${MOST_THREADS}`);
  }
  if (relaxed !== undefined) requireKind(at, 'relaxed', relaxed, typeof relaxed === 'boolean', 'true or false');
  if (memoryLimit !== undefined) requireOption(at, 'memoryLimit', memoryLimit);
  if (fuse !== undefined) requireKind(at, 'fuse', fuse, typeof fuse === 'boolean', 'true or false');
  if (warn !== undefined) requireKind(at, 'warn', warn, isFunction(warn), 'a function');
}

function phasesOf({ phases, loss, optimizer, model }: TrainerOptions): readonly Phase[] {
  if (phases !== undefined && loss === undefined && optimizer === undefined) return ownPhases(phases);
  if (phases === undefined && loss !== undefined && optimizer !== undefined && model !== undefined) {
    requirePhase(where, loss, optimizer);
    return [{ name: 'train', loss, optimizer }];
  }
  throw new ShapeError('[createTrainer] give model, loss and optimizer, or phases, each with a loss and an optimizer');
}

function requirePhase(at: string, loss: unknown, optimizer: unknown): void {
  requireKind(at, 'loss', loss, isFunction(loss), 'a function, handed on and not called, as crossEntropy');
  requireOptimizer(at, 'optimizer', optimizer);
}

function ownPhases(phases: readonly Phase[]): readonly Phase[] {
  requireKind(where, 'phases', phases, Array.isArray(phases) && phases.length > 0, 'an array of phases');
  for (const [at, phase] of phases.entries()) {
    const own = `${where}, phases[${at}]`;
    const parts = { name: undefined, loss: undefined, optimizer: undefined, trains: undefined };
    const { name, loss, optimizer, trains } = optionsOf(own, phase, parts);
    requireKind(own, 'name', name, typeof name === 'string', 'a text');
    requirePhase(own, loss, optimizer);
    if (trains !== undefined) requireKind(own, 'trains', trains, Array.isArray(trains), 'an array of layers or names');
  }
  const names = phases.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice === undefined) return phases;
  throw new ShapeError(`[createTrainer] two phases are named "${twice}": their metrics could not be told apart`);
}

function requireSizes(
  at: string,
  { batchSize, microBatches = 1, averageWeights, exposes, seed = 0, kernels = 'auto' }: TrainerOptions,
): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ShapeError(`[createTrainer] batchSize is ${described(batchSize)} but must be a whole number above 0`);
  }
  if (!(Number.isInteger(microBatches) && microBatches >= 1 && microBatches <= batchSize)) {
    throw new DataError(
      `[createTrainer] microBatches is ${described(microBatches)} but must be a whole number from 1 to batchSize, which is ${batchSize}`,
    );
  }
  requireSeed(at, seed);
  if (!isKernels(kernels)) {
    throw new DataError(
      `[${at}] kernels is ${JSON.stringify(kernels)} but must be "auto", "guess" or "measure", an adapter and its forms as \`trainer.kernels\` says them, or a storage: give localStorage`,
    );
  }
  const { activations } = exposesOf(at, exposes);
  if (activations.length > 0 && microBatches > 1) {
    throw new DataError(
      `[${at}] exposes.activations are of a step as a whole, but microBatches is ${microBatches}: leave one of them out`,
    );
  }
  if (averageWeights === undefined) return;
  const { decay } = optionsOf(`${at}, averageWeights`, averageWeights, { decay: undefined });
  // As f32 has it: one that is rounded to 1 would never move.
  requireOption(at, 'averageWeights.decay', typeof decay === 'number' ? Math.fround(decay) : decay, 1);
}
