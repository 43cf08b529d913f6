# Makes the files of this folder, independently of Thrum: python make.py (PyTorch 1.12.1, which still writes both layouts).
import argparse
import json
import os
from collections import OrderedDict
from pathlib import Path

import torch

here = Path(__file__).parent
expected = {}
names = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}


def save(file, value, tensors, **options):
    torch.save(value, here / file, **options)
    expected[file] = {
        k: {"dtype": names[t.dtype], "shape": list(t.shape), "values": t.detach().double().flatten().tolist()}
        for k, t in tensors.items()
    }


base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8 - 1
tensors = {f"t_{name}": torch.arange(1, 7).reshape(2, 3).to(dtype) for dtype, name in names.items()}
tensors["t_I64"][0, 0] = -(2**40)
tensors |= {
    "transposed": base.t(),
    "column": base[:, 2],
    "rows": base[1:3],
    "expanded": base[0, :1].expand(3, 2),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
}
for file, options in [
    ("types.pt", {}),
    ("types_legacy.pt", {"_use_new_zipfile_serialization": False}),
    ("types_protocol4.pt", {"pickle_protocol": 4}),
]:
    save(file, OrderedDict(tensors), tensors, **options)

module = torch.nn.Linear(3, 2)
with torch.no_grad():
    module.weight.copy_(base[:2, :3])
    module.bias.copy_(base[3, :2])
weights = module.state_dict()
save("echo.pth", {"encoder": {f"_orig_mod.{k}": v for k, v in weights.items()}, "model_type": "tiny"}, weights)
cfg = {"model": {"embed_dim": 3, "image": {"band_width": 100, "names": ["a", "b"]}, "scale": 0.5, "none": None, "big": 2**70}}
save("fisher.pt", {"cfg": cfg, "model": weights}, weights)
args = argparse.Namespace(model="mae", lr=0.1, sizes=(1, 2), kinds={"x"})
save("namespace.pth", {"model": {f"module.{k}": torch.nn.Parameter(v) for k, v in weights.items()}, "args": args, "epoch": 3,
                       "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}}, weights)
save("bare.pt", weights, weights)


class Malicious:
    def __reduce__(self):
        return os.system, ("echo never",)


save("malicious.pt", {"model": weights, "x": Malicious()}, {})
save("malicious_legacy.pt", Malicious(), {}, _use_new_zipfile_serialization=False)
(here / "expected.json").write_text(json.dumps(expected))
