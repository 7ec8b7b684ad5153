export { adadelta, type AdadeltaOptions } from './adadelta.ts';
export { adagrad, type AdagradOptions } from './adagrad.ts';
export { adam, adamw, type AdamOptions } from './adam.ts';
export { adamax } from './adamax.ts';
export type { Clip } from './clip.ts';
export { lion, type LionOptions } from './lion.ts';
export { muon, type MuonOptions } from './muon.ts';
export { nadam, type NadamOptions } from './nadam.ts';
export type { LearningRate, Optimizer, ParameterGroup, UsualOptions } from './optimizer.ts';
export { radam } from './radam.ts';
export { rmsprop, type RmspropOptions } from './rmsprop.ts';
/** Learning rates by step: what an optimizer's `learningRate` may be. */
export * as schedules from './schedules.ts';
export { sgd, type SgdOptions } from './sgd.ts';
