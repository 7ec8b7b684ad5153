#!/usr/bin/env bash
# PyTorch's ctc_loss in f32 on the CPU has a gradient that loses digits as sequences grow longer, while its loss stays right:
# the gradient is made of alpha + beta - log p, numbers as large as the sequence is long, of which little is left. At two
# thousand frames, which a minute of speech has, single numbers of it are off by nearly a hundredth, where none can be larger than one.
# Seen on 2026-11-29: torch 2.13.0 (CPU) on Python 3.11, Linux x64; 20 classes, logits of deviation 2, a label for every
# tenth frame; the largest difference from f64 of the gradient for the logits, and the loss' relative one:
#   T =  200: gradient 0.00023, loss 1e-07
#   T = 2000: gradient 0.0084, loss 1e-06
# In f64 it is right: log_softmax of logits.double() costs a conversion, and twice the memory.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import torch

CLASSES = 20


def ctc(logits, labels):
    logits = logits.clone().requires_grad_(True)
    frames = logits.log_softmax(-1)
    lengths = [torch.tensor([frames.shape[0]]), torch.tensor([labels.shape[1]])]
    loss = torch.nn.functional.ctc_loss(frames, labels, *lengths, reduction="sum")
    loss.backward()
    return loss.item(), logits.grad.double()


def off(T):
    torch.manual_seed(7)
    logits = 2 * torch.randn(T, 1, CLASSES, dtype=torch.float64)
    labels = torch.randint(1, CLASSES, (1, T // 10))
    # The same numbers in both: those that f32 has.
    logits = logits.float()
    (loss, gradient), (exact_loss, exact) = ctc(logits, labels), ctc(logits.double(), labels)
    return (gradient - exact).abs().max().item(), abs(loss - exact_loss) / exact_loss


short, long = off(200), off(2000)
for T, (gradient, loss) in [(200, short), (2000, long)]:
    print(f"T = {T:4}: gradient {gradient:.2g}, loss {loss:.1g}")
raise SystemExit(0 if long[0] > 1e-3 and long[0] > 5 * short[0] and long[1] < 1e-5 else 1)
PYTHON
