import { input } from '../../src/index.ts';
import { fromOnnx, type FromOnnxOptions } from '../../src/interop/index.ts';
import type { Values } from '../../src/nn/layer.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import type { Case } from '../support/provoke.ts';
import { floatsIn, floatsOf, nodeOf, onnxFile, type OnnxGraph, type OnnxTensorInit } from '../support/onnxFile.ts';

const x = (): Values => input('x', { shape: [3, 2], dtype: 'f32' });

/** What is said when a file is read, or its model used. */
const used =
  (bytes: Uint8Array, options: FromOnnxOptions = {}, given = x()) =>
  async () => {
    const { model } = await fromOnnx(bytes, options);
    return new Tracer(new Registry(0), 'evaluate', null).apply(model, given, '');
  };

const relu = nodeOf('Relu', 'x', 'y');
const ofNodes = (...node: OnnxGraph['node'] & {}): Uint8Array => onnxFile({ node });
const holding = (tensor: OnnxTensorInit): Uint8Array =>
  onnxFile({ node: [nodeOf('Add', 'x w', 'y')], initializer: [{ ...floatsOf('w', [2], [1, 2]), ...tensor }] });

const outside = (location: string, length = '8'): OnnxTensorInit => ({
  floatData: [],
  dataLocation: 1,
  externalData: [
    { key: 'location', value: location },
    { key: 'length', value: length },
  ],
});

/** A function that uses itself, and one that uses another one very often. */
const endless = { domain: 'own', name: 'again', input: ['x'], output: ['y'] };
const often = Array.from({ length: 9 }, (_, at) => ({
  domain: 'own',
  name: `f${at}`,
  input: ['x0'],
  output: ['x9'],
  node: Array.from({ length: 9 }, (__, i) =>
    nodeOf(at === 0 ? 'Relu' : `f${at - 1}`, `x${i}`, `x${i + 1}`, [], at === 0 ? {} : { domain: 'own' }),
  ),
}));

export const onnx: readonly Case[] = [
  ["[onnx] the file's <n> bytes", used(new TextEncoder().encode('<html></html>'))],
  ['[onnx] the file holds no graph', used(new Uint8Array(0))],
  ['[onnx] the model is of opset', used(onnxFile({ node: [relu] }, 99))],
  ['[onnx] the model has sparse initializers', used(onnxFile({ node: [relu], sparseInitializer: [{}] }))],
  ['[onnx] the model is quantised', used(onnxFile({ node: [relu], quantizationAnnotation: [{}] }))],
  ['[onnx] the input "<name>" is a sequence', used(onnxFile({ node: [relu], input: [{ name: 'x' }] }))],
  ['[onnx] the model has the input "<name>"', used(ofNodes(relu), {}, { z: x() as never })],
  ['[onnx] the input "<name>" is [<shape>]', used(onnxFile({ node: [relu], input: [floatsIn('x', -1, 5)] }))],
  ['[onnx] the model gives no "<name>"', used(ofNodes(relu), { outputs: ['z'] })],
  ['[onnx] <operator> "<name>" cannot be read', used(ofNodes(nodeOf('Scan', 'x', 'y')))],
  [
    '[onnx] <operator> "<name>" reads "<name>", which is made',
    used(ofNodes(nodeOf('Relu', 'z', 'y'), nodeOf('Relu', 'y', 'z'))),
  ],
  ['[onnx] <operator> "<name>" reads "<name>", which is no input', used(ofNodes(nodeOf('Relu', 'z', 'y')))],
  [
    '[onnx] the model has graphs or functions',
    used(
      onnxFile({ node: [nodeOf('again', 'x', 'y', [], { domain: 'own' })] }, 17, {
        functions: [{ ...endless, node: [nodeOf('again', 'x', 'y', [], { domain: 'own' })] }],
      }),
    ),
  ],
  [
    '[onnx] the model uses its functions',
    used(onnxFile({ node: [nodeOf('f8', 'x', 'y', [], { domain: 'own' })] }, 17, { functions: often })),
  ],
  ['[onnx] <tensor> has the extents', used(holding({ dims: [-2n] }))],
  ['[onnx] <tensor> holds <type>', used(holding({ dataType: 8 }))],
  ['[onnx] <tensor> is <type>[<shape>]', used(holding({ dims: [3n] }))],
  ['[onnx] <tensor> has <n> bytes, which', used(holding({ floatData: [], rawData: new Uint8Array(7) }))],
  ['[onnx] <tensor> lies in "<file>", which is no', used(holding(outside('../weights')))],
  ['[onnx] <tensor> lies in the file', used(holding(outside('weights')))],
  ['[onnx] <tensor> has the bytes', used(holding(outside('weights')), { files: { weights: new Uint8Array(7) } })],
];
