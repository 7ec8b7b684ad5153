"""Writes models that Keras exports to ONNX by its PyTorch backend, with inputs, and the outputs that onnxruntime gives.

usage: KERAS_BACKEND=torch onnx_keras.py FOLDER
Each model is FOLDER/NAME.onnx and FOLDER/NAME.json.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
warnings.filterwarnings("ignore")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402
from keras import layers  # noqa: E402

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(23)
random = np.random.default_rng(23)
VERSIONS = {
    "keras": keras.__version__,
    "torch": torch.__version__.split("+")[0],
    "onnx": onnx.__version__,
    "onnxruntime": onnxruntime.__version__,
}


def told(array):
    data = [float(f"{x:.9g}") for x in array.ravel().tolist()]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def save(name, model, x):
    for weight in model.weights:
        if "moving" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    # It is exported only if it was called.
    model(x)
    path = folder / f"{name}.onnx"
    model.export(str(path), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: x}
    wanted = session.get_outputs()[0].name
    outputs = {wanted: told(session.run([wanted], given)[0])}
    inputs = {key: told(value) for key, value in given.items()}
    text = {"source": "keras", "versions": VERSIONS, "inputs": inputs, "outputs": outputs}
    (folder / f"{name}.json").write_text(json.dumps(text))
    print(name, path.stat().st_size)


images = random.normal(size=(2, 12, 12, 3)).astype("float32")
words = random.integers(0, 11, (2, 7)).astype("float32")
save(
    "kerasCnn",
    keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(4, 3, padding="same", strides=2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ]
    ),
    images,
)
save(
    "kerasLstm",
    keras.Sequential(
        [
            layers.Input((7,)),
            layers.Embedding(11, 6),
            layers.Bidirectional(layers.LSTM(5)),
            layers.Dense(3),
        ]
    ),
    words,
)
save(
    "kerasMobile",
    keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.SeparableConv2D(5, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    ),
    images,
)
