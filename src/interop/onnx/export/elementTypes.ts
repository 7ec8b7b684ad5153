import type { Dtype } from '../../../core/shape.ts';

/** What elements of tensors are, by the numbers that a file has for it. Source: onnx.proto, TensorProto.DataType */
export const elementTypes = { FLOAT: 1, UINT8: 2, INT32: 6, INT64: 7, BOOL: 9, UINT32: 12 } as const;

/** Of ONNX' types those that values of a graph have. */
export type ElementType = keyof typeof elementTypes;

/** What a field, or what the model gives, is there. */
export const typeOf: Readonly<Record<Dtype, ElementType>> = { f32: 'FLOAT', i32: 'INT32', u32: 'UINT32', u8: 'UINT8' };

/** What is computed with: hardly any engine has arithmetic of UINT32, whose numbers INT64 holds. */
export const computedType: Readonly<Record<Dtype, ElementType>> = { ...typeOf, u32: 'INT64' };
