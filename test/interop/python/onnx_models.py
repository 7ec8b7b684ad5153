"""Writes models that PyTorch and scikit-learn export to ONNX, with inputs, and the outputs that onnxruntime gives.

usage: onnx_models.py FOLDER [--small]
Each model is FOLDER/NAME.onnx and FOLDER/NAME.json. With --small, narrow ones, to be kept; else some of their usual size.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import skl2onnx  # noqa: E402
import sklearn  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from torch import nn  # noqa: E402

folder = Path(sys.argv[1])
small = "--small" in sys.argv
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(23)
random = np.random.default_rng(23)
VERSIONS = {
    "torch": torch.__version__.split("+")[0],
    "torchvision": torchvision.__version__.split("+")[0],
    "onnx": onnx.__version__,
    "onnxruntime": onnxruntime.__version__,
    "scikit-learn": sklearn.__version__,
    "skl2onnx": skl2onnx.__version__,
}


def told(array):
    data = array.ravel().tolist()
    if array.dtype.kind == "f":
        data = [float(f"{x:.9g}") for x in data]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def save(name, source, path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    wanted = [one.name for one in session.get_outputs()]
    given = dict(zip(names, inputs))
    results = session.run(wanted, given)
    text = {
        "source": source,
        "versions": VERSIONS,
        "inputs": {key: told(value) for key, value in given.items()},
        "outputs": {key: told(value) for key, value in zip(wanted, results)},
    }
    (folder / f"{name}.json").write_text(json.dumps(text))
    print(name, path.stat().st_size)


def randomised(model):
    """Running averages as a trained model has them."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.3)
    return model.eval()


def from_torch(name, model, inputs, opset=20, **options):
    randomised(model)
    path = folder / f"{name}.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        model,
        tuple(inputs),
        str(path),
        dynamo=True,
        opset_version=opset,
        external_data=False,
        verbose=False,
        dynamic_shapes=tuple({0: batch} for _ in inputs),
        **options,
    )
    proto = onnx.load(path)
    for node in list(proto.graph.node) + [x for f in proto.functions for x in f.node]:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for one in list(proto.graph.value_info) + list(proto.graph.initializer) + list(proto.graph.input):
        one.ClearField("metadata_props")
    proto.graph.ClearField("value_info")
    onnx.save(proto, path)
    save(name, "torch", path, [x.numpy() for x in inputs])


class Lenet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 5, padding=2)
        self.conv2 = nn.Conv2d(width, 2 * width, 5)
        self.fc1 = nn.Linear(2 * width * 5 * 5, 4 * width)
        self.fc2 = nn.Linear(4 * width, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(x)


class Block(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.down = nn.Sequential(nn.Conv2d(width, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.down(x))


class Resnet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Block(width, 1), Block(width, 2))
        self.fc = nn.Linear(width, 5)

    def forward(self, x):
        x = self.blocks(torch.relu(self.bn(self.stem(x))))
        return self.fc(x.mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, 3 * width, 1, bias=False),
            nn.BatchNorm2d(3 * width),
            nn.ReLU6(),
            nn.Conv2d(3 * width, 3 * width, 3, 1, 1, groups=3 * width, bias=False),
            nn.BatchNorm2d(3 * width),
            nn.ReLU6(),
            nn.Conv2d(3 * width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x):
        return x + self.layers(x)


def mobilenet(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.Hardswish(),
        Inverted(width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(width, 4),
    )


class Recurrent(nn.Module):
    def __init__(self, kind, width):
        super().__init__()
        self.embedding = nn.Embedding(17, width)
        self.rnn = kind(width, width, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * width, 3)

    def forward(self, x):
        y, _ = self.rnn(self.embedding(x))
        return self.fc(y[:, -1])


class Transformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(19, width)
        self.position = nn.Parameter(torch.randn(1, 9, width) * 0.1)
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, 6)

    def forward(self, x):
        y = self.encoder(self.embedding(x) + self.position)
        return self.fc(self.norm(y.mean(1)))


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(7, width * 4 * 4)
        self.norm = nn.GroupNorm(2, width)
        self.up = nn.ConvTranspose2d(width, width, 4, 2, 1)
        self.out = nn.Conv2d(width, 1, 3, padding=1)
        self.width = width

    def forward(self, x):
        y = torch.nn.functional.leaky_relu(self.fc(x), 0.2).view(-1, self.width, 4, 4)
        y = nn.functional.silu(self.up(self.norm(y)))
        y = nn.functional.interpolate(y, scale_factor=2, mode="nearest")
        return torch.sigmoid(self.out(y))


w = 1 if small else 8
from_torch("mlp", nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 6), nn.GELU(), nn.Linear(6, 1)), [torch.randn(3, 5)])
from_torch("lenet", Lenet(3 * w), [torch.randn(3, 1, 28, 28)])
from_torch("resnet", Resnet(4 * w), [torch.randn(3, 3, 9, 9)])
from_torch("resnetBatchNorm", Resnet(4 * w), [torch.randn(3, 3, 9, 9)], optimize=False)
from_torch("mobilenet", mobilenet(4 * w), [torch.randn(3, 3, 11, 10)])
from_torch("lstm", Recurrent(nn.LSTM, 4 * w), [torch.randint(0, 17, (3, 8))])
from_torch("gru", Recurrent(nn.GRU, 4 * w), [torch.randint(0, 17, (3, 8))])
from_torch("transformer", Transformer(8 * w), [torch.randint(0, 19, (3, 9))])
from_torch("transformer23", Transformer(8 * w), [torch.randint(0, 19, (3, 9))], opset=23)
from_torch("generator", Generator(4 * w), [torch.randn(3, 7)])

x = random.normal(size=(40, 6)).astype(np.float32)
y = (x[:, 0] + np.sin(x[:, 1])).astype(np.float32)
scaled = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=30, random_state=1)).fit(x, y)
path = folder / "sklearnMlp.onnx"
path.write_bytes(skl2onnx.to_onnx(scaled, x[:1], target_opset=17).SerializeToString())
save("sklearnMlp", "scikit-learn", path, [x[:4]])
if not small:
    from_torch("resnet18", torchvision.models.resnet18(), [torch.randn(2, 3, 64, 64)])
    from_torch("mobilenet_v2", torchvision.models.mobilenet_v2(), [torch.randn(2, 3, 64, 64)])
