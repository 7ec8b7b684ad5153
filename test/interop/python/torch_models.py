"""PyTorch models with weights by a seed, their state dicts, what they are given, and what they make of it.

python torch_models.py write FOLDER SCALE   NAME.safetensors and NAME.npz of each model, SCALE times as wide as need be
python torch_models.py check FOLDER SCALE   loads NAME.own.safetensors, strictly, and holds what comes against NAME.own.npy
python torch_models.py golden               small ones, as JSON: > ../../goldens/interop/torch.json

Images are written as [N, rows, columns, channels], sequences of convolutions as [N, steps, channels].
"""

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

command, *args = sys.argv[1:]
folder = Path(args[0]) if args else None
w = int(args[1]) if len(args) > 1 else 1


class Recurrent(nn.Module):
    """All steps of two layers, both ways, and a product."""

    def __init__(self, kind, layers=2, bidirectional=True):
        super().__init__()
        self.rnn = kind(3, 4 * w, num_layers=layers, bidirectional=bidirectional, batch_first=True)
        self.head = nn.Linear((8 if bidirectional else 4) * w, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(7, 8 * w)
        layer = nn.TransformerEncoderLayer(8 * w, 2, dim_feedforward=12 * w, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(8 * w, 7)

    def forward(self, x):
        return self.head(self.encoder(self.tokens(x)))


class Cross(nn.Module):
    """A decoder's layer, causal, and attention to a memory of another width."""

    def __init__(self):
        super().__init__()
        self.decoder = nn.TransformerDecoderLayer(4 * w, 2, dim_feedforward=6 * w, batch_first=True)
        self.memory = nn.Linear(3, 4 * w)
        self.look = nn.MultiheadAttention(4 * w, 2, kdim=3, vdim=3, batch_first=True)
        self.norm = nn.RMSNorm(4 * w, eps=1e-5)
        self.start = nn.Linear(3, 4 * w)

    def forward(self, x):
        steps = x.shape[1]
        mask = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        y = self.decoder(self.start(x), self.memory(x), tgt_mask=mask)
        return self.norm(self.look(y, x, x, need_weights=False)[0])


class BatchNormed(nn.Module):
    """Norms, groups, depthwise kernels; a norm behind the flattening, whose features PyTorch has channel by channel."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4 * w, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4 * w)
        self.conv2 = nn.Conv2d(4 * w, 4 * w, 3, groups=4 * w, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * w)
        self.conv3 = nn.Conv2d(4 * w, 6 * w, (1, 2), groups=2)
        self.gn = nn.GroupNorm(2, 6 * w)
        self.bn3 = nn.BatchNorm1d(6 * w * 2 * 3)
        self.fc = nn.Linear(6 * w * 2 * 3, 3)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        x = nn.functional.max_pool2d(self.gn(self.conv3(x)), (2, 1))
        return self.fc(self.bn3(x.flatten(1)).relu())


class Generator(nn.Module):
    """Features that become images."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 4 * w * 2 * 3)
        self.bn = nn.BatchNorm1d(4 * w * 2 * 3)
        self.up1 = nn.ConvTranspose2d(4 * w, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.norm = nn.LayerNorm([6, 4, 6])
        self.up2 = nn.ConvTranspose2d(6, 2, 2, stride=2)

    def forward(self, x):
        x = self.bn(self.fc(x)).relu().view(-1, 4 * w, 2, 3)
        return self.up2(self.norm(self.up1(x)))


class Series(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 4 * w, 3)
        self.fc = nn.Linear(4 * w * 6, 2)

    def forward(self, x):
        return self.fc(self.conv(x).relu().flatten(1))


torch.manual_seed(3)
images = lambda *shape: torch.randn(*shape)
models = {
    "mlp": (nn.Sequential(nn.Linear(5, 7 * w), nn.ReLU(), nn.Linear(7 * w, 7 * w), nn.GELU(), nn.Linear(7 * w, 3)), torch.randn(4, 5)),
    "lstm": (Recurrent(nn.LSTM), torch.randn(2, 5, 3)),
    "gru": (Recurrent(nn.GRU, bidirectional=False), torch.randn(2, 5, 3)),
    "rnn": (Recurrent(nn.RNN, layers=1), torch.randn(2, 5, 3)),
    "encoder": (Encoder(), torch.randint(0, 7, (2, 5))),
    "cross": (Cross(), torch.randn(2, 4, 3)),
    "batchNormed": (BatchNormed(), torch.randn(4, 3, 6, 6)),
    "generator": (Generator(), torch.randn(3, 5)),
    "series": (Series(), torch.randn(3, 3, 8)),
}
if w > 1:
    models["lenet"] = (
        nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        ),
        torch.randn(4, 1, 28, 28),
    )  # fmt: skip


def last(name, tensor):
    """With channels last."""
    array = tensor.detach().numpy()
    isPlain = name in ("mlp", "lstm", "gru", "rnn", "encoder", "cross")
    return array if isPlain or array.ndim < 3 else np.ascontiguousarray(np.moveaxis(array, 1, -1))


def trained(name):
    """A model whose norms have seen something."""
    model, x = models[name]
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.num_batches_tracked.fill_(9)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            if getattr(module, "bias", None) is not None:
                nn.init.normal_(module.bias)
    model.eval()
    y = model(x)
    return model, last(name, x), last(name, y)


if command == "write":
    for name in models:
        model, x, y = trained(name)
        safetensors.torch.save_file(model.state_dict(), folder / f"{name}.safetensors")
        np.savez(folder / f"{name}.npz", x=x, y=y)
elif command == "check":
    told = {}
    for name, (model, x) in models.items():
        model.load_state_dict(safetensors.torch.load_file(folder / f"{name}.own.safetensors"), strict=True)
        model.eval()
        y = last(name, model(x))
        told[name] = float(np.abs(y - np.load(folder / f"{name}.own.npy")).max())
    print(json.dumps(told))
else:

    def file(array):
        held = io.BytesIO()
        np.save(held, array)
        return base64.b64encode(held.getvalue()).decode()

    kept = {}
    for name in models:
        model, x, y = trained(name)
        state = base64.b64encode(safetensors.torch.save(model.state_dict())).decode()
        kept[name] = {"stateDict": state, "x": file(x), "y": file(y)}
    pickled = {}
    for isArchive in (False, True):
        held = io.BytesIO()
        torch.save({"weight": torch.zeros(2)}, held, _use_new_zipfile_serialization=isArchive)
        pickled["archive" if isArchive else "pickle"] = base64.b64encode(held.getvalue()).decode()
    print(json.dumps({"torch": torch.__version__, "models": kept, "pickled": pickled}, indent=1))
