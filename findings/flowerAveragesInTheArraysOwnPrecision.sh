#!/usr/bin/env bash
# Flower's FedAvg multiplies each node's array by its weight and adds it up in the array's own precision. Of halves, which
# nodes send to halve what a round costs, that is no average any more: where 100 nodes send the very same numbers, nearly
# all of what comes back is another number, by up to 1.5 %; it grows with the number of nodes, and each round begins with
# it. In f32 the same is 1.5e-6. Integers go the other way: an i64 that only counts, as PyTorch's num_batches_tracked, comes
# back as float64.
# Seen on 2026-11-30: flwr 1.42.0, numpy 2.4.6, all nodes with one array of 10,000 numbers and 600 samples each:
#   float16  3 nodes  31 % of the numbers changed, by up to 9.8e-04   100 nodes  95 %, by up to 1.5e-02
#   float32  3 nodes  30 %, by up to 1.2e-07                          100 nodes  96 %, by up to 1.5e-06
#   int64    100 nodes: float64
# Whoever sends halves casts them to f32 in the ServerApp before they are averaged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q flwr==1.42.0 numpy==2.4.6
FLWR_HOME=$folder FLWR_TELEMETRY_ENABLED=0 venv/bin/python - <<'PYTHON' 2> /dev/null
import numpy as np
from flwr.app import Array, ArrayRecord, Message, Metadata, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvg

random = np.random.default_rng(0)
floats = random.standard_normal(10_000)


def about(node: int) -> Metadata:
    """Of a node's reply."""
    return Metadata(1, str(node), node + 2, 1, "question", "1", 1.0, 60.0, "train")


def averaged(array: np.ndarray, nodes: int) -> np.ndarray:
    """What becomes of an array that all nodes send, each of as many samples."""
    content = RecordDict({"arrays": ArrayRecord({"w": Array(array)}), "metrics": MetricRecord({"num-examples": 600})})
    replies = [Message(content=content, metadata=about(node)) for node in range(nodes)]
    arrays, _ = FedAvg().aggregate_train(1, replies)
    return arrays["w"].numpy()


worst = {}
for dtype in ("float16", "float32"):
    for nodes in (3, 100):
        array = floats.astype(dtype)
        average = averaged(array, nodes)
        assert average.dtype == dtype
        far = np.abs(average.astype(float) - array.astype(float)) / np.abs(array.astype(float))
        worst[dtype, nodes] = far.max()
        print(f"{dtype}, {nodes} nodes: {np.mean(average != array):.0%} changed, by up to {far.max():.1e}")
counted = averaged(np.arange(5), 100)
print(f"int64: {counted.dtype}")
assert worst["float16", 3] > 5e-4 and worst["float16", 100] > 1e-2, "halves are averaged in more than halves now"
assert worst["float32", 100] < 1e-5
assert counted.dtype == np.float64, "integers stay integers now"
PYTHON
