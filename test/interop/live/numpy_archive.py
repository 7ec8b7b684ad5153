"""Tells what NumPy reads of an archive that was written here, and writes one: python numpy_archive.py IN OUT"""

import json
import sys

import numpy as np

read, written = sys.argv[1:]
with np.load(read) as arrays:
    print(json.dumps({name: [str(a.dtype), a.shape, a.ravel().tolist()] for name, a in arrays.items()}))
rng = np.random.default_rng(1)
np.savez_compressed(
    written,
    halves=rng.standard_normal((3, 4)).astype("f2"),
    columns=np.asfortranarray(rng.standard_normal((2, 3, 5))),
    big=np.arange(6, dtype=">i8").reshape(2, 3),
    sums=np.array([1.5]),
)
