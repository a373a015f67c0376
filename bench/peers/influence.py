"""HyperINF, fit and score, as vectorised programs and as a loop over samples: the peers of bench/influence.mjs.

usage: influence.py TRAIN VAL PROGRAM DTYPE SOURCE REPEATS
  PROGRAM  numpy    X'X by one product (BLAS syrk) and np.linalg.solve (NumPy has no solve from a Cholesky factor)
           torch    X'X by one product, torch.linalg.cholesky and torch.cholesky_solve
           loop     over samples, as published code does it; two layers, its seconds scaled to all of them
  DTYPE    float32 or float64: of every product, sum and solve
  SOURCE   memory   from float32 arrays in memory
           file     from the files, each layer read into memory when its turn comes
Prints one JSON line: seconds of each repeat, to the last score, and the scores.
Threads: OPENBLAS_NUM_THREADS and OMP_NUM_THREADS, set by the caller.
"""

import json
import struct
import sys
import time

import numpy as np


class Store:
    """A float32 safetensors file as arrays [samples, r, d] by name, in memory or read when asked for."""

    def __init__(self, path, source):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        self.path, self.data, self.tensors = path, 8 + length, header
        self.held = {name: self.read(name) for name in header} if source == "memory" else {}

    def read(self, name):
        begin, end = self.tensors[name]["data_offsets"]
        flat = np.fromfile(self.path, np.float32, (end - begin) // 4, offset=self.data + begin)
        return flat.reshape(self.tensors[name]["shape"])

    def __getitem__(self, name):
        return self.held[name] if name in self.held else self.read(name)


def with_numpy(train, val, dtype):
    """One product and one solve a layer: G = X'X / n + lambda I, h = v G^-1, score = -<h, g>."""
    scores = 0.0
    for name in train.tensors:
        g = train[name].astype(dtype, copy=False)
        n, r, d = g.shape
        x = g.reshape(n * r, d)
        flat = g.ravel()
        damping = np.dot(flat, flat) / flat.size / 10
        gfim = x.T @ x
        gfim /= n
        gfim.flat[:: d + 1] += damping
        v = val[name].mean(axis=0, dtype=dtype)
        h = np.linalg.solve(gfim, v.T).T
        scores = scores - g.reshape(n, r * d) @ np.ascontiguousarray(h).ravel()
    return scores


def with_torch(train, val, dtype):
    import torch

    dtype = getattr(torch, np.dtype(dtype).name)
    scores = 0.0
    for name in train.tensors:
        g = torch.from_numpy(train[name]).to(dtype)
        n, r, d = g.shape
        x = g.view(n * r, d)
        flat = g.view(-1)
        damping = torch.dot(flat, flat) / flat.numel() / 10
        gfim = x.T @ x
        gfim /= n
        gfim.diagonal().add_(damping)
        v = torch.from_numpy(val[name]).mean(dim=0, dtype=dtype)
        h = torch.cholesky_solve(v.T, torch.linalg.cholesky(gfim)).T.contiguous()
        scores = scores - g.view(n, r * d) @ h.view(-1)
    return scores.numpy()


def loop(train, val, names):
    """Python loops over samples, float32, NumPy products per sample."""
    scores = 0.0
    for name in names:
        g = train[name]
        n, _, d = g.shape
        damping = sum(np.mean(g[i] ** 2) for i in range(n)) / n / 10
        gfim = np.zeros((d, d), dtype=np.float32)
        for i in range(n):
            gfim += g[i].T @ g[i] / n
        v = np.zeros(g.shape[1:], dtype=np.float32)
        queries = val[name]
        for sample in queries:
            v += sample / len(queries)
        h = np.linalg.solve(gfim + damping * np.eye(d, dtype=np.float32), v.T).T
        scores = scores - np.array([np.sum(h * g[i]) for i in range(n)])
    return scores


def main():
    train_path, val_path, program, dtype, source, repeats = sys.argv[1:]
    train, val = Store(train_path, source), Store(val_path, source)
    names = list(train.tensors)[:2] if program == "loop" else list(train.tensors)
    run = {
        "numpy": lambda: with_numpy(train, val, np.dtype(dtype)),
        "torch": lambda: with_torch(train, val, np.dtype(dtype)),
        "loop": lambda: loop(train, val, names),
    }[program]
    seconds = []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        scores = run()
        seconds.append((time.perf_counter() - start) * len(train.tensors) / len(names))
    print(json.dumps({"seconds": seconds, "scores": [float(s) for s in scores]}))


main()
