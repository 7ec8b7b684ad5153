#!/usr/bin/env bash
# A .safetensors file of the same tensors and texts is another file each time it is saved: Python's safetensors writes the
# texts of __metadata__ in an order that is drawn anew for each call, also within one process and with PYTHONHASHSEED=0.
# Tensors are sorted, so with one text, or none, the bytes are always the same. What names files by their digest (caches,
# data version control, a check that two runs ended alike) takes equal models for different ones: compare tensors, or
# write one text that holds all of them.
# Seen on 2026-11-29: safetensors 0.8.0, numpy 2.4.6, Python 3.11:
#   8 texts: 20 saves, 20 different files; read again, all are equal
#   1 text: 20 saves, 1 different files; read again, all are equal
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv own
own/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat > save.py <<'PYTHON'
import hashlib
import json

import numpy
from safetensors.numpy import load, save

SAVES = 20
tensors = {"weight": numpy.arange(6, dtype=numpy.float32), "bias": numpy.zeros(2, dtype=numpy.float32)}


def texts_in(file):
    return json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])["__metadata__"]


def files(count):
    texts = {f"key {at}": str(at) for at in range(count)}
    saved = [save(tensors, metadata=texts) for _ in range(SAVES)]
    equal = all(texts_in(file) == texts and load(file)["weight"].tolist() == tensors["weight"].tolist() for file in saved)
    different = len({hashlib.sha256(file).hexdigest() for file in saved})
    print(f"{count} text{'s' if count > 1 else ''}: {SAVES} saves, {different} different files; read again, all are {'equal' if equal else 'NOT equal'}")
    return different, equal


(many, same), (one, alike) = files(8), files(1)
assert many > 1 and one == 1 and same and alike, "this has changed"
PYTHON
PYTHONHASHSEED=0 own/bin/python save.py
