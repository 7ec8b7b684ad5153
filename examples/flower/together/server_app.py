"""Sends arrays round, and averages what comes back; it knows neither the model nor a framework."""

import json
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp, strategy

STRATEGIES = {
    "fedavg": (strategy.FedAvg, {}),
    # Of Hsu et al. 2019; without a momentum it is FedAvg.
    "fedavgm": (strategy.FedAvgM, {"server_momentum": 0.9}),
    "fedadagrad": (strategy.FedAdagrad, {"eta": 0.01}),
    "fedadam": (strategy.FedAdam, {"eta": 0.01}),
    "fedyogi": (strategy.FedYogi, {"eta": 0.01}),
    "fedmedian": (strategy.FedMedian, {}),
    "fedtrimmedavg": (strategy.FedTrimmedAvg, {}),
    "krum": (strategy.Krum, {}),
}

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    config = context.run_config
    kind, options = STRATEGIES[config["strategy"]]
    nodes = {name: config["min-nodes"] for name in ("min_train_nodes", "min_evaluate_nodes", "min_available_nodes")}
    # The strategy as it is, which tells of each round besides.
    telling = type(kind.__name__, (Telling, kind), {})(**nodes, **options)
    telling.record = config["record"] and Path(config["record"])
    asked = {name: config[name] for name in ("local-epochs", "learning-rate") if config[name] > 0}
    result = telling.start(
        grid,
        read(config["arrays"]) if config["arrays"] else first_arrays(grid, config["min-nodes"]),
        num_rounds=config["num-server-rounds"],
        timeout=config["timeout"],
        train_config=ConfigRecord(asked),
    )
    if config["save"]:
        write(Path(config["save"]), result.arrays)


class Telling:
    """Prints a line of JSON for each round, and writes down what was sent, if it is to."""

    def configure_train(self, server_round, arrays, config, grid):
        self.began, self.line = time.monotonic(), {"round": server_round}
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        for reply in replies:
            if self.record and reply.has_content():
                node = f"round{server_round}-node{reply.metadata.src_node_id}"
                examples = next(iter(reply.content.metric_records.values()))["num-examples"]
                arrays = next(iter(reply.content.array_records.values()))
                write(self.record / f"{node}-examples{examples}.npz", arrays)
        arrays, metrics = super().aggregate_train(server_round, replies)
        if self.record and arrays is not None:
            write(self.record / f"round{server_round}-average.npz", arrays)
        self.line |= {"train": said(replies, metrics)}
        return arrays, metrics

    def aggregate_evaluate(self, server_round, replies):
        replies = list(replies)
        metrics = super().aggregate_evaluate(server_round, replies)
        self.line |= {"evaluate": said(replies, metrics), "seconds": round(time.monotonic() - self.began, 3)}
        print(json.dumps(self.line), flush=True)
        return metrics


def said(replies, metrics) -> dict:
    """How many answered, what they said in the mean, and why others could not."""
    why = [f"node {reply.metadata.src_node_id}: {reply.error.reason}" for reply in replies if reply.has_error()]
    return {"nodes": len(replies) - len(why), **(metrics or {}), **({"failed": why} if why else {})}


def first_arrays(grid: Grid, nodes: int) -> ArrayRecord:
    """Those of the first node that tells its own."""
    while len(ids := list(grid.get_node_ids())) < nodes:
        time.sleep(1)
    why = "no node was there"
    for node in ids:
        question = Message(RecordDict({"config": ConfigRecord()}), dst_node_id=node, message_type="query")
        for reply in grid.send_and_receive([question]):
            if reply.has_content():
                return reply.content["arrays"]
            why = reply.error.reason
    raise RuntimeError(f"no node told its arrays: {why}")


def read(path: str) -> ArrayRecord:
    with np.load(path) as arrays:
        return ArrayRecord({name: Array(array) for name, array in arrays.items()})


def write(path: Path, arrays: ArrayRecord) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array.numpy() for name, array in arrays.items()})
