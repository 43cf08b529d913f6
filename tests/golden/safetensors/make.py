# Makes types.safetensors with the reference implementation: python make.py (numpy, safetensors).
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

values = np.arange(1, 7).reshape(2, 3)
kinds = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"]
tensors = {f"x_{kind}": values.astype(kind) for kind in kinds}
tensors["scalar"] = np.array(2.5, dtype="float32")
tensors["empty"] = np.zeros((0, 3), dtype="float32")
save_file(tensors, Path(__file__).parent / "types.safetensors", metadata={"format": "np", "note": "Grüße"})
