#!/usr/bin/env bash
# Flower's FedAdam takes the running variance of a batch norm below 0, so that a model answers NaN as soon as it evaluates;
# training takes the batch's own variance, and shows nothing of it. FedAdam gives Adam's step to all arrays that nodes send,
# the running statistics of a state_dict too, and Adam's steps do not shrink with what is left to go: what comes down from
# 1, where it began, to little goes through 0. The defaults do it within a dozen rounds where values are small behind a
# layer; FedAvg never does. And a counter, as PyTorch's num_batches_tracked, counts 1.43 batches of 240.
# Seen on 2026-11-30: flwr 1.42.0, numpy 2.4.6; three nodes of 16 batches a round, whose values have the variance 0.003:
#   the running variance after rounds 0, 3, …, 15, and the counter
#   FedAvg   1.000  0.009  0.003  0.003   0.003   0.003  239.00 of 240
#   FedAdam  1.000  0.753  0.478  0.215  -0.011  -0.175    1.43 of 240
# Whoever runs it keeps the running statistics out of it, or has layers that keep none, as group norms.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q flwr==1.42.0 numpy==2.4.6
FLWR_HOME=$folder FLWR_TELEMETRY_ENABLED=0 venv/bin/python - <<'PYTHON' 2> /dev/null
import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAdam, FedAvg
from flwr.supercore.task_identity import TaskIdentity

NODES, BATCHES, ROUNDS, SAMPLES = 3, 16, 15, 512
VARIANCE, MOMENTUM = 0.003, 0.1


def reply_to(message):
    """What a node sends after an epoch: of a batch norm's state what moves of itself, by the momentum of PyTorch."""
    content = RecordDict({"metrics": MetricRecord({"num-examples": SAMPLES})})
    if message.metadata.message_type == "train":
        variance, count = message.content["arrays"].to_numpy_ndarrays()
        for _ in range(BATCHES):
            variance = (1 - MOMENTUM) * variance + MOMENTUM * VARIANCE
        content["arrays"] = state(variance, count + BATCHES)
    return Message(content, reply_to=message)


def state(variance, count):
    return ArrayRecord([np.asarray(variance, np.float32), np.asarray(count, np.int64)])


class Here(Grid):
    """All nodes are in this process."""

    run = property(lambda _: None)
    set_run = create_message = push_messages = pull_messages = None

    def get_node_ids(self):
        return range(2, 2 + NODES)

    def send_and_receive(self, messages, *, timeout=None):
        return [reply_to(message) for message in messages]


TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
last = {}
for strategy in (FedAvg(), FedAdam()):
    seen = []
    name = type(strategy).__name__
    strategy.start(
        Here(), state(np.ones(1), 0), num_rounds=ROUNDS, evaluate_fn=lambda _, arrays: seen.append(arrays.to_numpy_ndarrays())
    )
    variances = [float(variance[0]) for variance, _ in seen]
    last[name] = variances[-1], float(seen[-1][1])
    print(f"{name}: variance {' '.join(f'{each:.3f}' for each in variances[::3])}, {last[name][1]:.2f} of {BATCHES * ROUNDS} batches")
assert abs(last["FedAvg"][0] - VARIANCE) < 1e-4 and last["FedAvg"][1] > 0.9 * BATCHES * ROUNDS
assert last["FedAdam"][0] < 0 and np.isnan(np.sqrt(last["FedAdam"][0])), "FedAdam leaves variances alone now"
assert last["FedAdam"][1] < BATCHES, "FedAdam leaves counters alone now"
PYTHON
