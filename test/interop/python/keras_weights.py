"""The arrays of Keras' model.get_weights(), in their order, as JSON: KERAS_BACKEND=jax python keras_weights.py > ../../goldens/flower/keras.json

files: of each model in goldens/interop/keras, every array's shape and the beginning of the sha256 of its bytes in f32.
models: small ones as they are said in Keras, with all their arrays, what they are given, and what they make of it.
"""

import base64
import hashlib
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers as L

FOLDER = pathlib.Path(__file__).parents[2] / "goldens" / "interop" / "keras"
SAMPLES = 3


def told(array):
    array = np.asarray(array, "<f4")
    return {"shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode()}


def known(array):
    return [list(array.shape), hashlib.sha256(np.asarray(array, "<f4").tobytes()).hexdigest()[:16]]


def file(path):
    return [known(array) for array in keras.saving.load_model(path).get_weights()]


def model(made, seed):
    random = np.random.default_rng(seed)
    drawn = []
    for weight in made.weights:
        value = random.normal(0, 0.4, weight.shape)
        drawn.append(np.abs(value) + 0.3 if "variance" in weight.path or "gamma" in weight.path else value)
    made.set_weights(drawn)
    [given] = made.inputs
    shape = (SAMPLES, *given.shape[1:])
    x = random.integers(0, 7, shape) if "int" in given.dtype else random.normal(0, 1, shape)
    y = made(x.astype(given.dtype))
    return {"weights": [told(array) for array in made.get_weights()], "x": told(x), "y": told(y)}


def branches():
    """The order in which Keras counts layers is neither that of their use nor that of their names."""
    x = keras.Input((4,))
    short = L.Dense(3)(x)
    long = L.Dense(3, activation="tanh")(L.Dense(5, activation="relu")(x))
    return keras.Model(x, L.Dense(2)(L.Concatenate()([short, long])))


models = {
    "mlp": keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3)]),
    "cnn": keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            L.Conv2D(4, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.MaxPooling2D(2),
            L.DepthwiseConv2D(3, padding="same"),
            L.Flatten(),
            L.Dense(3),
        ]
    ),
    "lstm": keras.Sequential([keras.Input((5, 3)), L.LSTM(4, return_sequences=True), L.Dense(2)]),
    "gru": keras.Sequential([keras.Input((5, 3)), L.Bidirectional(L.GRU(4, return_sequences=True)), L.Dense(2)]),
    "text": keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            L.Embedding(7, 4),
            L.GlobalAveragePooling1D(),
            L.LayerNormalization(),
            L.Dense(2),
        ]
    ),
    "branches": branches(),
}

print(
    json.dumps(
        {
            "keras": keras.version(),
            "files": {path.stem: file(path) for path in sorted(FOLDER.glob("*.keras"))},
            "models": {name: model(made, seed) for seed, (name, made) in enumerate(models.items())},
        }
    )
)
