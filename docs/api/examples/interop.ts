// Examples of models and arrays of other frameworks.

import { createPredictor, linear, relu, sequential } from '../../../src/index.ts';
import { dataset } from '../../../src/data/index.ts';
import {
  externalFilesOf,
  fromKeras,
  fromLayersModel,
  fromOnnx,
  inspectOnnx,
  readNpy,
  readNpz,
  toOnnx,
  writeNpy,
  writeNpz,
  toKeras,
  toLayersModel,
} from '../../../src/interop/index.ts';
import { leastKeras, leastLayersModel } from '../../../test/support/kerasFile.ts';
import { lineTrainer, shapeOf, type Examples } from './stage.ts';

const [kerasFile, layersModelFiles] = [leastKeras(), leastLayersModel()];

export const interop: Examples = {
  async externalFilesOf() {
    // Of a model of gigabytes: [ 'model.onnx.data' ], to be given as `files`.
    const bytes = await toOnnx(await lineTrainer());
    console.log(externalFilesOf(bytes)); // []
  },
  async fromOnnx() {
    // Of a file input, a fetch or the disk; here of a model of ours.
    const bytes = await toOnnx(await lineTrainer());
    const { model, inputs } = await fromOnnx(bytes);
    console.log(Object.keys(model.parameters), inputs[0]?.shape); // ['weight', 'bias'] [null, 1]
  },
  async inspectOnnx() {
    const { nodes, tensors } = inspectOnnx(await toOnnx(await lineTrainer()));
    console.log(nodes[0]?.operator, tensors[0]?.role); // 'Gemm' 'parameter'
  },
  async fromKeras() {
    // What model.save('model.keras') wrote, of a file input, a fetch or the disk.
    const { model, weights, notes } = await fromKeras(kerasFile);
    const data = { x: { shape: [3], dtype: 'f32', scale: null } } as const;
    const reader = await createPredictor({ model, weights, data });
    const answer = await reader.predict({ x: Float32Array.of(1, 0, 2) });
    console.log(answer.data, notes); // [6, 8] []
  },
  async fromLayersModel() {
    // A browser's files, or those of a folder, by name: model.json, weights.bin.
    const { model, weights } = await fromLayersModel(layersModelFiles);
    const data = { x: { shape: [3], dtype: 'f32', scale: null } } as const;
    const reader = await createPredictor({ model, weights, data });
    console.log((await reader.predict({ x: Float32Array.of(1, 0, 2) })).data); // [6, 8]
  },
  readNpy() {
    // What np.save('x.npy', x) wrote, of a file input, a fetch or the disk.
    const x = readNpy('x.npy', writeNpy({ shape: [4, 2], data: new Float32Array(8) }));
    const y = readNpy('y.npy', writeNpy({ shape: [4], data: Int32Array.of(0, 1, 1, 0) }));
    const set = dataset({ x: { data: x.data, shape: x.shape.slice(1) }, label: y.data });
    console.log(set.length, set.fields.label.dtype); // 4 'i32'
  },
  readNpz() {
    const { weight } = readNpz('a.npz', writeNpz({ weight: { shape: [2], data: Float32Array.of(3, 4) } }));
    console.log(weight); // { shape: [2], data: [3, 4] }
  },
  async toOnnx() {
    const model = sequential(linear(4, 8), relu, linear(8, 3));
    const predictor = await createPredictor({ model, data: { x: { shape: [4], dtype: 'f32' } }, backend: 'cpu' });
    // For onnxruntime, and whatever else reads ONNX: any number of samples goes into "x" and comes out of "output".
    const bytes = await toOnnx(predictor);
    console.log(bytes instanceof Uint8Array); // true
  },
  writeNpy() {
    const bytes = writeNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
    console.log(bytes.length); // 144
  },
  writeNpz() {
    const bytes = writeNpz({ x: { shape: [2], data: Int32Array.of(1, 2) }, y: { shape: [], data: [0.5] } });
    console.log(Object.keys(readNpz('a.npz', bytes))); // ['x', 'y']
  },
  async toKeras() {
    const data = { x: { shape: [2], dtype: 'f32', scale: null } } as const;
    const predictor = await createPredictor({ model: sequential(linear(2, 4), relu, linear(4, 1)), data });
    const file = await toKeras(predictor); // for keras.saving.load_model('model.keras')
    const { model } = await fromKeras(file);
    console.log(await shapeOf(model, [3, 2])); // [3, 1]
  },
  async toLayersModel() {
    const data = { x: { shape: [2], dtype: 'f32', scale: null } } as const;
    const predictor = await createPredictor({ model: linear(2, 1), data });
    const files = await toLayersModel(predictor); // for tf.loadLayersModel('model.json'), in one folder
    console.log(Object.keys(files)); // ['model.json', 'group1-shard1of1.bin']
  },
};
