# Makes the files of this folder, independently of Thrum: python make.py (numpy, scipy, h5py).
import json
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import scipy.sparse

here = Path(__file__).parent
expected = {}
ramp = np.arange(1, 13)
kinds = ["float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
matrix = np.arange(24, dtype="f8").reshape(12, 2) / 8  # [samples, channels]


def keep(file, arrays):
    """Column-major values, as MATLAB lays them out."""
    expected[file] = {k: {"shape": list(v.shape), "values": v.flatten("F").astype("f8").tolist()} for k, v in arrays.items()}


# MATLAB 5: every numeric type, compressed and not.
types = {f"x_{k}": (ramp - 3 if not k.startswith("u") else ramp).astype(k).reshape(3, 4) for k in kinds}
types["x_int64"][0, 0] = -(2**40)
types["x_uint64"][2, 3] = 2**40
for file, packed in [("types_v6.mat", False), ("types_v7.mat", True)]:
    scipy.io.savemat(here / file, types, do_compression=packed)
    keep(file, types)

# MATLAB 5: containers and what is refused.
cells = np.empty((1, 3), dtype=object)
cells[0, 0], cells[0, 1], cells[0, 2] = np.arange(5.0), np.arange(10.0), "text"
run = np.zeros((1, 2), dtype=[("gs", object), ("fs", object)])
run[0, 0] = (np.arange(6.0), 100.0)
run[0, 1] = (np.arange(7.0), 200.0)
scipy.io.savemat(
    here / "containers.mat",
    {
        "bearing": {"sr": np.uint16(48828), "gs": np.arange(100.0)[:, None], "load": "300", "rate": np.uint8(25)},
        "cells": cells,
        "run": run,
        "flags": np.ones((1, 500), dtype=bool),
        "text": "Grüße",
        "sparse": scipy.sparse.csc_matrix(np.eye(3)),
        "complex": np.array([[1 + 2j, 3, 4]]),
    },
    do_compression=True,
)
scipy.io.savemat(here / "v4.mat", {"x": np.arange(5.0)}, format="4")

# HDF5: plain, and MATLAB 7.3 (a user block of 512 bytes, reversed dimensions, MATLAB_class, cells as references).
with h5py.File(here / "plain.h5", "w") as f:
    f["group/signal"] = matrix.T.astype("f4")  # [channels, samples]
    f["group/signal"].attrs["sample_rate"] = 1000.5
    f["group/fs"] = np.int16(7)
    f["time"] = np.arange(24.0)
    f["big"] = np.arange(6, dtype=">i2")
    f["half"] = np.arange(6, dtype="f2")
    f["label"] = "fan"
    f["name"] = np.array([True, False])
    f.create_dataset("lzf", data=np.arange(300.0), chunks=(100,), compression="lzf")
    f["group/signal"].make_scale("x")
    f["big"].dims[0].attach_scale(f["time"])

with h5py.File(here / "matlab73.mat", "w", userblock_size=512) as f:
    def put(where, name, data, kind="double"):
        d = where.create_dataset(name, data=np.asarray(data).T)
        d.attrs["MATLAB_class"] = np.bytes_(kind)
        return d

    bearing = f.create_group("bearing")
    bearing.attrs["MATLAB_class"] = np.bytes_("struct")
    put(bearing, "gs", matrix)
    put(bearing, "sr", np.array([[48828]], dtype="u2"), "uint16")
    put(bearing, "rate", np.array([[25.0]]))
    put(bearing, "load", np.array([[ord(c) for c in "300"]], dtype="u2"), "char")
    put(f, "on", np.ones((1, 90), dtype="u1"), "logical")
    refs = f.create_group("#refs#")
    cell = f.create_dataset("cells", (2, 1), dtype=h5py.ref_dtype)
    cell.attrs["MATLAB_class"] = np.bytes_("cell")
    for i, size in enumerate([5, 10]):
        cell[i, 0] = put(refs, "ab"[i], np.arange(float(size))[None, :]).ref
    empty = put(f, "none", np.array([[0, 0]], dtype="u8"))
    empty.attrs["MATLAB_empty"] = np.uint8(1)
data = bytearray((here / "matlab73.mat").read_bytes())
data[:128] = b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 .".ljust(116) + bytes(8) + b"\x00\x02IM"
(here / "matlab73.mat").write_bytes(data)

# NumPy: types in both byte orders, Fortran order, format versions, an archive.
arrays = {}
for k in kinds + ["float16"]:
    values = (ramp - 3 if not k.startswith("u") else ramp).reshape(3, 4)
    arrays[f"little_{k}"] = values.astype(np.dtype(k).newbyteorder("<"))
    arrays[f"big_{k}"] = np.asfortranarray(values.astype(np.dtype(k).newbyteorder(">")))
keep("types.npz", arrays)
np.savez_compressed(here / "types.npz", **arrays)
np.savez(
    here / "records.npz",
    acceleration=np.arange(3 * 2 * 5, dtype="f4").reshape(3, 2, 5),
    record=np.arange(3),
    sample_rate=25600.0,
    flags=np.ones(100, dtype=bool),
    names=np.array(["a", "b"]),
    objects=np.array([{"a": 1}, None], dtype=object),
)
with open(here / "version2.npy", "wb") as f:
    np.lib.format.write_array(f, matrix, version=(2, 0))
(here / "expected.json").write_text(json.dumps(expected))
