# Times a training step of a small convolutional network in PyTorch: the work of bench/student-training.ts, from the same
# plan, weights and inputs.
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
from peers import measure, read_safetensors  # noqa: E402


class Student(torch.nn.Module):
    """The layers of a plan: convolutions with batch normalisation, sums, means and the dense layer."""

    def __init__(self, layers, weights):
        super().__init__()
        self.layers = layers
        self.parts = torch.nn.ModuleList([torch.nn.Identity() for _ in layers])
        for number, layer in enumerate(layers):
            if layer["kind"] == "conv":
                weight = weights[f"{layer['name']}.weight"]
                inputs = weight.shape[1] * layer["groups"]
                padding = [k // 2 for k in layer["kernel"]]
                geometry = {"stride": layer["stride"], "padding": padding, "groups": layer["groups"], "bias": False}
                conv = torch.nn.Conv2d(inputs, layer["channels"], layer["kernel"], **geometry)
                norm = torch.nn.BatchNorm2d(layer["channels"])
                with torch.no_grad():
                    conv.weight.copy_(weight)
                    norm.weight.copy_(weights[f"{layer['norm']}.weight"])
                    norm.bias.copy_(weights[f"{layer['norm']}.bias"])
                last = torch.nn.ReLU6(inplace=True) if layer["activation"] == "relu6" else torch.nn.Identity()
                self.parts[number] = torch.nn.Sequential(conv, norm, last)
            if layer["kind"] == "dense":
                weight, bias = weights[f"{layer['name']}.weight"], weights[f"{layer['name']}.bias"]
                dense = torch.nn.Linear(weight.shape[1], weight.shape[0])
                with torch.no_grad():
                    dense.weight.copy_(weight)
                    dense.bias.copy_(bias)
                self.parts[number] = dense

    def forward(self, x):
        outputs = []
        for layer, part in zip(self.layers, self.parts):
            if layer["kind"] == "input":
                outputs.append(x)
            elif layer["kind"] == "add":
                outputs.append(outputs[layer["from"][0]] + outputs[layer["from"][1]])
            elif layer["kind"] == "mean":
                outputs.append(outputs[layer["from"]].mean((2, 3)))
            else:
                outputs.append(part(outputs[layer["from"]]))
        return outputs[-1]


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    config = json.loads((folder / "config.json").read_text())
    weights = read_safetensors(folder / "weights.safetensors")
    inputs = read_safetensors(folder / "inputs.safetensors")
    labels = inputs["labels"].argmax(1)

    def trainer(last=False, compiled=False):
        layout = torch.channels_last if last else torch.contiguous_format
        model = Student(config["layers"], weights).to(memory_format=layout)
        pictures = inputs["x"].contiguous(memory_format=layout)
        optimiser = torch.optim.AdamW(
            model.parameters(),
            lr=config["learningRate"],
            betas=(config["beta1"], config["beta2"]),
            eps=config["epsilon"],
            weight_decay=config["weightDecay"],
            fused=True,
        )
        forward = torch.compile(model) if compiled else model

        def step():
            loss = F.cross_entropy(forward(pictures), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config["clipNorm"])
            optimiser.step()
            return loss.item()

        return step

    kinds = {
        "PyTorch": {},
        "PyTorch channels last": {"last": True},
        "PyTorch compiled": {"last": True, "compiled": True},
    }
    steps = {}
    for line in sys.stdin:
        request = json.loads(line)
        kind = request["kind"]
        if kind == "losses":
            step = trainer()
            answer = {"values": [step() for _ in range(request["seconds"])], "torch": torch.__version__}
        else:
            if kind not in steps:
                steps[kind] = trainer(**kinds[kind])
            answer = {"ms": measure(steps[kind], request["seconds"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
