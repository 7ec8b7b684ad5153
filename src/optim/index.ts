export { adam, adamw, type AdamOptions } from './adam.ts';
export type { LearningRate, Optimizer, ParameterGroup } from './optimizer.ts';
export { sgd, type SgdOptions } from './sgd.ts';
