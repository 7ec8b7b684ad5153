export { DataError, DeviceError, FormatError, ShapeError } from './core/errors.ts';
export type { ContextLike } from './core/argumentChecks.ts';
export { checkOp, type CheckOptions, type OpCheck } from './check/checkOp.ts';
export { Random } from './core/random.ts';
export type { Dtype, Numbers, Shape, Spec } from './core/shape.ts';
export { flatGrid, type AdapterTraits, type Kernel, type Launch, type Word } from './core/launch.ts';
export {
  apply,
  type Accuracy,
  type Forms,
  type Graph,
  type Inline,
  type Node,
  type Op,
  type State,
  type Value,
} from './graph/graph.ts';
export { formatGraph } from './graph/formatGraph.ts';
export { constant, input, read } from './graph/leaf.ts';
export {
  requestDevice,
  requiredFeatures,
  requiredLimits,
  type DeviceOptions,
  type UsefulFeature,
} from './gpu/device.ts';
export * from './ops/index.ts';
export * from './optim/index.ts';
export { interpret } from './cpu/interpret.ts';
export { differentiate } from './transform/differentiate.ts';
export { simplify } from './transform/simplify.ts';
export * from './nn/index.ts';
export * from './models/index.ts';
export { features, type FeaturesOptions } from './data/audio/features.ts';
export { dataset, type Dataset, type FieldInput } from './data/dataset.ts';
export type { BufferInput } from './data/hostField.ts';
export { pictureBuffer, type PictureBuffer, type PictureBufferOptions } from './data/pictures/pictureBuffer.ts';
export { take } from './data/samples.ts';
export type { GivenNumbers } from './data/numbers.ts';
export type { PartOfFile } from './train/checkpoints/partOfWeights.ts';
export type { GpuPrediction } from './train/evaluation/gpuPrediction.ts';
export type { PredictorOutputs, ToldOf } from './train/evaluation/toldOutputs.ts';
export { createPredictor, type Predictor, type PredictorOptions } from './train/predictor.ts';
export { createTrainer } from './train/createTrainer.ts';
export {
  earlyStop,
  keepBest,
  reduceOnPlateau,
  type Decision,
  type EarlyStopOptions,
  type Moment,
  type PlateauOptions,
  type Verdict,
  type Watched,
} from './train/runs/decisions.ts';
export { formatProfile } from './train/inspection/profileTable.ts';
export type { Cost, LaunchProfile, Peak, Profile, ProfileOptions } from './train/inspection/profile.ts';
export type { PreparedCalls } from './train/preparedCalls.ts';
export type { InspectedLayer, InspectedParameter, Inspection, InspectOptions } from './train/inspection/inspect.ts';
export { checkpoints } from './train/checkpoints/originFiles.ts';
export type { BufferRange, TrainerBuffers } from './train/emission/buffers.ts';
export type { Exposes } from './train/graphs/exposed.ts';
export type { Forward, ForwardLayer, ForwardLeaf } from './train/emission/forward.ts';
export type { WgslFunction, WgslOptions } from './train/emission/wgslFunction.ts';
export type { GenerateOptions } from './train/generation/generateOptions.ts';
export type { Checkpoints, CheckpointsOptions } from './train/checkpoints/checkpointFiles.ts';
export type { Loaded, LoadOptions } from './train/checkpoints/loadResult.ts';
export type { CheckpointStore, SavedAt, SaveEvery } from './train/checkpoints/checkpointStore.ts';
export type { Trainer } from './train/trainer.ts';
export type { TrainingRun } from './train/runs/trainingRun.ts';
export type {
  Batches,
  CommonOptions,
  Evaluation,
  FitOptions,
  RunOptions,
  GivenSamples,
  LossOptions,
  OnNaN,
  Output,
  Outputs,
  PhaseOptions,
  Prediction,
  Report,
  Samples,
  TrainerOptions,
} from './train/options.ts';
export type { KernelChoice, Kernels, KernelStorage } from './scheduler/kernelChoice.ts';
export type { Model, Phase } from './train/model.ts';
export type { Fault, Verification } from './train/inspection/verification.ts';
