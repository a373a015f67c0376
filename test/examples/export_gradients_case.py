"""Run by export-gradients.test.ts: a small LoRA model named as in the digits-lora set, exported; prints what went in."""
import json, os, sys
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples"))
from export_gradients import export_gradients


class LoraLinear(torch.nn.Module):
    def __init__(self, width, out, rank=4):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(out, width) / 8, requires_grad=False)
        self.lora_A = torch.nn.Parameter(torch.randn(rank, width) / 8)
        self.lora_B = torch.nn.Parameter(torch.randn(out, rank) / 8)

    def forward(self, x):
        return x @ self.weight.T + x @ self.lora_A.T @ self.lora_B.T


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([LoraLinear(64, 128), LoraLinear(128, 128), LoraLinear(128, 10)])
        self.dropout = torch.nn.Dropout(0.5)
        self.unused_lora_A = torch.nn.Parameter(torch.zeros(4, 6))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.dropout(torch.relu(layer(x)))
        return self.layers[-1](x)


torch.manual_seed(5)
torch.set_num_threads(1)
net = Net().train()
images = torch.rand(4, 64)
labels = [3, 0, 9, 3]


def loss(model, sample):
    image, label = sample
    return torch.nn.functional.cross_entropy(model(image[None]), torch.tensor([label]))


export_gradients(net, list(zip(images, labels)), loss, sys.argv[1])
parameters = {name: parameter.tolist() for name, parameter in net.named_parameters()}
print(json.dumps({"images": images.tolist(), "labels": labels, "parameters": parameters, "training": net.training}))
