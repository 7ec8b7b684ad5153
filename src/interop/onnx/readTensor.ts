import { FormatError } from '../../core/errors.ts';
import { fromHalves } from '../../core/halves.ts';
import { sizeOf } from '../../core/shape.ts';
import { bytesOfType, numbersIn, storedIn } from '../../data/tensorTypes.ts';
import { onnxTypeOf, type OnnxType } from './elementTypes.ts';
import type { ExternalFiles } from './onnxModel.ts';
import type { TensorProto } from './onnx_pb.ts';
import { Tensor, type ElementType, type KnownNumbers } from './tensor.ts';

const [FLOAT16, BFLOAT16] = [10, 16];
const EXTERNAL = 1;

/**
 * Numbers of a file's, which are there already.
 * @param where the tensor's name, for messages
 * @throws FormatError for a type that is not read, or numbers that are not as many as the tensor's extents say
 */
export function readTensor(where: string, tensor: TensorProto, files: ExternalFiles): Tensor {
  const shape = tensor.dims.map(Number);
  const type = onnxTypeOf(tensor.dataType);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new FormatError(
      `[onnx] ${where} has the extents [${shape.join(', ')}]: the file was damaged; export it again`,
    );
  }
  const { type: kind } = type;
  if (!kind) {
    throw new FormatError(
      `[onnx] ${where} holds ${type.name}, which is not read: floats, integers of 8 to 64 bits and truths are; export the model in float32`,
    );
  }
  const numbers = numbersOf(where, tensor, { ...type, type: kind }, files);
  if (numbers.length !== sizeOf(shape)) {
    throw new FormatError(
      `[onnx] ${where} is ${type.name}[${shape.join(', ')}], ${sizeOf(shape)} numbers, but the file has ${numbers.length}: it was damaged; export it again`,
    );
  }
  return Tensor.known(kind, shape, numbers);
}

type ReadType = OnnxType & { readonly type: ElementType };

function numbersOf(where: string, tensor: TensorProto, type: ReadType, files: ExternalFiles): KnownNumbers {
  const bytes = tensor.dataLocation === EXTERNAL ? externalBytes(where, tensor, files) : tensor.rawData;
  return bytes === undefined ? listed(tensor, type) : packed(where, bytes, type);
}

/** Numbers that lie as bytes, little-endian. */
function packed(where: string, bytes: Uint8Array, { name, type, stored }: ReadType): KnownNumbers {
  if (bytes.length % bytesOfType(stored!)! !== 0) {
    throw new FormatError(
      `[onnx] ${where} has ${bytes.length} bytes, which are no whole numbers of ${name}: the file was damaged; export it again`,
    );
  }
  if (type === 'float') {
    const numbers = numbersIn(stored!, bytes);
    return typeof numbers === 'string' ? (storedIn(stored!, bytes) as Float64Array) : numbers;
  }
  const numbers = Float64Array.from(storedIn(stored!, bytes) as Int32Array, Number);
  return type === 'bool' ? numbers.map((x) => (x === 0 ? 0 : 1)) : numbers;
}

/** Numbers that stand in the list of their type. */
function listed(tensor: TensorProto, { type }: ReadType): KnownNumbers {
  const { dataType, floatData, doubleData, int32Data, int64Data, uint64Data } = tensor;
  if (dataType === FLOAT16) return fromHalves(Uint16Array.from(int32Data));
  if (dataType === BFLOAT16) return new Float32Array(Int32Array.from(int32Data, (half) => half << 16).buffer);
  if (type === 'float') return doubleData.length > 0 ? Float64Array.from(doubleData) : Float32Array.from(floatData);
  const wide = int64Data.length > 0 ? int64Data : uint64Data;
  return Float64Array.from(wide.length > 0 ? wide.map(Number) : int32Data);
}

/** What a tensor says of its bytes in another file. */
function externalBytes(where: string, { externalData }: TensorProto, files: ExternalFiles): Uint8Array {
  const said = Object.fromEntries(externalData.map(({ key, value }) => [key, value]));
  const { location = '', offset = '0', length } = said;
  if (location === '' || location.startsWith('/') || /(?:^|[\\/])\.\.(?:[\\/]|$)|^[a-z]+:/i.test(location)) {
    throw new FormatError(
      `[onnx] ${where} lies in "${location}", which is no file beside the model: put both into one folder, and export it again`,
    );
  }
  const file = Object.hasOwn(files, location) ? files[location] : undefined;
  if (!file) {
    throw new FormatError(
      `[onnx] ${where} lies in the file "${location}", which was not given: fromOnnx(bytes, { files: { ${JSON.stringify(location)}: bytes } })`,
    );
  }
  const from = Number(offset);
  const end = length === undefined ? file.length : from + Number(length);
  if (Number.isSafeInteger(from) && Number.isSafeInteger(end) && from >= 0 && from <= end && end <= file.length) {
    return file.subarray(from, end);
  }
  throw new FormatError(
    `[onnx] ${where} has the bytes ${offset} … ${end} of "${location}", which ends at ${file.length}: it was cut short; copy it again`,
  );
}
