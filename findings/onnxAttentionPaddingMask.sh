#!/usr/bin/env bash
# PyTorch exports attention with a padding mask to ONNX' opset 23, and onnxruntime refuses to run it. Up to opset 22
# scaled_dot_product_attention becomes products and a softmax; from 23 on one Attention node, whose mask is whatever was
# given: [N, 1, 1, S] of a mask of keys, as it is usual. The specification lets it broadcast, onnx' checker and reference
# evaluator take it; onnxruntime wants the axis of queries at its full extent, and ends with an error as the model runs, not
# as it is loaded. So a newer opset breaks a model that ran.
# Seen on 2026-11-30: torch 2.15.0, onnx 1.23.2, onnxruntime 1.32.0 on the CPU:
#   opset 18  MatMul among 13 nodes   as PyTorch
#   opset 23  Attention               reference as PyTorch, onnxruntime: inconsistent q_sequence_length
# A mask that is expanded to [N, 1, T, S] before goes through both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python - <<'PYTHON' 2> /dev/null
import numpy as np, onnx, onnxruntime, torch
from onnx.reference import ReferenceEvaluator
from torch.nn.functional import scaled_dot_product_attention as attention

N, HEADS, T, WIDTH = 2, 3, 4, 8


class Masked(torch.nn.Module):
    def __init__(self, expands):
        super().__init__()
        self.expands = expands

    def forward(self, q, k, v, keys):
        mask = keys[:, None, None, :]
        return attention(q, k, v, attn_mask=mask.expand(N, 1, T, T).clone() if self.expands else mask)


torch.manual_seed(0)
inputs = [torch.randn(N, HEADS, T, WIDTH) for _ in range(3)]
inputs.append(torch.tensor([[True, True, True, False], [True, True, False, False]]))
said = {}
for opset, expands in ((18, False), (23, False), (23, True)):
    model = Masked(expands)
    torch.onnx.export(model, tuple(inputs), "m.onnx", dynamo=True, opset_version=opset, external_data=False, verbose=False)
    file = onnx.load("m.onnx")
    onnx.checker.check_model(file, full_check=True)
    given = {port.name: x.numpy() for port, x in zip(file.graph.input, inputs)}
    wanted = model(*inputs).numpy()
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    try:
        outcome = f"{np.abs(session.run(None, given)[0] - wanted).max():.0e}"
    except Exception as error:
        outcome = "refused" if "q_sequence_length" in str(error) else str(error)
    reference = np.abs(ReferenceEvaluator(file).run(None, given)[0] - wanted).max()
    said[opset, expands] = outcome
    print(f"opset {opset}, expanded {expands}: {len(file.graph.node)} nodes, reference {reference:.0e}, onnxruntime {outcome}")
    assert reference < 1e-5
assert float(said[18, False]) < 1e-5 and float(said[23, True]) < 1e-5
assert said[23, False] == "refused", "onnxruntime broadcasts the mask now"
PYTHON
