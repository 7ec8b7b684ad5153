import { readFileSync } from 'node:fs';
import { isFieldSet } from '@bufbuild/protobuf';
import { FieldDescriptorProtoSchema, type DescriptorProto, type FieldDescriptorProto } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { file_fleet } from '../../src/flower/fleet_pb.ts';

/** Its number, its type and its label, the message that it is of, and whether one tells from the wire that it was set. */
type Field = readonly [number: number, type: number, label: number, of: string | null, isTold: boolean];
type Messages = Readonly<Record<string, Readonly<Record<string, Field>>>>;

// What flwr's wheel says, which test/interop/live/flowerProtocol.mjs compares with it.
const { messages: theirs } = JSON.parse(
  readFileSync(new URL('../goldens/flower/descriptors.json', import.meta.url), 'utf8'),
) as { readonly messages: Messages };

const ours = messagesOf(file_fleet.proto.package, file_fleet.proto.messageType);

test('every message has the fields of the same name in the wheel, with their numbers, types and labels', () => {
  expect(Object.keys(ours).length).toBeGreaterThan(30);
  expect(theirs).toMatchObject(ours);
});

function messagesOf(scope: string, messages: readonly DescriptorProto[]): Messages {
  return Object.assign(
    {},
    ...messages.map((message) => {
      const name = `${scope}.${message.name}`;
      const fields = Object.fromEntries(message.field.map((field) => [field.name, fieldOf(field)]));
      return { [name]: fields, ...messagesOf(name, message.nestedType) };
    }),
  );
}

function fieldOf(field: FieldDescriptorProto): Field {
  const { number, type, label, typeName } = field;
  return [number, type, label, typeName || null, isFieldSet(field, FieldDescriptorProtoSchema.field.oneofIndex)];
}
