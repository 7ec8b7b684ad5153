"""Files of safetensors' own package, and what it reads of others: bench/safetensors.mjs runs it.

python3 safetensors_judge.py FOLDER: writes FOLDER/python.safetensors, and to standard output, as JSON, what is in that file
and in every other one of the folder: bytes in hexadecimal, what they are in f32, or why it is refused.
"""

import json
import struct
import sys
from importlib.metadata import version
from pathlib import Path

import numpy
from safetensors import TensorSpec, deserialize, safe_open, serialize

FLOATS = [numpy.float16, numpy.float32, numpy.float64]
INTEGERS = [numpy.dtype(f"{name}{bits}") for name in ("int", "uint") for bits in (8, 16, 32, 64)]


def tensors():
    """Of all types: the least, the largest, what is no number, and what a half rounds."""
    for kind in FLOATS:
        limits = numpy.finfo(kind)
        numbers = [0, -0.0, 1 / 3, -2.5, limits.tiny, limits.smallest_subnormal, numpy.inf, -numpy.inf]
        if kind != numpy.float64:
            numbers += [limits.max, limits.min, numpy.nan]
        yield kind.__name__, numpy.array(numbers, kind)
    for kind in INTEGERS:
        exact = 2 ** min(24, 8 * kind.itemsize - 1)
        yield kind.name, numpy.array([numpy.iinfo(kind).min, 0, 1, exact - 1], kind)
    yield "bool", numpy.array([[True, False], [False, True]])
    yield "all halves", numpy.arange(65536, dtype=numpy.uint16).view(numpy.float16).reshape(256, 256)
    yield "scalar", numpy.array(7, numpy.float32)
    yield "nothing", numpy.zeros((2, 0, 3), numpy.int64)
    yield "ünïcode 🙂", numpy.array([1], numpy.float32)


def spec(array, dtype=None):
    return TensorSpec(
        dtype=dtype or array.dtype.name, shape=list(array.shape), data_ptr=array.ctypes.data, data_len=array.nbytes
    )


def hexadecimal(array):
    return numpy.ascontiguousarray(array).tobytes().hex()


def written(path):
    arrays = dict(tensors())
    brain = numpy.arange(65536, dtype=numpy.uint16)
    specs = {name: spec(array) for name, array in arrays.items()} | {"all brain halves": spec(brain, "bfloat16")}
    path.write_bytes(serialize(specs, {"format": "np", "note": 'ä "quoted"\n'}))
    with numpy.errstate(all="ignore"):
        f32 = {name: hexadecimal(array.astype(numpy.float32)) for name, array in arrays.items()}
    return f32 | {"all brain halves": hexadecimal(brain.astype(numpy.uint32) << 16)}


def read(path):
    try:
        found = {
            name: {"dtype": entry["dtype"], "shape": list(entry["shape"]), "bytes": bytes(entry["data"]).hex()}
            for name, entry in deserialize(path.read_bytes())
        }
        with safe_open(path, framework="numpy") as file:
            return {"tensors": found, "metadata": file.metadata() or {}}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


folder = Path(sys.argv[1])
expected = written(folder / "python.safetensors")
files = {path.stem: read(path) for path in sorted(folder.glob("*.safetensors"))}
versions = {"python": sys.version.split()[0], "safetensors": version("safetensors"), "numpy": numpy.__version__}
assert struct.unpack("<H", struct.pack("=H", 1)) == (1,), "a machine that keeps the lowest byte first"
print(json.dumps({"versions": versions, "f32": expected, "files": files}))
