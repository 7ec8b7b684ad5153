"""What PyTorch's scaled_dot_product_attention makes of small queries, keys and values, for test/ops/attentionPytorch.test.ts.

Made with torch (version in the file itself), Python 3.11, in f64:

    python3 -m venv venv && venv/bin/pip install torch numpy
    venv/bin/python test/goldens/attention.py > test/goldens/attention.json

Operands and slopes are cosines, so that both sides can make them. Heads stand behind time, as in millrace.
"""

import json

import torch
from torch.nn.functional import scaled_dot_product_attention

N, T, S, H, D = 2, 3, 5, 4, 4


def numbers(which, *shape):
    count = torch.Size(shape).numel()
    return torch.cos(1.7 * torch.arange(count, dtype=torch.float64) + which).reshape(shape)


def mask(n, t, j):
    """Query 1 of sample 0 sees nothing."""
    return (n, t) != (0, 1) and (3 * n + 5 * t + 7 * j) % 4 != 0


MASK = torch.tensor([[[mask(n, t, j) for j in range(S)] for t in range(T)] for n in range(N)]).unsqueeze(1)


def flat(a):
    return [round(float(x), 9) for x in a.detach().ravel()]


def case(name, key_heads=H, keys=S, **options):
    shapes = [(N, T, H, D), (N, keys, key_heads, D), (N, keys, key_heads, D)]
    given = [numbers(which, *shape).requires_grad_() for which, shape in enumerate(shapes)]
    q, k, v = [x.transpose(1, 2) for x in given]
    y = scaled_dot_product_attention(q, k, v, enable_gqa=key_heads < H, **options).transpose(1, 2)
    (y * numbers(3, N, T, H, D)).sum().backward()
    slopes = [flat(x.grad) for x in given]
    return {"name": name, "keyHeads": key_heads, "keys": keys, "y": flat(y), "slopes": slopes}


cases = [
    case("plain"),
    case("causal", keys=T, is_causal=True),
    case("causal across", is_causal=True),
    case("masked", attn_mask=MASK),
    case("grouped", key_heads=2),
    case("scaled", scale=0.9),
]
mask_bytes = [int(x) for x in MASK.ravel()]
print(json.dumps({"torch": torch.__version__, "extents": [N, T, H, D], "mask": mask_bytes, "cases": cases}, separators=(",", ":")))
