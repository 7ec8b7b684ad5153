export type { ImportedModel, ImportedTensor } from './importedModel.ts';
export { fromOnnx, type FromOnnxOptions, type OnnxModel, type OnnxPort } from './onnx/fromOnnx.ts';
