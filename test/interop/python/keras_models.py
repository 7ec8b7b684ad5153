"""Small models that Keras saved, what they were given, and what they made of it: KERAS_BACKEND=jax python keras_models.py"""

import base64
import json
import os
import pathlib
import zipfile

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers as L

FOLDER = pathlib.Path(__file__).parents[2] / "goldens" / "interop" / "keras"
SAMPLES = 3


def numbers(model, seed):
    """Weights that show each mistake: none of them 0 or 1."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        value = random.normal(0, 0.4, weight.shape)
        weight.assign(np.abs(value) + 0.3 if "variance" in weight.path or "gamma" in weight.path else value)


def packed(path):
    """The same archive in less room: HDF5 is mostly zeros."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member, content in members:
            archive.writestr(member, content)


def kept(name, model, seed, **given):
    """Saves a model with inputs by chance, or those given, and its outputs."""
    random = np.random.default_rng(seed)
    numbers(model, seed + 1)
    inputs = {}
    for tensor in model.inputs:
        shape = [SAMPLES, *tensor.shape[1:]]
        inputs[tensor.name] = given.get(tensor.name, random.normal(0, 1, shape)).astype(tensor.dtype)
    values = list(inputs.values())
    made = model(values if len(values) > 1 else values[0])
    named = {"": made} if not isinstance(made, (dict, list, tuple)) else made
    if not isinstance(named, dict):
        count = {}
        named = {}
        for tensor, value in zip(model.outputs, made):
            layer = tensor._keras_history.operation.name
            named[layer if layer not in count else f"{layer}_{count[layer]}"] = value
            count[layer] = count.get(layer, 0) + 1
    told = lambda values: {
        key: {"shape": list(np.shape(value)), "base64": base64.b64encode(np.asarray(value, "<f4").tobytes()).decode()}
        for key, value in values.items()
    }
    model.save(FOLDER / f"{name}.keras")
    if name != "branches":
        packed(FOLDER / f"{name}.keras")
    (FOLDER / f"{name}.json").write_text(
        json.dumps({"keras": keras.version(), "by": "keras_models.py", "inputs": told(inputs), "outputs": told(named)})
    )


def mlp():
    return keras.Sequential(
        [keras.Input((5,))]
        + [L.Dense(4, activation=each) for each in ["relu", "gelu", "hard_sigmoid", "leaky_relu", "silu", "elu"]]
        + [L.Dense(4), L.LeakyReLU(), L.Dense(4), L.LeakyReLU(0.2), L.Dense(4), L.ReLU(2.0, 0.1, 0.2)]
        + [L.Dense(6), L.ReLU(negative_slope=0.1), L.Dense(6), L.ELU(0.5), L.Dense(4, L.LeakyReLU(0.4)), L.PReLU()]
        + [L.Dense(3, use_bias=False), L.Softmax()]
    )


def lenet():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(3, 3, padding="same", activation="tanh"),
            L.BatchNormalization(),
            L.AveragePooling2D(2, padding="same"),
            L.Dropout(0.25),
            L.Conv2D(4, (3, 2), strides=(1, 2), use_bias=False),
            L.BatchNormalization(scale=False, epsilon=0.01, momentum=0.9),
            L.ReLU(),
            L.MaxPooling2D((2, 1)),
            L.Flatten(),
            L.Dense(6, activation="relu"),
            L.Dense(3, activation="softmax"),
        ]
    )


def branches():
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = L.Dense(3, activation="tanh", name="shared")
    inner_in = keras.Input((3,))
    inner = keras.Model(inner_in, L.Add()([L.Dense(3)(inner_in), inner_in]), name="inner")
    x, y = inner(shared(a)), shared(b)
    z = L.Concatenate()([x, y, x * 2.0 - y])
    total = L.Dense(2, name="total")(z)
    other = keras.Sequential([L.Dense(3), L.Dense(2, activation="sigmoid")], name="tower")(L.Average()([x, y]))
    return keras.Model([a, b], {"total": total, "other": other})


