"""PyTorch's side of the benchmarks: eager, torch.compile and CUDA graphs, in f32 with TF32 off.

    python3 pytorch.py --out result.json    runs by itself, on random numbers of its own
    python3 pytorch.py --serve              takes work from bench/pytorch.ts, turn by turn with the other peers

Needs a CUDA device, and nothing but PyTorch.
"""

import argparse
import ctypes
import datetime
import json
import math
import os
import platform
import statistics
import sys
import time

import torch

MODES = ["eager", "compile", "cuda graph"]
RATES = {"sgd": 0.05, "adam": 1e-3}
ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}
CHECKED_STEPS = 5
# Of a CNN's kernels, and of its pooling.
WINDOW, POOLED = 3, 2
# As bench/judge.ts has it.
SUM_TOLERANCE = 32 * 2.0**-24
LOSS_TOLERANCE = 1e-4
WARM_UPS = 3


def setup():
    """f32 is to be f32; everything lies on the GPU."""
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch finds no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")


def on_gpu(numbers, shape):
    return torch.frombuffer(bytearray(numbers), dtype=torch.float32).reshape(shape).cuda()


def bytes_of(tensor):
    numbers = tensor.detach().cpu().contiguous()
    return ctypes.string_at(numbers.data_ptr(), numbers.numel() * numbers.element_size())


def optimizer_of(name, parameters, capturable=False):
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=RATES["sgd"])
    return torch.optim.Adam(parameters, lr=RATES["adam"], fused=True, capturable=capturable, **ADAM)


def capture(function):
    """A CUDA graph of a function that reads and writes the same tensors each time. It is called a few times first."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            function()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()
    return graph, result


class Pure:
    """A function of tensors that stay where they are."""

    def __init__(self, mode, function, arguments):
        self.y = None
        if mode == "cuda graph":
            graph, self.y = capture(lambda: function(*arguments))
            self.once = graph.replay
        else:
            compiled = torch.compile(function) if mode == "compile" else function
            self.once = lambda: setattr(self, "y", compiled(*arguments))

    def result(self):
        self.once()
        return self.y.reshape(-1)

    def run(self, times):
        for _ in range(times):
            self.once()


# How images and weights lie here, and back again.
IMAGES, WEIGHTS = (0, 3, 1, 2), (3, 2, 0, 1)
IMAGES_BACK, WEIGHTS_BACK = (0, 2, 3, 1), (2, 3, 1, 0)


def channels_first(array, order):
    return array.permute(order).contiguous()


class Convolution(Pure):
    """A convolution or one of its gradients, channels first, as PyTorch has them by default."""

    def __init__(self, mode, work, arrays):
        x, weight, _ = [list(shape) for shape in convolution_shapes(work)]
        x, weight = [x[i] for i in IMAGES], [weight[i] for i in WEIGHTS]
        padding = work["window"] // 2
        functions = {
            "y": lambda a, b: torch.nn.functional.conv2d(a, b, padding=padding),
            "dX": lambda dY, b: torch.nn.grad.conv2d_input(x, b, dY, padding=padding),
            "dWeight": lambda a, dY: torch.nn.grad.conv2d_weight(a, weight, dY, padding=padding),
        }
        orders = [IMAGES, IMAGES if work["of"] == "dWeight" else WEIGHTS]
        self.back = WEIGHTS_BACK if work["of"] == "dWeight" else IMAGES_BACK
        operands = [channels_first(array, order) for array, order in zip(arrays, orders)]
        super().__init__(mode, functions[work["of"]], operands)

    def result(self):
        self.once()
        return self.y.permute(self.back).reshape(-1)


class Update:
    """An optimizer's update of one tensor, by one gradient over and over."""

    def __init__(self, mode, work, numbers, gradient):
        self.p = torch.nn.Parameter(numbers.clone())
        self.p.grad = gradient
        optimizer = optimizer_of(work["optimizer"], [self.p], capturable=mode != "eager")
        if mode == "cuda graph":
            graph, _ = capture(optimizer.step)
            self.once = graph.replay
            restart(optimizer, [self.p], [numbers])
        else:
            self.once = torch.compile(optimizer.step) if mode == "compile" else optimizer.step

    def result(self):
        self.once()
        return self.p.detach().clone()

    def run(self, times):
        for _ in range(times):
            self.once()


def restart(optimizer, parameters, initial):
    """Undoes the steps that a capture has taken: the graph goes on with the same tensors."""
    with torch.no_grad():
        for p, numbers in zip(parameters, initial):
            p.copy_(numbers)
            for state in optimizer.state[p].values():
                if torch.is_tensor(state):
                    state.zero_()


