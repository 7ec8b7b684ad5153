#!/usr/bin/env bash
# ONNX' reference evaluator, by which the node tests of the specification are made, gives other numbers for GridSample than
# PyTorch, where the operator comes from, and than onnxruntime: with mode cubic and padding border, in silence. Both of these
# take each of the sixteen places of a cubic at the border's pixel where it lies outside; the reference first moves the
# sampled place itself to the border. Elsewhere (linear, nearest, zeros, reflection) all three agree.
# Seen on 2026-11-30: onnx 1.23.2, onnxruntime 1.32.0, torch 2.15.0, 1 × 1 × 4 × 5 pixels of a normal law:
#   cubic border      PyTorch and onnxruntime agree, the reference is off by 0.17 (align_corners 0) and 0.23 (1)
#   the other sixteen agree to 1e-5
# Whoever implements the operator by the node tests gets this one wrong for models that were trained.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np, onnxruntime, torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

pixels = np.random.default_rng(0).normal(size=(1, 1, 4, 5)).astype("f")
# Some places lie outside, which begins at 1.
places = np.random.default_rng(1).uniform(-1.5, 1.5, size=(1, 6, 7, 2)).astype("f")
torch_modes = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}
for mode in torch_modes:
    for padding in ("zeros", "border", "reflection"):
        for align in (0, 1):
            node = helper.make_node("GridSample", ["x", "g"], ["y"], mode=mode, padding_mode=padding, align_corners=align)
            inputs = [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, pixels.shape),
                helper.make_tensor_value_info("g", TensorProto.FLOAT, places.shape),
            ]
            output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 6, 7])
            opset = [helper.make_opsetid("", 20)]
            model = helper.make_model(helper.make_graph([node], "g", inputs, [output]), opset_imports=opset, ir_version=9)
            given = {"x": pixels, "g": places}
            [reference] = ReferenceEvaluator(model).run(None, given)
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            [runtime] = session.run(None, given)
            theirs = torch.nn.functional.grid_sample(
                torch.tensor(pixels), torch.tensor(places), torch_modes[mode], padding, bool(align)
            ).numpy()
            off = float(np.abs(reference - runtime).max())
            print(f"{mode:8}{padding:11} align_corners {align}: reference off by {off:.2g}")
            assert np.abs(theirs - runtime).max() < 1e-5
            is_odd = mode == "cubic" and padding == "border"
            assert off > 0.1 if is_odd else off < 1e-5, (mode, padding, align, off)
PYTHON
