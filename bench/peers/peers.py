# Times PyTorch and faiss on the work of bench/peers.ts. Reads its inputs from a folder, answers one JSON line per request.
import json
import sys
import time
from pathlib import Path

import faiss
import numpy as np
import torch

torch.backends.mha.set_fastpath_enabled(True)


def read_safetensors(path):
    raw = Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        data = np.frombuffer(raw, dtype="<f4", count=(end - start) // 4, offset=8 + length + start)
        tensors[name] = torch.from_numpy(data.copy()).reshape(entry["shape"])
    return tensors


class Echo(torch.nn.Module):
    """ECHO as released: torch's own TransformerEncoder (post-norm, exact GELU), CLS and positions, final norm."""

    def __init__(self, width, depth, heads, weights):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(
            width, heads, 4 * width, activation="gelu", batch_first=True, layer_norm_eps=1e-6
        )
        self.encoder = torch.nn.TransformerEncoder(layer, depth)
        self.norm = torch.nn.LayerNorm(width, eps=1e-6)
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.patch_embed = torch.nn.Module()
        self.patch_embed.proj = torch.nn.Conv2d(1, width, (32, 16), (32, 16))
        self.load_state_dict(weights, strict=True)

    def forward(self, bands, positions, band_positions):
        tokens = self.patch_embed.proj(bands[:, None]).flatten(2).transpose(1, 2) + positions
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], 1) + band_positions
        return self.norm(self.encoder(tokens))[:, 0]


def measure(work, seconds):
    work()
    work()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def main():
    folder = Path(sys.argv[1])
    threads = int(sys.argv[2])
    torch.set_num_threads(threads)
    faiss.omp_set_num_threads(threads)
    config = json.loads((folder / "config.json").read_text())
    model = Echo(config["width"], config["depth"], config["heads"], read_safetensors(folder / "weights.safetensors")).eval()
    inputs = read_safetensors(folder / "inputs.safetensors")
    arguments = (inputs["bands"], inputs["positions"], inputs["bandPositions"])
    signal = inputs["signal"]
    window = torch.hann_window(400, periodic=True)
    index = None

    def encode():
        with torch.inference_mode():
            return model(*arguments)

    def front_end():
        with torch.inference_mode():
            centred = signal - signal.mean()
            spectrum = torch.stft(centred, 400, 160, 400, window, center=False, return_complex=True).abs()
            return (torch.log(spectrum + 1e-9) + 5.874158) / (2 * 5.223174)

    compiled = None
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["kind"]
        answer = {}
        if kind == "versions":
            answer = {"torch": torch.__version__, "faiss": faiss.__version__, "threads": torch.get_num_threads()}
        elif kind == "encoder":
            answer = {"ms": measure(encode, request["seconds"])}
        elif kind == "compiled":
            if compiled is None:
                compiled = torch.compile(model)

            def encode_compiled():
                with torch.inference_mode():
                    return compiled(*arguments)

            answer = {"ms": measure(encode_compiled, request["seconds"])}
        elif kind == "frontEnd":
            answer = {"ms": measure(front_end, request["seconds"])}
        elif kind == "embedding":
            answer = {"values": encode().flatten().tolist()}
        elif kind == "knn":
            if index is None:
                bank = inputs["bank"].numpy()
                index = faiss.IndexFlatL2(bank.shape[1])
                index.add(bank)
            queries = inputs["queries"].numpy()
            answer = {"ms": measure(lambda: index.search(queries, 5), request["seconds"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
