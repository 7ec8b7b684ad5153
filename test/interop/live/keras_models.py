"""Opens what was written for Keras; trains a model of its own by ten steps: keras_models.py open|train|back FOLDER"""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers as L

TOLERANCE = 1e-4
what, folder = sys.argv[1], pathlib.Path(sys.argv[2])


def far(ours, theirs):
    ours, theirs = np.asarray(ours, "float64"), np.asarray(theirs, "float64")
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float(np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)), initial=0))


def opened():
    worst, lists, files = 0, 0, sorted(folder.glob("*.keras"))
    for file in files:
        model = keras.saving.load_model(file)
        told = np.load(file.with_suffix(".npz"))
        x = [told[f"in/{tensor.name}"] for tensor in model.inputs]
        made = model(x if len(x) > 1 else x[0])
        made = made if isinstance(made, dict) else {"output": made}
        assert {f"out/{name}" for name in made} == {name for name in told.files if name.startswith("out/")}, file.name
        apart = max(far(value, told[f"out/{name}"]) for name, value in made.items())
        assert apart < TOLERANCE, f"{file.name} is {apart} from what it gives here"
        worst = max(worst, apart)
        listed = [told[f"list/{at}"] for at in range(sum(name.startswith("list/") for name in told.files))]
        if not listed:
            continue
        weights = model.get_weights()
        assert len(weights) == len(listed), f"{file.name} has {len(weights)} weights, but {len(listed)} are listed here"
        for at, (ours, theirs) in enumerate(zip(listed, weights)):
            assert np.array_equal(ours, theirs), f"weight {at} of {file.name} is another one here"
        lists += 1
    return f"all {len(files)} opened, at most {worst:.1e} apart, get_weights of {lists} the same"


def trained():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2), name="x"),
            L.Conv2D(4, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.Activation("relu"),
            L.MaxPooling2D(2),
            L.Conv2D(3, 2, activation="gelu"),
            L.BatchNormalization(momentum=0.9),
            L.Flatten(),
            L.Dense(5, activation="tanh"),
            L.Dense(2),
        ]
    )
    random = np.random.default_rng(5)
    x, y = random.normal(0, 1, (80, 6, 6, 2)).astype("f"), random.normal(0, 1, (80, 2)).astype("f")
    (folder / "train").mkdir()
    model.save(folder / "train/before.keras")
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    for step in range(10):
        model.train_on_batch(x[8 * step : 8 * step + 8], y[8 * step : 8 * step + 8])
    np.savez(folder / "train/batches.npz", x=x, y=y, after=np.asarray(model(x[:8])))
    return "trained"


def back():
    told = np.load(folder / "train/batches.npz")
    model = keras.saving.load_model(folder / "train/back.keras")
    apart = far(model(told["x"][:8]), np.load(folder / "train/back.npy"))
    assert apart < TOLERANCE, apart
    return f"{apart:.1e}"


print({"open": opened, "train": trained, "back": back}[what]())