def model_of(network):
    """A classifier, as bench/work.ts describes it."""
    nn = torch.nn
    if network["kind"] == "mlp":
        inputs, hidden, classes = network["layers"]
        return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    layers = []
    before = network["image"][2]
    for features in network["features"]:
        layers += [nn.Conv2d(before, features, WINDOW, padding="same"), nn.ReLU(), nn.MaxPool2d(POOLED)]
        before = features
    inputs = math.prod(pooled_shape(network))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, network["classes"]))


def stored(network, arrays):
    """Parameters as PyTorch keeps them: by output, channels before rows and columns."""
    turned = [channels_first(array, WEIGHTS) if array.dim() == 4 else array for array in arrays]
    if network["kind"] == "cnn":
        weight = arrays[-2].reshape(*pooled_shape(network), -1)
        turned[-2] = weight.permute(2, 0, 1, 3).reshape(arrays[-2].shape)
    return [array.t().contiguous() if array.dim() == 2 else array for array in turned]


class Steps:
    """Training steps of a classifier on batches that lie on the GPU and are taken in turn."""

    def __init__(self, mode, work, arrays, images, labels):
        network, size, count = work["network"], work["batchSize"], work["batches"]
        sample = network["layers"][:1] if network["kind"] == "mlp" else network["image"]
        pixels = torch.frombuffer(bytearray(images), dtype=torch.uint8).reshape(count, size, *sample)
        if network["kind"] == "cnn":
            pixels = pixels.permute(0, 1, 4, 2, 3).contiguous()
        self.x = pixels.cuda().float() / 255
        self.y = torch.frombuffer(bytearray(labels), dtype=torch.uint8).reshape(count, size).cuda().long()
        self.model = model_of(network).cuda()
        initial = stored(network, arrays)
        parameters = list(self.model.parameters())
        with torch.no_grad():
            for p, numbers in zip(parameters, initial):
                p.copy_(numbers)
        self.optimizer = optimizer_of(work["optimizer"], parameters, capturable=mode == "cuda graph")
        self.loss_of = torch.compile(self.forward) if mode == "compile" else self.forward
        self.steps = 0
        self.loss = None
        self.step = self.eager_step
        if mode == "cuda graph":
            self.static = self.x[0].clone(), self.y[0].clone()
            self.graph, self.loss = capture(lambda: self.train(*self.static))
            restart(self.optimizer, parameters, initial)
            self.step = self.graph_step

    def forward(self, x, y):
        return torch.nn.functional.cross_entropy(self.model(x), y)

    def train(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of(x, y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def batch(self):
        at = self.steps % len(self.x)
        self.steps += 1
        return self.x[at], self.y[at]

    def eager_step(self):
        self.loss = self.train(*self.batch())

    def graph_step(self):
        for static, given in zip(self.static, self.batch()):
            static.copy_(given)
        self.graph.replay()

    def result(self):
        losses = []
        for _ in range(CHECKED_STEPS):
            self.step()
            losses.append(self.loss.clone())
        return torch.stack(losses)

    def run(self, times):
        for _ in range(times):
            self.step()


def pooled_shape(network):
    shrunk = POOLED ** len(network["features"])
    rows, columns, _ = network["image"]
    return rows // shrunk, columns // shrunk, network["features"][-1]


def parameter_shapes(network):
    if network["kind"] == "mlp":
        inputs, hidden, classes = network["layers"]
        return [(inputs, hidden), (hidden,), (hidden, classes), (classes,)]
    shapes = []
    before = network["image"][2]
    for features in network["features"]:
        shapes += [(WINDOW, WINDOW, before, features), (features,)]
        before = features
    return [*shapes, (math.prod(pooled_shape(network)), network["classes"]), (network["classes"],)]


def convolution_shapes(work):
    """Of x, weight and y as bench/work.ts stores them: channels last, features last."""
    *places, channels = work["images"]
    features, window = work["features"], work["window"]
    return (*places, channels), (window, window, channels, features), (*places, features)


def shapes_of(work):
    kind = work["kind"]
    if kind == "convolution":
        x, weight, y = convolution_shapes(work)
        return {"y": [x, weight], "dX": [y, weight], "dWeight": [x, y]}[work["of"]]
    if kind == "product":
        M, K, N = work["M"], work["K"], work["N"]
        return [(K, M) if work.get("transposeA") else (M, K), (N, K) if work.get("transposeB") else (K, N)]
    if kind == "embedding":
        return [(work["chosen"], work["columns"]), (work["chosen"],)]
    if kind == "update":
        return [(work["size"],)] * 2
    if kind == "steps":
        return parameter_shapes(work["network"])
    return [(work["rows"], work["columns"])]


def prepare(mode, work, arrays, images=b"", labels=b""):
    kind = work["kind"]
    if kind == "product":
        turn_a, turn_b = work.get("transposeA"), work.get("transposeB")
        product = lambda a, b: torch.matmul(a.t() if turn_a else a, b.t() if turn_b else b)
        return Pure(mode, product, arrays)
    if kind == "convolution":
        return Convolution(mode, work, arrays)
    if kind == "sum":
        axis = work["axis"]
        return Pure(mode, lambda x: x.sum() if axis is None else x.sum(axis), arrays)
    if kind == "softmax":
        return Pure(mode, lambda x: torch.softmax(x, 1), arrays)
    if kind == "embedding":
        gradient = lambda dY, indices: torch.ops.aten.embedding_dense_backward(dY, indices, work["rows"], -1, False)
        return Pure(mode, gradient, [arrays[0], arrays[1].long()])
    if kind == "update":
        return Update(mode, work, *arrays)
    return Steps(mode, work, arrays, images, labels)


def finish():
    torch.cuda.synchronize()


def serve():
    """A line of JSON, then the bytes that it announces; so do answers. Whatever PyTorch prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    jobs = {}

    def answer(numbers=b"", **fields):
        answers.write((json.dumps({**fields, "bytes": len(numbers)}) + "\n").encode())
        answers.write(numbers)
        answers.flush()

    answer(version=torch.__version__, modes=MODES)
    for line in requests:
        request = json.loads(line)
        parts = [requests.read(size) for size in request.get("sizes", [])]
        try:
            do, job = request["do"], request["job"]
            if do == "prepare":
                work = request["work"]
                shapes = shapes_of(work)
                arrays = [on_gpu(numbers, shape) for numbers, shape in zip(parts, shapes)]
                jobs[job] = prepare(request["mode"], work, arrays, *parts[len(shapes) :])
                answer()
            elif do == "result":
                answer(bytes_of(jobs[job].result().float()))
            elif do == "run":
                jobs[job].run(request["times"])
                finish()
                answer()
            else:
                del jobs[job]
                torch.cuda.empty_cache()
                answer()
        except Exception as error:  # The others go on.
            answer(error=f"{type(error).__name__}: {error}".splitlines()[0])


def seconds_of(job, times):
    begun = time.perf_counter()
    job.run(times)
    finish()
    return time.perf_counter() - begun


def times_for(job, seconds):
    seconds_of(job, WARM_UPS)
    times = 1
    while (taken := seconds_of(job, times)) < seconds:
        times = int(times * min(10, max(1.2, 1.2 * seconds / taken))) + 1
    return times


def steps_work(network, size, optimizer):
    return {"kind": "steps", "network": network, "batchSize": size, "batches": 16, "optimizer": optimizer}


def suite():
    for size in [512, 1024, 2048, 4096]:
        yield "matmul", f"{size} × {size} × {size}", {"kind": "product", "M": size, "K": size, "N": size}, None
    for images, features in [([64, 28, 28, 16], 32), ([16, 56, 56, 64], 64)]:
        for of in ["y", "dX", "dWeight"]:
            work = {"kind": "convolution", "of": of, "images": images, "features": features, "window": 3}
            yield "convolution", f"{images} → {features}, {of}", work, None
    for group, size, whole in [("mlp step", 64, None), ("mlp step", 128, None), ("mlp epoch", 64, 938)]:
        for optimizer in RATES:
            name = f"784-128-10, batch {size}, {optimizer}" + (f", {whole} steps" if whole else "")
            yield group, name, steps_work({"kind": "mlp", "layers": [784, 128, 10]}, size, optimizer), whole
    cnn = {"kind": "cnn", "image": [28, 28, 1], "features": [8, 16], "classes": 10}
    for optimizer in RATES:
        yield "cnn step", f"28 × 28 × 1-c8-c16-10, batch 64, {optimizer}", steps_work(cnn, 64, optimizer), None


def inputs_of(work):
    generator = torch.Generator().manual_seed(1)
    shapes = shapes_of(work)
    uniform = lambda shape: torch.rand(shape, generator=generator) * 2 - 1
    if work["kind"] in ["product", "convolution"]:
        return [uniform(shape).cuda() for shape in shapes], b"", b""
    network = work["network"]
    is_mlp = network["kind"] == "mlp"
    inputs = network["layers"][0] if is_mlp else math.prod(network["image"])
    classes = network["layers"][2] if is_mlp else network["classes"]
    # A weight's fan-in is all of its axes but the last, a bias has its weight's.
    fans = [math.prod(shapes[i - i % 2][:-1]) for i in range(len(shapes))]
    arrays = [(uniform(shape) / fan**0.5).cuda() for shape, fan in zip(shapes, fans)]
    samples = work["batches"] * work["batchSize"]
    integers = lambda below, count: bytes_of(torch.randint(below, (count,), generator=generator, dtype=torch.uint8))
    return arrays, integers(256, samples * inputs), integers(classes, samples)


def expected_of(work, arrays, images, labels):
    """In f64: numbers, and how large those are that went into them."""
    doubles = [array.double() for array in arrays]
    if work["kind"] == "product":
        return torch.matmul(*doubles).reshape(-1), torch.matmul(*[d.abs() for d in doubles]).reshape(-1), SUM_TOLERANCE
    if work["kind"] == "convolution":
        of = lambda operands: Convolution("eager", work, operands).result()
        return of(doubles), of([d.abs() for d in doubles]), SUM_TOLERANCE
    reference = Steps("eager", work, arrays, images, labels)
    reference.x = reference.x.double()
    reference.model.double()
    losses = reference.result()
    return losses, losses, LOSS_TOLERANCE


def flops_of(work):
    """Floating-point operations of a product or a convolution."""
    if work["kind"] == "product":
        return 2 * work["M"] * work["K"] * work["N"]
    if work["kind"] == "convolution":
        return 2 * math.prod(work["images"]) * work["features"] * work["window"] ** 2
    return None


def row_of(mode, job, verdict, samples, times, amount, unit):
    q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    rate = {"value": amount / median, "unit": unit}
    spread = {"samples": samples, "median": median, "q1": q1, "q3": q3, "times": times}
    return {"peer": f"PyTorch {mode}", **verdict, **spread, "rate": rate}


def alone(options):
    results = []
    for group, name, work, whole in suite():
        if options.only not in f"{group}/{name}":
            continue
        inputs = inputs_of(work)
        values, magnitudes, tolerance = expected_of(work, *inputs)
        ready, rows = [], []
        for mode in MODES:
            try:
                job = prepare(mode, work, *inputs)
                error = ((job.result().double() - values).abs() / magnitudes.clamp_min(1e-30)).max().item()
                verdict = {"correct": error <= tolerance, "error": error, "tolerance": tolerance}
                least = options.milliseconds / 1000 * (10 if work["kind"] == "steps" else 1)
                if verdict["correct"]:
                    ready.append((mode, job, verdict, whole or times_for(job, least), []))
                else:
                    rows.append({"peer": f"PyTorch {mode}", **verdict})
            except Exception as error:  # The others go on.
                rows.append({"peer": f"PyTorch {mode}", "unavailable": f"failed: {error}".splitlines()[0]})
        for turn in range(options.rounds):
            for _, job, _, times, samples in ready[turn % len(ready) :] + ready[: turn % len(ready)]:
                samples.append(seconds_of(job, times) / (1 if whole else times))
        flops = flops_of(work)
        amount = flops or whole or 1
        for mode, job, verdict, times, samples in ready:
            rows.append(row_of(mode, job, verdict, samples, times, amount, "FLOP/s" if flops else "steps/s"))
        results.append({"group": group, "name": name, "of": "epoch" if whole else work["kind"], "rows": rows})
        for row in rows:
            print(f"{group}/{name}", row["peer"], f"{row['median'] * 1e3:.4g} ms" if "median" in row else row, flush=True)
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "runtime": f"Python {platform.python_version()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}",
        "machine": {"cpu": platform.processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "adapter": {"name": torch.cuda.get_device_name(), "software": False},
        "rounds": options.rounds,
        "seconds": options.milliseconds / 1000,
        "peers": [{"name": f"PyTorch {mode}", "version": torch.__version__} for mode in MODES],
        "results": results,
    }
    if options.out:
        with open(options.out, "w") as file:
            json.dump(report, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description="PyTorch's side of the benchmarks.")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=float, default=50)
    parser.add_argument("--out")
    options = parser.parse_args()
    setup()
    if options.serve:
        serve()
    else:
        alone(options)


main()
