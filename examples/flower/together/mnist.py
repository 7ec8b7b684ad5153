"""MNIST as its files are: pictures f32[N, 784] of 0 … 1, and labels i64[N]."""

import gzip
import os
from pathlib import Path

import numpy as np

OF_IMAGES, OF_LABELS = 16, 8


def share(of: str, node: dict) -> tuple[np.ndarray, np.ndarray]:
    """A node's part of `train` or `t10k`: the partition-id-th of num-partitions, of its digits alone."""
    folder = Path(node.get("folder") or Path(os.environ.get("MILLRACE_DATA", ".")) / "mnist")
    labels = contents(folder / f"{of}-labels-idx1-ubyte", OF_LABELS)
    images = contents(folder / f"{of}-images-idx3-ubyte", OF_IMAGES).reshape(len(labels), -1)
    parts, part = node.get("num-partitions", 1), node.get("partition-id", 0)
    own = np.arange(len(labels))[len(labels) * part // parts : len(labels) * (part + 1) // parts]
    if digits := str(node.get("digits", "")):
        own = own[np.isin(labels[own], [int(digit) for digit in digits])]
    return images[own].astype("f4") / 255, labels[own].astype("i8")


def contents(path: Path, header: int) -> np.ndarray:
    data = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
    return np.frombuffer(data, "u1", offset=header)
