"""The perceptron in NumPy: relu(x · W₀ᵀ + b₀) · W₂ᵀ + b₂, its arrays named and laid out as PyTorch's."""

import numpy as np

Arrays = dict[str, np.ndarray]
SIZES = {"0": (784, 128), "2": (128, 10)}


def initial(rng: np.random.Generator) -> Arrays:
    """As nn.Linear begins: evenly between ±1/√inputs."""
    draw = lambda inputs, *shape: rng.uniform(-(inputs**-0.5), inputs**-0.5, shape).astype("f4")
    arrays = {}
    for name, (inputs, outputs) in SIZES.items():
        arrays |= {f"{name}.weight": draw(inputs, outputs, inputs), f"{name}.bias": draw(inputs, outputs)}
    return arrays


def train(arrays: Arrays, batches, rate: float) -> tuple[Arrays, float]:
    """Gradient descent over the batches; with the mean of their losses."""
    w = {name: array.copy() for name, array in arrays.items()}
    losses = []
    for x, y in batches:
        hidden = np.maximum(x @ w["0.weight"].T + w["0.bias"], 0)
        loss, d_logits = cross_entropy(hidden @ w["2.weight"].T + w["2.bias"], y)
        d_hidden = d_logits @ w["2.weight"] * (hidden > 0)
        w["2.weight"] -= rate * (d_logits.T @ hidden)
        w["2.bias"] -= rate * d_logits.sum(0)
        w["0.weight"] -= rate * (d_hidden.T @ x)
        w["0.bias"] -= rate * d_hidden.sum(0)
        losses.append(loss)
    return w, float(np.mean(losses))


def evaluate(w: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    logits = np.maximum(x @ w["0.weight"].T + w["0.bias"], 0) @ w["2.weight"].T + w["2.bias"]
    return float(cross_entropy(logits, y)[0]), float((logits.argmax(1) == y).mean())


def cross_entropy(logits: np.ndarray, y: np.ndarray) -> tuple[np.float32, np.ndarray]:
    """The mean over samples, and its gradient in the logits."""
    rows = np.arange(len(y))
    shifted = logits - logits.max(1, keepdims=True)
    share = np.exp(shifted)
    total = share.sum(1, keepdims=True)
    d_logits = share / total
    d_logits[rows, y] -= 1
    return (np.log(total[:, 0]) - shifted[rows, y]).mean(), d_logits / np.float32(len(y))
