"""ONNX' node tests of ai.onnx.preview.training, and five steps of its reference, T = 1 … 5: python onnx_training.py > ../../goldens/interop/onnxTraining.json

A step has R, T, then all X, all G, and of each of the moments all; it gives X and the moments.
"""

import json
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

DOMAIN = "ai.onnx.preview.training"
plain = lambda array: [float(f"{one:.9g}") for one in np.asarray(array, "f8").ravel()]


def told(model, inputs, outputs):
    (node,) = model.graph.node
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {
        "op": node.op_type,
        "attributes": {name: a.decode() if isinstance(a, bytes) else float(f"{a:.9g}") for name, a in attributes.items()},
        "inputs": [plain(array) for array in inputs],
        "outputs": [plain(array) for array in outputs],
    }


def model_of(op, moments, **attributes):
    names = ["X", "G", *[f"M{i}" for i in range(moments)]]
    node = helper.make_node(op, ["R", "T", *names], ["X1", *[f"M{i}1" for i in range(moments)]], domain=DOMAIN, **attributes)
    floats = lambda all: [helper.make_tensor_value_info(name, TensorProto.FLOAT, [6]) for name in all]
    scalars = [helper.make_tensor_value_info("R", TensorProto.FLOAT, []), helper.make_tensor_value_info("T", TensorProto.INT64, [])]
    graph = helper.make_graph([node], op, [*scalars, *floats(names)], floats(node.output))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(DOMAIN, 1)])


def steps(op, moments, **attributes):
    """Some steps of the reference, each on what the one before left."""
    model = model_of(op, moments, **attributes)
    session = ReferenceEvaluator(model)
    rng = np.random.default_rng(2)
    left = [rng.standard_normal(6).astype("f4"), *[np.zeros(6, "f4") for _ in range(moments)]]
    for t in range(1, 6):
        given = [np.float32(0.05), np.int64(t), left[0], rng.standard_normal(6).astype("f4"), *left[1:]]
        left = session.run(None, dict(zip(["R", "T", "X", "G", *[f"M{i}" for i in range(moments)]], given)))
        yield f"{op} at T = {t}", told(model, given, left)


cases = {}
for test in collect_testcases(None):
    if test.model is not None and any(o.domain == DOMAIN for o in test.model.opset_import):
        ((inputs, outputs),) = test.data_sets
        cases[test.name] = told(test.model, inputs, outputs)
cases |= dict(steps("Adam", 2, alpha=0.9, beta=0.999, epsilon=0.0, norm_coefficient=0.01))
cases |= dict(steps("Adagrad", 1, decay_factor=0.1, epsilon=1e-5))
cases |= dict(steps("Momentum", 1, alpha=0.9, beta=1.0, mode="nesterov", norm_coefficient=0.0))
print(json.dumps({"onnx": onnx.__version__, "cases": cases}, indent=1))
