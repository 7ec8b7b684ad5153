import type { ElementType } from './tensor.ts';

/** A type of numbers in ONNX. */
export interface OnnxType {
  readonly name: string;
  /** As what its numbers are read; left out of those that are not. */
  readonly type?: ElementType;
  /** What safetensors calls it. */
  readonly stored?: string;
}

/** By their numbers in TensorProto.DataType. Source: onnx/onnx.proto */
const onnxTypes: Readonly<Record<number, OnnxType>> = {
  1: { name: 'FLOAT', type: 'float', stored: 'F32' },
  2: { name: 'UINT8', type: 'int', stored: 'U8' },
  3: { name: 'INT8', type: 'int', stored: 'I8' },
  4: { name: 'UINT16', type: 'int', stored: 'U16' },
  5: { name: 'INT16', type: 'int', stored: 'I16' },
  6: { name: 'INT32', type: 'int', stored: 'I32' },
  7: { name: 'INT64', type: 'int', stored: 'I64' },
  8: { name: 'STRING' },
  9: { name: 'BOOL', type: 'bool', stored: 'BOOL' },
  10: { name: 'FLOAT16', type: 'float', stored: 'F16' },
  11: { name: 'DOUBLE', type: 'float', stored: 'F64' },
  12: { name: 'UINT32', type: 'int', stored: 'U32' },
  13: { name: 'UINT64', type: 'int', stored: 'U64' },
  14: { name: 'COMPLEX64' },
  15: { name: 'COMPLEX128' },
  16: { name: 'BFLOAT16', type: 'float', stored: 'BF16' },
  17: { name: 'FLOAT8E4M3FN' },
  18: { name: 'FLOAT8E4M3FNUZ' },
  19: { name: 'FLOAT8E5M2' },
  20: { name: 'FLOAT8E5M2FNUZ' },
  21: { name: 'UINT4' },
  22: { name: 'INT4' },
  23: { name: 'FLOAT4E2M1' },
  24: { name: 'FLOAT8E8M0' },
  25: { name: 'UINT2' },
  26: { name: 'INT2' },
  27: { name: 'FLOAT6E2M3' },
  28: { name: 'FLOAT6E3M2' },
};

/** A type by its number, whether it is read or not. */
export const onnxTypeOf = (number: number): OnnxType => onnxTypes[number] ?? { name: `type ${number}` };
