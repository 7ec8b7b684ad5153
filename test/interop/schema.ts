// Our schema of ONNX' messages, told as protobuf's own descriptors tell of theirs.

import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../src/interop/onnx/onnx_pb.ts';

/** protobuf's numbers of types. Source: google/protobuf/descriptor.proto, FieldDescriptorProto.Type */
const [MESSAGE, INT32] = [11, 5];

/** A field's number, its type, whether it is a list, and the message that it is of. */
type Field = readonly [number: number, type: number, repeated: boolean, of: string | null];

function fieldOf(field: DescField): Field {
  const repeated = field.fieldKind === 'list';
  const kind = repeated ? field.listKind : field.fieldKind;
  const type = kind === 'message' ? MESSAGE : kind === 'enum' ? INT32 : (field.scalar as number);
  return [field.number, type, repeated, field.message?.typeName ?? null];
}

/** Fields by name, by message. */
export function schemaOf(): Record<string, Record<string, Field>> {
  const all = (messages: readonly DescMessage[]): DescMessage[] =>
    messages.flatMap((message) => [message, ...all(message.nestedMessages)]);
  return Object.fromEntries(
    all(ModelProtoSchema.file.messages).map(({ typeName, fields }) => [
      typeName,
      Object.fromEntries(fields.map((field) => [field.name, fieldOf(field)])),
    ]),
  );
}
