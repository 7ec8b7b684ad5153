export { dataset, take, type Dataset, type Field, type FieldInput, type FieldSpec } from './dataset.ts';
export { readIdx, type IdxArray } from './idx.ts';
export type { Mnist, MnistOptions } from './load.ts';
export type { DownloadProgress } from './mirrors.ts';
export { fashionMnist, mnist } from './mnist.ts';
export { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from './safetensors.ts';
export { files, type Origin, type Source } from './source.ts';
export { syntheticDigits, type SyntheticDigitsOptions } from './syntheticDigits.ts';
export { readTable, type Table, type TableOptions, type TableRow } from './table.ts';
export { encodeTable, type EncodedTable } from './tableEncode.ts';
export {
  answersOf,
  featureCount,
  outputCount,
  readTableForm,
  type CategoryForm,
  type ClassForm,
  type FeatureForm,
  type NumberForm,
  type TableForm,
  type TargetForm,
} from './tableForm.ts';
export { prepareTable, type PreparedTable, type PrepareOptions } from './tablePrepare.ts';
export type { Task } from './tableTarget.ts';
