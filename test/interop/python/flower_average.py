"""What Flower's own FedAvg makes of arrays that nodes send, as JSON: > ../../goldens/flower/average.json

The arrays are a state dict's of Sequential(Linear(3, 2), BatchNorm1d(2)), with the counter that PyTorch keeps in int64. One
node sends all as PyTorch has them, one its counter in int32, as a node from here does, one all in half precision.
"""

import base64
import json

import flwr
import numpy as np
from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

random = np.random.default_rng(7)
shapes = {
    "0.weight": (2, 3),
    "0.bias": (2,),
    "1.weight": (2,),
    "1.bias": (2,),
    "1.running_mean": (2,),
    "1.running_var": (2,),
}


def node(floats, whole, batches):
    arrays = {name: random.normal(1, 0.1, shape).astype(floats) for name, shape in shapes.items()}
    return arrays | {"1.num_batches_tracked": np.array(batches, whole)}


def average(nodes):
    records = [
        RecordDict(
            {
                "arrays": ArrayRecord({name: Array(array) for name, array in arrays.items()}),
                "metrics": MetricRecord({"num-examples": examples}),
            }
        )
        for arrays, examples in nodes
    ]
    return aggregate_arrayrecords(records, "num-examples")


def npy(arrays):
    return {
        name: {"dtype": array.dtype, "npy": base64.b64encode(array.data).decode()} for name, array in arrays.items()
    }


def case(*nodes):
    sent = [npy(ArrayRecord({name: Array(array) for name, array in arrays.items()})) for arrays, _ in nodes]
    return {"examples": [examples for _, examples in nodes], "sent": sent, "average": npy(average(nodes))}


print(
    json.dumps(
        {
            "flwr": flwr.__version__,
            "numpy": np.__version__,
            "float32": case((node("float32", "int64", 3), 100), (node("float32", "int32", 8), 31)),
            "float16": case((node("float16", "int64", 3), 100), (node("float16", "int64", 5), 50)),
            "float64": case((node("float64", "int64", 3), 100), (node("float32", "int64", 3), 50)),
        },
        indent=1,
    )
)