def bidirectional():
    x = keras.Input((6,), dtype="int32", name="tokens")
    y = L.Embedding(11, 4, mask_zero=True)(x)
    y = L.Bidirectional(L.LSTM(3, return_sequences=True))(y)
    z = L.Bidirectional(L.GRU(2), merge_mode="sum")(y)
    return keras.Model(x, [y, z, L.GlobalAveragePooling1D()(y), L.LSTM(2, return_sequences=True, go_backwards=True)(y)])


def gru():
    x = keras.Input((5, 3))
    y = L.GRU(4, return_sequences=True)(x)
    z, h = L.GRU(4, reset_after=False, return_state=True, recurrent_activation="hard_sigmoid")(y)
    w = L.GRU(3, use_bias=False, go_backwards=True, return_sequences=True)(y, initial_state=L.Dense(3)(h))
    s, h1, c1 = L.LSTM(3, return_state=True, return_sequences=True, dropout=0.1)(w)
    r = L.SimpleRNN(3, activation="relu")(L.LSTM(3, return_sequences=True)(s, initial_state=[h1, c1]))
    t = L.SimpleRNN(2, activation="softsign", return_sequences=True)(w)
    return keras.Model(x, [y, z, w, s, c1, r, t])


def transformer():
    x = keras.Input((6,), dtype="int32", name="tokens")
    y = L.Embedding(9, 8)(x)
    for _ in range(2):
        n = L.LayerNormalization()(y)
        y = L.Add()([y, L.MultiHeadAttention(2, 3, dropout=0.1)(n, n, use_causal_mask=True)])
        n = L.LayerNormalization(epsilon=1e-5)(y)
        y = y + L.Dense(8)(L.Dense(16, activation="gelu")(n))
    memory = L.RMSNormalization()(L.Dense(5)(y))
    y = L.MultiHeadAttention(2, 3, value_dim=4, use_bias=False, dropout=0.1)(y, memory)
    y = L.GroupQueryAttention(2, 4, 2)(y, y)
    return keras.Model(x, L.TimeDistributed(L.Dense(9))(y))


def masked():
    x = keras.Input((6, 4), name="steps")
    m = L.Masking()(x)
    a = L.MultiHeadAttention(2, 2)(m, m)
    b = L.Bidirectional(L.SimpleRNN(3), merge_mode="mul")(m)
    # Attention takes the mask off the value that it is given, for all who read it behind it.
    n = L.Masking()(x)
    c = L.MultiHeadAttention(2, 2, dropout=0.1)(n, n)
    return keras.Model(x, {"attended": a, "dropped": c, "ends": b, "all": L.LSTM(3, return_sequences=True)(m), "one": L.GRU(3)(m)})


def mobilenet():
    def block(x, width, stride):
        y = L.Conv2D(12, 1, use_bias=False)(x)
        y = L.ReLU(6.0)(L.BatchNormalization()(y))
        y = L.ZeroPadding2D(((0, 1), (0, 1)))(y) if stride == 2 else y
        y = L.DepthwiseConv2D(3, strides=stride, use_bias=False, padding="valid" if stride == 2 else "same")(y)
        y = L.Activation("relu6")(L.BatchNormalization()(y))
        y = L.BatchNormalization()(L.Conv2D(width, 1, use_bias=False)(y))
        return L.Add()([x, y]) if stride == 1 and x.shape[-1] == width else y

    x = keras.Input((10, 10, 3))
    y = L.Rescaling(1 / 127.5, -1)(x)
    y = L.Conv2D(4, 3, 2, padding="same", use_bias=False)(y)
    y = block(block(block(y, 4, 1), 6, 2), 6, 1)
    y = L.GlobalAveragePooling2D(keepdims=True)(y)
    return keras.Model(x, L.Flatten()(L.Conv2D(3, 1)(y)))


def text():
    x = keras.Input((7,), dtype="int32", name="tokens")
    y = L.SpatialDropout1D(0.1)(L.Embedding(12, 4)(x))
    y = L.Conv1D(5, 3, padding="causal", activation="relu", dilation_rate=2)(y)
    y = L.MaxPooling1D(2)(y)
    y = L.Concatenate()([L.GlobalMaxPooling1D()(y), L.GlobalAveragePooling1D()(y)])
    return keras.Model(x, L.Dense(2, activation="sigmoid")(y))


