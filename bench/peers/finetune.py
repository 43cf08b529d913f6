# Times a step of fine-tuning HuBERT-base in PyTorch: the work of bench/finetune.ts, from the same weights and inputs.
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
from peers import measure, read_safetensors  # noqa: E402

STRIDES = [5, 2, 2, 2, 2, 2, 2]


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    inputs = read_safetensors(folder / "inputs.safetensors")
    weights = read_safetensors(folder / "weights.safetensors")
    running = {name: value for name, value in weights.items() if "running_" in name}
    parameters = {n: torch.nn.Parameter(v) for n, v in weights.items() if n not in running}
    trunk = lambda name: parameters[f"trunk.{name}"]  # noqa: E731
    linear = lambda x, name: F.linear(x, trunk(f"{name}.weight"), trunk(f"{name}.bias"))  # noqa: E731
    optimiser = torch.optim.AdamW(parameters.values(), lr=1e-6, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-4, fused=True)
    samples = inputs["samples"].reshape(len(inputs["labels"]), 1, -1)
    labels = inputs["labels"].argmax(1)
    depth = sum(1 for n in parameters if n.endswith("attention.q_proj.weight"))

    def norm(x, name, eps=1e-5):
        weight = trunk(f"{name}.weight")
        return F.layer_norm(x, weight.shape, weight, trunk(f"{name}.bias"), eps)

    def loss_of():
        x = samples
        for i, stride in enumerate(STRIDES):
            x = F.conv1d(x, trunk(f"feature_extractor.conv_layers.{i}.conv.weight"), None, stride)
            if i == 0:
                name = "feature_extractor.conv_layers.0.layer_norm"
                x = F.group_norm(x, x.shape[1], trunk(f"{name}.weight"), trunk(f"{name}.bias"))
            x = F.gelu(x)
        x = linear(norm(x.transpose(1, 2), "feature_projection.layer_norm"), "feature_projection.projection")
        conv = "encoder.pos_conv_embed.conv"
        v = trunk(f"{conv}.weight_v")
        kernel = trunk(f"{conv}.weight_g") * v / v.norm(dim=(0, 1), keepdim=True)
        near = F.conv1d(x.transpose(1, 2), kernel, trunk(f"{conv}.bias"), padding=64, groups=16)[:, :, :-1]
        x = norm(x + F.gelu(near).transpose(1, 2), "encoder.layer_norm")
        states = [x]
        n, length, width = x.shape
        for i in range(depth):
            block = f"encoder.layers.{i}"
            q, k, v = (
                linear(x, f"{block}.attention.{part}_proj").view(n, length, width // 64, 64).transpose(1, 2)
                for part in "qkv"
            )
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, width)
            x = norm(x + linear(mixed, f"{block}.attention.out_proj"), f"{block}.layer_norm")
            hidden = F.gelu(linear(x, f"{block}.feed_forward.intermediate_dense"))
            x = norm(x + linear(hidden, f"{block}.feed_forward.output_dense"), f"{block}.final_layer_norm")
            states.append(x)
        shares = torch.softmax(parameters["head.mix"], 0)
        pooled = sum(share * state for share, state in zip(shares, states)).mean(1)
        mean, variance = pooled.mean(0), pooled.var(0, unbiased=False)
        normal = (pooled - mean) / torch.sqrt(variance + 1e-5) * parameters["head.norm.weight"] + parameters["head.norm.bias"]
        embedding = F.linear(normal, parameters["head.projection.weight"], parameters["head.projection.bias"])
        cosine = F.normalize(embedding) @ F.normalize(parameters["head.classes.weight"]).T
        angle = torch.acos(cosine.clamp(-1 + 1e-7, 1 - 1e-7)) + 0.2
        logits = torch.where(F.one_hot(labels, cosine.shape[1]).bool(), torch.cos(angle), cosine)
        return F.cross_entropy(30 * logits, labels)

    def step():
        value = loss_of()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 5.0)
        optimiser.step()

    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "loss":
            answer = {"values": [loss_of().item()], "torch": torch.__version__}
        else:
            answer = {"ms": measure(step, request["seconds"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
