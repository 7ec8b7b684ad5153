"""Tells what flwr's own descriptors say of all messages of its Fleet API: python flower_protocol.py

By message and field: its number, its type and its label, in protobuf's numbers, the message that it is of, and whether one
tells from the wire that it was set. Of flwr 1.42.0: > ../../goldens/flower/descriptors.json
"""

import json

import flwr
from flwr.proto import fleet_pb2, recorddict_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto


def files_of(file):
    yield file
    for imported in file.dependencies:
        yield from files_of(imported)


def messages_of(scope, messages):
    for message in messages:
        name = f"{scope}.{message.name}"
        yield name, {
            field.name: [field.number, field.type, field.label, field.type_name or None, field.HasField("oneof_index")]
            for field in message.field
        }
        yield from messages_of(name, message.nested_type)


found = {}
for root in (fleet_pb2, recorddict_pb2):
    for file in files_of(root.DESCRIPTOR):
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        found |= messages_of(proto.package, proto.message_type)

lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in sorted(found.items())]
print("{\n" + f'"flwr": {json.dumps(flwr.__version__)},\n"messages": {{\n' + ",\n".join(lines) + "\n}\n}")
