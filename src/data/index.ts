export { fsdd, type Fsdd, type FsddOptions } from './audio/fsdd.ts';
export { levelled, mono, soundOf } from './audio/level.ts';
export { resample } from './audio/resample.ts';
export {
  waveforms,
  type FieldsOf,
  type Recording,
  type Sound,
  type Transcribed,
  type WaveformsOptions,
} from './audio/sounds.ts';
export { spokenStrings, type SpokenStringsOptions } from './audio/spokenStrings.ts';
export { standardized, statisticsOf, type Statistics } from './audio/standardized.ts';
export { trimmed, type TrimOptions } from './audio/trim.ts';
export { readWav, type Wav } from './audio/wav.ts';
export { cifar10 } from './cifar10/cifar10.ts';
export { cifar10Classes } from './cifar10/form.ts';
export type { Cifar10Options } from './cifar10/load.ts';
export type { Decode } from './cifar10/sprites.ts';
export { dataset, type Dataset, type Field, type FieldInput, type FieldSpec, type GivenFieldSpec } from './dataset.ts';
export { map, pick, type MappedField } from './fields.ts';
export { folds, split, type Fold, type SplitOptions } from './splits.ts';
export { concat, rows, take } from './samples.ts';
export type { GivenNumbers } from './numbers.ts';
export { readIdx, type IdxArray } from './idx.ts';
export type { LoadOptions, Mnist, MnistOptions } from './mnist/load.ts';
export type { DownloadProgress } from './download/mirrors.ts';
export { fashionMnist, mnist } from './mnist/mnist.ts';
export { onGround, type Ground, type Pixels } from './pixels.ts';
export {
  readSafetensors,
  writeSafetensors,
  type Safetensors,
  type SafetensorsFile,
  type Tensor,
  type Unread,
} from './safetensors.ts';
export { files, type NamedFile, type Origin, type Source } from './fileSource.ts';
export { syntheticDigits, type SyntheticDigitsOptions } from './digits/syntheticDigits.ts';
export type { Series } from './series/series.ts';
export { windows, type WindowsOptions } from './series/windows.ts';
export {
  forecastsOf,
  lastWindow,
  prepareSeries,
  readSeriesForm,
  type PreparedSeries,
  type PrepareSeriesOptions,
  type SeriesForm,
} from './series/prepareSeries.ts';
export type { Decimal, Writing } from './table/decimals.ts';
export { readTable, type SaidOfTable, type Table, type TableOptions, type TableRow } from './table/table.ts';
export { encodeTable, type EncodedTable } from './table/encode.ts';
export {
  answersOf,
  featureCount,
  likeliest,
  namesColumns,
  outputCount,
  readTableForm,
  type CategoryForm,
  type ClassForm,
  type FeatureForm,
  type NumberForm,
  type TableForm,
  type TargetForm,
} from './table/form.ts';
export { prepareTable, type PreparedTable, type PrepareOptions } from './table/prepare.ts';
export type { Task } from './table/target.ts';
export { bucketed, type Bucketed, type BucketedOptions, type PairFields } from './text/bucketed.ts';
export { bucketedLines, type BucketedLines, type BucketedLinesOptions } from './text/bucketedLines.ts';
export { bytePairTokenizer, type BytePairOptions } from './text/bytePairTokenizer.ts';
export type { HuggingFaceTokenizers } from './text/huggingFaceCoder.ts';
export { huggingFaceTokenizer } from './text/huggingFaceTokenizer.ts';
export {
  encodeTexts,
  labelledLines,
  readLinesForm,
  type LabelledLines,
  type LabelledLinesOptions,
  type LinesForm,
} from './text/labelledLines.ts';
export type { NgramsForm } from './text/ngrams.ts';
export {
  linesOfTable,
  readClassFiles,
  readLabelledLines,
  type LabelledColumns,
  type LabelledLine,
} from './text/readLabelledLines.ts';
export { pairedLines, type NamedText, type SentencePair } from './text/sentencePairs.ts';
export { linesIn, readText } from './text/readText.ts';
export {
  textStream,
  type ParallelStreams,
  type ParallelStreamsOptions,
  type TextStream,
  type TextStreamOptions,
} from './text/textStream.ts';
export { readTokenizer, tokenizer, type Tokenizer, type TokenizerOptions } from './text/tokenizer.ts';
export type {
  BytePairsForm,
  BytesForm,
  HuggingFaceForm,
  Special,
  TokenizerForm,
  VocabularyForm,
} from './text/tokenizerForm.ts';
