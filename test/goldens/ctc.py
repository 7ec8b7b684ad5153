"""Losses and gradients of PyTorch's ctc_loss in f64, for test/ops/ctcPytorch.test.ts, which draws the same cases.

Made with torch 2.13.0 (CPU) and numpy 2.4.6 under Python 3.11:

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy==2.4.6
    venv/bin/python test/goldens/ctc.py > test/goldens/ctc.json
"""

import base64
import json

import numpy
import torch

CASES = 50
SMALL = 40
SHORT = [1, 2, 3, 5, 8, 13, 21]
LONG = [100, 200, 400, 700, 1000, 1000, 1500, 2000, 2000, 2000]
REDUCTIONS = ["none", "sum", "mean"]
# Of a long case, every so many-th number of the gradient is kept.
STRIDE = 397


class Draws:
    """A linear congruential generator (Knuth), of which the high bits are used."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 2**32

    def below(self, n):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return self.state * n // 2**32


def case_of(index):
    draws = Draws(index + 1)
    is_small = index < SMALL
    T = SHORT[index % len(SHORT)] if is_small else LONG[index - SMALL]
    N = 1 + draws.below(3)
    C = 2 + draws.below(4 if is_small else 20)
    S = 1 + draws.below(5 if is_small else 150)
    blank = draws.below(C)
    labels = numpy.zeros((N, S), numpy.int64)
    for n in range(N):
        for k in range(S):
            label = draws.below(C - 1)
            repeats = draws.below(3) == 0 and k > 0
            labels[n, k] = labels[n, k - 1] if repeats else label + (label >= blank)
    input_lengths = [T - draws.below((T + 2) // 3) for _ in range(N)]
    label_lengths = [draws.below(S + 1) for _ in range(N)]
    logits = numpy.array([draws.below(4096) / 512 - 4 for _ in range(N * T * C)]).reshape(N, T, C)
    return logits, labels, input_lengths, label_lengths, blank


def packed(numbers, dtype):
    return base64.b64encode(numpy.ascontiguousarray(numbers, dtype).tobytes()).decode()


def golden(index):
    logits, labels, input_lengths, label_lengths, blank = case_of(index)
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(
        x.log_softmax(2).transpose(0, 1),
        torch.tensor(labels),
        torch.tensor(input_lengths),
        torch.tensor(label_lengths),
        blank=blank,
        reduction=REDUCTIONS[index % 3],
        zero_infinity=index % 2 == 0,
    )
    loss.sum().backward()
    gradient = x.grad.numpy().ravel()
    kept = gradient if index < SMALL else gradient[::STRIDE]
    return {"loss": packed(loss.detach().numpy(), "<f8"), "gradient": packed(kept, "<f4")}


if __name__ == "__main__":
    print(json.dumps([golden(index) for index in range(CASES)], indent=2))
