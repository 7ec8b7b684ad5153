"""Models of the usual size as PyTorch and scikit-learn export them, and what onnxruntime says of those that come back.

usage: onnx_exports.py write FOLDER | judge FOLDER
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

mode, folder = sys.argv[1], Path(sys.argv[2])
if mode == "write":
    script = Path(__file__).parent.parent / "python" / "onnx_models.py"
    sys.argv = [str(script), str(folder)]
    runpy.run_path(str(script), run_name="__main__")
else:
    for path in sorted(folder.glob("*.back.onnx")):
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        told = json.loads((folder / path.name.replace(".back.onnx", ".back.json")).read_text())
        [one] = session.get_inputs()
        given = np.asarray(told["input"], dtype="int32" if "int" in one.type else "float32").reshape(told["shape"])
        [output] = session.run(None, {one.name: given})
        wanted = np.asarray(told["output"], dtype="float32")
        print(f"{path.name} {np.abs(output.ravel() - wanted).max() / max(1, np.abs(wanted).max()):.3g}")
