# Times a step of ECHO's self-distillation in PyTorch: the work of bench/training.ts, from the same weights and inputs.
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
from peers import read_safetensors  # noqa: E402


class Encoder(torch.nn.Module):
    """ECHO with the feed-forward output of every block at hand (post-norm, exact GELU)."""

    def __init__(self, config):
        super().__init__()
        width, self.depth, self.heads = config["width"], config["depth"], config["heads"]
        layer = torch.nn.TransformerEncoderLayer(
            width, self.heads, 4 * width, activation="gelu", batch_first=True, layer_norm_eps=1e-6, dropout=0.0
        )
        self.encoder = torch.nn.TransformerEncoder(layer, self.depth, enable_nested_tensor=False)
        self.norm = torch.nn.LayerNorm(width, eps=1e-6)
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.patch_embed = torch.nn.Module()
        self.patch_embed.proj = torch.nn.Conv2d(1, width, (config["bandBins"], config["patchFrames"]))

    def tokens(self, patches, positions):
        return F.linear(patches, self.patch_embed.proj.weight.flatten(1), self.patch_embed.proj.bias) + positions

    def blocks(self, tokens, band_positions):
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], 1) + band_positions
        inner = []
        for layer in self.encoder.layers:
            n, length, width = x.shape
            qkv = F.linear(x, layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias)
            q, k, v = (t.view(n, length, self.heads, -1).transpose(1, 2) for t in qkv.chunk(3, -1))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width)
            x = layer.norm1(x + layer.self_attn.out_proj(mixed))
            fed = layer.linear2(F.gelu(layer.linear1(x)))
            inner.append(fed)
            x = layer.norm2(x + fed)
        return self.norm(x), inner


class Decoder(torch.nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.blocks = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Conv2d(width, width, (3, 1), padding=(1, 0), groups=16)) for _ in range(layers)
        )
        self.proj = torch.nn.Linear(width, width)

    def forward(self, x):
        grid = x.transpose(1, 2).unsqueeze(-1)
        for block in self.blocks:
            mixed = block(grid).permute(0, 2, 3, 1)
            mixed = F.layer_norm(mixed, mixed.shape[-1:], eps=1e-5)
            grid = grid + F.gelu(mixed).permute(0, 3, 1, 2)
        return self.proj(grid.squeeze(-1).transpose(1, 2))


def targets_of(inner):
    layers = []
    for layer in inner:
        tokens = layer[:, 1:]
        mean = tokens.mean(1, keepdim=True)
        variance = tokens.var(1, unbiased=False, keepdim=True)
        layers.append((tokens - mean) / torch.sqrt(variance + 1e-5))
    mean = torch.stack(layers).mean(0)
    return F.layer_norm(mean, mean.shape[-1:], eps=1e-5)


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    config = json.loads((folder / "config.json").read_text())
    shape = config["shape"]
    inputs = read_safetensors(folder / "inputs.safetensors")
    indices = {name: torch.from_numpy(np.array(config["indices"][name])) for name in config["indices"]}
    weights = read_safetensors(folder / "weights.safetensors")
    student, teacher = Encoder(config), Encoder(config)
    decoder = Decoder(config["width"], config["decoderLayers"])
    own = {name: value for name, value in weights.items() if not name.startswith("decoder.")}
    student.load_state_dict(own)
    teacher.load_state_dict(own)
    decoder.load_state_dict({n.removeprefix("decoder."): v for n, v in weights.items() if n.startswith("decoder.")})
    parameters = [*student.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-5, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.05, fused=True)
    width, length, kept = config["width"], shape["rows"], shape["kept"]
    students = shape["sequences"] * shape["clones"]

    def loss_of():
        with torch.no_grad():
            _, inner = teacher.blocks(teacher.tokens(inputs["patches"], inputs["positions"]), inputs["bandPositions"])
            targets = targets_of(inner)
        tokens = student.tokens(inputs["patches"], inputs["positions"]).flatten(0, 1)
        chosen = tokens[indices["visible"]].view(students, kept, width)
        output, _ = student.blocks(chosen, inputs["bandPositions"][indices["rows"]])
        grid = inputs["noise"].index_copy(0, indices["places"], output[:, 1:].reshape(-1, width))
        prediction = decoder(grid.view(students, length, width)).flatten(0, 1)
        wanted = targets.flatten(0, 1)[indices["maskedTargets"]]
        frame = ((prediction[indices["masked"]] - wanted) ** 2).sum(-1).mean() / width**0.5
        utterance = ((output[:, 0] - targets.mean(1)[indices["rows"]]) ** 2).sum(-1).mean() / width**0.5
        return frame + utterance

    compiled = None

    def step(loss):
        value = loss()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(teacher.parameters()), list(student.parameters()), 0.01)

    for line in sys.stdin:
        kind = json.loads(line)["kind"]
        if kind == "loss":
            answer = {"values": [float(loss_of())], "torch": torch.__version__}
        else:
            if kind == "compiled" and compiled is None:
                compiled = torch.compile(loss_of)
            start = time.perf_counter()
            step(compiled if kind == "compiled" else loss_of)
            answer = {"ms": 1000 * (time.perf_counter() - start)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
