"""Files of NumPy's, and the numbers in them: python numpy_files.py > ../../goldens/interop/numpy.json"""

import base64
import io
import json

import numpy as np

text = lambda file: base64.b64encode(file.getvalue()).decode()


def saved(array, **how):
    file = io.BytesIO()
    np.save(file, array, **how)
    return text(file)


def of_version(array, version):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return text(file)


def archived(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return text(file)


numbers = np.array([[0, 1, 2], [3, 100, 5]])
types = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
arrays = {
    **{order + kind: numbers.astype(order + kind) for kind in types for order in "<>"},
    "signed": np.array([[-3, 4], [-32768, 32767]], dtype="i2"),
    "b1": numbers > 1,
    "fortran": np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)),
    "scalar": np.array(7, dtype="f4"),
    "none": np.zeros((0, 3), dtype="f4"),
    "vector": np.arange(5, dtype="i8"),
    "beyond i32": np.array([0, 2**32 - 1], dtype="i8"),
    "tenth": np.array([0.1, -np.inf, np.nan]),
}
refused = {
    "objects": np.array([{}, 1], dtype=object),
    "fields": np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f4")]),
    "texts": np.array(["a", "bc"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "complex": np.array([1j]),
    "extended": np.array([1], dtype=np.longdouble),
    "raw": np.zeros(2, dtype="V2"),
    "beyond f32": np.array([1e300]),
    "beyond u32": np.array([2**32], dtype="i8"),
    "below and beyond": np.array([-1, 2**31], dtype="i8"),
}
plain = lambda array: [str(one).replace("inf", "Infinity") if not np.isfinite(one) else one for one in array.astype("f8").reshape(-1).tolist()]
print(
    json.dumps(
        {
            "numpy": np.__version__,
            "read": {
                **{name: [saved(array), array.shape, plain(array)] for name, array in arrays.items()},
                **{
                    f"version {version}": [of_version(numbers, (version, 0)), numbers.shape, plain(numbers)]
                    for version in (1, 2, 3)
                },
            },
            "refused": {name: saved(array) for name, array in refused.items()},
            "archives": {
                "savez": archived(np.savez, x=arrays["<f4"], **{"label ä": arrays["vector"]}),
                "savez_compressed": archived(np.savez_compressed, x=arrays["<f4"], **{"label ä": arrays["vector"]}),
            },
        },
        indent=1,
    )
)
