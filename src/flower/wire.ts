import { fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { FormatError } from '../core/errors.ts';

/** A message of protobuf's. @throws FormatError for bytes that are none */
export function readMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new FormatError(
      `[flower] ${bytes.length} bytes that came are no ${schema.typeName}: the address leads elsewhere, or the SuperLink is of another version`,
      { cause: error },
    );
  }
}
