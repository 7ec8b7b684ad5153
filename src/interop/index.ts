export type { ImportedModel, ImportedTensor } from './importedModel.ts';
export { fromOnnx, type FromOnnxOptions, type OnnxModel, type OnnxPort } from './onnx/fromOnnx.ts';
export { toOnnx, type Computing, type ToOnnxOptions } from './onnx/export/toOnnx.ts';
export { readNpy, writeNpy, type NumpyArray, type NumpyInput } from './numpy/npy.ts';
export { readNpz, writeNpz } from './numpy/npz.ts';
export { externalFilesOf, inspectOnnx, type OnnxContents } from './onnx/inspectOnnx.ts';
export { fromKeras } from './keras/fromKeras.ts';
export { fromLayersModel } from './keras/fromLayersModel.ts';
export type { KerasModel, KerasPort } from './keras/buildModel.ts';
