import { fromBinary } from '@bufbuild/protobuf';
import { FormatError } from '../../core/errors.ts';
import { refusePickled } from '../../data/pickledFile.ts';
import { ModelProtoSchema, type GraphProto, type ModelProto } from './onnx_pb.ts';

/** The opsets whose operators are read. */
export const OLDEST_OPSET = 7;
export const NEWEST_OPSET = 28;

/** What a file says of the model, with its graph and the opset of ONNX' own operators. */
export interface OpenModel {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly opset: number;
}

/** The parts of a file. @throws FormatError for what is no ONNX model, or one whose operators are too old or too new */
export function readModel(bytes: Uint8Array): OpenModel {
  refusePickled('onnx', 'the file', bytes);
  const model = decoded(bytes);
  const { graph, opsetImport } = model;
  if (!graph || opsetImport.length === 0) {
    throw new FormatError(
      '[onnx] the file holds no graph, or no opset: it is no ONNX model, or was cut short; give an .onnx file',
    );
  }
  const own = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const opset = Number(own?.version ?? NEWEST_OPSET);
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    throw new FormatError(
      `[onnx] the model is of opset ${opset}, but ${OLDEST_OPSET} to ${NEWEST_OPSET} are read: export it with opset_version=17, or convert it by onnx.version_converter`,
    );
  }
  return { model, graph, opset };
}

function decoded(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new FormatError(
      `[onnx] the file's ${bytes.length} bytes are no messages of ONNX: it is another kind of file, or was damaged; give an .onnx file`,
      { cause: error },
    );
  }
}