def images():
    x, first = keras.Input((5, 4, 4), name="image"), keras.Input((4, 5, 4), name="first")
    cf = {"data_format": "channels_first"}
    y = L.Activation("tanh")(L.Conv2D(3, 3, padding="same", **cf)(first))
    y = L.MaxPooling2D(2, padding="same", **cf)(L.BatchNormalization(axis=1)(y))
    made = [
        L.SeparableConv2D(3, 3, depth_multiplier=2, activation="relu")(x),
        L.DepthwiseConv2D((3, 2), depth_multiplier=2, dilation_rate=2)(x),
        L.Conv2D(4, 3, groups=2, dilation_rate=(2, 1), padding="same")(x),
        L.Conv2DTranspose(3, 3, strides=2, padding="same")(x),
        L.Conv2DTranspose(3, (4, 2), strides=(2, 3))(x),
        L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1)(x),
        L.UpSampling2D((2, 3))(x),
        L.UpSampling2D(2, interpolation="bilinear")(x),
        L.Cropping2D(((1, 2), (0, 1)))(x),
        L.ZeroPadding2D((1, 2))(x),
        L.GroupNormalization(2)(x),
        L.UnitNormalization()(x),
        L.Permute((3, 1, 2))(x),
        L.AveragePooling2D(3, strides=2, padding="same")(x),
        L.GlobalMaxPooling2D()(x),
        L.LayerNormalization(axis=[2, 3])(x),
        L.PReLU(shared_axes=[1, 2])(x),
        L.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1, 2, 3, 4])(x),
        y,
        L.Flatten(**cf)(y),
        L.GlobalAveragePooling2D(**cf)(y),
    ]
    return keras.Model([x, first], made)


def sequences():
    x, v = keras.Input((6, 4), name="steps"), keras.Input((4,), name="vector")
    names = "hard_silu mish softsign hard_tanh tanh_shrink hard_shrink soft_shrink squareplus sparse_plus sparse_sigmoid"
    names += " exponential softplus selu celu log_sigmoid log_softmax swish glu"
    made = [
        L.Conv1D(3, 3, strides=2, padding="same")(x),
        L.Conv1DTranspose(3, 3, strides=2)(x),
        L.SeparableConv1D(3, 3)(x),
        L.DepthwiseConv1D(3)(x),
        L.AveragePooling1D(2, strides=1, padding="same")(x),
        L.ZeroPadding1D((1, 2))(x),
        L.Cropping1D(1)(x),
        L.UpSampling1D(2)(x),
        L.Reshape((3, -1))(x),
        L.RepeatVector(3)(v),
        L.Dot((2, 1))([x, v]),
        L.Dot(-1, normalize=True)([v, v + 1.0]),
        L.Maximum()([x, L.Reshape((1, 4))(v)]),
        L.Minimum()([v, v * v]),
        L.Multiply()([v, v]),
        L.Subtract()([v, keras.ops.mean(x, axis=1)]),
        L.Concatenate(axis=1)([x, L.RepeatVector(2)(v)]),
        L.Softmax(axis=1)(x),
        L.GlobalMaxPooling1D(keepdims=True)(x),
        L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode="ave")(x),
    ]
    return keras.Model([x, v], made + [L.Activation(each)(x) for each in names.split()])


FOLDER.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)
tokens = lambda rows, length: random.integers(1, rows, (SAMPLES, length))
holed = tokens(11, 6) * [[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 1, 0, 0, 1]]
gaps = random.normal(0, 1, (SAMPLES, 6, 4)) * np.array([[1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 1, 0], [1] * 6])[..., None]
kept("mlp", mlp(), 1)
kept("lenet", lenet(), 2)
kept("branches", branches(), 3)
kept("bidirectional", bidirectional(), 4, tokens=holed)
kept("gru", gru(), 5)
kept("transformer", transformer(), 6, tokens=tokens(9, 6))
kept("masked", masked(), 7, steps=gaps)
kept("mobilenet", mobilenet(), 8)
kept("text", text(), 9, tokens=tokens(12, 7))
kept("images", images(), 10)
kept("sequences", sequences(), 11)
