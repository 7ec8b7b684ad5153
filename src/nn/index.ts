export * from './initializers.ts';
export type { Context, Layer, Mode, Module, ParameterDefinition, StateDefinition, Values } from './layer.ts';
export { dropout, gaussianNoise, linear, sequential, type LinearOptions } from './layers.ts';
export {
  accuracy,
  binaryCrossEntropy,
  crossEntropy,
  huber,
  kullbackLeibler,
  meanAbsoluteError,
  meanSquaredError,
  type BatchValues,
  type CrossEntropyOptions,
  type HuberOptions,
  type Loss,
  type Measures,
  type Target,
} from './losses.ts';
