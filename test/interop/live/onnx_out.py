"""Holds files of ONNX against what they are to give.

usage: onnx_out.py FOLDER
NAME.npz has inputs and outputs by number of samples, `3/in/x`; NAME.OPSET.onnx is the model.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

onnxruntime.set_default_logger_severity(4)


def strays(session, arrays, count):
    """How far each output lies from what it is to be, in units of its size."""
    feeds = {node.name: arrays[f"{count}/in/{node.name}"] for node in session.get_inputs()}
    for node, got in zip(session.get_outputs(), session.run(None, feeds)):
        want = arrays[f"{count}/out/{node.name}"]
        if got.shape != want.shape or got.dtype != want.dtype:
            yield node.name, np.inf
        elif want.size:
            far = np.abs(got.astype(float) - want) / np.maximum(1, np.abs(want))
            yield node.name, np.max(np.where(np.isnan(far), np.inf, far))


def compare(file, arrays):
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    counts = sorted({key.split("/")[0] for key in arrays if "/" in key})
    return {(count, name): far for count in counts for name, far in strays(session, arrays, count)}


folder = Path(sys.argv[1])
files = sorted(folder.glob("*.onnx"))
worst, wrong, opsets, compared = 0.0, [], set(), 0
for file in files:
    name, opset = file.stem.rsplit(".", 1)
    arrays = dict(np.load(folder / f"{name}.npz"))
    opsets.add(int(opset))
    try:
        found = compare(file, arrays)
    except Exception as error:
        wrong.append(f"{file.stem}: {error}")
        continue
    for where, far in found.items():
        compared += 1
        if not far <= arrays["tolerance"]:
            wrong.append(f"{file.stem} {where}: {far}")
        elif arrays["tolerance"] <= 1e-4:
            worst = max(worst, far)
if wrong or not files:
    sys.exit("\n".join(wrong) or "there is no file")
models = len(files) // len(opsets)
print(
    f"{models} models in opsets {min(opsets)} to {max(opsets)}: ONNX' checker takes all in full, and {compared} outputs of"
    f" onnxruntime {onnxruntime.__version__} agree to {worst:.1e}",
    end="",
)
