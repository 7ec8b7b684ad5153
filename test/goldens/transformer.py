"""What PyTorch makes of small attention and transformer layers, for test/nn/transformerPytorch.test.ts.

Made with torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11:

    python3 -m venv venv && venv/bin/pip install torch==2.13.0 numpy==2.4.6
    venv/bin/python test/goldens/transformer.py > test/goldens/transformer.json

The slope of an output is cos of its place, as the test has it; all numbers are of f64.
"""

import json
import sys

import numpy
import torch

N, T, S, E, M, H, F = 2, 4, 3, 8, 5, 2, 6
LENGTHS = [4, 2]
MEMORY_LENGTHS = [1, 3]
rng = numpy.random.default_rng(20)


def flat(a):
    return [float(f"{x:.7g}") for x in numpy.asarray(a.detach() if hasattr(a, "detach") else a).ravel()]


def tensors(named):
    return {name: {"shape": list(p.shape), "data": flat(p)} for name, p in named}


def fresh(net):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)) * 0.5))
    return net.double().train()


x = torch.tensor(rng.normal(size=(N, T, E)))
memory = torch.tensor(rng.normal(size=(N, S, E)))
other_memory = torch.tensor(rng.normal(size=(N, S, M)))
causal = torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)
padding = torch.arange(T)[None, :] >= torch.tensor(LENGTHS)[:, None]
memory_padding = torch.arange(S)[None, :] >= torch.tensor(MEMORY_LENGTHS)[:, None]
cases = []


def case(name, net, options, run, memory=None):
    fresh(net)
    given = [x.clone().requires_grad_()] + ([] if memory is None else [memory.clone().requires_grad_()])
    out = run(net, *given)
    slope = torch.cos(torch.arange(out.numel(), dtype=torch.float64)).reshape(out.shape)
    (out * slope).sum().backward()
    cases.append(
        {
            "name": name,
            "options": options,
            "weights": tensors(net.named_parameters()),
            "y": flat(out),
            "gradients": [flat(g.grad) for g in given],
            "weightGradients": {n: flat(p.grad) for n, p in net.named_parameters()},
        }
    )


def attention(**others):
    return torch.nn.MultiheadAttention(E, H, batch_first=True, **others)


def encoder(**others):
    return torch.nn.TransformerEncoderLayer(E, H, F, dropout=0.0, batch_first=True, **others)


case("MultiheadAttention", attention(), {}, lambda net, x: net(x, x, x)[0])
case(
    "MultiheadAttention, causal, without biases",
    attention(bias=False),
    {"causal": True, "bias": False},
    lambda net, x: net(x, x, x, attn_mask=causal)[0],
)
case(
    "MultiheadAttention, ragged memory of its own width",
    attention(kdim=M, vdim=M),
    {"memoryWidth": M, "memoryLengths": True},
    lambda net, x, m: net(x, m, m, key_padding_mask=memory_padding)[0],
    memory=other_memory,
)
case(
    "TransformerEncoderLayer",
    encoder(),
    {"feedForward": F},
    lambda net, x: net(x),
)
case(
    "TransformerEncoderLayer, norms in front, gelu, causal, without biases",
    encoder(norm_first=True, activation=torch.nn.functional.gelu, bias=False),
    {"feedForward": F, "norm": "pre", "activation": "gelu", "causal": True, "bias": False},
    lambda net, x: net(x, src_mask=causal, is_causal=True),
)
case(
    "TransformerEncoderLayer, ragged",
    encoder(),
    {"feedForward": F, "lengths": True},
    lambda net, x: net(x, src_key_padding_mask=padding),
)
for first in [False, True]:
    case(
        "TransformerDecoderLayer, ragged" + (", norms in front, gelu" if first else ""),
        torch.nn.TransformerDecoderLayer(
            E, H, F, dropout=0.0, batch_first=True, norm_first=first, activation="gelu" if first else "relu"
        ),
        {
            "feedForward": F,
            "lengths": True,
            "memoryLengths": True,
            **({"norm": "pre", "activation": "gelu"} if first else {}),
        },
        lambda net, x, m: net(
            x,
            m,
            tgt_mask=causal,
            tgt_is_causal=True,
            tgt_key_padding_mask=padding,
            memory_key_padding_mask=memory_padding,
        ),
        memory=memory,
    )

json.dump(
    {
        "versions": {"torch": torch.__version__, "numpy": numpy.__version__, "python": sys.version.split()[0]},
        "x": {"shape": [N, T, E], "data": flat(x)},
        "memory": {"shape": [N, S, E], "data": flat(memory)},
        "otherMemory": {"shape": [N, S, M], "data": flat(other_memory)},
        "lengths": LENGTHS,
        "memoryLengths": MEMORY_LENGTHS,
        "heads": H,
        "cases": cases,
    },
    sys.stdout,
)
