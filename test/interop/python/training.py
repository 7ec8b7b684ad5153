"""Ten steps of PyTorch's optimizers and of Keras', from the same weights, on the same batches.

python training.py SCALE   prints JSON; of scale 1: > ../../goldens/interop/training.json

The model: a product, batch norm in "normed" alone, tanh, a product; the loss is the mean of all squared errors. Weights are
[in, out]. In front of the norm there is no bias: its gradient would be 0, of which Adam makes steps of what was rounded.
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn, optim  # noqa: E402

w = int(sys.argv[1])
STEPS, SAMPLES, IN, HIDDEN, OUT = 10, 8, 3 * w, 5 * w, 2 * w
rng = np.random.default_rng(5)
draw = lambda *shape: rng.standard_normal(shape).astype("f4")
x, target = draw(STEPS, SAMPLES, IN), draw(STEPS, SAMPLES, OUT)
# Small enough that no unit is so sure of itself that its gradients are but rounding, which some optimizers make steps of.
scale = np.float32(1 / (2 * w**0.5))
begin = {"w1": draw(IN, HIDDEN) * scale, "b1": draw(HIDDEN), "w2": draw(HIDDEN, OUT) * scale, "b2": draw(OUT)}


def in_torch(make, normed=False):
    first, last = nn.Linear(IN, HIDDEN, bias=not normed), nn.Linear(HIDDEN, OUT)
    norm = nn.BatchNorm1d(HIDDEN)
    model = nn.Sequential(first, norm, nn.Tanh(), last) if normed else nn.Sequential(first, nn.Tanh(), last)
    with torch.no_grad():
        for layer, n in ((first, "1"), (last, "2")):
            layer.weight.copy_(torch.from_numpy(begin[f"w{n}"].T.copy()))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(begin[f"b{n}"]))
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    optimizer = make(model.parameters(), weights, others)
    for batch, wanted in zip(x, target):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(torch.from_numpy(batch)), torch.from_numpy(wanted)).backward()
        optimizer.step()
    end = {"w1": first.weight.T, "w2": last.weight.T, "b2": last.bias}
    if not normed:
        end |= {"b1": first.bias}
    else:
        end |= {"gamma": norm.weight, "beta": norm.bias, "mean": norm.running_mean, "variance": norm.running_var}
    return {name: value.detach().numpy() for name, value in end.items()}


def in_keras(optimizer, normed=False):
    first, last = keras.layers.Dense(HIDDEN, use_bias=not normed), keras.layers.Dense(OUT)
    norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    middle = [norm, keras.layers.Activation("tanh")] if normed else [keras.layers.Activation("tanh")]
    model = keras.Sequential([keras.Input((IN,)), first, *middle, last])
    first.set_weights([begin["w1"]] if normed else [begin["w1"], begin["b1"]])
    last.set_weights([begin["w2"], begin["b2"]])
    model.compile(optimizer=optimizer, loss="mse")
    for batch, wanted in zip(x, target):
        model.train_on_batch(batch, wanted)
    names = ["w1", "w2", "b2"] if normed else ["w1", "b1", "w2", "b2"]
    end = dict(zip(names, [*first.get_weights(), *last.get_weights()]))
    if normed:
        end |= dict(zip(["gamma", "beta", "mean", "variance"], norm.get_weights()))
    return end


def biases_undecayed(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


torch_optimizers = {
    "adam": lambda all, *_: optim.Adam(all, lr=0.01),
    "adam, decay": lambda all, *_: optim.Adam(all, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1),
    # Here biases do not decay unless a group says so.
    "adamw": lambda _, weights, others: optim.AdamW(
        [{"params": weights, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}], lr=0.01
    ),
    "sgd": lambda all, *_: optim.SGD(all, lr=0.1),
    "sgd, momentum": lambda all, *_: optim.SGD(all, lr=0.05, momentum=0.9, weight_decay=0.01),
    "sgd, nesterov": lambda all, *_: optim.SGD(all, lr=0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda all, *_: optim.RMSprop(all, lr=0.01),
    "rmsprop, centered": lambda all, *_: optim.RMSprop(all, lr=0.01, alpha=0.9, momentum=0.5, centered=True),
    "adagrad": lambda all, *_: optim.Adagrad(all, lr=0.05, lr_decay=0.1),
    "adadelta": lambda all, *_: optim.Adadelta(all, lr=1),
    "adamax": lambda all, *_: optim.Adamax(all, lr=0.01),
    "nadam": lambda all, *_: optim.NAdam(all, lr=0.01),
    "radam": lambda all, *_: optim.RAdam(all, lr=0.01),
}
# Its epsilon, 1e-7, is added to the root of squares that are not yet corrected, 30 times smaller at first, or stands under
# the root, where 1e-20 is what 1e-10 is beside it: where gradients are as small as 1e-5, it counts. So it is made smaller,
# and left as it is once.
tiny = {"epsilon": 1e-10}
keras_optimizers = {
    "adam": lambda: keras.optimizers.Adam(0.01, **tiny),
    "adam, usual epsilon": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: biases_undecayed(keras.optimizers.AdamW(0.01, weight_decay=0.1, **tiny)),
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "sgd, momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "sgd, nesterov": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01, epsilon=1e-20),
    "adagrad": lambda: keras.optimizers.Adagrad(0.05, epsilon=1e-20),
    "adamax": lambda: keras.optimizers.Adamax(0.01, **tiny),
    "nadam": lambda: keras.optimizers.Nadam(0.01, **tiny),
    "lion": lambda: keras.optimizers.Lion(0.01),
}
flat = lambda named: {name: [float(f"{one:.8g}") for one in array.ravel()] for name, array in named.items()}
print(
    json.dumps(
        {
            "versions": {"torch": torch.__version__, "keras": keras.__version__, "jax": jax.__version__},
            "extents": {"steps": STEPS, "samples": SAMPLES, "in": IN, "hidden": HIDDEN, "out": OUT},
            "x": flat({"x": x})["x"],
            "target": flat({"target": target})["target"],
            "begin": flat(begin),
            "torch": {name: flat(in_torch(make)) for name, make in torch_optimizers.items()},
            "keras": {name: flat(in_keras(make())) for name, make in keras_optimizers.items()},
            "normed": {
                "torch": flat(in_torch(torch_optimizers["adam"], True)),
                "keras": flat(in_keras(keras_optimizers["adam"](), True)),
            },
        }
    )
)
