"""Writes nodes of ONNX with what onnxruntime makes of random numbers: for npm test, which has no Python.

usage: onnx_operators.py > ../../goldens/interop/onnxOperators.json. Needs requirements.txt.
Models are in base64, and so are numbers, as f32 or i32, behind their type and their extents.
"""

import base64
import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(7)
onnxruntime.set_default_logger_severity(4)
cases = {}


def f(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(np.float32)


def i(*shape, low=0, high=4):
    return rng.integers(low, high, shape).astype(np.int64)


def ints(*numbers):
    return np.array(numbers, np.int64)


def packed(array):
    numbers = np.ascontiguousarray(array.astype(np.float32 if array.dtype.kind == "f" else np.int32))
    return f"{array.dtype} {','.join(map(str, array.shape))} {base64.b64encode(numbers.tobytes()).decode()}"


def case(name, op, data, known=(), outputs=1, opset=21, **attributes):
    """data: what the model is given, in order; known: by its place, what it has beside. None is left out."""
    known = dict(known)
    count = len(data) + len(known)
    names, initializers, inputs, feeds, rest = [], [], [], {}, list(data)
    for at in range(count):
        if at in known:
            names.append(f"k{at}")
            initializers.append(numpy_helper.from_array(np.asarray(known[at]), f"k{at}"))
            continue
        value = rest.pop(0) if rest else None
        if value is None:
            names.append("")
            continue
        names.append(f"x{at}")
        feeds[f"x{at}"] = value
        inputs.append(helper.make_tensor_value_info(f"x{at}", helper.np_dtype_to_tensor_dtype(value.dtype), value.shape))
    made = [f"y{at}" if at in (range(outputs) if isinstance(outputs, int) else outputs) else "" for at in range(4)]
    while made and not made[-1]:
        made.pop()
    node = helper.make_node(op, names, made, name=name, **attributes)
    results = [helper.make_empty_tensor_value_info(one) for one in made if one]
    graph = helper.make_graph([node], "g", inputs, results, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    got = session.run(None, feeds)

    cases[f"{op} {name}".strip() + (f" of opset {opset}" if opset < 13 else "")] = {
        "model": base64.b64encode(model.SerializeToString()).decode(),
        "inputs": {label: packed(value) for label, value in feeds.items()},
        "outputs": {label: packed(value) for label, value in zip([one for one in made if one], got)},
    }


# Element by element.
for op in ("Abs Neg Exp Sigmoid Tanh Relu Softplus Softsign Erf Ceil Floor Round Sign Sin Cos Tan Atan Sinh Cosh Asinh "
           "HardSwish Mish Selu Elu Celu").split():
    case("", op, [f(2, 5)])
case("", "Log", [f(2, 5, low=0.1)])
case("", "Sqrt", [f(2, 5, low=0.1)])
case("", "Asin", [f(2, 5, low=-1, high=1)])
case("", "Acos", [f(2, 5, low=-1, high=1)])
case("", "Atanh", [f(2, 5, low=-0.9, high=0.9)])
case("", "Acosh", [f(2, 5, low=1)])
case("by tanh", "Gelu", [f(2, 5)], approximate="tanh")
case("with its own slope", "LeakyRelu", [f(2, 5)], alpha=0.3)
case("by channel", "PRelu", [f(2, 3, 4)], {1: f(3, 1)})
case("with an alpha", "Celu", [f(2, 5)], alpha=0.4)
case("", "ThresholdedRelu", [f(2, 5)], alpha=0.4)
case("", "HardSigmoid", [f(2, 5)], alpha=0.3, beta=0.4)
case("", "Shrink", [f(2, 5)], lambd=0.6, bias=0.2)
case("between", "Clip", [f(2, 5)], {1: np.float32(-0.5), 2: np.float32(0.7)})
case("between attributes", "Clip", [f(2, 5)], opset=7, min=-0.5, max=0.7)
for op in "Add Sub Mul Div Pow".split():
    case("broadcast", op, [f(2, 1, 5, low=0.2), f(3, 1, low=0.2)])
case("of integers", "Div", [i(4, 5, low=-30, high=30), i(5, low=1, high=9)])
case("of integers", "Mod", [i(4, 5, low=-30, high=30), i(5, low=1, high=9)])
case("of C", "Mod", [f(4, 5), f(5, low=0.5)], fmod=1)
case("of three", "Max", [f(2, 5), f(5), f(2, 1)])
case("of three", "Mean", [f(2, 5), f(5), f(2, 1)])
case("", "Where", [i(2, 5, high=2).astype(bool), f(2, 5), f(5)])
case("", "Less", [f(2, 5), f(5)])
case("", "Xor", [i(2, 5, high=2).astype(bool), i(5, high=2).astype(bool)])
case("", "IsNaN", [np.array([1, np.nan, np.inf], np.float32)])
case("of one sign", "IsInf", [np.array([1, -np.inf, np.inf], np.float32)], detect_negative=0)
case("to integers", "Cast", [f(2, 5)], to=TensorProto.INT64)

# Products.
case("", "MatMul", [f(2, 1, 3, 4), f(3, 4, 2)])
case("of a row", "MatMul", [f(4), f(3, 4, 2)])
case("with all", "Gemm", [f(4, 3)], {1: f(5, 4), 2: f(3, 1)}, transA=1, transB=1, alpha=0.5, beta=2.0)
for equation, shapes in {
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
    "...ij,jk": [(2, 3, 4), (4, 5)],
    "bhid,bhjd->bhij": [(2, 2, 3, 4), (2, 2, 5, 4)],
    "ii->i": [(4, 4)],
    "ij,ij->": [(3, 4), (3, 4)],
    "i,j,k->kij": [(2,), (3,), (4,)],
    "abc,cd,bd->a": [(2, 3, 4), (4, 5), (3, 5)],
    "ab,cd->ad": [(2, 3), (4, 5)],
}.items():
    case(equation, "Einsum", [f(*shape) for shape in shapes], equation=equation)

# Images.
case("with gaps and strides", "Conv", [f(2, 4, 9, 8)], {1: f(6, 2, 3, 2), 2: f(6)}, group=2, strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 1])
case("of one axis", "Conv", [f(2, 3, 9)], {1: f(4, 3, 3)}, auto_pad="SAME_LOWER", strides=[2])
case("of three axes", "Conv", [f(1, 2, 5, 4, 5)], {1: f(3, 2, 2, 3, 2), 2: f(3)}, strides=[2, 1, 1], pads=[1, 1, 0, 0, 1, 1])
case("with padding", "ConvTranspose", [f(1, 4, 4, 3)], {1: f(4, 2, 3, 3), 2: f(4)}, group=2, strides=[2, 2], pads=[1, 0, 1, 1], output_padding=[1, 0])
case("of a shape", "ConvTranspose", [f(1, 2, 3, 3)], {1: f(2, 2, 3, 3)}, strides=[3, 2], output_shape=[8, 6])
case("rounded up", "MaxPool", [f(1, 2, 7, 6)], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, pads=[1, 0, 1, 0])
case("with gaps", "MaxPool", [f(1, 2, 7, 7)], kernel_shape=[2, 2], dilations=[2, 3], strides=[2, 1])
case("of three axes", "MaxPool", [f(1, 2, 4, 5, 4)], kernel_shape=[2, 2, 3], strides=[1, 2, 1], pads=[0, 1, 1, 0, 0, 1])
case("rounded up with padding", "AveragePool", [f(1, 2, 7, 6)], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, pads=[1, 1, 1, 1], count_include_pad=1)
case("without padding", "AveragePool", [f(1, 2, 7, 6)], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
case("with gaps", "AveragePool", [f(1, 2, 7)], kernel_shape=[3], dilations=[2], pads=[2, 2], opset=19)
case("", "LpPool", [f(1, 2, 6, 6)], kernel_shape=[2, 3], p=3)
case("", "LRN", [f(2, 6, 2, 3)], size=3, alpha=0.3, beta=0.6, bias=1.2)
case("", "GlobalAveragePool", [f(2, 3, 4, 5)])
case("", "GlobalMaxPool", [f(2, 3, 4)])
case("CRD", "DepthToSpace", [f(1, 8, 2, 3)], blocksize=2, mode="CRD")
case("", "SpaceToDepth", [f(1, 2, 4, 6)], blocksize=2)
for mode in ("constant", "reflect", "edge", "wrap"):
    case(mode, "Pad", [f(2, 4, 5)], {1: ints(0, 1, 2, 1, 3, 2)}, mode=mode)
case("by attribute", "Pad", [f(2, 4, 5)], opset=7, pads=[0, 1, 2, 1, 3, 2], value=1.5)
none = np.array([], np.float32)
for mode, coordinates, sizes in [
    ("linear", "half_pixel", [1, 2, 7, 3]),
    ("linear", "align_corners", [1, 2, 8, 9]),
    ("linear", "asymmetric", [1, 2, 8, 12]),
    ("cubic", "half_pixel", [1, 2, 7, 5]),
    ("nearest", "half_pixel", [1, 2, 7, 3]),
    ("nearest", "asymmetric", [1, 2, 8, 12]),
    ("linear", "pytorch_half_pixel", [1, 2, 8, 12]),
]:
    case(f"{mode} by {coordinates} to {sizes[2]} × {sizes[3]}", "Resize", [f(1, 2, 4, 6)], {1: none, 2: none, 3: ints(*sizes)}, mode=mode, coordinate_transformation_mode=coordinates)
case("with a filter", "Resize", [f(1, 1, 8, 9)], {1: none, 2: none, 3: ints(1, 1, 3, 5)}, mode="linear", antialias=1)
case("by scales", "Resize", [f(1, 1, 4, 4)], {1: np.array([1, 1, 2, 1.5], np.float32)}, opset=10, mode="linear")
case("", "Upsample", [f(1, 1, 3, 4)], {1: np.array([1, 1, 2, 3], np.float32)}, opset=9, mode="nearest")
case("by attribute", "Upsample", [f(1, 1, 3, 4)], opset=7, mode="linear", scales=[1.0, 1.0, 2.0, 2.0])
for mode, padding, corners in [("linear", "zeros", 0), ("cubic", "border", 1), ("nearest", "reflection", 0), ("linear", "reflection", 1)]:
    case(f"{mode} {padding}", "GridSample", [f(2, 3, 4, 5), f(2, 3, 2, 2, low=-1.4, high=1.4)], mode=mode, padding_mode=padding, align_corners=corners)
case("", "AffineGrid", [f(2, 2, 3)], {1: ints(2, 1, 3, 4)}, align_corners=1)

# Norms.
case("", "BatchNormalization", [f(2, 3, 4, 2)], {1: f(3), 2: f(3), 3: f(3), 4: f(3, low=0.5)})
case("of a table", "BatchNormalization", [f(4, 3)], {1: f(3), 2: f(3), 3: f(3), 4: f(3, low=0.5)}, opset=7)
case("with statistics", "LayerNormalization", [f(2, 3, 4)], {1: f(3, 4), 2: f(3, 4)}, outputs=3, axis=1)
case("", "RMSNormalization", [f(2, 3, 4)], {1: f(4)}, opset=23)
case("", "GroupNormalization", [f(2, 6, 4)], {1: f(6), 2: f(6)}, num_groups=3)
case("", "InstanceNormalization", [f(2, 3, 4, 3)], {1: f(3), 2: f(3)})
case("", "LpNormalization", [f(2, 3, 4)], axis=1, p=1)
case("", "MeanVarianceNormalization", [f(2, 3, 4, 2)])

# Reductions.
for op in "Sum Mean Max Min Prod L1 L2 LogSumExp SumSquare".split():
    case("", f"Reduce{op}", [f(2, 3, 4)], {1: ints(-1, 0)}, keepdims=0)
case("by attribute", "ReduceSum", [f(2, 3, 4)], opset=11, axes=[1], keepdims=1)
case("the last of equals", "ArgMax", [np.array([[1, 3, 3], [2, 2, 1]], np.float32)], axis=1, select_last_index=1, keepdims=0)
case("", "Softmax", [f(2, 3, 4)], axis=1)
case("of what follows", "Softmax", [f(2, 3, 4)], opset=11, axis=1)
case("", "LogSoftmax", [f(2, 3, 4)])
case("", "CumSum", [f(2, 5)], {1: np.array(1, np.int64)}, exclusive=1, reverse=1)

# Shapes and indices.
case("backwards", "Slice", [f(4, 6)], {1: ints(-1, 1), 2: ints(-5, 5), 3: ints(0, 1), 4: ints(-2, 2)})
case("by attribute", "Slice", [f(4, 6)], opset=9, starts=[1, -3], ends=[9, -1])
case("", "Split", [f(4, 7)], {1: ints(2, 5)}, outputs=2, axis=1)
case("by number", "Split", [f(4, 7)], outputs=3, axis=1, num_outputs=3)
case("", "Concat", [f(2, 3), f(2, 1)], axis=-1)
case("", "Transpose", [f(2, 3, 4)], perm=[2, 0, 1])
case("", "Reshape", [f(2, 3, 4)], {1: ints(0, -1)})
case("", "Flatten", [f(2, 3, 4)], axis=2)
case("by attribute", "Squeeze", [f(2, 1, 4)], opset=11, axes=[1])
case("", "Unsqueeze", [f(2, 4)], {1: ints(0, -1)})
case("", "Expand", [f(3, 1)], {1: ints(2, 1, 4)})
case("", "Tile", [f(2, 3)], {1: ints(2, 2)})
case("from behind", "Gather", [f(4, 5), i(2, 3, low=-4)])
case("", "GatherElements", [f(3, 4), i(2, 4, low=-3, high=3)])
case("by sample", "GatherND", [f(2, 3, 4), i(2, 2, 1, high=3)], batch_dims=1)
case("", "ScatterElements", [f(3, 4), f(2, 4)], {1: np.array([[0, 2, 1, 0], [2, 0, 2, 1]], np.int64)})
case("added up", "ScatterElements", [f(3, 2), f(3, 2)], {1: np.array([[0, 1], [0, 1], [2, 1]], np.int64)}, reduction="add")
case("", "ScatterND", [f(4, 3), f(2, 3)], {1: np.array([[3], [1]], np.int64)})
case("", "OneHot", [i(2, 3, low=-4)], {1: np.array(4, np.int64), 2: np.array([-1, 2], np.float32)}, axis=1)
case("lower", "Trilu", [f(2, 4, 3)], {1: np.array(-1, np.int64)}, upper=0)
case("", "ReverseSequence", [f(4, 3, 2), ints(4, 2, 3)], time_axis=0, batch_axis=1)
case("the smallest", "TopK", [f(3, 4, 2)], {1: ints(3)}, outputs=2, axis=1, largest=0)
case("", "Compress", [f(3, 4)], {1: np.array([True, False, True])}, axis=0)

# Recurrent layers. onnxruntime has layout 0 alone.
for kind, gates, more in [("RNN", 1, {}), ("GRU", 3, {"linear_before_reset": 1}), ("GRU", 3, {}), ("LSTM", 4, {})]:
    for direction, count in [("forward", 1), ("reverse", 1), ("bidirectional", 2)]:
        steps, samples, features, units = 5, 3, 2, 4
        given = {
            1: f(count, gates * units, features, low=-1, high=1),
            2: f(count, gates * units, units, low=-1, high=1),
            3: f(count, 2 * gates * units, low=-1, high=1),
        }
        data = [f(steps, samples, features), np.array([5, 2, 3], np.int32), f(count, samples, units, low=-1, high=1)]
        if kind == "LSTM":
            data.append(f(count, samples, units, low=-1, high=1))
        name = f"{direction}{', reset behind' if more else ''}"
        case(name, kind, data, given, outputs=3 if kind == "LSTM" else 2, hidden_size=units, direction=direction, **more)
case("with relu", "RNN", [f(3, 2, 2)], {1: f(1, 4, 2), 2: f(1, 4, 4)}, outputs=2, hidden_size=4, activations=["Relu"])

# Attention.
case("causal", "Attention", [f(2, 4, 3, 8), f(2, 2, 5, 8), f(2, 2, 5, 8)], opset=23, is_causal=1)
case("flat, with what is added", "Attention", [f(2, 3, 16), f(2, 4, 16), f(2, 4, 16), f(3, 4)], opset=23, q_num_heads=2, kv_num_heads=2, softcap=1.5)
case("with a mask", "Attention", [f(1, 2, 3, 8), f(1, 2, 4, 8), f(1, 2, 4, 8), np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1]], bool)], opset=23, scale=0.3)
case("with a past", "Attention", [f(1, 2, 2, 8), f(1, 2, 2, 8), f(1, 2, 2, 8), None, f(1, 2, 3, 8), f(1, 2, 3, 8)], opset=23, outputs=3)
case("", "RotaryEmbedding", [f(2, 2, 3, 8), f(3, 4), f(3, 4), i(2, 3, high=3)], opset=23)
case("of pairs, in part", "RotaryEmbedding", [f(2, 3, 16), f(2, 3, 2), f(2, 3, 2)], opset=23, num_heads=2, rotary_embedding_dim=4, interleaved=1)

# Losses.
case("weighed", "SoftmaxCrossEntropyLoss", [f(3, 4, 2), i(3, 2)], {2: f(4, low=0.1)}, outputs=2, ignore_index=1)
case("summed", "NegativeLogLikelihoodLoss", [f(3, 4), i(3)], reduction="sum")

versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
print(json.dumps({"versions": versions, "cases": cases}, indent=2))
