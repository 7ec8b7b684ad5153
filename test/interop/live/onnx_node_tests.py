"""Writes ONNX' own node tests, as the onnx wheel has them in code, into a folder: a file for each, as JSON and bytes.

usage: onnx_node_tests.py FOLDER
Each test is FOLDER/NAME.onnx, and FOLDER/NAME.json: its tolerances, and the numbers of its inputs and outputs, null for
what is no tensor of numbers. FOLDER/schema.json has the fields of ONNX' messages.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import onnx_ml_pb2  # noqa: E402
from onnx.backend.test.case.node import collect_testcases  # noqa: E402


def told(value, name):
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return {"name": name, "dtype": None}
    dtype = value.dtype.name
    if dtype == "bfloat16":
        value = value.astype(np.float32)
    if value.dtype.kind not in "fiub" or value.dtype.names:
        return {"name": name, "dtype": None}
    if value.dtype.kind == "f":
        data = [x if np.isfinite(x) else str(x) for x in value.astype(np.float64).ravel().tolist()]
    else:
        data = value.astype(np.int64).ravel().tolist()
    return {"name": name, "dtype": dtype, "shape": list(value.shape), "data": data}


def wire_type(field):
    # An enum lies as an int32.
    return 5 if field.type == field.TYPE_ENUM else field.type


def message_name(field):
    return field.message_type.full_name if field.message_type else None


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
count = 0
for case in collect_testcases(None):
    if not case.data_sets:
        continue
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    test = {
        "rtol": case.rtol,
        "atol": case.atol,
        "inputs": [told(x, v.name) for x, v in zip(inputs, graph.input)],
        "outputs": [told(x, v.name) for x, v in zip(outputs, graph.output)],
    }
    if sum(len(x.get("data", [])) for x in test["inputs"] + test["outputs"]) > 2_000_000:
        continue
    (folder / f"{case.name}.onnx").write_bytes(case.model.SerializeToString())
    (folder / f"{case.name}.json").write_text(json.dumps(test))
    count += 1


def messages(all_of_them):
    for message in all_of_them:
        yield message
        yield from messages(message.nested_types)


(folder / "schema.json").write_text(
    json.dumps(
        {
            message.full_name: {
                field.name: [field.number, wire_type(field), field.is_repeated, message_name(field)]
                for field in message.fields
            }
            for message in messages(onnx_ml_pb2.DESCRIPTOR.message_types_by_name.values())
        }
    )
)
print(count, onnx.__version__)
