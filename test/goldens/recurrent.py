"""What PyTorch, Keras and ONNX Runtime make of small recurrent layers, for test/nn/recurrentJudges.test.ts.

Made with torch 2.13.0 (CPU), keras 3.12.0, onnx and onnxruntime (versions in the file itself), numpy 2.4.6, Python 3.11:

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy==2.4.6 keras==3.12.0 onnx onnxruntime
    venv/bin/python test/goldens/recurrent.py > test/goldens/recurrent.json
"""

import json
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper

N, T, C, H = 3, 5, 3, 4
LENGTHS = [5, 2, 4]
rng = numpy.random.default_rng(7)


def flat(a):
    if hasattr(a, "detach"):
        a = a.detach().cpu().numpy()
    return [round(float(x), 9) for x in numpy.asarray(a).ravel()]


def weights(kind):
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind]
    return gates, lambda *shape: rng.normal(size=shape) * 0.6


x = rng.normal(size=(N, T, C))
cases = []


def pytorch(kind, layers, bidirectional, ragged):
    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[kind]
    net = make(C, H, num_layers=layers, bidirectional=bidirectional, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) * 0.6))
    given = torch.tensor(x, requires_grad=True)
    if ragged:
        packed = torch.nn.utils.rnn.pack_padded_sequence(given, LENGTHS, batch_first=True, enforce_sorted=False)
        out, state = net(packed)
        out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=T)
    else:
        out, state = net(given)
    hidden = state[0] if kind == "lstm" else state
    slope = torch.tensor(numpy.cos(numpy.arange(out.numel())).reshape(tuple(out.shape)))
    slope_hidden = torch.tensor(numpy.sin(numpy.arange(hidden.numel())).reshape(tuple(hidden.shape)))
    ((out * slope).sum() + (hidden * slope_hidden).sum()).backward()
    nets = []
    for layer in range(layers):
        for suffix in ["", "_reverse"] if bidirectional else [""]:
            names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
            own = {n: getattr(net, f"{n}_l{layer}{suffix}") for n in names}
            nets.append({
                "given": {n: flat(p) for n, p in own.items()},
                "slopes": {n: flat(p.grad) for n, p in own.items()},
            })
    cases.append({
        "from": "pytorch", "kind": kind, "layers": layers, "bidirectional": bidirectional,
        "lengths": LENGTHS if ragged else None, "nets": nets,
        "sequence": flat(out), "hidden": flat(hidden), "slopeOfX": flat(given.grad),
    })


def keras_case(kind):
    make = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}[kind]
    layer = make(H, return_sequences=True)
    layer.build((N, T, C))
    own = [rng.normal(size=w.shape) * 0.6 for w in layer.get_weights()]
    layer.set_weights(own)
    out = layer(x.astype("float32"))
    cases.append({
        "from": "keras", "kind": kind, "layers": 1, "bidirectional": False, "lengths": None,
        "nets": [{"given": dict(zip(["kernel", "recurrent_kernel", "bias"], [flat(w) for w in own]))}],
        "sequence": flat(out),
    })


def onnx_case(kind):
    gates, draw = weights(kind)
    W, R, B = [draw(1, gates * H, C), draw(1, gates * H, H), draw(1, 2 * gates * H)]
    op = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}[kind]
    extra = {"linear_before_reset": 1} if kind == "gru" else {}
    node = helper.make_node(op, ["X", "W", "R", "B"], ["Y"], hidden_size=H, **extra)
    constant = [helper.make_tensor(n, TensorProto.FLOAT, a.shape, a.astype("float32").ravel()) for n, a in zip("WRB", [W, R, B])]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [T, N, C])],
                              [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [T, 1, N, H])], constant)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"X": x.transpose(1, 0, 2).astype("float32")})
    cases.append({
        "from": "onnx", "kind": kind, "layers": 1, "bidirectional": False, "lengths": None,
        "nets": [{"given": {n: flat(a) for n, a in zip("WRB", [W, R, B])}}],
        "sequence": flat(out[:, 0].transpose(1, 0, 2)),
    })


for kind in ["lstm", "gru", "rnn"]:
    pytorch(kind, 1, False, False)
    pytorch(kind, 2, True, True)
    keras_case(kind)
    onnx_case(kind)

print(json.dumps({
    "versions": {m.__name__: m.__version__ for m in [torch, keras, onnx, onnxruntime, numpy]},
    "extents": {"samples": N, "steps": T, "features": C, "units": H},
    "x": flat(x),
    "cases": cases,
}, separators=(",", ":")))
