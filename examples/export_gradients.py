"""Per-sample LoRA gradients of a PyTorch model, as a store that `gradsift influence` reads. Needs torch, nothing else.

    export_gradients(model, samples, loss, "train.safetensors")   # loss(model, sample) -> scalar tensor of one sample

Takes every trainable parameter whose name has lora_A or lora_B in it, as in peft. One tensor [samples, rank, width] per
parameter: lora_A as it is, lora_B transposed. Gradients go to disk one sample at a time, whatever the size of the store.
Run as a program, it writes the gradients of a small LoRA model: python3 export_gradients.py digits.csv train.safetensors
"""
import json, math, os, re, struct, sys
import torch


def as_rows(name, gradient):
    """[rank, width]: convolution kernels flattened, lora_B [out, rank] transposed."""
    matrix = gradient.detach().to("cpu", torch.float32).flatten(1)
    return (matrix.T if re.search(r"lora_(embedding_)?B", name) else matrix).contiguous().numpy()


def export_gradients(model, samples, loss, path):
    lora = {n: p for n, p in model.named_parameters() if p.requires_grad and re.search(r"lora_(embedding_)?[AB]", n)}
    assert lora, "model: expected trainable parameters named lora_A or lora_B, got none"
    header, start, end = {"__metadata__": {"lora_B": "transposed: rank x out", "samples": str(len(samples))}}, {}, 0
    for name, parameter in lora.items():
        start[name], shape = end, as_rows(name, parameter).shape
        end += len(samples) * math.prod(shape) * 4
        header[name] = {"dtype": "F32", "shape": [len(samples), *shape], "data_offsets": [start[name], end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the data starts at a multiple of 8 bytes
    training, partial = model.training, f"{path}.partial"
    model.eval()  # no dropout: it would add noise to every gradient
    try:
        with open(partial, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + end)
            for i, sample in enumerate(samples):
                gradients = torch.autograd.grad(loss(model, sample), list(lora.values()), allow_unused=True)
                for (name, parameter), gradient in zip(lora.items(), gradients):
                    rows = as_rows(name, torch.zeros_like(parameter) if gradient is None else gradient)
                    file.seek(8 + len(text) + start[name] + i * rows.nbytes)
                    file.write(rows.astype("<f4").tobytes())
        os.replace(partial, path)  # a run that stops early leaves no store that looks complete
    finally:
        model.train(training)
        if os.path.exists(partial):
            os.remove(partial)


if __name__ == "__main__":
    class LoraLinear(torch.nn.Linear):
        def __init__(self, width, out, rank=4):
            super().__init__(width, out)
            self.lora_A = torch.nn.Parameter(torch.randn(rank, width) / width**0.5)
            self.lora_B = torch.nn.Parameter(torch.randn(out, rank) / rank**0.5)
        def forward(self, x):
            return super().forward(x) + x @ self.lora_A.T @ self.lora_B.T
    digits = [[float(value) for value in line.split(",")] for line in open(sys.argv[1])]
    net = torch.nn.Sequential(LoraLinear(64, 128), torch.nn.ReLU(), LoraLinear(128, 10))
    export_gradients(net, digits[:100], lambda model, row: torch.nn.functional.cross_entropy(
        model(torch.tensor([row[:64]]) / 16), torch.tensor([int(row[64])])), sys.argv[2])
