"""A node in Python: a perceptron of two layers, on a share of MNIST, in PyTorch where that is installed, else in NumPy.

What a node has is said where it is started: flower-supernode --node-config 'partition-id=0 num-partitions=3', and further
folder="/where/MNIST/is" (else MILLRACE_DATA/mnist), digits="01234" (those alone), framework="numpy".
"""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from together import mnist

LEARNING_RATE = 0.3
BATCH = 32

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    _, labels = mnist.share("train", context.node_config)
    return answer(message, {"num-examples": len(labels)}, framework(context).initial(np.random.default_rng(0)))


@app.train()
def train(message: Message, context: Context) -> Message:
    config = message.content["config"]
    images, labels = mnist.share("train", context.node_config)
    rng = np.random.default_rng([config["server-round"], context.node_config.get("partition-id", 0)])
    # The batches of all epochs; what does not fill one is left for another epoch.
    orders = [rng.permutation(len(labels)) for _ in range(config.get("local-epochs", 1))]
    batches = [order[at : at + BATCH] for order in orders for at in range(0, len(order) - BATCH + 1, BATCH)]
    rate = config.get("learning-rate", LEARNING_RATE)
    arrays, loss = framework(context).train(received(message), ((images[at], labels[at]) for at in batches), rate)
    return answer(message, {"train_loss": loss, "num-examples": len(labels)}, arrays)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    images, labels = mnist.share("t10k", {**context.node_config, "num-partitions": 1, "partition-id": 0, "digits": ""})
    loss, accuracy = framework(context).evaluate(received(message), images, labels)
    return answer(message, {"eval_loss": loss, "eval_acc": accuracy, "num-examples": len(labels)})


def framework(context: Context):
    usual = "torch" if find_spec("torch") else "numpy"
    return import_module(f"together.in_{context.node_config.get('framework', usual)}")


def received(message: Message) -> dict[str, np.ndarray]:
    return {name: array.numpy() for name, array in message.content["arrays"].items()}


def answer(message: Message, metrics: dict, arrays: dict[str, np.ndarray] | None = None) -> Message:
    records = {"metrics": MetricRecord(metrics)}
    if arrays is not None:
        records["arrays"] = ArrayRecord({name: Array(array) for name, array in arrays.items()})
    return Message(RecordDict(records), reply_to=message)
