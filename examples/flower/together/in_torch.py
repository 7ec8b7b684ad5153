"""The same perceptron in PyTorch."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

Arrays = dict[str, np.ndarray]


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def arrays_of(model: nn.Module) -> Arrays:
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def with_arrays(arrays: Arrays) -> nn.Sequential:
    model = perceptron()
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    return model


def initial(rng: np.random.Generator) -> Arrays:
    torch.manual_seed(int(rng.integers(2**31)))
    return arrays_of(perceptron())


def train(arrays: Arrays, batches, rate: float) -> tuple[Arrays, float]:
    """Gradient descent over the batches; with the mean of their losses."""
    model = with_arrays(arrays)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return arrays_of(model), float(np.mean(losses))


@torch.no_grad()
def evaluate(arrays: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    logits, labels = with_arrays(arrays)(torch.from_numpy(x)), torch.from_numpy(y)
    return cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()
