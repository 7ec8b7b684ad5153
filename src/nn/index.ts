export {
  conv1d,
  conv2d,
  convTranspose2d,
  type Conv1dOptions,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
} from './convolution.ts';
export { augment } from './augment.ts';
export { beamSearch, type BeamSearchOptions, type Beginning, type Found, type NextTokens } from './beamSearch.ts';
export { ctcBeamSearch, type CtcBeamSearchOptions, type CtcOutput, type Transcription } from './ctcBeamSearch.ts';
export { bleu } from './bleu.ts';
export { f1Scores } from './classScores.ts';
export { characterErrorRate, labelErrorRate, wordErrorRate, type LabelRows } from './errorRates.ts';
export { augmentSequences, type AugmentSequencesOptions } from './augmentSequences.ts';
export { embedding, tied, type EmbeddingLayer, type EmbeddingOptions } from './embedding.ts';
export { fourierFeatures, type FourierFeaturesOptions } from './fourierFeatures.ts';
export { frozen } from './frozen.ts';
export type { Generation } from './generation.ts';
export * from './initializers.ts';
export {
  defineLayer,
  type Context,
  type FloatLayer,
  type Layer,
  type LayerDefinition,
  type Mode,
  type Module,
  type OutputOf,
  type ParameterDefinition,
  type StateDefinition,
  type Values,
} from './layer.ts';
export { dropout, gaussianNoise, linear, sequential, type LinearOptions } from './layers.ts';
export { lora, loraWeights, mergedLora } from './lora.ts';
export {
  multiHeadAttention,
  type Attended,
  type AttendingOptions,
  type AttentionLayer,
  type MultiHeadAttentionOptions,
} from './multiHeadAttention.ts';
export {
  transformerDecoderLayer,
  transformerEncoderLayer,
  type Decoded,
  type DecoderLayer,
  type DecoderLayerOptions,
  type Encoded,
  type EncoderLayer,
  type TransformerLayerOptions,
} from './transformer.ts';
export { transformerWeights } from './transformerWeights.ts';
export {
  batchNorm,
  groupNorm,
  layerNorm,
  rmsNorm,
  spatialDropout,
  type BatchNormOptions,
  type LayerNormOptions,
  type NormOptions,
} from './normalization.ts';
export {
  binaryCrossEntropy,
  crossEntropy,
  ctc,
  huber,
  kullbackLeibler,
  meanAbsoluteError,
  meanSquaredError,
  type CrossEntropyOptions,
  type CtcOptions,
  type HuberOptions,
  type Loss,
  type Measures,
} from './losses.ts';
export { logMel, type LogMel, type LogMelOptions } from './logMel.ts';
export { metric, type Metric, type MetricOptions } from './metric.ts';
export { positions, sinusoidalPositions, type PositionsOptions, type SinusoidalOptions } from './positions.ts';
export { gru, lstm, rnn, type RecurrentLayer, type LstmOptions, type RnnOptions, type Sequenced } from './recurrent.ts';
export { recurrentWeights, type RecurrentSource, type RecurrentWeights } from './recurrentWeights.ts';
export type { Sequences } from './sequences.ts';
export type { BatchValues, Target } from './fieldRoles.ts';
export {
  accuracy,
  f1Score,
  bitsPerCharacter,
  perplexity,
  rootMeanSquaredError,
  rSquared,
  type AccuracyOptions,
  type F1Options,
} from './scores.ts';
export {
  recurrent,
  type Cell,
  type CellInput,
  type CellOutput,
  type RecurrentOptions,
  type SequenceAndState,
  type SequenceInput,
} from './unrolled.ts';
export {
  averagePool1d,
  averagePool2d,
  globalAveragePool2d,
  globalMaxPool2d,
  maxPool1d,
  maxPool2d,
  upsample2d,
  type AveragePool1dOptions,
  type Pool1dOptions,
} from './pooling.ts';
