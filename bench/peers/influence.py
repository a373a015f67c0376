"""HyperINF, fit and score, as a vectorised NumPy program and as a loop over samples: the peers of bench/influence.mjs.

usage: influence.py TRAIN VAL VARIANT REPEATS      (VARIANT: float64, float32 or loop)
Prints one JSON line: seconds of each repeat, from float32 arrays in memory to the last score, and the scores.
Threads: OPENBLAS_NUM_THREADS, set by the caller.
"""

import json
import struct
import sys
import time

import numpy as np


def read_store(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = np.frombuffer(file.read(), dtype=np.uint8)
    header.pop("__metadata__", None)
    layers = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        layers[name] = data[begin:end].view(np.float32).reshape(tensor["shape"]).copy()
    return layers


def vectorised(train, val, dtype):
    """One product and one solve a layer: G = X'X / n + lambda I, h = v G^-1, score = -<h, g>."""
    scores = 0.0
    for name, stored in train.items():
        g = stored.astype(dtype, copy=False)
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


def loop(train, val):
    """As published code does it: Python loops over samples, float32, NumPy products per sample."""
    n = next(iter(train.values())).shape[0]
    scores = np.zeros(n)
    for name, g in train.items():
        d = g.shape[2]
        damping = sum(np.mean(g[i] ** 2) for i in range(n)) / n / 10
        gfim = np.zeros((d, d), dtype=np.float32)
        for i in range(n):
            gfim += g[i].T @ g[i] / n
        v = np.zeros(g.shape[1:], dtype=np.float32)
        for sample in val[name]:
            v += sample / len(val[name])
        h = np.linalg.solve(gfim + damping * np.eye(d, dtype=np.float32), v.T).T
        for i in range(n):
            scores[i] -= np.sum(h * g[i])
    return scores


def main():
    train, val = read_store(sys.argv[1]), read_store(sys.argv[2])
    variant, repeats = sys.argv[3], int(sys.argv[4])
    if variant == "loop":
        program = lambda: loop(train, val)
    else:
        dtype = {"float64": np.float64, "float32": np.float32}[variant]
        program = lambda: vectorised(train, val, dtype)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        scores = program()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"numpy": np.__version__, "seconds": seconds, "scores": [float(s) for s in scores]}))


main()
