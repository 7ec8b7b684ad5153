// ONNX files of a few nodes, as tests want them.

import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
} from '../../src/interop/onnx/onnx_pb.ts';

type Init<S extends Parameters<typeof create>[0]> = Exclude<MessageInitShape<S>, { $typeName: string }>;
export type OnnxGraph = Init<typeof GraphProtoSchema>;
export type OnnxNodeInit = Init<typeof NodeProtoSchema>;
export type OnnxTensorInit = Init<typeof TensorProtoSchema>;
type Attribute = Init<typeof AttributeProtoSchema>;

/** An input of floats; −1 leaves an extent open. */
export const floatsIn = (name: string, ...shape: number[]) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: 1,
        shape: {
          dim: shape.map((extent) =>
            extent < 0
              ? { value: { case: 'dimParam' as const, value: 'batch' } }
              : { value: { case: 'dimValue' as const, value: BigInt(extent) } },
          ),
        },
      },
    },
  },
});

export const floatsOf = (name: string, shape: readonly number[], floatData: readonly number[]): OnnxTensorInit => ({
  name,
  dims: shape.map(BigInt),
  dataType: 1,
  floatData: [...floatData],
});

export const intsOf = (name: string, numbers: readonly number[]): OnnxTensorInit => ({
  name,
  dims: [BigInt(numbers.length)],
  dataType: 7,
  int64Data: numbers.map(BigInt),
});

export const intAttribute = (name: string, i: number): Attribute => ({ name, type: 2, i: BigInt(i) });

/** A node whose inputs and outputs are names apart by blanks. */
export const nodeOf = (
  opType: string,
  input: string,
  output: string,
  attribute: Attribute[] = [],
  more: OnnxNodeInit = {},
): OnnxNodeInit => ({
  opType,
  name: `the ${opType}`,
  input: input === '' ? [] : input.split(' '),
  output: output.split(' '),
  attribute,
  ...more,
});

/** A file of a graph from `x`, `[batch, 2]`, to `y`. */
export function onnxFile(graph: OnnxGraph, opset = 17, more: Init<typeof ModelProtoSchema> = {}): Uint8Array {
  const whole: OnnxGraph = { name: 'test', input: [floatsIn('x', -1, 2)], output: [{ name: 'y' }], ...graph };
  const model = { irVersion: 8n, opsetImport: [{ domain: '', version: BigInt(opset) }], graph: whole, ...more };
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}
