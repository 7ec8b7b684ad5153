import { FormatError } from '../../core/errors.ts';
import { onnxTypeOf } from './elementTypes.ts';
import type { OnnxPort } from './onnxModel.ts';
import type { ValueInfoProto } from './onnx_pb.ts';

/** What a model takes, as the file says it. */
export const portOf = (port: ValueInfoProto): OnnxPort => ({
  name: port.name,
  type: onnxTypeOf(tensorTypeOf(port).elemType).name,
  shape: extentsOf(port),
});

/** @throws FormatError for an input that is no tensor */
export function tensorTypeOf({ name, type }: ValueInfoProto) {
  if (type?.value.case === 'tensorType') return type.value.value;
  throw new FormatError(
    `[onnx] the input "${name}" is a sequence, a map, or of no type, which is not read: give the model tensors`,
  );
}

/** Extents as the file has them; null for those that it leaves open, or for all. */
export const extentsOf = (port: ValueInfoProto): (number | null)[] | null =>
  tensorTypeOf(port).shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : null)) ?? null;
