"""Training steps of a GPT by PyTorch: the peer of bench/training-gpt.mjs.

usage: gpt.py THREADS      Answers each line "VOCAB CONTEXT LAYERS HEADS WIDTH SAMPLES" of its input with one JSON line:
the seconds of one training step. The model is that of gpt() in gradsift/tfjs: pre-norm, GELU, learned positions, causal
attention, tied embeddings, AdamW; it is made once for each line that differs from the last.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        samples, length, width = x.shape
        shape = (samples, length, self.heads, width // self.heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(width, 2))
        scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5
        attended = torch.softmax(scores + mask, -1) @ v
        x = x + self.out(attended.transpose(1, 2).reshape(samples, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, vocab, context, layers, heads, width):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.mask = torch.full((context, context), float("-inf")).triu(1)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight
        for block in self.blocks:
            x = block(x, self.mask)
        return self.norm(x) @ self.tokens.weight.T


def prepare(vocab, context, layers, heads, width, samples):
    torch.manual_seed(1)
    model = Gpt(vocab, context, layers, heads, width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    inputs, targets = torch.randint(0, vocab, (2, samples, context))

    def step():
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs).view(-1, vocab), targets.view(-1))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def main():
    torch.set_num_threads(int(sys.argv[1]))
    last, run = None, None
    for line in sys.stdin:
        if line != last:
            last, run = line, prepare(*map(int, line.split()))
            run()
        start = time.perf_counter()
        run()
        print(json.dumps({"torch": torch.__version__, "seconds": time.perf_counter() - start}), flush=True)


main()
